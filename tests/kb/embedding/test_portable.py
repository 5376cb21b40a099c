"""Packing an embedding model for the page."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kb import embedding
from kb.embedding import portable
from kb.embedding.loading import load_model
from kb.settings import Settings
from tests.conftest import SMALL, change

SmallModel = Callable[..., str]


def pack(folder: str, **told: object) -> portable.Portable | None:
    return portable.pack(Settings(home=Path(), store_uri="", model=folder, **told))  # type: ignore[arg-type]


def test_a_packed_model_has_the_key_of_its_vectors_in_full_precision(small_model: SmallModel) -> None:
    folder = small_model()
    packed = pack(folder)
    assert packed is not None
    key = embedding.load(folder, device="cpu").key
    assert packed.key == key
    assert packed.serves(key)
    assert packed.serves(f"{key}+int8")
    assert not packed.serves("another/model@0123456789ab")


def test_the_weights_are_the_models_own_in_half_precision(small_model: SmallModel) -> None:
    folder = small_model()
    packed = pack(folder)
    assert packed is not None
    held = {name: tensor.numpy() for name, tensor in load_model(folder)[0][0].auto_model.state_dict().items()}
    weights = np.frombuffer(packed.weights, "<f2")
    words = held["embeddings.word_embeddings.weight"]
    assert weights[: words.size].reshape(words.shape) == pytest.approx(words, abs=1e-3)
    last = held["encoder.layer.1.output.LayerNorm.bias"]
    assert weights[-last.size :] == pytest.approx(last, abs=1e-3)
    width, inner = SMALL["hidden_size"], SMALL["intermediate_size"]
    layer = 4 * width * width + 2 * width * inner + inner + 9 * width
    assert weights.size == words.size + 256 * width + 2 * width + 2 * layer


def test_the_page_is_told_what_the_settings_say(small_model: SmallModel) -> None:
    folder = small_model(pooling="cls", prompts={"query": "find: "})
    plain, set_up = pack(folder), pack(folder, max_tokens=64, dimensions=8, prompts={"query": "q: "})
    assert plain is not None and set_up is not None
    assert (plain.told["pooling"], plain.told["prompt"], plain.told["dimensions"]) == ("cls", "find: ", 32)
    assert (set_up.told["positions"], set_up.told["prompt"], set_up.told["dimensions"]) == (64, "q: ", 8)
    assert (plain.told["begin"], plain.told["end"]) == (101, 102)
    assert plain.name != set_up.name


@pytest.mark.parametrize(
    ("file", "told"),
    [("config.json", {"hidden_act": "relu"}), ("config.json", {"model_type": "mpnet"}), ("1_Pooling/config.json", "max")],
)
def test_a_model_that_the_page_cannot_run_is_not_packed(small_model: SmallModel, file: str, told: object) -> None:
    folder = small_model()
    pooled = {"pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True}
    change(Path(folder) / file, pooled if told == "max" else told)  # type: ignore[arg-type]
    assert pack(folder) is None


def test_a_model_without_an_uncased_tokenizer_is_not_packed(small_model: SmallModel) -> None:
    folder = small_model()
    path = Path(folder) / "tokenizer.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    change(path, {"normalizer": {**told["normalizer"], "lowercase": False}})
    assert pack(folder) is None


def test_weights_beyond_half_precision_are_not_packed(small_model: SmallModel) -> None:
    import torch
    from transformers import BertModel

    folder = small_model()
    model = BertModel.from_pretrained(folder)
    with torch.no_grad():
        model.encoder.layer[0].output.dense.weight[0, 0] = 1e6
    model.save_pretrained(folder)
    assert pack(folder) is None


def test_a_kept_model_is_the_same_and_a_broken_file_is_none(small_model: SmallModel, tmp_path: Path) -> None:
    packed = pack(small_model())
    assert packed is not None
    packed.save(tmp_path / "cache" / "model.npz")
    kept = portable.load(tmp_path / "cache" / "model.npz")
    assert kept is not None
    assert (kept.name, kept.key, kept.told, kept.weights) == (packed.name, packed.key, packed.told, packed.weights)
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    assert portable.load(tmp_path / "broken.npz") is None
    assert portable.load(tmp_path / "none.npz") is None


def test_shards_are_the_weights_in_order(small_model: SmallModel) -> None:
    packed = pack(small_model())
    assert packed is not None
    shards = list(packed.shards())
    assert b"".join(shards) == packed.weights
    assert len(shards) == -(-len(packed.weights) // portable.SHARD_BYTES) > 1
