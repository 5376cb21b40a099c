"""Knowledge base -> how clusters belong together: the broad and narrow levels, and what became of each over the refits."""

from collections import defaultdict
from dataclasses import dataclass

from kb.store import Store


@dataclass(frozen=True, slots=True)
class Level:
    """A broad or narrow cluster: id, name, papers, and the ids of those nearest to its centre."""

    id: str
    name: str
    papers: int
    central: tuple[str, ...]


def levels(store: Store) -> tuple[dict[str, Level], dict[str, tuple[Level, ...]]]:
    """Return for each cluster ("cluster:c0001") the broad one above it and, largest first, the narrow ones below it."""
    rows = store.table("cluster_levels", ["id", "label", "size", "exemplars", "level", "parent"]).to_pylist()
    known = {row["id"]: Level(row["id"], _named(row["label"]), row["size"], tuple(row["exemplars"])) for row in rows}
    parents = store.table("clusters", ["id", "parent"]).to_pylist()
    broad = {f"cluster:{row['id']}": known[row["parent"]] for row in parents if row["parent"] in known}
    finer: dict[str, list[Level]] = defaultdict(list)
    for row in rows:
        if row["level"] == "narrow":
            finer[f"cluster:{row['parent']}"].append(known[row["id"]])
    return broad, {subject: tuple(sorted(found, key=lambda level: (-level.papers, level.id))) for subject, found in finer.items()}


def history(store: Store) -> dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]]:
    found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    for row in sorted(store.table("cluster_history").to_pylist(), key=lambda row: (row["run"], row["cluster"])):
        found[f"cluster:{row['cluster']}"].append((row["run"], row["event"], tuple(row["parents"])))
    return {subject: tuple(events) for subject, events in found.items()}


def moved(store: Store) -> dict[str, str]:
    """Return every cluster that had a page and is no more, with the one that holds most of its papers now ("" if none).

    Refits may follow each other: the heir of an heir inherits.
    """
    living = {row["id"] for row in store.table("clusters", ["id"]).to_pylist()}
    heirs: dict[str, str] = {}
    for row in sorted(store.table("cluster_history").to_pylist(), key=lambda row: (row["run"], row["cluster"])):
        if row["cluster"][:1] == "c":  # only clusters of the middle level have pages
            heirs[row["cluster"]] = row["successor"] if row["event"] == "faded" else ""
    return {name: _heir(name, heirs, living) for name in sorted(heirs.keys() - living)}


def _named(label: str) -> str:
    return label[:1].upper() + label[1:]


def _heir(name: str, heirs: dict[str, str], living: set[str]) -> str:
    passed = set()
    while name and name not in living:
        if name in passed:
            return ""
        passed.add(name)
        name = heirs.get(name, "")
    return name
