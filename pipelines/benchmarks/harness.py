"""What every mini-benchmark shares: medians with bootstrap intervals, alternating timings, the environment, the result.

A benchmark runs its arms over several seeds and hands over raw numbers; the statistics, the record and the comparison
with an earlier record are made here, the same way for all.
"""

import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

Kind = Literal["quality", "size", "speed"]
Result = dict[str, Any]
RESAMPLES = 2_000
MACHINE = ("processor", "flags", "threads", "device")
"""What must agree for two speeds to be comparable; virtual machines tell the flags of their processor, not its name."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One mini-benchmark.

    Attributes:
        name: what the command calls it.
        question: what it answers, one sentence.
        claim: the claim under test, in our words.
        origin: where the claim comes from.
        protocol: how it is measured, in a few sentences.
        limits: what it does not show.
        seconds_quick: what `--quick` takes on two cores, roughly.
        run: (seeds, advance) -> `Measured`; `advance(1)` is called after each seed. With `needs_home` it is given the home
            folder too.
        ships: whether a full result comes with the package; not where the data are the user's to bring.
    """

    name: str
    question: str
    claim: str
    origin: str
    protocol: str
    limits: tuple[str, ...]
    seconds_quick: int
    run: Callable[..., "Measured"]
    seeds: int = 7
    seeds_quick: int = 3
    needs_home: bool = False
    ships: bool = True


