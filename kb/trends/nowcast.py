"""The month that has not ended: how many papers it will hold, from the pace of past months.

After d days of a month some part of its papers is there. How many follow is foretold from the last complete months: the
papers after day d relative to those up to day d, with the months' own spread beyond chance. This is the simplest of the
reporting-delay methods (Lawless, "Adjustments for reporting delays and the prediction of occurred but not reported
events", Canadian Journal of Statistics 22, 1994). The unfinished month takes part in no trend.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from kb.trends.series import Corpus

MONTHS = 12
MIN_MONTHS = 4


@dataclass(frozen=True, slots=True)
class Nowcast:
    """An unfinished month.

    Attributes:
        period: the month.
        day: the last day of it that the corpus knows.
        count: papers so far.
        expected: papers in the whole month; low, high: its 95% prediction interval.
        total, total_expected: the same of the whole corpus.
    """

    period: str
    day: int
    count: int
    expected: float
    low: float
    high: float
    total: int
    total_expected: float


def nowcast(dates: NDArray[np.datetime64], corpus: Corpus, members: Mapping[str, NDArray[np.int64]]) -> dict[str, Nowcast]:
    """Foretell the last month of every subject; nothing if it is complete or too few months came before.

    Args:
        dates: of all papers, datetime64[D], in the corpus's order.
        corpus: the papers by month.
        members: subject -> positions of its papers.
    """
    if corpus.step != "month" or corpus.complete or not corpus.periods:
        return {}
    last = len(corpus.periods) - 1
    past = [place for place in range(max(0, last - MONTHS), last) if corpus.covered[place]]
    if len(past) < MIN_MONTHS:
        return {}
    month = np.where(corpus.cells >= 0, corpus.cells // max(len(corpus.strata), 1), -1)
    days = dates.astype("datetime64[D]")
    in_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    day = int(in_month[month == last].max())
    early = in_month <= day

    def counted(chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Papers by month, up to that day and after it."""
        used = chosen[month[chosen] >= 0]
        before = np.bincount(month[used][early[used]], minlength=last + 1)
        return before, np.bincount(month[used][~early[used]], minlength=last + 1)

    before, after = counted(np.arange(len(dates)))
    rate = float(after[past].sum() / max(before[past].sum(), 1))
    expected = rate * before[past]
    spread = max(1.0, float((((after[past] - expected) ** 2) / np.maximum(expected, 1)).sum() / (len(past) - 1)))
    relative = (spread - 1) / max(float(expected.mean()), 1.0)  # beyond chance it grows with the square of the count
    reach = float(student.ppf(0.975, len(past) - 1))
    found = {}
    for subject, positions in members.items():
        count = int(counted(positions)[0][last])
        more = rate * count
        half = reach * (more + rate**2 * count + relative * more**2) ** 0.5
        found[subject] = Nowcast(
            corpus.periods[last], day, count, count + more, count + max(0.0, more - half), count + more + half,
            int(before[last]), float(before[last] * (1 + rate)),
        )  # fmt: skip
    return found
