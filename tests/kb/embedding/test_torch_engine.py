"""The torch engine, with the real model: the vectors that everybody else gets from it, in the order of the texts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from kb import embedding
from kb.embedding.torch_engine import TorchEncoder
from kb.embedding.weights import PACKAGED, locate
from kb.errors import ModelError

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
TEXTS = [
    "Short.", "A study of made-up socks and how they pair. " * 30, "Badgers at night.", "שלום עולם 🧠", "A middling text. " * 8,
    "Training with less memory.", "x " * 2_000, "Kettles.",
]  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> TorchEncoder:
    loaded = embedding.load(MODEL)
    assert isinstance(loaded, TorchEncoder)
    return loaded


@pytest.fixture(scope="module")
def vectors(encoder: TorchEncoder) -> embedding.Vectors:
    return encoder.encode(TEXTS)


def test_vectors_have_unit_length(vectors: embedding.Vectors) -> None:
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-3)


def test_vectors_come_in_the_order_of_the_texts(encoder: TorchEncoder, vectors: embedding.Vectors) -> None:
    for number, text in enumerate(TEXTS):
        assert float(encoder.encode([text])[0] @ vectors[number]) > 0.999


def test_they_agree_with_sentence_transformers_in_full_precision(vectors: embedding.Vectors) -> None:
    peer = SentenceTransformer(str(locate(MODEL)[0]), device="cpu")
    peer.max_seq_length = 256
    expected = peer.encode(TEXTS, normalize_embeddings=True, convert_to_numpy=True)
    assert np.einsum("ij,ij->i", vectors, expected).min() > 0.999


def test_no_text_gives_no_vector(encoder: TorchEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_a_question_is_nearest_to_what_answers_it(encoder: TorchEncoder, vectors: embedding.Vectors) -> None:
    assert int((vectors @ encoder.encode_query("how to train a model when memory is scarce")).argmax()) == 5


def test_running_out_of_memory_halves_the_batch_and_changes_nothing(
    encoder: TorchEncoder, vectors: embedding.Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = encoder._forward
    refused = []

    def poor(rows: list[list[int]]) -> object:
        if len(rows) > 2:
            refused.append(len(rows))
            raise torch.OutOfMemoryError("no memory left")
        return whole(rows)

    monkeypatch.setattr(encoder, "_forward", poor)
    assert np.einsum("ij,ij->i", encoder.encode(TEXTS), vectors).min() > 0.999
    assert refused


def test_the_key_names_model_and_weights(encoder: TorchEncoder) -> None:
    assert encoder.key == f"{MODEL}@53aa51172d14"


def cosines(one: embedding.Vectors, other: embedding.Vectors) -> np.ndarray:
    return np.einsum("ij,ij->i", one, other)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_any_text_has_a_vector_of_unit_length(encoder: TorchEncoder, texts: list[str]) -> None:
    assert np.linalg.norm(encoder.encode(texts), axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-3)


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(order=st.permutations(range(len(TEXTS))))
def test_texts_in_another_order_have_their_vectors_in_that_order(
    encoder: TorchEncoder, vectors: embedding.Vectors, order: list[int]
) -> None:
    assert cosines(encoder.encode([TEXTS[number] for number in order]), vectors[order]).min() > 0.999


def test_order_is_kept_when_texts_are_sorted_into_many_batches(
    encoder: TorchEncoder, vectors: embedding.Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_budget", 16)
    assert cosines(encoder.encode(TEXTS), vectors).min() > 0.999


def test_a_batch_holds_no_more_tokens_than_the_budget(encoder: TorchEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, sizes = encoder._forward, []

    def counting(rows: list[list[int]]) -> object:
        sizes.append(len(rows) * max(map(len, rows)))
        return whole(rows)

    monkeypatch.setattr(encoder, "_budget", 300)
    monkeypatch.setattr(encoder, "_forward", counting)
    encoder.encode(TEXTS)
    assert len(sizes) > 1
    assert max(sizes) <= 300


def test_a_text_has_the_same_vector_beside_long_neighbours(encoder: TorchEncoder) -> None:
    (alone,) = encoder.encode(["Badgers at night."])
    beside = encoder.encode(["A long neighbour. " * 40, "Badgers at night.", "Another neighbour. " * 20])[1]
    assert float(alone @ beside) > 0.999


def test_equal_texts_have_equal_vectors(encoder: TorchEncoder) -> None:
    one, _, other = encoder.encode(["Kettles.", "Badgers at night.", "Kettles."])
    assert one == pytest.approx(other, abs=1e-6)  # not to the last bit: some processors compute the last rows of a batch apart


def test_a_text_is_cut_at_the_most_tokens() -> None:
    short = embedding.load(MODEL, max_tokens=8)
    one, other = short.encode(["one two three four five six and badgers", "one two three four five six and kettles"])
    assert np.array_equal(one, other)


def test_a_question_is_embedded_like_the_same_text(encoder: TorchEncoder) -> None:
    assert float(encoder.encode(["Badgers at night."])[0] @ encoder.encode_query("Badgers at night.")) > 0.999


def test_on_a_processor_products_are_computed_in_full_or_bfloat16_precision() -> None:
    assert embedding.load(MODEL, device="cpu").precision in {"fp32", "bf16"}


def test_tampered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package_made_up_for_a_test"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model" / "model.safetensors").write_bytes(b"not what was published")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGED, MODEL, (package.name, PACKAGED[MODEL][1]))
    with pytest.raises(ModelError, match="are not the published ones"):
        embedding.load(MODEL)
