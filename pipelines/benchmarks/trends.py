"""Trends: are the statements of this site right as often as they say?"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control
from threadpoolctl import threadpool_limits

from kb.trends.findings import FALSE_DISCOVERY_RATE, WORTH_SAYING
from kb.trends.growth import Growth, Span, growth, growth_of_all
from kb.trends.history import history
from kb.trends.series import Series, Step
from pipelines.benchmarks.harness import RESAMPLES, Benchmark, Headline, Measured
from pipelines.benchmarks.past import followed
from pipelines.benchmarks.simulated import Simulated, corpus_of, simulate

OURS = "this project"
ALONE = "the same regression, every cell for itself"
MANN_KENDALL = "Mann-Kendall test, Sen slope (pymannkendall)"
POPULARITY = "popularity rule (as BERTrend's)"
COUNTS = "more papers than the year before"
RATIOS = {
    f"{name} {number}": ratio
    for name, ratio, count in (
        ("none", 1.0, 60),
        ("+20%", 1.2, 10),
        ("-17%", 1 / 1.2, 10),
        ("+50%", 1.5, 10),
        ("-33%", 1 / 1.5, 10),
    )
    for number in range(count)
}
"""Subjects of a simulated corpus and their odds ratios per year."""
HARSH: Mapping[Step, tuple[float, float, float]] = {"year": (0.046, 0.019, 0.90), "month": (0.0, 0.021, 0.90)}
"""A longer memory of the scatter than the real corpus shows: what happens where our assumptions fail."""
MONTHS = 120
BURST, SHIFT = (9, 3.0), 2.0
"""A planted burst: months and factor on the odds; a planted shift of level: factor."""
PLANTED = (("burst", 12), ("shift", 12), ("none", 56))
Calls = dict[str, int]
"""Subject -> +1 (called rising), -1 (called falling); others are not called."""


def measure(seeds: Sequence[int], advance: Callable[[int], None], home: Path | None) -> Measured:
    """Simulate corpora, let every method judge them, and follow real history where the knowledge base holds enough."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with threadpool_limits(1, user_api="blas"):  # as in kb/trends/measures.py: small matrices
        for seed in seeds:
            for step in ("year", "month"):
                _judge(simulate(corpus_of(step), RATIOS, seed), step, scores)
                harsh = simulate(corpus_of(step), RATIOS, seed, scatter=HARSH[step])
                _harsh(harsh, scores)
            _dates(seed, scores)
            advance(1)
        past, said = followed(home)
    return _told(scores, past, said)


def _judge(made: Simulated, step: str, scores: dict[str, dict[str, list[float]]]) -> None:
    for method, (calls, held) in _methods(made).items():
        false = sum(made.ratio[subject] == 1 for subject in calls)
        score = scores[method]
        score[f"false discoveries, {step}s"].append(false / max(len(calls), 1))
        for size, names in (("20%", ("+20%", "-17%")), ("50%", ("+50%", "-33%"))):
            wanted = [subject for subject in made.ratio if subject.startswith(names)]
            found = sum(calls.get(subject) == (1 if made.ratio[subject] > 1 else -1) for subject in wanted)
            score[f"power at {size}, {step}s"].append(found / len(wanted))
        if held:
            score[f"coverage, {step}s"].append(float(np.mean(held)))


def _harsh(made: Simulated, scores: dict[str, dict[str, list[float]]]) -> None:
    calls, held = _by_growth(made, growth_of_all(made.series, _span(made))[0])
    step = made.corpus.step
    scores[OURS][f"coverage with longer memory, {step}s"].append(float(np.mean(held)))
    false = sum(made.ratio[subject] == 1 for subject in calls)
    scores[OURS][f"false discoveries with longer memory, {step}s"].append(false / max(len(calls), 1))


def _methods(made: Simulated) -> dict[str, tuple[Calls, list[bool]]]:
    span = _span(made)
    alone = {subject: growth(series, span, pooled=False) for subject, series in made.series.items()}
    found = {
        OURS: _by_growth(made, growth_of_all(made.series, span)[0]),
        ALONE: _by_growth(made, alone),
        POPULARITY: (_popularity(made), []),
        COUNTS: (_counts(made), []),
    }
    mann_kendall = _mann_kendall(made)
    return found if mann_kendall is None else {**found, MANN_KENDALL: (mann_kendall, [])}


def _span(made: Simulated) -> Span:
    periods = made.corpus.periods
    return Span(made.corpus.step, tuple(range(len(periods))), periods[0], periods[-1])


