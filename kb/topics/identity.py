"""Clusters keep their names: old and new clusters are matched by the papers they share.

Optimal one-to-one assignment on the overlap (Kuhn, "The Hungarian method for the assignment problem", 1955). What has
no partner is born, split off, merged or faded, and the lineage says so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest

REFIT_GROWTH = 0.20
"""Share of papers that arrived since the last fit at which clusters are fitted anew; until then papers are assigned."""
MOST = 0.5
DRIFT_PAPERS, DRIFT_FACTOR = 50, 2.0
"""From so many new papers on drift is judged; it is there when surely more than this many times as many are weakly
placed as when the clusters were fitted."""


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a cluster in a run.

    Attributes:
        event: "born", "continued", "split" (off from its parent), "merged" (took in its other parents) or "faded".
        parents: older ids that it comes from.
        successor: of a faded cluster, the one that holds most of its papers now: where an old link leads.
    """

    cluster: str
    event: str
    parents: tuple[str, ...]
    size: int
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Ids of the new clusters by number, and the lineage."""

    ids: tuple[str, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """How well the clusters fit what came after they were fitted.

    Attributes:
        new, weak: papers since the last fit, and those of them that are weakly placed.
        usual: the share of weakly placed papers at the fit.
        drifts: whether surely more than `DRIFT_FACTOR` times as many are weakly placed as then.
    """

    new: int
    weak: int
    usual: float
    drifts: bool

    def sentence(self) -> str:
        """Say it in one line, with what to do."""
        if not self.new:
            return "no paper is newer than the clusters"
        shares = f"{self.weak / self.new:.0%}; usual {self.usual:.0%}"
        told = f"{self.weak:,} of {self.new:,} papers since the last fit are weakly placed ({shares})"
        if self.drifts:
            return f"{told}: the clusters no longer fit, the next refresh that brings papers fits them anew"
        return f"{told}: the clusters fit"


def drift(new: int, weak: int, usual: float) -> Drift:
    """Judge drift by the lower bound of a 95% interval for the share of weakly placed papers (Wilson, JASA 22, 1927)."""
    if new < DRIFT_PAPERS:
        return Drift(new, weak, usual, drifts=False)
    low = binomtest(weak, new).proportion_ci(0.95, "wilson").low
    return Drift(new, weak, usual, drifts=low > DRIFT_FACTOR * usual)


def needs_refit(fitted: int, now: int) -> bool:
    """Whether a corpus of `now` papers has outgrown clusters that were fitted on `fitted`."""
    return fitted == 0 or now > fitted * (1 + REFIT_GROWTH) or now < fitted * (1 - REFIT_GROWTH)


def match(old: Mapping[str, str], papers: Sequence[str], labels: Sequence[int], next_number: int, prefix: str = "c") -> Identity:
    """Give new clusters the ids of the old ones they continue.

    Args:
        old: paper -> cluster id before.
        papers: the papers now.
        labels: each paper's new cluster, 0 to k - 1.
        next_number: the first number free for a cluster that is born ("c0042" for 42).
        prefix: the first letter of ids: "c" for the middle level, "b" for broad and "n" for narrow clusters.
    """
    k = max(labels, default=-1) + 1
    sizes = Counter(labels)
    old_ids = sorted(set(old.values()))
    old_sizes = Counter(old.values())
    place = {name: number for number, name in enumerate(old_ids)}
    overlap = np.zeros((len(old_ids), k), np.int64)
    for paper, label in zip(papers, labels, strict=True):
        if paper in old:
            overlap[place[old[paper]], label] += 1
    rows, columns = linear_sum_assignment(-overlap) if overlap.size else ((), ())
    kept = {
        int(new): old_ids[row]
        for row, new in zip(rows, columns, strict=True)
        if 2 * overlap[row, new] > min(old_sizes[old_ids[row]], sizes[int(new)])
    }
    ids, events = [], []
    for number in range(k):
        parents = tuple(old_ids[row] for row in range(len(old_ids)) if overlap[row, number] > MOST * old_sizes[old_ids[row]])
        if number in kept:
            name = kept[number]
            others = tuple(parent for parent in parents if parent != name)
            events.append(Event(name, "merged" if others else "continued", (name, *others), sizes[number]))
        else:
            name = f"{prefix}{next_number:04d}"
            next_number += 1
            source = int(overlap[:, number].argmax()) if overlap.size else -1
            came = source >= 0 and overlap[source, number] > MOST * sizes[number]
            events.append(Event(name, "split" if came else "born", (old_ids[source],) if came else (), sizes[number]))
        ids.append(name)
    for row, name in enumerate(old_ids):
        if name not in ids:
            heir = int(overlap[row].argmax()) if k else -1
            events.append(Event(name, "faded", (), 0, ids[heir] if heir >= 0 and overlap[row, heir] else ""))
    return Identity(tuple(ids), tuple(events))
