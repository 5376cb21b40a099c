"""Knowledge base -> what the history of each subject shows, and what the corpus covers: plain records, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kb.store import Store
from kb.trends import Backtest, Finding

KINDS = ("emerging", "burst", "change", "nowcast", "forecast")
"""Findings on a subject's history, in the order in which pages tell them."""


@dataclass(frozen=True, slots=True)
class Course:
    """One subject through the whole history of the corpus.

    Attributes:
        step: "month" or "year".
        periods: the periods followed ("2019-03" or "2019"); none for a subject of too few papers.
        share, low, high: its share as if every period held the sources in the same proportions, and the 95% interval.
        bursts: rows of first, last (periods), times (its usual share), open (it lasts).
        changes: rows of period, ratio (odds relative to what its course led to).
        forecast: rows of period, share, low50, high50, low90, high90.
        forecast_model: what it is made by.
    """

    step: str
    periods: Sequence[str]
    share: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    bursts: Sequence[Mapping[str, Any]]
    changes: Sequence[Mapping[str, Any]]
    forecast: Sequence[Mapping[str, Any]]
    forecast_model: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """From when to when a source is in the corpus, and the periods in between that lack it."""

    source: str
    first: str
    last: str
    papers: int
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """What the store knows of the past: courses and told findings by subject, backtests, coverage by year."""

    courses: Mapping[str, Course]
    told: Mapping[str, tuple[Finding, ...]]
    backtests: tuple[Backtest, ...]
    coverage: tuple[Coverage, ...]


def read(store: Store, findings: Sequence[Finding]) -> Past:
    """Read the courses of all subjects; `findings` are those of the same state."""
    courses = {row["subject"]: _course(row) for row in store.table("trends").to_pylist() if row["periods"]}
    told: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.kind in KINDS:
            told.setdefault(finding.subject, []).append(finding)
    tests = [Backtest(**{name: row[name] for name in Backtest.__slots__}) for row in store.table("backtests").to_pylist()]
    covered = [
        Coverage(row["source"], row["first"], row["last"], row["papers"], tuple(row["gaps"]))
        for row in store.table("coverage").to_pylist()
        if row["step"] == "year"
    ]
    return Past(
        courses,
        {subject: tuple(sorted(found, key=lambda one: (KINDS.index(one.kind), one.id))) for subject, found in told.items()},
        tuple(sorted(tests, key=lambda test: (test.ratio, test.model))),
        tuple(sorted(covered, key=lambda one: (one.first, one.last, one.source))),
    )


def _course(row: Mapping[str, Any]) -> Course:
    return Course(
        row["step"], row["periods"], row["share"], row["low"], row["high"], row["bursts"], row["changes"], row["forecast"],
        row["forecast_model"] or "",
    )  # fmt: skip