def _by_growth(made: Simulated, found: Mapping[str, Any]) -> tuple[Calls, list[bool]]:
    known = {subject: one for subject, one in found.items() if isinstance(one, Growth)}
    held = [one.low <= made.ratio[subject] <= one.high for subject, one in known.items()]
    q = false_discovery_control([one.p for one in known.values()])
    calls = {
        subject: 1 if one.ratio > 1 else -1
        for (subject, one), value in zip(known.items(), q, strict=True)
        if value <= FALSE_DISCOVERY_RATE and max(one.ratio, 1 / one.ratio) >= WORTH_SAYING
    }
    return calls, held


def _mann_kendall(made: Simulated) -> Calls | None:
    """Test each share for monotone trend; in months, allowing for autocorrelation. None where the library is missing.

    Mann, Econometrica 13 (1945); Hamed and Rao, Journal of Hydrology 204 (1998); Sen, JASA 63 (1968).
    """
    try:
        import pymannkendall  # a peer, not needed to run the project
    except ImportError:
        return None
    test = pymannkendall.hamed_rao_modification_test if made.corpus.step == "month" else pymannkendall.original_test
    with np.errstate(invalid="ignore"):  # the modification may leave a negative variance; such a test says nothing
        told = {subject: test(series.count / np.maximum(series.total, 1)) for subject, series in made.series.items()}
    q = false_discovery_control([one.p if np.isfinite(one.p) else 1.0 for one in told.values()])
    return {
        subject: 1 if one.slope > 0 else -1
        for (subject, one), value in zip(told.items(), q, strict=True)
        if value <= FALSE_DISCOVERY_RATE
    }


def _popularity(made: Simulated) -> Calls:
    """Call what has gained popularity over the last two years, unless it is among the least popular tenth.

    After Boutaleb, Picault and Grosjean, "BERTrend", 2024: popularity is the papers so far, fading while none come; subjects
    below the tenth percentile are noise, above it their direction counts.
    """
    per_year = 12 if made.corpus.step == "month" else 1
    popular = {}
    for subject, series in made.series.items():
        value, idle, path = 0.0, 0, []
        for count in series.count:
            idle = 0 if count else idle + 1
            value = value + count if count else value * np.exp(-0.01 * idle**2)
            path.append(value)
        gains = np.diff(np.asarray(path))[-2 * per_year :]
        popular[subject] = path[-1], gains[per_year:].sum() - gains[:per_year].sum()
    least = float(np.quantile([last for last, _ in popular.values()], 0.1))
    return {subject: 1 if gain > 0 else -1 for subject, (last, gain) in popular.items() if last > least and gain}


def _counts(made: Simulated) -> Calls:
    """Call rising what has more papers in the last year than in the year before, falling what has fewer."""
    per_year = 12 if made.corpus.step == "month" else 1

    def gain(series: Series) -> int:
        return int(series.count[-per_year:].sum() - series.count[-2 * per_year : -per_year].sum())

    return {subject: 1 if gain(series) > 0 else -1 for subject, series in made.series.items() if gain(series)}


