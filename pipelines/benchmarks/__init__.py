"""Mini-benchmarks: one file each, and what runs, records, compares and verifies them."""

from collections.abc import Mapping
from pathlib import Path

from kb.errors import InvalidInput
from pipelines.benchmarks import (
    architectures,
    break_even,
    browser_search,
    calibration,
    clusters,
    data_bias,
    diffusion,
    distillation,
    embedding,
    latency,
    leakage,
    memory_speed,
    mixed_precision,
    pruning,
    quantization,
    results,
    robustness,
    silent_regression,
    theme_assignment,
    trends,
)
from pipelines.benchmarks.comparison import compare, verdicts
from pipelines.benchmarks.harness import Benchmark, Result, run
from pipelines.benchmarks.results import confirm, load, recorded, save, schema

__all__ = [
    "BENCHMARKS", "Benchmark", "Result", "compare", "confirm", "find", "load", "published", "recorded", "run", "save", "schema",
    "verdicts",
]  # fmt: skip

BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        architectures.BENCHMARK,
        break_even.BENCHMARK,
        browser_search.BENCHMARK,
        calibration.BENCHMARK,
        clusters.BENCHMARK,
        diffusion.BENCHMARK,
        distillation.BENCHMARK,
        embedding.BENCHMARK,
        latency.BENCHMARK,
        leakage.BENCHMARK,
        memory_speed.BENCHMARK,
        mixed_precision.BENCHMARK,
        pruning.BENCHMARK,
        quantization.BENCHMARK,
        silent_regression.BENCHMARK,
        robustness.BENCHMARK,
        data_bias.BENCHMARK,
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


def published(home: Path) -> list[Result]:
    """Return the results that the site shows, in order of name, with what a re-run has confirmed of each."""
    return results.published(BENCHMARKS, home)
