"""Knowledge base -> what the pages say: plain records, read once; everything after this is pure."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.papers import Paper
from kb.store import Store
from kb.taxonomy import Group, Standard, Taxonomy, Theme
from kb.trends import Corpus, Finding, Series, build_series, corpora, from_dict, subjects

SHOWN = 8
READING_LIST = 25
"""A theme of a reading list shows all its works, up to this many."""
NEIGHBOURS = 4


@dataclass(frozen=True, slots=True)
class PaperLine:
    """What a list of papers shows of one.

    `facts` says of a starter work what its title, authors and date were compared with ("checked: ..."), or "unchecked"; it
    is empty for a paper whose source says them.
    """

    id: str
    title: str
    authors: str
    date: str
    venue: str
    link: str
    why: str
    summary: str
    facts: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A theme, a group of themes or a cluster, with all that its page says.

    Attributes:
        subject: "theme:...", "group:..." or "cluster:...".
        papers: how many papers it has.
        growth, share: its findings, where there are any.
        monthly, yearly: its counts, to be read with their corpora.
        central: its papers that fit it best (an editor's choice, for a reading list), best first.
        newest: its newest papers, newest first.
        neighbours: (subject, papers shared) of the topics that share most papers with it.
        terms: of a cluster, its strongest terms.
        history: of a cluster, what became of it: (run, event, parents).
    """

    subject: str
    name: str
    papers: int
    growth: Finding | None
    share: Finding | None
    monthly: Series
    yearly: Series
    central: tuple[PaperLine, ...]
    newest: tuple[PaperLine, ...]
    neighbours: tuple[tuple[str, int], ...]
    terms: tuple[str, ...] = ()
    history: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    @property
    def id(self) -> str:
        """The subject without its kind."""
        return self.subject.split(":", 1)[1]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the site says.

    Attributes:
        run: the refresh that it is built from.
        reading_list: the corpus is the starter library alone: editors chose it, it counts nothing but itself.
        topics: every topic by its subject.
        precision: how many papers are dated to the day, the month, the year.
        kinds: papers by kind of publication; venues: papers by venue, most first.
    """

    run: Mapping[str, Any]
    runs: tuple[Mapping[str, Any], ...]
    counts: Mapping[str, int]
    sources: Mapping[str, Mapping[str, Any]]
    reading_list: bool
    taxonomy: Taxonomy
    topics: Mapping[str, Topic]
    findings: tuple[Finding, ...]
    monthly: Corpus
    yearly: Corpus
    precision: Mapping[str, int]
    kinds: Mapping[str, int]
    venues: tuple[tuple[str, int], ...]
    licences: tuple[tuple[str, int], ...]

    def themes(self, group: Group) -> list[tuple[Theme, Topic]]:
        """Return a group's themes with their topics, in the taxonomy's order."""
        return [(theme, self.topics[f"theme:{theme.id}"]) for theme in self.taxonomy.in_group(group.id)]

    def clusters(self) -> list[Topic]:
        """Return the clusters, largest first."""
        found = [topic for subject, topic in self.topics.items() if subject.startswith("cluster:")]
        return sorted(found, key=lambda topic: (-topic.papers, topic.subject))

    def standards(self, theme: Theme) -> list[Standard]:
        """Return the standards that touch a theme."""
        return [standard for standard in self.taxonomy.standards if standard.id in theme.standards]


def read(store: Store, taxonomy: Taxonomy) -> Facts:
    """Read everything the site says from the store."""
    run = store.run or {}
    sources = json.loads(str(run["sources"]))
    papers, monthly, yearly = corpora(store)
    names, members = subjects(store, taxonomy, papers)
    findings = [from_dict(row) for row in store.table("findings").to_pylist()]
    growth = {finding.subject: finding for finding in findings if finding.kind not in {"share"}}
    share = {finding.subject: finding for finding in findings if finding.kind == "share"}
    reading_list = set(sources) == {"starter"}
    central, why = _central(store, papers, reading_list)
    newest = _newest(store, papers, members)
    lines = _paper_lines(store, papers, {place for chosen in (*central.values(), *newest.values()) for place in chosen})
    shared = _neighbours(members)
    clusters = {f"cluster:{row['id']}": row for row in store.table("clusters", ["id", "terms"]).to_pylist()}
    history = _history(store)
    topics = {
        subject: Topic(
            subject=subject,
            name=names[subject],
            papers=len(positions),
            growth=growth.get(subject),
            share=share.get(subject),
            monthly=build_series(subject, positions, monthly),
            yearly=build_series(subject, positions, yearly),
            central=tuple(_with_why(lines[place], why.get((subject, place), "")) for place in central.get(subject, ())),
            newest=tuple(lines[place] for place in newest[subject]),
            neighbours=shared.get(subject, ()),
            terms=tuple(clusters[subject]["terms"]) if subject in clusters else (),
            history=history.get(subject, ()),
        )
        for subject, positions in members.items()
    }
    described = store.papers(["date_precision", "kind", "venue", "licence"]).to_pydict()
    return Facts(
        run=run,
        runs=tuple(store.runs()),
        counts=json.loads(str(run["counts"])),
        sources=sources,
        reading_list=reading_list,
        taxonomy=taxonomy,
        topics=topics,
        findings=tuple(findings),
        monthly=monthly,
        yearly=yearly,
        precision=Counter(described["date_precision"]),
        kinds=Counter(described["kind"]),
        venues=tuple(_ordered(Counter(name for name in described["venue"] if name))),
        licences=tuple(_ordered(Counter(name or "not stated by the source" for name in described["licence"]))),
    )


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _central(store: Store, papers: Sequence[str], reading_list: bool) -> tuple[dict[str, list[int]], dict[tuple[str, int], str]]:
    """Return each theme's and cluster's best fitting papers, and why they fit."""
    place = {paper: number for number, paper in enumerate(papers)}
    ranked: dict[str, list[tuple[float, int]]] = defaultdict(list)
    why: dict[tuple[str, int], str] = {}
    for row in store.table("themes").to_pylist():
        if row["paper"] in place:
            subject = f"theme:{row['theme']}"
            ranked[subject].append((-row["score"], place[row["paper"]]))
            why[subject, place[row["paper"]]] = row["why"]
    for row in store.table("placements").to_pylist():
        if row["paper"] in place:
            ranked[f"cluster:{row['cluster']}"].append((-row["strength"], place[row["paper"]]))
    most = READING_LIST if reading_list else SHOWN
    return {subject: [number for _, number in sorted(pairs)[:most]] for subject, pairs in ranked.items()}, why


def _newest(store: Store, papers: Sequence[str], members: Mapping[str, NDArray[np.int64]]) -> dict[str, list[int]]:
    """Return each subject's newest papers; a paper dated to its year only counts as that year's first day."""
    dates = np.array(store.papers(["published"], "NOT withdrawn")["published"].to_pylist(), dtype="datetime64[D]").astype(
        np.int64
    )
    return {
        subject: positions[np.argsort(-dates[positions], kind="stable")[:SHOWN]].tolist()
        for subject, positions in members.items()
    }


def _paper_lines(store: Store, papers: Sequence[str], places: set[int]) -> dict[int, PaperLine]:
    found = store.get_papers(papers[number] for number in sorted(places))
    lines = {}
    for number in places:
        paper = found[papers[number]]
        authors = ", ".join(paper.authors[:3]) + (" et al." if len(paper.authors) > 3 else "")
        address = paper.links[0] if paper.links else ""
        lines[number] = PaperLine(
            paper.id, paper.title, authors, paper.date_text, paper.venue, address, "", paper.summary, _facts(paper)
        )
    return lines


def _with_why(line: PaperLine, why: str) -> PaperLine:
    return replace(line, why=why)


def _facts(paper: Paper) -> str:
    """Return what the starter library says of its facts; other sources vouch for their own."""
    if any(record.source != "starter" for record in paper.sources):
        return ""
    return paper.sources[0].licence.partition("facts ")[2]


def _neighbours(members: Mapping[str, NDArray[np.int64]]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return for themes and clusters the themes that share most papers with them."""
    sets = {subject: set(positions.tolist()) for subject, positions in members.items() if not subject.startswith("group:")}
    themes = [subject for subject in sets if subject.startswith("theme:")]
    found = {}
    for subject, own in sets.items():
        shared = [(-len(own & sets[theme]), theme) for theme in themes if theme != subject]
        found[subject] = tuple((theme, -count) for count, theme in sorted(shared)[:NEIGHBOURS] if count)
    return found


def _history(store: Store) -> dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]]:
    found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    for row in sorted(store.table("cluster_history").to_pylist(), key=lambda row: (row["run"], row["cluster"])):
        found[f"cluster:{row['cluster']}"].append((row["run"], row["event"], tuple(row["parents"])))
    return {subject: tuple(events) for subject, events in found.items()}
