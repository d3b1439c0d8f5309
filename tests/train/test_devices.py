"""Who takes part in training, and where batches lie."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import cast

import jax
import numpy as np
import pytest
from jax.experimental import multihost_utils

from pixel_linguist.inference import Embedder
from pixel_linguist.train import hosts as devices
from pixel_linguist.train.hosts import (
    Backend,
    join_hosts,
    parse_hosts,
    place,
    shared_by_hosts,
)


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
def test_placing_keeps_the_rows_in_order(backend: Backend) -> None:
    batch = {"group": np.arange(8), "view": {"patches": np.arange(24).reshape(8, 3)}}
    placed = place(batch, backend)
    whole = jax.tree.map(lambda x, y: np.asarray(x).reshape(y.shape), placed, batch)
    jax.tree.map(np.testing.assert_array_equal, whole, batch)
    if backend == "shard_map":
        assert len(placed["group"].sharding.device_set) == 4


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7])
def test_each_host_embeds_its_share_of_texts(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    hosts, shares = 3, dict[int, np.ndarray]()

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32).reshape(-1, 2)

    def gather(share: np.ndarray) -> np.ndarray:
        shares[jax.process_index()] = share
        return np.stack([shares.get(host, share) for host in range(hosts)])

    texts = [chr(ord("a") + i) * (i + 1) for i in range(number)]
    monkeypatch.setattr(jax, "process_count", lambda: hosts)
    monkeypatch.setattr(multihost_utils, "process_allgather", gather)
    # In the second round all hosts' shares are there.
    for host in [*range(hosts)] * 2:
        monkeypatch.setattr(jax, "process_index", lambda host=host: host)
        found = shared_by_hosts(cast(Embedder, embed))(texts)
        if len(shares) == hosts:
            np.testing.assert_array_equal(found, embed(texts))
    assert {len(share) for share in shares.values()} == {-(-number // hosts)}


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Return the arguments of calls of `jax.distributed.initialize`, which does nothing."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda *given, **_: calls.append(given))
    for name in (devices.ADDRESS, devices.COUNT, devices.NUMBER):
        monkeypatch.delenv(name, raising=False)
    return calls


def test_hosts_are_said_by_the_flag_by_the_environment_or_by_the_cluster(
    joined: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    join_hosts("10.0.0.2:1234,4,3")
    join_hosts("auto")
    monkeypatch.setenv(devices.ADDRESS, "host:99")
    monkeypatch.setenv(devices.COUNT, "2")
    monkeypatch.setenv(devices.NUMBER, "0")
    join_hosts("auto")
    assert joined == [("10.0.0.2:1234", 4, 3), (), ("host:99", 2, 0)]


@pytest.mark.parametrize("hosts", ["", "host:1", "host,2,0", "host:1,2,2", "host:1,a,0"])
def test_hosts_that_cannot_be_read_are_refused(hosts: str) -> None:
    with pytest.raises(ValueError, match=r"--hosts says .* ADDRESS:PORT,PROCESSES,RANK"):
        parse_hosts(hosts, "--hosts")


def test_what_the_environment_lacks_is_named(
    joined: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(devices.ADDRESS, "host:99")
    with pytest.raises(ValueError, match=r"the environment .*JAX_NUM_PROCESSES.* says 'host:99,,'"):
        join_hosts("auto")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hosts", "tasks", "devices"),
    [("auto", "1(x4)", "all"), ("auto", "8(x4)", "3"), ("localhost:23456,1,0", "8(x4)", "all")],
)
def test_a_task_of_slurm_has_all_devices_of_its_host_if_it_is_alone_there(
    hosts: str, tasks: str, devices: str
) -> None:
    # A job of one task says that it is of so many, so that nothing waits for the others.
    slurm = {
        "SLURM_JOB_ID": "1",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_NTASKS": "1",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "3",
        "SLURM_STEP_NUM_NODES": "4",
        "SLURM_STEP_TASKS_PER_NODE": tasks,
    }
    code = (
        "import jax; from pixel_linguist.train.hosts import join_hosts; "
        f"join_hosts({hosts!r}); print(jax.config.values['jax_cuda_visible_devices'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | slurm, capture_output=True, text=True
    )
    assert done.stdout.split() == [devices], done.stderr


def test_without_a_cluster_auto_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", fails)
    monkeypatch.delenv(devices.ADDRESS, raising=False)
    with pytest.raises(ValueError, match=r"found no cluster here .*JAX_COORDINATOR_ADDRESS"):
        join_hosts("auto")
