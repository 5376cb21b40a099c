"""The example of CONTRIBUTING.md is a benchmark: one file that runs, and whose result follows the schema."""

import re
import sys
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

from pipelines import benchmarks

GUIDE = Path(__file__).parents[3] / "CONTRIBUTING.md"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    module = ModuleType("scaling")
    monkeypatch.setitem(sys.modules, "scaling", module)
    exec(compile(code, str(GUIDE), "exec"), module.__dict__)
    return module


def test_the_example_runs_and_gives_a_result(example: ModuleType, tmp_path: Path) -> None:
    seen: list[int] = []
    result = benchmarks.run(example.BENCHMARK, quick=True, advance=seen.append)
    jsonschema.validate(result, benchmarks.schema())
    assert sum(seen) == result["seeds"] == 3
    assert {row["arm"] for row in result["table"]} == {"raw", "scaled"}
    assert benchmarks.load(benchmarks.save(result, tmp_path)) == result


def test_a_second_run_of_the_example_is_the_same(example: ModuleType) -> None:
    first, second = (benchmarks.run(example.BENCHMARK, quick=True, advance=lambda _: None) for _ in range(2))
    assert [row["verdict"] for row in benchmarks.verdicts(first, second)] == ["same"]
    assert first["headlines"] == second["headlines"]


def test_a_worse_model_is_caught(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first = benchmarks.run(example.BENCHMARK, quick=True, advance=lambda _: None)
    monkeypatch.setattr(example, "EPOCHS", 1)  # the planted change: training ends too soon
    second = benchmarks.run(example.BENCHMARK, quick=True, advance=lambda _: None)
    assert [row["verdict"] for row in benchmarks.verdicts(first, second)] == ["differs"]
