"""The torch engine, with the real model: the vectors that everybody else gets from it, in the order of the texts."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from kb import embedding
from kb.embedding.torch_engine import TorchEncoder
from kb.embedding.weights import locate

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

    def poor(rows: dict[str, list[list[int]]]) -> object:
        if len(rows["input_ids"]) > 2:
            refused.append(len(rows["input_ids"]))
            raise torch.OutOfMemoryError("no memory left")
        return whole(rows)

    monkeypatch.setattr(encoder, "_forward", poor)
    assert np.einsum("ij,ij->i", encoder.encode(TEXTS), vectors).min() > 0.999
    assert refused


def test_the_key_names_model_and_weights(encoder: TorchEncoder) -> None:
    assert encoder.key == f"{MODEL}@53aa51172d14"
