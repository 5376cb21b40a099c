"""What every benchmark shares: intervals, alternating arms, records, comparison."""

import copy
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.errors import InvalidInput
from pipelines import benchmarks
from pipelines.benchmarks import harness, machine
from pipelines.benchmarks.harness import Benchmark, Headline, Measured


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare every run of these tests the timing of the machine."""
    monkeypatch.setattr(machine, "noise", lambda clock: {"milliseconds": 1.0, "spread": 0.01})


def made_up(values: list[float], kind: harness.Kind = "quality", tolerance: float = 0.5) -> Benchmark:
    def measure(seeds: object, advance: object) -> Measured:
        headline = Headline("gain", kind, values, "points", "nothing", tolerance, "It gains {}.")
        return Measured([headline], [("gain", {"arm": values})], {"gain": {"arm": "1"}}, {})

    return Benchmark("made-up", "Does it gain?", "It gains.", "a test", "By hand.", (), 1, measure)


def record(value: float, **told: object) -> benchmarks.Result:
    result = harness.run(made_up([value] * 3, **told), quick=True, advance=lambda _: None)  # type: ignore[arg-type]
    result["environment"] = {"processor": "p", "threads": "2", "device": "cpu"}
    return result


def test_the_median_lies_inside_its_bootstrap_interval() -> None:
    value, low, high = harness.median_interval([1.0, 2.0, 3.0, 4.0, 10.0])
    assert value == 3.0
    assert low <= value <= high
    assert (low, high) != (value, value)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert harness.median_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)


def test_arms_are_called_in_turn() -> None:
    calls: list[str] = []
    harness.alternate({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2, warm_up=1)
    assert calls == ["a", "b", "a", "b", "a", "b"]


def test_a_quality_within_its_tolerance_is_the_same() -> None:
    (row,) = benchmarks.verdicts(record(1.0), record(1.4))
    assert row["verdict"] == "same"


def test_a_quality_beyond_its_tolerance_differs() -> None:
    (row,) = benchmarks.verdicts(record(1.0), record(1.6))
    assert row["verdict"] == "differs"


def test_a_speed_of_another_machine_is_shown_and_not_judged() -> None:
    other = record(9.0, kind="speed")
    other["environment"]["processor"] = "another"
    (row,) = benchmarks.verdicts(record(1.0, kind="speed"), other)
    assert (row["verdict"], row["new"]) == ("other machine", 9.0)


def test_a_speed_is_compared_as_a_factor() -> None:
    def verdict(new: float) -> str:
        old, again = (record(value, kind="speed", tolerance=1.5) for value in (2.0, new))
        return str(benchmarks.verdicts(old, again)[0]["verdict"])

    assert [verdict(1.4), verdict(2.9), verdict(1.3), verdict(3.1)] == ["same", "same", "differs", "differs"]


def test_a_headline_that_is_gone_is_missed() -> None:
    without = copy.deepcopy(record(1.0))
    without["headlines"] = []
    assert benchmarks.verdicts(record(1.0), without)[0]["verdict"] == "missing"


def test_a_kept_result_is_found_again_and_preferred_to_the_shipped_one(tmp_path: Path) -> None:
    shipped = benchmarks.recorded("quantization", tmp_path)
    assert shipped is not None
    changed = {**shipped, "question": "changed"}
    benchmarks.save(changed, tmp_path)
    assert benchmarks.recorded("quantization", tmp_path) == changed


def test_a_file_that_is_no_result_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([1, 2]), encoding="utf-8")
    with pytest.raises(InvalidInput, match="no benchmark result"):
        benchmarks.load(path)


def test_every_benchmark_whose_data_we_have_ships_a_full_result(tmp_path: Path) -> None:
    for name, benchmark in benchmarks.BENCHMARKS.items():
        if not benchmark.ships:
            continue
        result = benchmarks.recorded(name, tmp_path)
        assert result is not None
        assert (result["quick"], result["seeds"]) == (False, benchmark.seeds)


class Clock:
    """A clock that arms move on by what they take; no test waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(harness.time, "perf_counter", lambda: self.now)

    def arm(self, *durations: float) -> Callable[[], None]:
        """Return an arm that takes these seconds in turn, over and over."""
        left = itertools.cycle(durations)

        def call() -> None:
            self.now += next(left)

        return call


def test_steady_timings_stop_after_the_least_number_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    seconds = harness.alternate({"a": clock.arm(1.0), "b": clock.arm(2.0)}, rounds=10, budget=1000.0)
    assert {arm: len(values) for arm, values in seconds.items()} == {"a": 10, "b": 10}
    assert set(seconds["b"]) == {2.0}


def test_scattered_timings_go_on_until_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    seconds = harness.alternate({"a": clock.arm(1.0), "b": clock.arm(1.0, 2.0, 3.0)}, rounds=10, warm_up=0, budget=90.0)
    assert len(seconds["b"]) == 30


def test_scattered_timings_stop_once_the_ratio_is_known_well_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    arms = {"a": clock.arm(1.0), "b": clock.arm(1.9, 2.0, 2.1)}
    seconds = harness.alternate(arms, rounds=5, warm_up=0, budget=1e6, width=0.02)
    assert 5 < len(seconds["b"]) < 1000


def test_arms_are_timed_by_the_clock_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, worked = Clock(monkeypatch), itertools.count()
    arms = {"a": clock.arm(5.0), "b": clock.arm(7.0)}
    seconds = harness.alternate(arms, rounds=2, warm_up=0, clock=lambda: float(next(worked)))
    assert seconds == {"a": [1.0, 1.0], "b": [1.0, 1.0]}


def test_values_are_gathered_by_metric_and_arm_over_the_seeds() -> None:
    seen: list[int] = []
    scores = harness.over_seeds([1, 2], seen.append, lambda seed: {"square": {"plain": seed**2, "minus": -(seed**2)}})
    assert scores == {"square": {"plain": [1.0, 4.0], "minus": [-1.0, -4.0]}}
    assert sum(seen) == 2


def test_arms_are_compared_seed_by_seed() -> None:
    arms = {"ours": [0.9, 0.8], "peer": [0.8, 0.8]}
    assert harness.differences(arms, "ours", "peer") == pytest.approx([10.0, 0.0])
    assert harness.quotients(arms, "ours", "peer") == pytest.approx([1.125, 1.0])
