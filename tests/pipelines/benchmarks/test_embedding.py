"""The embedding benchmark: what it compares on, and that its headlines are ratios and differences to the peer."""

import json
from importlib.resources import files

import numpy as np
import pytest

from kb.embedding.equality import Equality
from kb.embedding.int8 import CALIBRATION, calibration
from pipelines.benchmarks import embedding
from pipelines.benchmarks.embedding import FP32, OURS, PEER


def test_vectors_are_compared_on_works_that_int8_was_not_calibrated_with() -> None:
    lines = (files("kb.data") / "starter.jsonl").read_text(encoding="utf-8").splitlines()
    works = [json.loads(line) for line in lines if line.strip()]
    titles, summaries = embedding._held_out()
    assert len(titles) == len(summaries) == len(works) - CALIBRATION
    assert not {works[number]["summary"] for number in calibration(len(works))} & set(summaries)


def test_every_engine_is_timed_on_the_same_texts_in_turn() -> None:
    calls: list[tuple[str, int]] = []

    def arm(name: str) -> embedding.Encode:
        return lambda texts: calls.append((name, len(texts))) or np.zeros((len(texts), 2), np.float32)  # type: ignore[func-returns-value]

    seconds = embedding.timed({"a": arm("a"), "b": arm("b")}, ["text"] * 50, rounds=2)
    assert calls[2:] == [("a", 50), ("b", 50)] * 2
    assert [len(times) for times in seconds.values()] == [2, 2]


def test_the_first_engine_is_what_the_others_are_compared_with() -> None:
    vectors = np.eye(4, dtype=np.float32)
    found = embedding.equal({"peer": (vectors, vectors), "other": (-vectors, -vectors)}, np.arange(4))
    assert found["peer"].mean_cosine == pytest.approx(1)
    assert found["other"].mean_cosine == pytest.approx(-1)


def test_headlines_tell_speed_as_a_ratio_and_retrieval_as_a_difference_to_the_peer() -> None:
    seconds = {PEER: [4.0, 8.0], FP32: [3.0, 6.0], OURS["torch"]: [2.0, 4.0], OURS["int8"]: [1.0, 2.0]}
    found = [{name: Equality(0.99, 0.98, 0.9, mrr, 0.96) for name in seconds} for mrr in (0.95, 0.97)]
    headlines = {headline.name: headline for headline in embedding.told(seconds, found, 96).headlines}
    assert list(headlines["speed int8"].values) == [4.0, 4.0]
    assert list(headlines["speed torch"].values) == [2.0, 2.0]
    assert list(headlines["reciprocal rank int8"].values) == pytest.approx([-0.01, 0.01])
