"""Knowledge base -> what the pages say: plain records, read once; everything after this is pure."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.papers import Paper
from kb.store import Store
from kb.taxonomy import Group, Standard, Taxonomy, Theme
from kb.trends import Corpus, Finding, Series, build_series, corpora, from_dict, is_reading_list, subjects

SHOWN = 8
NEIGHBOURS = 4
FACTS = ("id", "title", "authors", "date", "venue")
"""What a list of papers says of a work; the starter library tells which of these were compared with what."""


@dataclass(frozen=True, slots=True)
class PaperLine:
    """What a list of papers shows of one.

    Attributes:
        compared: of a starter work, what its facts were compared with and which ("arXiv metadata (id, title, ...)").
        uncompared: of a starter work, which facts were not. Both are empty for a paper whose source states its facts.
    """

    id: str
    title: str
    authors: str
    date: str
    venue: str
    link: str
    why: str
    summary: str
    compared: str
    uncompared: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A theme, a group of themes or a cluster, with all that its page says.

    Attributes:
        subject: "theme:...", "group:..." or "cluster:...".
        papers: how many papers it has.
        growth, share: its findings, where there are any.
        monthly, yearly: its counts, to be read with their corpora.
        central: its papers that fit it best, best first.
        landmarks, further: of a theme, the works that editors chose for it, oldest first: those that it is the foremost
            theme of, and the others.
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
    landmarks: tuple[PaperLine, ...] = ()
    further: tuple[PaperLine, ...] = ()
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
        library: of the starter library's works in the corpus, how many there are ("works"), how many were compared in
            anything ("any"), and in each fact.
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
    library: Mapping[str, int]

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
    growth = {finding.subject: finding for finding in findings if finding.id.endswith(" growth")}
    share = {finding.subject: finding for finding in findings if finding.kind == "share"}
    central, why = _central(store, papers)
    newest = _newest(store, papers, members)
    landmarks, further = _landmarks(store)
    listed = (*central.values(), *newest.values(), *landmarks.values(), *further.values())
    lines = _paper_lines(store, {paper for chosen in listed for paper in chosen})
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
            central=tuple(_with_why(lines[paper], why.get((subject, paper), "")) for paper in central.get(subject, ())),
            newest=tuple(lines[paper] for paper in newest[subject]),
            neighbours=shared.get(subject, ()),
            landmarks=tuple(lines[paper] for paper in landmarks.get(subject, ())),
            further=tuple(lines[paper] for paper in further.get(subject, ())),
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
        reading_list=is_reading_list(store),
        taxonomy=taxonomy,
        topics=topics,
        findings=tuple(findings),
        monthly=monthly,
        yearly=yearly,
        precision=Counter(described["date_precision"]),
        kinds=Counter(described["kind"]),
        venues=tuple(_ordered(Counter(name for name in described["venue"] if name))),
        licences=tuple(_ordered(Counter(name or "not stated by the source" for name in described["licence"]))),
        library=_library(lines.values()),
    )


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _central(store: Store, papers: Sequence[str]) -> tuple[dict[str, list[str]], dict[tuple[str, str], str]]:
    """Return each theme's and cluster's best fitting papers, and why they fit."""
    counted = set(papers)
    ranked: dict[str, list[tuple[float, str]]] = defaultdict(list)
    why: dict[tuple[str, str], str] = {}
    for row in store.table("themes").to_pylist():
        if row["paper"] in counted:
            subject = f"theme:{row['theme']}"
            ranked[subject].append((-row["score"], row["paper"]))
            why[subject, row["paper"]] = row["why"]
    for row in store.table("placements").to_pylist():
        if row["paper"] in counted:
            ranked[f"cluster:{row['cluster']}"].append((-row["strength"], row["paper"]))
    return {subject: [paper for _, paper in sorted(pairs)[:SHOWN]] for subject, pairs in ranked.items()}, why


def _landmarks(store: Store) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the works that editors labelled with each theme, oldest first: where it is the first label, and elsewhere."""
    rows = store.papers(["id", "labels", "published"], "NOT withdrawn").to_pylist()
    foremost: dict[str, list[str]] = defaultdict(list)
    others: dict[str, list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["published"], row["id"])):
        for number, label in enumerate(row["labels"]):
            (others if number else foremost)[f"theme:{label}"].append(row["id"])
    return foremost, others


def _newest(store: Store, papers: Sequence[str], members: Mapping[str, NDArray[np.int64]]) -> dict[str, list[str]]:
    """Return each subject's newest papers; a paper dated to its year only counts as that year's first day."""
    rows = store.papers(["id", "published"], "NOT withdrawn").to_pydict()
    dated = dict(zip(rows["id"], rows["published"], strict=True))
    days = np.array([dated[paper] for paper in papers], dtype="datetime64[D]").astype(np.int64)
    return {
        subject: [papers[place] for place in positions[np.argsort(-days[positions], kind="stable")[:SHOWN]]]
        for subject, positions in members.items()
    }


def _paper_lines(store: Store, papers: Iterable[str]) -> dict[str, PaperLine]:
    lines = {}
    for name, paper in store.get_papers(sorted(papers)).items():
        authors = ", ".join(paper.authors[:3]) + (" et al." if len(paper.authors) > 3 else "")
        address = paper.links[0] if paper.links else ""
        compared, uncompared = _facts(paper)
        lines[name] = PaperLine(
            paper.id, paper.title, authors, paper.date_text, paper.venue, address, "", paper.summary, compared, uncompared
        )
    return lines


def _with_why(line: PaperLine, why: str) -> PaperLine:
    return replace(line, why=why)


def _facts(paper: Paper) -> tuple[str, str]:
    """Return which facts of a starter work were compared, and which not; other sources vouch for their own."""
    if any(record.source != "starter" for record in paper.sources):
        return "", ""
    compared = paper.sources[0].licence.partition("facts checked: ")[2]
    said = {fact.strip() for group in re.findall(r"\(([^)]*)\)", compared) for fact in group.split(",")}
    told = [fact for fact in FACTS if fact != "venue" or paper.venue]
    return compared, ", ".join(fact for fact in told if fact not in said)


def _library(lines: Iterable[PaperLine]) -> dict[str, int]:
    """Count, over the starter library's works, which facts were compared."""
    works = [line for line in lines if line.compared or line.uncompared]
    count = {"works": len(works), "any": sum(bool(line.compared) for line in works)}
    return count | {fact: sum(bool(re.search(rf"\b{fact}\b", line.compared)) for line in works) for fact in FACTS}


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
