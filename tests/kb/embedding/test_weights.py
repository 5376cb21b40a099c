"""Weights: the default model's are checked before they are used."""

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_without_the_package_the_model_is_left_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weights.PACKAGED, MODEL, ("no_package_of_this_name", "0" * 64))
    assert weights.locate(MODEL) == (MODEL, None)


def test_the_refusal_tells_which_weights_were_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(weights, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[str(tmp_path)]))
    with pytest.raises(ModelError) as refused:
        weights.locate(MODEL)
    assert refused.value.value == f"sha256 {hashlib.sha256(b'other weights').hexdigest()}"


@settings(deadline=None)
@given(content=st.binary(max_size=2_000), place=st.integers(0, 1_999))
def test_a_file_with_one_byte_changed_has_another_digest(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, place: int
) -> None:
    folder = tmp_path_factory.mktemp("weights")
    changed = bytearray(content or b"\0")
    changed[place % len(changed)] ^= 1
    (folder / "one").write_bytes(content)
    (folder / "other").write_bytes(changed)
    assert weights.file_sha256(folder / "one") == hashlib.sha256(content).hexdigest()
    assert weights.file_sha256(folder / "other") != hashlib.sha256(content).hexdigest()
