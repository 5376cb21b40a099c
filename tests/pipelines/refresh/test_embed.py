"""The embedding step: each new text once, in chunks in order of id, stored with what made it."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kb import embedding
from kb.embedding import Vectors
from kb.errors import ModelError
from kb.papers import Paper
from kb.settings import Settings
from kb.store import Store, text_hash
from pipelines.progress import Silent
from pipelines.refresh import embed as step
from pipelines.refresh.merge import merge

Invent = Callable[..., Paper]


class Fake:
    """Gives every text the vector of its length, and keeps the chunks that it was given."""

    model, weights, engine, precision, dimensions = "made-up/model", "0123456789abcdef", "torch", "fp16", 2
    key = "made-up/model@0123456789ab"

    def __init__(self, device: str, wrong: float | None = None) -> None:
        self.device, self.wrong, self.chunks = device, wrong, list[list[str]]()

    def encode(self, texts: list[str]) -> Vectors:
        self.chunks.append(texts)
        return np.array([[self.wrong or len(text), 1] for text in texts], np.float32)


@pytest.fixture(params=["cpu", "cuda"])
def encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """An encoder that says it runs on a processor or on a GPU, and chunks of four texts."""
    fake = Fake(request.param)
    monkeypatch.setattr(embedding, "load_for_writing", lambda *_, **__: fake)
    module = sys.modules["pipelines.refresh.embed"]  # `pipelines.refresh.embed` is the function
    for size in ("CHUNK", "CHUNK_GPU"):
        monkeypatch.setattr(module, size, 4)
    return fake


def filled(folder: Path, invent: Invent, count: int) -> tuple[Store, Settings]:
    store = Store.write(str(folder))
    store.add_records([invent(number) for number in range(count)])
    merge(store, (), Silent())
    return store, Settings(home=folder, store_uri=str(folder))


def test_texts_are_embedded_once_in_order_of_id(tmp_path: Path, invent: Invent, encoder: Fake) -> None:
    store, told = filled(tmp_path, invent, 10)
    step(store, told, Silent())
    step(store, told, Silent())
    wanted = [f"Invented study number {number}. We invent study number {number} for a test." for number in range(10)]
    assert encoder.chunks == [wanted[:4], wanted[4:8], wanted[8:]]


def test_each_text_keeps_its_own_vector(tmp_path: Path, invent: Invent, encoder: Fake) -> None:
    store, told = filled(tmp_path, invent, 10)
    step(store, told, Silent())
    names, vectors = store.vectors(encoder.key)
    lengths = {text_hash(text): len(text) for chunk in encoder.chunks for text in chunk}
    assert {name: vector[0] for name, vector in zip(names, vectors, strict=True)} == lengths


def test_what_made_the_vectors_is_stored_beside_them(tmp_path: Path, invent: Invent, encoder: Fake) -> None:
    store, told = filled(tmp_path, invent, 3)
    step(store, told, Silent())
    assert store.vectors_made_by(encoder.key) == {
        "model": "made-up/model", "weights": "0123456789abcdef", "counts": {"torch fp16": 3},
    }  # fmt: skip


def test_vectors_that_are_no_numbers_are_refused(tmp_path: Path, invent: Invent, encoder: Fake) -> None:
    store, told = filled(tmp_path, invent, 3)
    encoder.wrong = float("nan")
    with pytest.raises(ModelError, match="no numbers, computed in fp16"):
        step(store, told, Silent())
    assert store.embedded(encoder.key) == set()
