"""What every mini-benchmark shares: seeds, alternating timings, medians with bootstrap intervals, the record of a run.

A benchmark runs its arms over several seeds and hands over raw numbers; the statistics and the record are made here, the
same way for all. `machine` describes where it ran, `comparison` holds two records against each other.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipelines.benchmarks import energy, machine

Kind = Literal["quality", "size", "speed"]
Result = dict[str, Any]
Scores = dict[str, dict[str, list[float]]]
"""Metric -> arm -> a value for each seed."""
RESAMPLES = 2_000
FEWEST = 5
"""Rounds of timing between two looks at the width of the interval."""


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
        gpu: its arms compute on the GPU where there is one, through `machine.device`; the others' results are the processor's.
        clock: what its arms are timed by, and the machine's steadiness: `machine.stopwatch` if they compute on one thread.
        ships: whether a full result comes with the package; not where the data are the user's to bring.
        themes: ids of the themes it speaks to; their pages link here.
        papers: landmark works of the starter library by id, and what each reported that the result can be held against;
            an empty text where it is only the origin of the method.
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
    gpu: bool = False
    clock: Callable[[], float] = time.perf_counter
    ships: bool = True
    themes: tuple[str, ...] = ()
    papers: Mapping[str, str] = field(default_factory=dict)


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
        fails: it tells where the claim fails.

    The first headline of a benchmark is its answer.
    """

    name: str
    kind: Kind
    values: Sequence[float]
    unit: str
    peer: str
    tolerance: float
    sentence: str
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark hands over: headlines, charts as (title, arm -> values) and a table as column -> arm -> text.

    Values are one per seed, or, with `resampled`, bootstrap draws of a single measurement (then their quantiles are the
    interval). `seconds` of arms, as arm -> a value per seed, let two results be compared by their speed.
    """

    headlines: Sequence[Headline]
    charts: Sequence[tuple[str, Mapping[str, Sequence[float]]]]
    table: Mapping[str, Mapping[str, str]]
    raw: Mapping[str, Any]
    resampled: str = ""
    """What was drawn anew, as in "works"; empty for values by seed."""
    seconds: Mapping[str, Sequence[float]] = field(default_factory=dict)


def over_seeds(
    seeds: Sequence[int], advance: Callable[[int], None], once: Callable[[int], Mapping[str, Mapping[str, float]]]
) -> Scores:
    """Call `once(seed)` for every seed and gather what it returns (metric -> arm -> value) into lists."""
    scores: Scores = {}
    for seed in seeds:
        for metric, arms in once(seed).items():
            for arm, value in arms.items():
                scores.setdefault(metric, {}).setdefault(arm, []).append(float(value))
        advance(1)
    return scores


def differences(arms: Mapping[str, Sequence[float]], arm: str, peer: str, times: float = 100.0) -> list[float]:
    """Return by how much an arm exceeds its peer, seed by seed; with the default factor, percentage points of a share."""
    return [times * (one - base) for one, base in zip(arms[arm], arms[peer], strict=True)]


def quotients(arms: Mapping[str, Sequence[float]], arm: str, peer: str) -> list[float]:
    """Return the arm's value divided by its peer's, seed by seed."""
    return [one / base for one, base in zip(arms[arm], arms[peer], strict=True)]


def column(arms: Mapping[str, Sequence[float]], form: str = "{:.3g}", times: float = 1.0) -> dict[str, str]:
    """Return a column of a table: the median over seeds of every arm."""
    import numpy as np

    return {arm: form.format(times * float(np.median(values))) for arm, values in arms.items()}


def median_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float, float]:
    """Return (median, low, high) with a percentile bootstrap interval. Efron, Annals of Statistics 7 (1979).

    The resampling has a fixed seed, so equal values give equal intervals.
    """
    import numpy as np  # a tenth of a second that `kb --help` need not wait for

    data = np.asarray(values, np.float64)
    draws = np.random.default_rng(0).choice(data, (RESAMPLES, len(data)))
    low, high = np.quantile(np.median(draws, axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(np.median(data)), float(low), float(high)


def alternate(
    arms: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warm_up: int = 3,
    budget: float = 0.0,
    width: float = 0.03,
    clock: Callable[[], float] | None = None,
) -> dict[str, list[float]]:
    """Time every arm once a round, in turn, so that a slow moment of the machine hits all alike.

    Args:
        arms: what to time; what a call leaves the GPU to do is waited for.
        rounds: how many rounds there are at least.
        warm_up: untimed calls of each arm before.
        budget: seconds after which no further round begins; until then rounds go on while an interval is wide.
        width: half the width, relative, of the 95% interval of the median of an arm's time over the first arm's, at which
            the rounds may stop.
        clock: the time of day, or `machine.stopwatch` for arms on one thread.

    Returns:
        Seconds by arm, one a round.
    """
    for call in arms.values():
        for _ in range(warm_up):
            call()
    machine.finish()
    clock = clock or time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    first, begun, done = next(iter(arms)), time.perf_counter(), 0
    while done < rounds or (time.perf_counter() - begun < budget and (done % FEWEST or _wide(seconds, first, width))):
        for name, call in arms.items():
            start = clock()
            call()
            machine.finish()
            seconds[name].append(clock() - start)
        done += 1
    return seconds


def _wide(seconds: Mapping[str, Sequence[float]], first: str, width: float) -> bool:
    """Return whether an arm's time over the first arm's is still known too roughly.

    The interval of the median is that of the order statistics (Conover, Practical Nonparametric Statistics, 3.2).
    """
    for arm in seconds:
        ratios = sorted(quotients(seconds, arm, first))
        off = 0.98 * len(ratios) ** 0.5
        low, high = ratios[max(0, round(len(ratios) / 2 - off) - 1)], ratios[min(len(ratios) - 1, round(len(ratios) / 2 + off))]
        if high - low > 2 * width * ratios[len(ratios) // 2]:
            return True
    return False


def drawn_interval(draws: Sequence[float], *, level: float = 0.95) -> tuple[float, float, float]:
    """Return (median, low, high) of values that are bootstrap draws already."""
    import numpy as np

    low, middle, high = np.quantile(np.asarray(draws, np.float64), [(1 - level) / 2, 0.5, (1 + level) / 2])
    return float(middle), float(low), float(high)


def run(benchmark: Benchmark, *, quick: bool, advance: Callable[[int], None], home: Path | None = None) -> Result:
    """Run a benchmark and return its record, ready for JSON."""
    seeds = range(benchmark.seeds_quick if quick else benchmark.seeds)
    gpu = energy.gpu if benchmark.gpu else dict
    counted_gpu = gpu()  # first, since it starts CUDA, on which the peak and the stopwatch depend
    machine.forget_peak()
    before, counted, start = machine.noise(benchmark.clock), energy.processor(), time.perf_counter()
    worked = machine.work()
    measured = benchmark.run(seeds, advance, home) if benchmark.needs_home else benchmark.run(seeds, advance)
    seconds = time.perf_counter() - start
    joules, gpu_joules = energy.spent(counted, energy.processor()), energy.spent(counted_gpu, gpu())
    crowding = _crowding(benchmark, worked, machine.work())
    after = machine.noise(benchmark.clock)
    environment = machine.environment(machine.device() if benchmark.gpu else "cpu")
    about = {
        "peak_megabytes": round(machine.peak_megabytes(), 1),
        "gpu_megabytes": machine.gpu_megabytes() if benchmark.gpu else None,
        "joules": joules,
        "gpu_joules": gpu_joules,
        "clock": "processor" if benchmark.clock is machine.stopwatch else "wall",
        "noise_before": before,
        "noise_after": after,
        "crowding": crowding,
        "unsteadiness": max(crowding, machine.unsteadiness(before, after)),
    }
    return {**record(benchmark, measured, environment, quick=quick, seeds=len(seeds), seconds=seconds), "machine": about}


def record(
    benchmark: Benchmark, measured: Measured, environment: Mapping[str, str], *, quick: bool, seeds: int, seconds: float,
    recompute: str = "",
) -> Result:  # fmt: skip
    """Return the record of what was measured, without what is known of the machine's state.

    Args:
        recompute: the command that measures it again, where that is not `kb bench`.
    """
    interval = drawn_interval if measured.resampled else median_interval
    times = "rounds" if recompute else "seeds"
    over = (
        f"bootstrap over {measured.resampled}" if measured.resampled else f"median over {seeds} {times} with bootstrap interval"
    )
    return {
        "name": benchmark.name,
        "question": benchmark.question,
        "claim": benchmark.claim,
        "origin": benchmark.origin,
        "protocol": benchmark.protocol,
        **({"recompute": recompute} if recompute else {}),
        "limits": list(benchmark.limits),
        "themes": list(benchmark.themes),
        "papers": [{"id": work, "reported": told} for work, told in benchmark.papers.items()],
        "quick": quick,
        "seeds": seeds,
        "seconds": round(seconds, 1),
        "statistics": over,
        "headlines": [_headline(headline, interval, over, recompute or "kb bench verify") for headline in measured.headlines],
        "charts": [{"title": title, "rows": _rows(arms, interval)} for title, arms in measured.charts],
        "columns": [{"title": title} for title in measured.table],
        "table": _table(measured.table),
        "timings": _rows(measured.seconds, interval),
        "hardware": machine.hardware(environment),
        "environment": dict(environment),
        "raw": measured.raw,
    }


def _crowding(benchmark: Benchmark, before: Any, after: Any) -> float:
    import torch

    if benchmark.clock is machine.stopwatch:  # what others do is not in the time that the processor worked for this process
        return 0.0
    return machine.crowding(before, after, threads=torch.get_num_threads(), cores=os.cpu_count() or 1)


Interval = Callable[[Sequence[float]], tuple[float, float, float]]


def _headline(headline: Headline, interval: Interval, over: str, recompute: str) -> dict[str, Any]:
    value, low, high = interval(headline.values)
    bounds = f" (95% interval {_short(low, headline.unit)} to {_short(high, headline.unit)})"
    told = _short(value, headline.unit) + ("" if headline.kind == "size" else bounds)
    return {
        "name": headline.name, "kind": headline.kind, "value": round(value, 6), "low": round(low, 6), "high": round(high, 6),
        "unit": headline.unit, "peer": headline.peer, "tolerance": headline.tolerance,
        "fails": headline.fails, "text": headline.sentence.format(told),
        "basis": f"{over[0].upper()}{over[1:]}, against {headline.peer}; recompute with: {recompute}.",
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
