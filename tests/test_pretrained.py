"""Models by name: a folder, else one that comes with the package."""

from pathlib import Path

import pytest
from safetensors.numpy import load_file

from pixel_linguist import pretrained
from pixel_linguist.model.card import model_card
from pixel_linguist.model.store import load_model


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of shipped models with two in it, and something else."""
    for name in ("tiny", "large"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path)
    return tmp_path


def test_names_are_those_of_folders_with_a_model(shipped: Path) -> None:
    assert pretrained.shipped_models() == ["large", "tiny"]
    assert pretrained.find_model("tiny") == shipped / "tiny"


def test_a_folder_goes_first(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pretrained.find_model("tiny") == Path("tiny")
    assert pretrained.find_model(tmp_path) == tmp_path


def test_an_unknown_name_is_answered_with_those_there_are(shipped: Path) -> None:
    with pytest.raises(FileNotFoundError, match="large, tiny"):
        pretrained.find_model("tinny")


def test_a_name_may_ask_for_a_revision(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "REVISIONS", {"tiny": 2})
    assert pretrained.find_model("tiny@2") == pretrained.find_model("tiny") == shipped / "tiny"
    assert pretrained.find_model("large@1") == shipped / "large"
    for other in ("tiny@1", "tiny@", "tiny@two"):
        with pytest.raises(FileNotFoundError, match="revision 2"):
            pretrained.find_model(other)


@pytest.mark.parametrize("name", pretrained.shipped_models())
def test_a_card_says_what_the_config_says(name: str) -> None:
    folder = pretrained.SHIPPED / name
    model = load_model(folder)
    types = {array.dtype.name for array in load_file(folder / "weights.safetensors").values()}
    card = model_card(model.config, *model[1:], "int8" if "int8" in types else "float16")
    assert (folder / "README.md").read_text() == card
    assert model.about.startswith(f"`{name}`") and model.languages
    assert (folder / "weights.safetensors").stat().st_size < 12.5e6
