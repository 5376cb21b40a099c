"""Weights: the default model's are checked before they are used."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from kb.embedding import weights
from kb.errors import ModelError

MODEL = "sentence-transformers/all-MiniLM-L6-v2"


def test_the_packaged_weights_are_the_published_ones() -> None:
    folder, checked = weights.locate(MODEL)
    assert checked == weights.file_sha256(Path(folder) / "model.safetensors")
    assert checked.startswith("53aa51172d142c89")


def test_weights_that_were_changed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(weights.locate(MODEL)[0], tmp_path / "model")
    with (tmp_path / "model" / "model.safetensors").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"changed")
    monkeypatch.setattr(weights, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[str(tmp_path)]))
    with pytest.raises(ModelError, match="not the published ones"):
        weights.locate(MODEL)


def test_a_package_that_was_damaged_says_to_reinstall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[str(tmp_path)]))
    with pytest.raises(ModelError, match="Reinstall"):
        weights.locate(MODEL)


def test_a_model_of_the_hub_is_named_and_not_checked() -> None:
    assert weights.locate("someone/some-model") == ("someone/some-model", None)
