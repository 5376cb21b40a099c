"""The store's papers and topics -> what is counted: corpora by month and by year, and the papers of each subject."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.store import Store
from kb.taxonomy import Taxonomy
from kb.trends.series import Corpus, build_corpus

EPOCH_GAP = 6
"""Months without a paper after which a source that is dated by month counts as another stratum: what it collected
before and after such a gap may differ, and the difference must not pass for a trend."""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
READING_LIST = "starter"
"""The source whose works editors chose one by one: they are no sample of the field."""


def is_reading_list(store: Store) -> bool:
    """Whether editors chose every paper, so that counts say what they chose and nothing about the field."""
    return not any(map(_sampled, store.papers(["sources"], "NOT withdrawn")["sources"].to_pylist()))


def _sampled(records: list[Mapping[str, Any]]) -> bool:
    return any(record["source"] != READING_LIST for record in records)


def corpora(store: Store) -> tuple[list[str], Corpus, Corpus]:
    """Return (paper ids, the corpus by month, the corpus by year).

    Withdrawn papers are not counted, and neither are works that only the reading list has, unless there is nothing else.
    """
    table = store.papers(["id", "published", "date_precision", "sources", "venue"], "NOT withdrawn")
    sampled = [place for place, records in enumerate(table["sources"].to_pylist()) if _sampled(records)]
    rows = (table.take(sampled) if sampled else table).to_pydict()
    dates = np.array(rows["published"], dtype="datetime64[D]")
    strata = strata_of(dates, rows["date_precision"], rows["sources"], rows["venue"])
    monthly, yearly = (build_corpus(dates, rows["date_precision"], strata, step) for step in ("month", "year"))
    return rows["id"], monthly, yearly


def strata_of(
    dates: NDArray[np.datetime64], precision: list[str], sources: list[list[Mapping[str, Any]]], venues: list[str]
) -> list[str]:
    """Return the stratum of each paper: arXiv (by unbroken stretch of coverage), else its venue, else its source."""
    families = [_family(records, venue) for records, venue in zip(sources, venues, strict=True)]
    months = dates.astype("datetime64[M]").astype(np.int64)
    in_arxiv = np.array([family == "arxiv" and known != "year" for family, known in zip(families, precision, strict=True)], bool)
    seen = np.unique(months[in_arxiv])
    starts = seen[np.flatnonzero(np.diff(seen, prepend=seen[:1] - EPOCH_GAP - 1) > EPOCH_GAP)] if len(seen) else seen
    return [
        f"arxiv from {np.datetime64(int(starts[np.searchsorted(starts, month, 'right') - 1]), 'M')}" if dated else family
        for family, month, dated in zip(families, months, in_arxiv, strict=True)
    ]


def _family(records: list[Mapping[str, Any]], venue: str) -> str:
    names = sorted(str(record["source"]) for record in records)
    if any(name in {"arxiv", "arxiv_feed"} for name in names):
        return "arxiv"
    family = " ".join(_YEAR.sub(" ", venue).split()).lower()  # "ACL 2024 Findings", from whatever source: "acl findings"
    return family or names[0].split(":")[0]


def subjects(store: Store, taxonomy: Taxonomy, papers: list[str]) -> tuple[dict[str, str], dict[str, NDArray[np.int64]]]:
    """Return (subject -> name, subject -> positions of its papers): themes, groups of themes, clusters."""
    place = {paper: number for number, paper in enumerate(papers)}
    names = {f"theme:{theme.id}": theme.name for theme in taxonomy.themes}
    names |= {f"group:{group.id}": group.name for group in taxonomy.groups}
    members: dict[str, set[int]] = {subject: set() for subject in names}
    assigned = store.table("themes", ["paper", "theme"]).to_pydict()
    for paper, theme in zip(assigned["paper"], assigned["theme"], strict=True):
        if paper in place and f"theme:{theme}" in members:
            members[f"theme:{theme}"].add(place[paper])
            members[f"group:{theme.split('/')[0]}"].add(place[paper])
    for row in store.table("clusters", ["id", "label"]).to_pylist():
        names[f"cluster:{row['id']}"] = row["label"][:1].upper() + row["label"][1:]
        members[f"cluster:{row['id']}"] = set()
    placed = store.table("placements", ["paper", "cluster"]).to_pydict()
    for paper, cluster in zip(placed["paper"], placed["cluster"], strict=True):
        if paper in place:
            members[f"cluster:{cluster}"].add(place[paper])
    return names, {subject: np.array(sorted(chosen), np.int64) for subject, chosen in members.items()}
