"""The unfinished month: foretold from the pace of past months, and left out of everything else."""

import numpy as np

from kb.trends.nowcast import Nowcast, nowcast
from kb.trends.series import build_corpus


def told(last_day: int) -> dict[str, Nowcast]:
    """Two years of 20 papers a day, the newest month up to a day; every tenth paper is of the subject."""
    days = np.arange(np.datetime64("2021-01-01"), np.datetime64("2022-12-01") + last_day).repeat(20)
    corpus = build_corpus(days, ["day"] * len(days), ["arxiv"] * len(days), "month")
    return nowcast(days, corpus, {"theme:x": np.arange(0, len(days), 10)})


def test_half_a_month_is_foretold_to_hold_twice_as_many_papers() -> None:
    found = told(15)["theme:x"]
    assert (found.period, found.day, found.count) == ("2022-12", 15, 30)
    assert 55 <= found.expected <= 65
    assert found.count < found.low < found.expected < found.high


def test_the_interval_narrows_as_the_month_goes_on() -> None:
    early, late = told(5)["theme:x"], told(20)["theme:x"]
    assert late.high - late.low < early.high - early.low


def test_a_month_that_has_ended_needs_no_telling() -> None:
    assert told(31) == {}
