"""Encoders in other processes and threads: pickled, spawned, forked."""

import concurrent.futures
import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.model.store import Model

TEXTS = ["one text", "another", ""]


@pytest.fixture(scope="module")
def encoder(tiny_model: Callable[..., Model]) -> SentenceEncoder:
    return SentenceEncoder(tiny_model(max_patches=8, depth=1))


def test_a_pickled_encoder_gives_the_same_vectors(encoder: SentenceEncoder) -> None:
    expected = encoder.encode(TEXTS, batch_size=8)
    copy = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(copy.encode(TEXTS, batch_size=8), expected)
    tiny = pickle.loads(pickle.dumps(SentenceEncoder.load("tiny")))
    assert tiny.encode(["a text"]).shape == (1, tiny.dimension)


def test_threads_share_an_encoder(encoder: SentenceEncoder) -> None:
    expected = encoder.encode(TEXTS)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: encoder.encode(TEXTS), range(8)):
            np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_fork_after_use_is_refused_instead_of_hanging(encoder: SentenceEncoder) -> None:
    encoder.encode(TEXTS)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            encoder.encode(TEXTS)
            message = "answered"
        except RuntimeError as error:
            message = str(error)
        os.write(writer, message.encode())
        os._exit(0)
    os.close(writer)
    assert "spawn" in os.read(reader, 10_000).decode()
    os.waitpid(child, 0)
    # This process goes on.
    encoder.encode(TEXTS)


@pytest.mark.slow
def test_a_spawned_pool_shares_the_work(encoder: SentenceEncoder, tmp_path: Path) -> None:
    encoder.save(tmp_path)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(SentenceEncoder.load(tmp_path).encode, [TEXTS, TEXTS[:1]])
    np.testing.assert_allclose(found[0], encoder.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(found[1], found[0][:1], atol=1e-6)
