"""Which engine embeds: the user's word, then what made the vectors that are there, then what a test finds faster."""

import json
from pathlib import Path

import numpy as np
import pytest

from kb import embedding
from kb.embedding import choice
from kb.errors import ModelError
from kb.settings import Settings

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
TORCH, INT8 = f"{MODEL}@53aa51172d14", f"{MODEL}@53aa51172d14+int8"


class Fake:
    """An encoder that takes as long as it is told, by the clock of the test."""

    def __init__(self, engine: str, seconds: float, clock: list[float], turn: float = 0.0) -> None:
        self.engine, self.seconds, self.clock, self.turn = engine, seconds, clock, turn

    def encode(self, texts: list[str]) -> embedding.Vectors:
        self.clock[0] += self.seconds * len(texts)
        return np.tile(np.array([np.cos(self.turn), np.sin(self.turn)], np.float32), (len(texts), 1))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Set how fast engines are: `machine(torch=.01, openvino=.002)`; returns which is chosen."""
    monkeypatch.setattr(choice.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    clock = [0.0]
    monkeypatch.setattr(choice.time, "perf_counter", lambda: clock[0])

    def chosen(torch: float, openvino: float | None, turn: float = 0.0) -> str:
        def load(model: str, *, max_tokens: int, engine: str) -> Fake:
            if engine == "openvino" and openvino is None:
                raise ModelError("no int8 form")
            return Fake(engine, torch, clock) if engine == "torch" else Fake(engine, openvino or 0, clock, turn)

        monkeypatch.setattr(choice, "load", load)
        return choice.fastest(MODEL)

    return chosen


def test_int8_is_chosen_where_it_is_clearly_faster(machine) -> None:  # type: ignore[no-untyped-def]
    assert machine(torch=0.01, openvino=0.004) == "openvino"


def test_torch_stays_where_int8_gains_little(machine) -> None:  # type: ignore[no-untyped-def]
    assert machine(torch=0.01, openvino=0.009) == "torch"


def test_torch_stays_where_int8_is_far_off(machine) -> None:  # type: ignore[no-untyped-def]
    assert machine(torch=0.01, openvino=0.001, turn=0.3) == "torch"


def test_torch_stays_where_the_model_has_no_int8_form(machine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert machine(torch=0.01, openvino=None) == "torch"
    (kept,) = tmp_path.glob("engines/*.json")
    assert "no int8 form" in json.loads(kept.read_text())["why"]


def test_a_choice_is_remembered(machine) -> None:  # type: ignore[no-untyped-def]
    first = machine(torch=0.01, openvino=0.004)
    assert machine(torch=0.01, openvino=1.0) == first


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The engines that are asked for, without loading any."""
    engines: list[str] = []
    monkeypatch.setattr(embedding, "load", lambda _, **told: engines.append(told["engine"]))
    return engines


def told(engine: str = "auto") -> Settings:
    return Settings(home=Path(), store_uri="", engine=engine)


def test_a_few_texts_are_not_worth_a_test(asked: list[str]) -> None:
    embedding.load_for_writing(told(), texts=900, stored=0)
    assert asked == ["torch"]


def test_many_new_texts_are(asked: list[str]) -> None:
    embedding.load_for_writing(told(), texts=40_000, stored=0)
    embedding.load_for_writing(told(), TORCH, texts=40_000, stored=900)
    assert asked == ["auto", "auto"]


def test_a_knowledge_base_keeps_the_engine_of_its_vectors(asked: list[str]) -> None:
    for used in (TORCH, INT8):
        embedding.load_for_writing(told(), used, texts=40_000, stored=30_000)
    assert asked == ["torch", "openvino"]


def test_the_users_word_comes_first(asked: list[str]) -> None:
    embedding.load_for_writing(told("openvino"), TORCH, texts=40_000, stored=40_000)
    assert asked == ["openvino"]


def test_readers_compare_with_the_engine_that_made_the_vectors_whatever_is_set_for_the_next_refresh(asked: list[str]) -> None:
    embedding.load_for_reading(told("torch"), INT8)
    embedding.load_for_reading(told("openvino"), TORCH)
    assert asked == ["openvino", "torch"]
