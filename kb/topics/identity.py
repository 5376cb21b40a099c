"""Clusters keep their names: old and new clusters are matched by the papers they share.

Optimal one-to-one assignment on the overlap (Kuhn, "The Hungarian method for the assignment problem", 1955). What has
no partner is born, split off, merged or faded, and the lineage says so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

REFIT_GROWTH = 0.20
"""Share of papers that arrived since the last fit at which clusters are fitted anew; until then papers are assigned."""
MOST = 0.5


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a cluster in a run: "born", "continued", "split", "merged" or "faded"; parents are older ids."""

    cluster: str
    event: str
    parents: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Ids of the new clusters by number, and the lineage."""

    ids: tuple[str, ...]
    events: tuple[Event, ...]


def needs_refit(fitted: int, now: int) -> bool:
    """Whether a corpus of `now` papers has outgrown clusters that were fitted on `fitted`."""
    return fitted == 0 or now > fitted * (1 + REFIT_GROWTH) or now < fitted * (1 - REFIT_GROWTH)


def match(old: Mapping[str, str], papers: Sequence[str], labels: Sequence[int], next_number: int) -> Identity:
    """Give new clusters the ids of the old ones they continue.

    Args:
        old: paper -> cluster id before.
        papers: the papers now.
        labels: each paper's new cluster, 0 to k - 1.
        next_number: the first number free for a cluster that is born ("c0042" for 42).
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
            name = f"c{next_number:04d}"
            next_number += 1
            source = int(overlap[:, number].argmax()) if overlap.size else -1
            came = source >= 0 and overlap[source, number] > MOST * sizes[number]
            events.append(Event(name, "split" if came else "born", (old_ids[source],) if came else (), sizes[number]))
        ids.append(name)
    events += [Event(name, "faded", (), 0) for name in old_ids if name not in ids]
    return Identity(tuple(ids), tuple(events))