def _dates(seed: int, scores: dict[str, dict[str, list[float]]]) -> None:
    """Plant bursts and shifts in ten years of months; measure how many are found, how well dated, how many are invented."""
    corpus, random = corpus_of("month", MONTHS), np.random.default_rng(seed)
    names = [f"{kind} {number}" for kind, many in PLANTED for number in range(many)]
    places = {name: int(random.integers(MONTHS // 4, 3 * MONTHS // 4)) for name in names}
    events = {name: (place, place + BURST[0], BURST[1]) for name, place in places.items() if name.startswith("burst")}
    events |= {name: (place, MONTHS, SHIFT) for name, place in places.items() if name.startswith("shift")}
    made = simulate(corpus, dict.fromkeys(names, 1.0), seed, events=events)
    past = history(made.series, {}, corpus, corpus_of("year"))
    starts = {
        "burst": {subject: [one.first for one in found] for subject, found in past.bursts.items()},
        "shift": {subject: [one.place for one in found] for subject, found in past.changes.items()},
    }
    score = scores[OURS]
    for kind, found in starts.items():
        off = [
            min((abs(start - made.event[subject]) for start in dates), default=None)
            for subject, dates in found.items()
            if subject.startswith(kind)
        ]
        near = [months for months in off if months is not None and months <= 12]
        score[f"{kind}s found"].append(len(near) / max(len(off), 1))
        score[f"{kind}s off by months"].append(float(np.median(near)) if near else np.nan)
        calm = [bool(dates) for subject, dates in found.items() if subject.startswith("none")]
        score[f"{kind}s invented"].append(float(np.mean(calm)))


def _told(scores: Mapping[str, Mapping[str, Sequence[float]]], past: Mapping[str, str], said: str) -> Measured:
    def headline(name: str, unit: str, tolerance: float, sentence: str, times: float = 100.0) -> Headline:
        draws = [times * value for value in _draws(scores[OURS][name])]
        return Headline(name, "quality", draws, unit, "the planted truth", tolerance, sentence)

    headlines = [
        headline("false discoveries, years", "percent", 4, "Percentage of the trends called on yearly counts that are none: {}."),
        headline("false discoveries, months", "percent", 4, "The same on monthly counts: {}."),
        headline("coverage, years", "percent", 3, "Percentage of 95% intervals that hold the true growth, yearly counts: {}."),
        headline("coverage, months", "percent", 3, "The same on monthly counts: {}."),
        headline("power at 20%, years", "percent", 12, "Percentage of changes by 20% a year that are found in eight years: {}."),
        headline("power at 20%, months", "percent", 12, "The same in sixty months: {}."),
        headline("power at 50%, years", "percent", 5, "Percentage of changes by 50% a year that are found in eight years: {}."),
        headline("power at 50%, months", "percent", 5, "The same in sixty months: {}."),
        headline("bursts found", "percent", 12, "Percentage of planted bursts (three times the odds) that are found: {}."),
        headline("bursts off by months", "months", 1.5, "Where found, their start is dated {} months off.", 1.0),
        headline("shifts found", "percent", 20, "Percentage of planted shifts (twice the odds) that are found: {}."),
        headline("shifts off by months", "months", 2, "Where found, they are dated {} months off.", 1.0),
    ]
    table = {method: {name: _cell(name, values) for name, values in score.items() if values} for method, score in scores.items()}
    return Measured(
        headlines=headlines,
        charts=[
            (title, {method: _draws(one[column]) for method, one in scores.items()})
            for title, column in (
                ("false discoveries on yearly counts", "false discoveries, years"),
                ("power at 20% a year on yearly counts", "power at 20%, years"),
            )
        ],
        table={**table, **({"real history": past} if past else {})},
        raw={"simulated": {method: {name: _mean(values) for name, values in score.items()} for method, score in scores.items()},
             "history": said},
        resampled="simulated corpora",
    )  # fmt: skip


def _draws(values: Sequence[float]) -> list[float]:
    """Return means of bootstrap draws of the simulated corpora; the seed is fixed."""
    finite = np.array([value for value in values if np.isfinite(value)])
    if not len(finite):
        return [float("nan")]
    return np.random.default_rng(0).choice(finite, (RESAMPLES, len(finite))).mean(axis=1).tolist()  # type: ignore[no-any-return]


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(finite)), 4) if finite else None


def _cell(column: str, values: Sequence[float]) -> str:
    mean = _mean(values)
    if mean is None:
        return "-"
    return f"{mean:.1f}" if "months off" in column or "by months" in column else f"{mean:.1%}"


BENCHMARK = Benchmark(
    name="trends",
    question="Are this site's statements of trend right as often as they say?",
    claim="Intervals hold the truth in 95% of cases, at most 5% of the trends called are none, and strong trends are found.",
    origin="this project",
    protocol=(
        "Corpora are simulated with the composition of the real one: eight years of fifteen venues that start, end and skip "
        "years, and sixty months of a growing arXiv that a yearly conference joins. A hundred subjects with known growth (60 "
        "none, 20 by 20%, 20 by 50% a year, up and down) scatter beyond chance as real ones do. Every method judges the same "
        "counts; tests are corrected by Benjamini and Hochberg. In ten years of months bursts (three times the odds for nine "
        "months) and shifts (twice the odds for good) are planted. A harsher arm gives the scatter a longer memory than was "
        "measured. Where the knowledge base holds enough years, real history is followed: what was called rising in a year, "
        "was its share higher one and two years on?"
    ),
    limits=(
        "The scatter was measured with the same model that is tested; the harsher arm shows what it costs if that is wrong.",
        "Real trends bend; a growth per year is then the average over the span.",
        "Eight yearly periods cannot tell how scatter remembers; a correlation of 0.7 between neighbouring years is assumed.",
    ),
    seconds_quick=90,
    run=measure,
    seeds=30,
    seeds_quick=5,
    needs_home=True,
)
