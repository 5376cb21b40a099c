"""Findings: statements of trend, each with its numbers, interval, test, sample, method, run and mark."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from kb.evidence import Mark
from kb.trends.growth import Growth, TooFew
from kb.trends.series import Series
from kb.trends.share import wilson

FALSE_DISCOVERY_RATE = 0.05
WORTH_SAYING = 1.10
"""A growth below this ratio a year is not called a trend, however sure it is."""
GROWTH_METHOD = (
    "quasi-binomial GLM with source effects, odds ratio per year, t interval that allows for scatter shared by sources and "
    "neighbouring periods, Benjamini-Hochberg q"
)
GROWTH_KINDS = frozenset({"rising", "falling", "no-trend"})
SHARE_METHOD = "Wilson score interval"
COUNT_METHOD = "count of the works that editors chose; no sample of the field"


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement.

    Attributes:
        id: subject and family ("theme:generative-models/diffusion growth"), stable over runs.
        subject: "theme:...", "group:..." or "cluster:...".
        kind: "rising", "falling", "no-trend", "too-few", "share", "emerging", "burst", "change", "forecast", "nowcast", or
            "count" (of a reading list, where nothing else holds).
        statement: one sentence of plain text.
        value: odds ratio per year; share (share, forecast); number of papers (too few, count, nowcast); share relative to
            before or to usual (emerging, burst); odds relative to before (change).
        low, high: 95% interval of `value` (of a forecast 90%), None where there is none.
        q: false-discovery-rate-adjusted p-value, None where nothing was tested.
        n: papers of the subject that the value rests on.
        method: how it was computed.
        run: the refresh that computed it.
        mark: "derived".
        first, last: the first and last period used.
    """

    id: str
    subject: str
    kind: str
    statement: str
    value: float
    low: float | None
    high: float | None
    q: float | None
    n: int
    method: str
    run: str
    mark: str
    first: str
    last: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, in the documented order."""
        return asdict(self)


def from_dict(row: Mapping[str, Any]) -> Finding:
    """Build a Finding from a stored row."""
    return Finding(**{field.name: row[field.name] for field in fields(Finding)})


def growth_findings(names: Mapping[str, str], estimates: Mapping[str, Growth | TooFew], run: str) -> list[Finding]:
    """Say of every subject whether it grows; tests are corrected for how many subjects there are.

    Benjamini and Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).
    """
    tested = [subject for subject, estimate in estimates.items() if isinstance(estimate, Growth)]
    p_values = [estimate.p for estimate in estimates.values() if isinstance(estimate, Growth)]
    adjusted = dict(zip(tested, false_discovery_control(p_values) if p_values else [], strict=True))
    return [
        _growth_finding(subject, names[subject], estimate, adjusted.get(subject), run) for subject, estimate in estimates.items()
    ]


def share_findings(names: Mapping[str, str], yearly: Mapping[str, Series], run: str) -> list[Finding]:
    """Say of every subject what share of the corpus it has."""
    found = (_share_finding(names[subject], series, run) for subject, series in yearly.items())
    return [finding for finding in found if finding is not None]


def counts(names: Mapping[str, str], members: Mapping[str, NDArray[np.int64]], total: int, run: str) -> list[Finding]:
    """Return how many works of a reading list each subject has, ordered by id: the editors' choice is all that they tell."""
    return [
        Finding(
            f"{subject} count", subject, "count",
            f"{names[subject]}: {len(members[subject]):,} of the {total:,} works on this reading list.",
            float(len(members[subject])), None, None, None, len(members[subject]), COUNT_METHOD, run, Mark.DERIVED.value, "", "",
        )
        for subject in sorted(members)
    ]  # fmt: skip


def _growth_finding(subject: str, name: str, estimate: Growth | TooFew, q: float | None, run: str) -> Finding:
    if isinstance(estimate, TooFew):
        papers = "1 paper" if estimate.n == 1 else f"{estimate.n:,} papers"
        said = f"{name}: {papers}, too few to speak of a trend ({estimate.reason})."
        return Finding(
            f"{subject} growth", subject, "too-few", said, float(estimate.n), None, None, None, estimate.n,
            GROWTH_METHOD, run, Mark.DERIVED.value, "", "",
        )  # fmt: skip
    sure = q is not None and q <= FALSE_DISCOVERY_RATE
    kind = "no-trend"
    if sure and estimate.ratio >= WORTH_SAYING:
        kind = "rising"
    elif sure and estimate.ratio <= 1 / WORTH_SAYING:
        kind = "falling"
    said = _sentence(name, kind, estimate, sure=sure)
    return Finding(
        f"{subject} growth", subject, kind, said, estimate.ratio, estimate.low, estimate.high,
        None if q is None else float(q), estimate.n, GROWTH_METHOD, run, Mark.DERIVED.value,
        estimate.span.first, estimate.span.last,
    )  # fmt: skip


