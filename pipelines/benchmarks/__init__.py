"""Mini-benchmarks: one file each, and what runs, records, compares and verifies them."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from kb.errors import InvalidInput
from pipelines.benchmarks import results
from pipelines.benchmarks.comparison import compare, difference_of_machines, verdicts
from pipelines.benchmarks.harness import Benchmark, Result, run
from pipelines.benchmarks.results import confirm, load, recorded, save, schema

__all__ = [
    "BENCHMARKS", "Benchmark", "Result", "compare", "confirm", "difference_of_machines", "find", "load", "published", "recorded",
    "run", "save", "schema", "verdicts",
]  # fmt: skip

_FILES = (
    "architectures",
    "break_even",
    "browser_search",
    "calibration",
    "clusters",
    "data_bias",
    "diffusion",
    "distillation",
    "embedding",
    "latency",
    "leakage",
    "memory_speed",
    "mixed_precision",
    "pruning",
    "quantization",
    "robustness",
    "silent_regression",
    "theme_assignment",
    "trends",
)
"""A benchmark is one file in this folder and one line here."""

BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark for benchmark in (import_module(f"{__name__}.{file}").BENCHMARK for file in _FILES)
}


def find(name: str) -> Benchmark:
    """Return a benchmark by its name.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in BENCHMARKS:
        raise InvalidInput("no such benchmark", value=name, cure=f"Known: {', '.join(sorted(BENCHMARKS))}")
    return BENCHMARKS[name]


def published(home: Path) -> list[Result]:
    """Return the results that the site shows, in order of name, with what a re-run has confirmed of each."""
    return results.published(BENCHMARKS, home)
