"""Two results side by side: faster, slower, or nobody can tell; and what verify catches."""

from typing import Any

import pytest

from pipelines.benchmarks.comparison import compare, verdicts


def result(
    value: float = 1.0, *, seconds: float = 1.0, off: float = 0.05, kind: str = "quality", unsteadiness: float = 0.0
) -> dict[str, Any]:
    headline = {
        "name": "gain", "kind": kind, "value": value, "low": value - off, "high": value + off, "unit": "points",
        "tolerance": 0.5 if kind == "quality" else 1.5,
    }  # fmt: skip
    timing = {"arm": "ours", "value": seconds, "low": seconds * (1 - off), "high": seconds * (1 + off)}
    return {
        "headlines": [headline], "timings": [timing], "machine": {"unsteadiness": unsteadiness},
        "environment": {"processor": "p", "flags": "", "threads": "2", "device": "cpu"},
    }  # fmt: skip


def verdict(first: dict[str, Any], second: dict[str, Any], name: str) -> str:
    return next(str(row["verdict"]) for row in compare(first, second) if row["name"] == name)


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, "faster"), (2.0, "slower"), (1.05, "cannot tell")])
def test_seconds_are_faster_or_slower_only_beyond_their_intervals(seconds: float, expected: str) -> None:
    assert verdict(result(), result(seconds=seconds), "seconds of ours") == expected


def test_the_change_of_seconds_is_how_many_times_as_fast() -> None:
    (row,) = [row for row in compare(result(), result(seconds=0.5)) if row["name"] == "seconds of ours"]
    assert row["change"] == pytest.approx(2.0)
    assert row["low"] < 2.0 < row["high"]


def test_an_unsteady_machine_makes_it_harder_to_tell() -> None:
    steady, shaken = result(seconds=0.8), result(seconds=0.8, unsteadiness=0.4)
    assert verdict(result(), steady, "seconds of ours") == "faster"
    assert verdict(result(), shaken, "seconds of ours") == "cannot tell"


@pytest.mark.parametrize(("value", "expected"), [(2.0, "higher"), (0.0, "lower"), (1.02, "cannot tell")])
def test_headlines_are_higher_or_lower_only_beyond_their_intervals(value: float, expected: str) -> None:
    assert verdict(result(), result(value), "gain") == expected


def test_equal_values_without_spread_are_the_same() -> None:
    assert verdict(result(off=0.0), result(off=0.0), "gain") == "same"


def test_worse_quality_is_caught() -> None:
    assert [row["verdict"] for row in verdicts(result(1.0), result(0.4))] == ["differs"]


@pytest.mark.parametrize(("value", "expected"), [(1.1, "cannot tell"), (0.5, "differs")])
def test_a_slower_arm_is_no_failure_where_an_unsteady_machine_explains_it(value: float, expected: str) -> None:
    rows = verdicts(result(2.0, kind="speed"), result(value, kind="speed", unsteadiness=0.4))
    assert [row["verdict"] for row in rows] == [expected]


def test_an_unsteady_machine_excuses_no_loss_of_quality() -> None:
    assert [row["verdict"] for row in verdicts(result(1.0), result(0.4, unsteadiness=9.0))] == ["differs"]


def test_a_slower_arm_is_caught_by_its_ratio() -> None:
    assert [row["verdict"] for row in verdicts(result(2.0, kind="speed"), result(1.2, kind="speed"))] == ["differs"]