def _sentence(name: str, kind: str, found: Growth, *, sure: bool) -> str:
    interval = f"95% interval {percent(found.low)} to {percent(found.high)}"
    sample = f"{found.span.first} to {found.span.last}, {found.n:,} of {found.total:,} papers"
    if kind == "rising":
        return f"{name} rose by {percent(found.ratio, unsigned=True)} a year ({interval}; {sample})."
    if kind == "falling":
        return f"{name} fell by {percent(found.ratio, unsigned=True)} a year ({interval}; {sample})."
    if sure:
        return (
            f"{name}: hardly a trend, {percent(found.ratio)} a year, less than the 10% that we call one ({interval}; {sample})."
        )
    return f"{name}: no clear trend, {percent(found.ratio)} a year ({interval}; {sample})."


def percent(ratio: float, *, unsigned: bool = False) -> str:
    """Return a ratio per year as a percentage of change: 1.25 -> "+25%".

    >>> percent(1.25), percent(0.9), percent(4.2), percent(0.9, unsigned=True)
    ('+25%', '-10%', '+320%', '10%')
    """
    change = abs(ratio - 1) if unsigned else ratio - 1
    return f"{change:.0%}" if unsigned else f"{change:+.0%}"


def _share_finding(name: str, series: Series, run: str) -> Finding | None:
    """Return the subject's share in the newest covered year that has ended."""
    corpus = series.corpus
    places = [place for place in np.flatnonzero(corpus.covered) if corpus.complete or place < len(corpus.periods) - 1]
    if not places:
        return None
    place = int(places[-1])
    count, total = int(series.count[place]), int(series.total[place])
    low, high = wilson(count, total)
    year, share = corpus.periods[place], count / total
    said = (
        f"{name} made up {share:.1%} of this corpus in {year} (95% interval {float(low):.1%} to {float(high):.1%}; "
        f"{count:,} of {total:,} papers)."
    )
    return Finding(
        f"{series.subject} share", series.subject, "share", said, share, float(low), float(high), None, count,
        SHARE_METHOD, run, Mark.DERIVED.value, year, year,
    )  # fmt: skip


def rank(findings: Iterable[Finding]) -> list[Finding]:
    """Order findings by how much they say, never by p-value: what rises or falls first, by surprise and size.

    Size is how far the interval's nearer end lies from "no change", in log-odds per year: a large growth known poorly counts
    for little, and so does a tiny one known well. Surprise is how far it lies from what subjects of this corpus usually do
    (the median growth). Bursts and shifts follow, by their size, then what shows no clear trend, shares and forecasts.
    """
    findings = list(findings)
    known = [math.log(finding.value) for finding in findings if finding.kind in GROWTH_KINDS and finding.value > 0]
    usual = float(np.median(known)) if known else 0.0
    order = {"rising": 0, "falling": 0, "emerging": 1, "change": 2, "burst": 2, "no-trend": 3, "share": 4, "count": 4}

    def weight(finding: Finding) -> tuple[float, ...]:
        said = _beyond(finding, 0.0) + _beyond(finding, usual)
        if finding.kind in {"change", "burst", "emerging"}:
            said = abs(math.log(max(finding.value, 1e-9)))
        return (order.get(finding.kind, {"forecast": 5, "nowcast": 5}.get(finding.kind, 6)), -said, -finding.n)

    return sorted(findings, key=lambda finding: (*weight(finding), finding.id))


def _beyond(finding: Finding, point: float) -> float:
    """Return how far a growth's interval lies from a point on the scale of log-odds per year; 0 if it holds the point."""
    if finding.kind not in GROWTH_KINDS or not finding.low or not finding.high:
        return 0.0
    return max(math.log(finding.low) - point, point - math.log(finding.high), 0.0)


def differences(old: Sequence[Finding], new: Sequence[Finding], tolerance: float = 1e-6) -> list[str]:
    """Return one line for each finding whose recomputed numbers or words differ (the run does not count)."""
    before, after = ({finding.id: finding for finding in findings} for findings in (old, new))
    lines = [f"{name}: gone when recomputed" for name in sorted(before.keys() - after.keys())]
    lines += [f"{name}: missing here, recomputed {after[name].value:g}" for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        one, other = before[name], after[name]
        for field in ("value", "low", "high", "q", "n", "kind", "statement", "first", "last"):
            here, there = getattr(one, field), getattr(other, field)
            if not _same(here, there, tolerance):
                lines.append(f"{name}: {field} is {here}, recomputed {there}")
    return lines


def _same(one: object, other: object, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, (float, int)):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return one == other
