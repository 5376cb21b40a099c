"""Dates and memberships -> series: how many papers of each subject, out of how many, in each period.

A period that the corpus does not cover is a gap, never a zero. A paper dated to its year only takes part in yearly
series. Every count is also kept by stratum (the source or venue family that a paper came from), because a venue that
starts or ends in the corpus would otherwise look like a trend.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Step = Literal["month", "year"]
MIN_PAPERS = {"month": 20, "year": 40}
"""Fewer papers than this in a period of the whole corpus, and the period counts as not covered."""
MIN_STRATUM = 100
"""Strata with fewer papers in all are pooled as "other"."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The papers' dates, ready for counting.

    Attributes:
        step: the length of a period.
        periods: every period from the first to the last paper, "2019-03" or "2019", gaps included.
        strata: names of the strata.
        cells: for each paper its cell number, period * len(strata) + stratum, or -1 if its date is too coarse.
        totals: papers, shape (periods, strata).
        covered: whether a period has enough papers to say anything, shape (periods,).
        complete: whether the last period has ended, as far as the newest date tells.
        dates: first publication of each paper, datetime64[D].
    """

    step: Step
    periods: tuple[str, ...]
    strata: tuple[str, ...]
    cells: NDArray[np.int64]
    totals: Counts
    covered: NDArray[np.bool_]
    complete: bool
    dates: NDArray[np.datetime64] = field(default_factory=lambda: np.zeros(0, "datetime64[D]"))

    def state(self, place: int) -> str:
        """Return "measured", "gap" (too few papers to say anything) or "incomplete" (the last period, not ended)."""
        if not self.complete and place == len(self.periods) - 1:
            return "incomplete"
        return "measured" if self.covered[place] else "gap"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One subject's counts: `counts` of shape (periods, strata), to be read with its `Corpus`."""

    subject: str
    corpus: Corpus
    counts: Counts

    @property
    def count(self) -> Counts:
        """Papers of the subject per period."""
        return self.counts.sum(axis=1)  # type: ignore[no-any-return]

    @property
    def total(self) -> Counts:
        """Papers of the corpus per period."""
        return self.corpus.totals.sum(axis=1)  # type: ignore[no-any-return]


def build_corpus(
    dates: NDArray[np.datetime64], precision: Sequence[str], strata: Sequence[str], step: Step, *, minimum: int | None = None
) -> Corpus:
    """Sort papers into periods and strata.

    Args:
        dates: first publication, datetime64[D], shape (n,).
        precision: "day", "month" or "year" for each paper.
        strata: the source or venue family of each paper.
        minimum: papers that a period needs to count as covered; default `MIN_PAPERS`.
    """
    usable = np.array([step == "year" or known != "year" for known in precision], dtype=bool)
    names, stratum = _pooled(strata)
    unit = dates.astype("datetime64[M]" if step == "month" else "datetime64[Y]").astype(np.int64)
    if not usable.any():
        empty = np.zeros((0, len(names)), np.int64)
        return Corpus(step, (), names, np.full(len(dates), -1), empty, np.zeros(0, bool), True, dates)
    first, last = int(unit[usable].min()), int(unit[usable].max())
    period = np.where(usable, unit - first, -1)
    cells = np.where(usable, period * len(names) + stratum, -1)
    shape = (last - first + 1, len(names))
    totals = np.bincount(cells[usable], minlength=shape[0] * shape[1]).reshape(shape)
    covered = totals.sum(axis=1) >= (MIN_PAPERS[step] if minimum is None else minimum)
    return Corpus(step, _names(first, last, step), names, cells, totals, covered, _complete(dates[usable], step), dates)


def build_series(subject: str, members: NDArray[np.int64], corpus: Corpus) -> Series:
    """Count a subject's papers; `members` are the papers' positions in the corpus."""
    cells = corpus.cells[members]
    counts = np.bincount(cells[cells >= 0], minlength=corpus.totals.size).reshape(corpus.totals.shape)
    return Series(subject, corpus, counts)


def build_all(members: Mapping[str, NDArray[np.int64]], corpus: Corpus) -> dict[str, Series]:
    """Count every subject's papers."""
    return {subject: build_series(subject, positions, corpus) for subject, positions in sorted(members.items())}


def stretches(corpus: Corpus) -> list[tuple[int, int]]:
    """Return the unbroken stretches of covered periods as (first, last) positions, oldest first.

    A last month or year that has not ended is left out: it would look like a fall.
    """
    covered = corpus.covered.copy()
    if len(covered) and not corpus.complete:
        covered[-1] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], covered.astype(np.int8), [0]])))
    return [(int(start), int(end) - 1) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _pooled(strata: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    names, inverse, counts = np.unique(np.asarray(strata, dtype=object).astype(str), return_inverse=True, return_counts=True)
    kept = [str(name) for name, count in zip(names, counts, strict=True) if count >= MIN_STRATUM]
    pooled = [*kept, "other"] if len(kept) < len(names) else kept
    place = np.array([kept.index(str(name)) if str(name) in kept else len(kept) for name in names], dtype=np.int64)
    return tuple(pooled), place[inverse] if len(names) else np.zeros(0, np.int64)


def _names(first: int, last: int, step: Step) -> tuple[str, ...]:
    numbers = np.arange(first, last + 1)
    return tuple(str(period) for period in numbers.astype("datetime64[M]" if step == "month" else "datetime64[Y]"))


def _complete(dates: NDArray[np.datetime64], step: Step) -> bool:
    """Whether the newest period has ended: a month by its 25th day, a year by December.

    A newest year whose papers are all dated to the year only is a finished list.
    """
    days = dates.astype("datetime64[D]")
    newest = days.max().astype(object)
    if step == "month":
        return bool(newest.day >= 25)
    in_newest_year = days[days.astype("datetime64[Y]") == days.max().astype("datetime64[Y]")]
    return bool(newest.month == 12 or not np.any(in_newest_year != in_newest_year.astype("datetime64[Y]")))
