"""Knowledge base -> what the pages say: plain records, read once; everything after this is pure."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb import terms
from kb.errors import StoreError
from kb.store import Store
from kb.taxonomy import Group, Standard, Taxonomy, Theme
from kb.terms import Terms
from kb.trends import Backtest, Corpus, Finding, Series, build_series, corpora, from_dict, is_reading_list, rank, subjects
from pipelines.publish import courses, export, lineage

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
    bibtex: str


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that a run changed: what was said of the subject before ("" if nothing) and what is said now."""

    subject: str
    before: str
    now: str
    statement: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One refresh as it left the knowledge base.

    Attributes:
        id, finished, model, version: as the run's row states them.
        counts: papers, themes, clusters, findings after it; added: papers more than after the run before it.
        findings: every growth finding as it stood.
        changes: subjects whose kind of finding changed against the run before it.
        clusters: what became of clusters in it: (event, cluster, parents).
    """

    id: str
    finished: str
    model: str
    version: str
    counts: Mapping[str, int]
    added: int
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    clusters: tuple[tuple[str, str, tuple[str, ...]], ...]


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
        newest: its newest papers, newest first; listed: the ids of all of them in the same order.
        neighbours: (subject, papers shared) of the topics that share most papers with it.
        terms: of a cluster, its strongest terms.
        history: of a cluster, what became of it: (run, event, parents).
        told: findings on its history: emergence, burst, shift, the unfinished month, the forecast.
        course: its adjusted share with bursts, shifts and forecast; None for too few papers.
        broad: of a cluster, the broad one that it is part of; finer: the narrow ones that it is made of.
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
    listed: tuple[str, ...]
    neighbours: tuple[tuple[str, int], ...]
    landmarks: tuple[PaperLine, ...] = ()
    further: tuple[PaperLine, ...] = ()
    terms: tuple[str, ...] = ()
    history: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    told: tuple[Finding, ...] = ()
    course: courses.Course | None = None
    broad: lineage.Level | None = None
    finer: tuple[lineage.Level, ...] = ()

    @property
    def id(self) -> str:
        """The subject without its kind."""
        return self.subject.split(":", 1)[1]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the site says.

    Attributes:
        run: the refresh that it is built from; runs: that one and those before it, oldest first.
        lines: every paper by its id.
        terms: what each source that was read allows, in order of name.
        abstracts: which of them may be published: "licensed", "all" or "none".
        reading_list: the corpus is the starter library alone: editors chose it, it counts nothing but itself.
        topics: every topic by its subject.
        precision: how many papers are dated to the day, the month, the year.
        kinds: papers by kind of publication; venues: papers by venue, most first.
        library: of the starter library's works in the corpus, how many there are ("works"), how many were compared in
            anything ("any"), and in each fact.
        backtests: how forecasting models did on this corpus; coverage: what it holds of each source by year.
        moved: clusters that are no more -> the cluster where an old link leads, "" where their papers went nowhere.
    """

    run: Mapping[str, Any]
    runs: tuple[RunFacts, ...]
    lines: Mapping[str, PaperLine]
    counts: Mapping[str, int]
    sources: Mapping[str, Mapping[str, Any]]
    terms: tuple[Terms, ...]
    abstracts: str
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
    backtests: tuple[Backtest, ...]
    coverage: tuple[courses.Coverage, ...]
    moved: Mapping[str, str]

    def themes(self, group: Group) -> list[tuple[Theme, Topic]]:
        """Return a group's themes with their topics, in the taxonomy's order."""
        return [(theme, self.topics[f"theme:{theme.id}"]) for theme in self.taxonomy.in_group(group.id)]

    def all_themes(self) -> list[Topic]:
        """Return every theme's topic, in the taxonomy's order."""
        return [self.topics[f"theme:{theme.id}"] for theme in self.taxonomy.themes]

    def all_groups(self) -> list[Topic]:
        """Return every group's topic, in the taxonomy's order."""
        return [self.topics[f"group:{group.id}"] for group in self.taxonomy.groups]

    def clusters(self) -> list[Topic]:
        """Return the clusters, largest first."""
        found = [topic for subject, topic in self.topics.items() if subject.startswith("cluster:")]
        return sorted(found, key=lambda topic: (-topic.papers, topic.subject))

    def standards(self, theme: Theme) -> list[Standard]:
        """Return the standards that touch a theme."""
        return [standard for standard in self.taxonomy.standards if standard.id in theme.standards]


