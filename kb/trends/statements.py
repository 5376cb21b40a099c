"""What a subject's history says, in sentences: emergence, bursts, shifts, the unfinished month, the forecast."""

from collections.abc import Mapping
from typing import Any

from kb.evidence import Mark
from kb.trends.adjusted import Adjusted
from kb.trends.emergence import YOUNG, Emergence
from kb.trends.findings import Finding
from kb.trends.forecast import NO_CHANGE
from kb.trends.history import History, next_periods
from kb.trends.nowcast import Nowcast

BURST_METHOD = (
    "Kleinberg's two-state automaton against the subject's own course, adjusted for sources, costs divided by the dispersion"
)
CHANGE_METHOD = "best step beside a parabola on log-odds adjusted for sources, threshold by simulation (5% false alarms)"
EMERGENCE_METHOD = "young (share of the last three years relative to before), rising, and coherent"
NOWCAST_METHOD = "pace of the same days in past months, 95% prediction interval"


def history_findings(
    names: Mapping[str, str],
    past: History,
    emerging: Mapping[str, Emergence],
    now: Mapping[str, Nowcast],
    run: str,
) -> list[Finding]:
    """Say what the history of each subject shows; a subject without a burst, a shift or a forecast gets no sentence on it."""
    found = [_nowcast(names[subject], subject, one, run) for subject, one in now.items() if one.count]
    if past.adjusted is None:
        return found
    for row, subject in enumerate(past.order):
        told = _Teller(names[subject], subject, past, past.adjusted, row, run)
        if subject in emerging and emerging[subject].emerging:
            found.append(told.emergence(emerging[subject]))
        if past.bursts[subject]:
            found.append(told.burst())
        if past.changes[subject]:
            found.append(told.change())
        if past.forecast is not None:
            found.append(told.forecast())
    return found


class _Teller:
    """One subject's history, and the sentences about it."""

    def __init__(self, name: str, subject: str, past: History, adjusted: Adjusted, row: int, run: str) -> None:
        self.name, self.subject, self.past, self.adjusted, self.row, self.run = name, subject, past, adjusted, row, run
        self.periods = past.corpus.periods

    def _finding(self, kind: str, said: str, value: float, **told: Any) -> Finding:
        values: dict[str, Any] = {
            "low": None, "high": None, "q": None, "n": int(self.adjusted.count[self.row].sum()),
            "first": self.periods[self.adjusted.places[0]], "last": self.periods[self.adjusted.places[-1]],
        }  # fmt: skip
        return Finding(
            id=f"{self.subject} {kind}", subject=self.subject, kind=kind, statement=said, value=value, run=self.run,
            mark=Mark.DERIVED.value, **{**values, **told},
        )  # fmt: skip

    def _papers(self, first: int, last: int) -> int:
        chosen = (self.adjusted.places >= first) & (self.adjusted.places <= last)
        return int(self.adjusted.count[self.row][chosen].sum())

    def emergence(self, one: Emergence) -> Finding:
        said = (
            f"{self.name}: emerging; in the last three years its share was {one.youth:.1f} times what it was before, it "
            f"rises beyond doubt, and its papers hold together ({self.adjusted.count[self.row].sum():,} papers)."
        )
        return self._finding("emerging", said, one.youth, method=f"{EMERGENCE_METHOD}; at least {YOUNG:g} times")

    def burst(self) -> Finding:
        """Tell the weightiest burst."""
        one = max(self.past.bursts[self.subject], key=lambda burst: (burst.weight, burst.first))
        first, last = self.periods[one.first], self.periods[one.last]
        when = f"in {first}" if first == last else f"from {first} to {last}"
        papers = self._papers(one.first, one.last)
        still = ", and it lasts" if one.open else ""
        said = f"{self.name}: a burst {when}, {one.times:.1f} times its usual share ({papers:,} papers){still}."
        return self._finding("burst", said, one.times, n=papers, method=BURST_METHOD, first=first, last=last)

    def change(self) -> Finding:
        """Tell the largest shift."""
        one = max(self.past.changes[self.subject], key=lambda change: (abs(change.ratio - 1), change.place))
        when = self.periods[one.place]
        said = (
            f"{self.name}: its level shifted in {when}, to {one.ratio:.2f} times the odds that its course led to before "
            f"({self.adjusted.count[self.row].sum():,} papers, {self.periods[self.adjusted.places[0]]} to "
            f"{self.periods[self.adjusted.places[-1]]})."
        )
        return self._finding("change", said, one.ratio, method=CHANGE_METHOD, first=when, last=when)

    def forecast(self) -> Finding:
        """Tell the last period of the forecast."""
        ahead = self.past.forecast
        assert ahead is not None
        when = next_periods(self.past)[-1]
        share, low, high = (float(part[self.row, -1]) for part in (ahead.share, ahead.low90, ahead.high90))
        inner = f"{ahead.low50[self.row, -1]:.1%} to {ahead.high50[self.row, -1]:.1%}"
        test = next(test for test in self.past.backtests if test.used)
        better = (
            "no change assumed, since no model beat that"
            if ahead.model == NO_CHANGE
            else f"{ahead.model}, with {1 - test.ratio:.0%} less error than no change"
        )
        said = (
            f"{self.name}: {share:.1%} of papers expected in {when}, at the corpus's usual mix of sources (90% interval "
            f"{low:.1%} to {high:.1%}, 50% {inner}; "
            f"{better}; in {test.n:,} forecasts of the past the 90% interval held {test.coverage90:.0%})."
        )
        method = f"{ahead.model}, chosen and tested by rolling origins; 90% interval from past errors"
        return self._finding("forecast", said, share, low=low, high=high, method=method, last=when)


def _nowcast(name: str, subject: str, one: Nowcast, run: str) -> Finding:
    said = (
        f"{name}: about {one.expected:,.0f} papers expected in {one.period} once it has ended (95% interval {one.low:,.0f} to "
        f"{one.high:,.0f}; {one.count:,} by day {one.day})."
    )
    return Finding(
        f"{subject} nowcast", subject, "nowcast", said, one.expected, one.low, one.high, None, one.count, NOWCAST_METHOD, run,
        Mark.DERIVED.value, one.period, one.period,
    )  # fmt: skip
