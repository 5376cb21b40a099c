"""What every benchmark shares: intervals, alternating arms, records, comparison."""

import copy
import json
from pathlib import Path

import pytest

from kb.errors import InvalidInput
from pipelines import benchmarks
from pipelines.benchmarks import harness, machine
from pipelines.benchmarks.harness import Benchmark, Headline, Measured


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare every run of these tests the timing of the machine."""
    monkeypatch.setattr(machine, "noise", lambda: {"milliseconds": 1.0, "spread": 0.01})


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