def read(store: Store, taxonomy: Taxonomy, rows: Sequence[Mapping[str, Any]], abstracts: str = "licensed") -> Facts:
    """Read everything the site says from the store; `rows` are its papers as `export.papers` gives them."""
    run = store.run or {}
    papers, monthly, yearly = corpora(store)
    names, members = subjects(store, taxonomy, papers)
    findings = [from_dict(row) for row in store.table("findings").to_pylist()]
    growth = {finding.subject: finding for finding in findings if finding.id.endswith(" growth")}
    share = {finding.subject: finding for finding in findings if finding.kind == "share"}
    central, why = _central(store, papers)
    newest = _newest(rows, papers, members)
    landmarks, further = _landmarks(rows)
    lines = _paper_lines(rows)
    shared = _neighbours(members)
    clusters = {f"cluster:{row['id']}": row for row in store.table("clusters", ["id", "terms"]).to_pylist()}
    history = lineage.history(store)
    past = courses.read(store, findings)
    broad, finer = lineage.levels(store)
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
            newest=tuple(lines[paper] for paper in newest[subject][:SHOWN]),
            listed=tuple(newest[subject]),
            neighbours=shared.get(subject, ()),
            landmarks=tuple(lines[paper] for paper in landmarks.get(subject, ())),
            further=tuple(lines[paper] for paper in further.get(subject, ())),
            terms=tuple(clusters[subject]["terms"]) if subject in clusters else (),
            history=history.get(subject, ()),
            told=past.told.get(subject, ()),
            course=past.courses.get(subject),
            broad=broad.get(subject),
            finer=finer.get(subject, ()),
        )
        for subject, positions in members.items()
    }
    return Facts(
        run=run,
        runs=_runs(store),
        lines=lines,
        counts=json.loads(str(run["counts"])),
        sources=json.loads(str(run["sources"])),
        terms=_terms(json.loads(str(run["sources"]))),
        abstracts=abstracts,
        reading_list=is_reading_list(store),
        taxonomy=taxonomy,
        topics=topics,
        findings=tuple(findings),
        monthly=monthly,
        yearly=yearly,
        precision=Counter(row["date_precision"] for row in rows),
        kinds=Counter(row["kind"] for row in rows),
        venues=tuple(_ordered(Counter(row["venue"] for row in rows if row["venue"]))),
        licences=tuple(_ordered(Counter(row["licence"] or "not stated by the source" for row in rows))),
        library=_library(lines.values()),
        backtests=past.backtests,
        coverage=past.coverage,
        moved=lineage.moved(store),
    )


def _runs(store: Store) -> tuple[RunFacts, ...]:
    """Return the run that the site shows and those before it, each compared with the one before it.

    What a run found that was erased since, because papers were removed, is not known any more.
    """
    told: list[RunFacts] = []
    before: dict[str, Finding] | None = None
    events = store.table("cluster_history").to_pylist()
    for row in store.runs():
        if str(row["id"]) > str((store.run or {})["id"]):
            break
        now = _growth_after(store, str(row["id"]))
        counts = json.loads(str(row["counts"]))
        changes = [
            Change(subject, before[subject].kind if subject in before else "", finding.kind, finding.statement)
            for subject, finding in sorted((now or {}).items())
            if before is not None and (subject not in before or before[subject].kind != finding.kind)
        ]
        happened = [(it["event"], it["cluster"], tuple(it["parents"])) for it in events if it["run"] == row["id"]]
        added = counts["papers"] - (told[-1].counts["papers"] if told else 0)
        told.append(
            RunFacts(
                str(row["id"]), str(row["finished"]), str(row["model"]), str(row["version"]), counts, added,
                tuple(rank((now or {}).values())), tuple(changes), tuple(sorted(happened)),
            )
        )  # fmt: skip
        before = now
    return tuple(told)


def _growth_after(store: Store, run: str) -> dict[str, Finding] | None:
    try:
        rows = Store.read(store.uri, as_of=run).table("findings").to_pylist()
    except StoreError:
        return None
    return {finding.subject: finding for finding in map(from_dict, rows) if finding.id.endswith(" growth")}


def _terms(sources: Mapping[str, Mapping[str, Any]]) -> tuple[Terms, ...]:
    names = {str(source["name"]).split(" ")[0] for source in sources.values()}
    return tuple(told for name, told in sorted(terms.load().items()) if name in names)


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


def _landmarks(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the works that editors labelled with each theme, oldest first: where it is the first label, and elsewhere."""
    foremost: dict[str, list[str]] = defaultdict(list)
    others: dict[str, list[str]] = defaultdict(list)
    labelled = [row for row in rows if row["labels"] and not row["withdrawn"]]
    for row in sorted(labelled, key=lambda row: (f"{row['published']}-01-01"[:10], row["id"])):
        for number, label in enumerate(row["labels"]):
            (others if number else foremost)[f"theme:{label}"].append(row["id"])
    return foremost, others


def _newest(
    rows: Sequence[Mapping[str, Any]], papers: Sequence[str], members: Mapping[str, NDArray[np.int64]]
) -> dict[str, list[str]]:
    """Return each subject's papers, newest first; a paper dated to its year only counts as that year's first day."""
    dated = {row["id"]: row["published"] for row in rows}
    # numpy reads "2017" and "2017-06" as their first day
    days = np.array([np.datetime64(dated[paper], "D") for paper in papers]).astype(np.int64)
    return {
        subject: [papers[place] for place in positions[np.argsort(-days[positions], kind="stable")]]
        for subject, positions in members.items()
    }


def _paper_lines(rows: Sequence[Mapping[str, Any]]) -> dict[str, PaperLine]:
    lines = {}
    cited = export.bibtex_entries(rows)
    for row in rows:
        authors = ", ".join(row["authors"][:3]) + (" et al." if len(row["authors"]) > 3 else "")
        compared, uncompared = _facts(row)
        lines[row["id"]] = PaperLine(
            row["id"], row["title"], authors, row["published"], row["venue"], row["links"][0] if row["links"] else "", "",
            row["summary"], compared, uncompared, cited[row["id"]],
        )  # fmt: skip
    return lines


def _with_why(line: PaperLine, why: str) -> PaperLine:
    return replace(line, why=why)


def _facts(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return which facts of a starter work were compared, and which not; other sources vouch for their own."""
    if any(record["source"] != "starter" for record in row["sources"]):
        return "", ""
    compared = str(row["sources"][0]["licence"]).partition("facts checked: ")[2]
    said = {fact.strip() for group in re.findall(r"\(([^)]*)\)", compared) for fact in group.split(",")}
    told = [fact for fact in FACTS if fact != "venue" or row["venue"]]
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
