"""The reference's own numbers, tensor by tensor."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.parity import LIMIT, compare, encoder_pairs, loss_pairs

ROOT = Path(__file__).parents[2]


def test_embeddings_and_losses_are_the_reference_s(shared: Path) -> None:
    folder = shared / "fixtures"
    for pair in (*encoder_pairs(folder / "pixel_tiny_a"), *loss_pairs(folder / "loss.npz")):
        np.testing.assert_allclose(pair.ours, pair.theirs, atol=LIMIT, rtol=0, err_msg=pair.name)


@pytest.mark.slow
def test_every_tensor_is_the_reference_s_and_in_the_table(shared: Path) -> None:
    rows = compare(shared / "fixtures")
    far = [row for row in rows if not row.largest <= LIMIT]
    assert not far
    table = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8").splitlines()
    documented = [line.split(" | ")[0].removeprefix("| ") for line in table if line[:2] == "| "]
    assert documented == ["tensor", *(row.name for row in rows)], "make docs/parity.md again"