@dataclass(frozen=True, slots=True)
class Headline:
    """A number that sums a benchmark up.

    Attributes:
        name: stable, for comparing runs.
        values: one per seed.
        unit: "percentage points", "times", ...
        peer: the arm that it is measured against.
        tolerance: how far a re-run may lie off: absolute for quality, a factor for size and speed.
        sentence: with one `{}` for the value and its interval.
    """

    name: str
    kind: Kind
    values: Sequence[float]
    unit: str
    peer: str
    tolerance: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark hands over: headlines, charts as (title, arm -> values) and a table as column -> arm -> text.

    Values are one per seed, or, with `resampled`, bootstrap draws of a single measurement (then their quantiles are the
    interval).
    """

    headlines: Sequence[Headline]
    charts: Sequence[tuple[str, Mapping[str, Sequence[float]]]]
    table: Mapping[str, Mapping[str, str]]
    raw: Mapping[str, Any]
    resampled: str = ""
    """What was drawn anew, as in "works"; empty for values by seed."""


def median_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float, float]:
    """Return (median, low, high) with a percentile bootstrap interval. Efron, Annals of Statistics 7 (1979).

    The resampling has a fixed seed, so equal values give equal intervals.
    """
    import numpy as np  # a tenth of a second that `kb --help` need not wait for

    data = np.asarray(values, np.float64)
    draws = np.random.default_rng(0).choice(data, (RESAMPLES, len(data)))
    low, high = np.quantile(np.median(draws, axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(np.median(data)), float(low), float(high)


def alternate(arms: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = 3) -> dict[str, list[float]]:
    """Time every arm once a round, in turn, so that a slow moment of the machine hits all alike; return seconds."""
    for call in arms.values():
        for _ in range(warm_up):
            call()
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, call in arms.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def drawn_interval(draws: Sequence[float], *, level: float = 0.95) -> tuple[float, float, float]:
    """Return (median, low, high) of values that are bootstrap draws already."""
    import numpy as np

    low, middle, high = np.quantile(np.asarray(draws, np.float64), [(1 - level) / 2, 0.5, (1 + level) / 2])
    return float(middle), float(low), float(high)


def run(benchmark: Benchmark, *, quick: bool, advance: Callable[[int], None], home: Path | None = None) -> Result:
    """Run a benchmark and return its record, ready for JSON."""
    seeds = range(benchmark.seeds_quick if quick else benchmark.seeds)
    start = time.perf_counter()
    measured = benchmark.run(seeds, advance, home) if benchmark.needs_home else benchmark.run(seeds, advance)
    interval = drawn_interval if measured.resampled else median_interval
    over = (
        f"bootstrap over {measured.resampled}"
        if measured.resampled
        else f"median over {len(seeds)} seeds with bootstrap interval"
    )
    return {
        "name": benchmark.name,
        "question": benchmark.question,
        "claim": benchmark.claim,
        "origin": benchmark.origin,
        "protocol": benchmark.protocol,
        "limits": list(benchmark.limits),
        "quick": quick,
        "seeds": len(seeds),
        "seconds": round(time.perf_counter() - start, 1),
        "statistics": over,
        "headlines": [_headline(headline, interval, over) for headline in measured.headlines],
        "charts": [{"title": title, "rows": _rows(arms, interval)} for title, arms in measured.charts],
        "columns": [{"title": title} for title in measured.table],
        "table": _table(measured.table),
        "environment": environment(),
        "raw": measured.raw,
    }


Interval = Callable[[Sequence[float]], tuple[float, float, float]]


def _headline(headline: Headline, interval: Interval, over: str) -> dict[str, Any]:
    value, low, high = interval(headline.values)
    bounds = f" (95% interval {_short(low, headline.unit)} to {_short(high, headline.unit)})"
    told = _short(value, headline.unit) + ("" if headline.kind == "size" else bounds)
    return {
        "name": headline.name, "kind": headline.kind, "value": round(value, 6), "low": round(low, 6), "high": round(high, 6),
        "unit": headline.unit, "peer": headline.peer, "tolerance": headline.tolerance,
        "text": headline.sentence.format(told),
        "basis": f"{over[0].upper()}{over[1:]}, against {headline.peer}; recompute with: kb bench verify.",
    }  # fmt: skip


def _short(value: float, unit: str) -> str:
    if unit in ("cosine", "difference"):  # near one, or near nothing
        return f"{value:.4f}"
    return f"{value:+.2f}" if unit == "percentage points" else f"{value:.2f}"


def _rows(arms: Mapping[str, Sequence[float]], interval: Interval) -> list[dict[str, Any]]:
    rows = []
    for arm, values in arms.items():
        value, low, high = interval(values)
        rows.append({"arm": arm, "value": round(value, 6), "low": round(low, 6), "high": round(high, 6)})
    return rows


def _table(columns: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    arms = list(dict.fromkeys(arm for column in columns.values() for arm in column))
    return [{"arm": arm, "cells": [column.get(arm, "") for column in columns.values()]} for arm in arms]


def compare(old: Result, new: Result) -> list[dict[str, Any]]:
    """Compare the headlines of two records.

    Quality must agree within its absolute tolerance, sizes within their factor. A speed ratio belongs to a machine: on
    another processor, or with another number of threads, it is shown and not judged.

    Returns:
        A row per headline of the old record: name, old, new, tolerance, verdict ("same", "differs", "missing" or
        "other machine").
    """
    fresh = {headline["name"]: headline for headline in new["headlines"]}
    same_machine = all(old["environment"].get(key) == new["environment"].get(key) for key in MACHINE)
    rows = []
    for headline in old["headlines"]:
        found = fresh.get(headline["name"])
        rows.append(
            {
                "name": headline["name"], "old": headline["value"], "new": found["value"] if found else None,
                "unit": headline["unit"], "tolerance": headline["tolerance"],
                "verdict": _verdict(headline, found, same_machine),
            }
        )  # fmt: skip
    return rows


def _verdict(old: Mapping[str, Any], new: Mapping[str, Any] | None, same_machine: bool) -> str:
    if new is None:
        return "missing"
    if old["kind"] == "speed" and not same_machine:
        return "other machine"
    if old["kind"] == "quality":
        return "same" if abs(old["value"] - new["value"]) <= old["tolerance"] else "differs"
    ratio = max(old["value"], new["value"]) / max(min(old["value"], new["value"]), 1e-12)
    return "same" if ratio <= old["tolerance"] else "differs"


def environment() -> dict[str, str]:
    """Describe the machine and the software, as far as they can change a result."""
    import torch  # heavy, and only a run needs it

    cuda = torch.cuda.is_available()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "flags": " ".join(flag for flag in _flags() if flag.startswith(("avx512_", "amx", "avx2", "asimd", "sve"))),
        "threads": str(torch.get_num_threads()),
        "cores": str(os.cpu_count()),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "papertide": version("papertide"),
        "git": _git(),
    }


def _cpuinfo(key: str) -> str:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ""
    lines = (line.partition(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == key), "")


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _flags() -> list[str]:
    return sorted((_cpuinfo("flags") or _cpuinfo("Features")).split())


def _git() -> str:
    """Return the commit of a checkout, with a + if files were changed; empty outside one."""
    try:
        folder = Path(__file__).parent
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit.stdout.strip() + ("+" if dirty.stdout.strip() else "")
