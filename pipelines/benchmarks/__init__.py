"""Mini-benchmarks: one file each, and what runs, records, compares and verifies them."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from kb.errors import InvalidInput, StoreError
from pipelines.benchmarks import browser_search, clusters, quantization, theme_assignment, trends
from pipelines.benchmarks.harness import Benchmark, Result, compare, run

__all__ = ["BENCHMARKS", "Benchmark", "Result", "compare", "find", "load", "published", "recorded", "run", "save"]

BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        browser_search.BENCHMARK,
        clusters.BENCHMARK,
        quantization.BENCHMARK,
        theme_assignment.BENCHMARK,
        trends.BENCHMARK,
    )
}


def find(name: str) -> Benchmark:
    """Return a benchmark by its name.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in BENCHMARKS:
        raise InvalidInput("no such benchmark", value=name, cure=f"Known: {', '.join(sorted(BENCHMARKS))}")
    return BENCHMARKS[name]


def save(result: Result, home: Path) -> Path:
    """Keep a result in the home folder, where the site and `verify` find it; return the file."""
    path = home / "benchmarks" / f"{result['name']}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", cure="Choose another --home") from None
    return path


def load(path: Path) -> Result:
    """Read a result.

    Raises:
        InvalidInput: the file cannot be read or is no result.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read the result: {error}", value=path, cure="Make one with `kb bench run`") from None
    if not isinstance(result, dict) or not {"name", "headlines", "environment"} <= set(result):
        raise InvalidInput("this file is no benchmark result", value=path, cure="Make one with `kb bench run`")
    return result


def recorded(name: str, home: Path) -> Result | None:
    """Return the result to compare with: the home folder's, else the one that ships with Papertide, else None."""
    own = home / "benchmarks" / f"{name}.json"
    if own.is_file():
        return load(own)
    shipped = files("pipelines.benchmarks") / "results" / f"{name}.json"
    return json.loads(shipped.read_text(encoding="utf-8")) if shipped.is_file() else None


def published(home: Path) -> list[Result]:
    """Return the results that the site shows, in order of name."""
    found = (recorded(name, home) for name in sorted(BENCHMARKS))
    return [result for result in found if result is not None]
