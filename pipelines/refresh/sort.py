"""Papers and vectors -> themes, clusters at three levels and the clusters' lineage."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Encoder, about
from kb.store import Store, text_hash
from kb.taxonomy import Taxonomy
from kb.topics import clusters, identity, labels, themes
from pipelines.progress import Progress
from pipelines.sources.starter import library

Vectors = NDArray[np.float32]
LEVELS: Mapping[str, str] = {"broad": "b", "middle": "c", "narrow": "n"}
"""The levels of clusters, and the first letter of their ids."""
LIBRARY_FROM = 1_000
"""From so many papers on the starter library's hand labels take part even if the library is no source."""


@dataclass(frozen=True, slots=True, eq=False)
class _Corpus:
    ids: list[str]
    titles: list[str]
    texts: list[str]
    vectors: Vectors


def sort_papers(
    store: Store, encoder: Encoder, taxonomy: Taxonomy, run: str, progress: Progress, names: Mapping[str, str] | None = None
) -> identity.Drift:
    """Assign themes and clusters to every paper; `names` are given to clusters by hand. Returns how well clusters fit."""
    rows = store.papers(["id", "title", "abstract", "summary", "text_hash"]).to_pydict()
    texts = [abstract or summary for abstract, summary in zip(rows["abstract"], rows["summary"], strict=True)]
    advance = progress.task("sort into themes and clusters", 3, "steps")
    embed_library(store, encoder, len(texts))
    store.replace("themes", assign_themes(store, encoder, taxonomy))
    advance(1)
    corpus = _Corpus(rows["id"], rows["title"], texts, paper_vectors(store, encoder.key, rows["text_hash"]))
    tree, ids, drift, placed = _clusters(store, corpus, run, encoder.key)
    advance(1)
    _describe(store, encoder, corpus, tree, ids, placed, run, names or {})
    advance(1)
    counts = ", ".join(f"{len(ids[level])} {level}" for level in LEVELS)
    progress.note(f"topics: {store.count('themes'):,} theme assignments, clusters: {counts}")
    if drift.drifts:
        progress.note(f"drift: {drift.sentence()}")
    return drift


def paper_vectors(store: Store, model_key: str, hashes: list[str]) -> Vectors:
    """Return the vectors of papers (n, d), in their order, from the store's texts."""
    names, matrix = store.vectors(model_key)
    place = {name: number for number, name in enumerate(names)}
    return matrix[[place[name] for name in hashes]].astype(np.float32)


# Themes ---------------------------------------------------------------------------------------------------------


def embed_library(store: Store, encoder: Encoder, papers: int) -> None:
    """Embed the starter library's works, once, for a corpus that is large enough to deserve it."""
    if papers < LIBRARY_FROM:
        return
    stored = store.embedded(encoder.key)
    missing = [work.text for work in library() if text_hash(work.text) not in stored]
    if missing:
        store.add_vectors(encoder.key, [text_hash(text) for text in missing], encoder.encode(missing), about(encoder))


def assign_themes(store: Store, encoder: Encoder, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Return the theme assignments of every paper as rows of the table `themes`."""
    rows = store.papers(["id", "title", "abstract", "summary", "labels", "text_hash"]).to_pydict()
    texts = [abstract or summary for abstract, summary in zip(rows["abstract"], rows["summary"], strict=True)]
    known = {theme.id for theme in taxonomy.themes}
    given = {
        number: chosen for number, names in enumerate(rows["labels"]) if (chosen := [name for name in names if name in known])
    }
    vectors = paper_vectors(store, encoder.key, rows["text_hash"])
    described = themes.Described.by(encoder.encode, taxonomy.themes)
    labelled = _labelled(store, encoder, taxonomy, rows, vectors, given)
    found = themes.assign(vectors, rows["title"], texts, described, labelled, themes.packaged_model(), given)
    return [{**asdict(item), "paper": rows["id"][item.paper]} for item in found]


def _labelled(
    store: Store, encoder: Encoder, taxonomy: Taxonomy, rows: Mapping[str, list[Any]], vectors: Vectors,
    given: Mapping[int, Sequence[str]],
) -> themes.Labelled:  # fmt: skip
    """The works with hand labels: the corpus's own, and the starter library's where they are embedded."""
    place = {theme.id: number for number, theme in enumerate(taxonomy.themes)}
    works: dict[str, tuple[Any, Sequence[str]]] = {
        rows["id"][number]: (vectors[number], names) for number, names in given.items()
    }
    if len(vectors) >= LIBRARY_FROM:
        names, matrix = store.vectors(encoder.key)
        stored = {name: number for number, name in enumerate(names)}
        for work in library():
            at, mine = stored.get(text_hash(work.text)), [label for label in work.labels if label in place]
            if at is not None and mine:
                works.setdefault(work.id, (matrix[at].astype(np.float32), mine))
    flags = np.zeros((len(works), len(place)), np.bool_)
    for row, (_, chosen) in enumerate(works.values()):
        flags[row, [place[name] for name in chosen]] = True
    stack = np.array([vector for vector, _ in works.values()], np.float32).reshape(len(works), vectors.shape[1])
    return themes.Labelled(tuple(works), stack, flags)


# Clusters -------------------------------------------------------------------------------------------------------

_Ids = dict[str, list[str]]


def _clusters(store: Store, corpus: _Corpus, run: str, model: str) -> tuple[clusters.Tree, _Ids, identity.Drift, list[str]]:
    """Place papers in the clusters that exist, or bring these up to date once the corpus has outgrown them.

    Returns:
        The clusters, their ids by level, how well they fit, and the run in which each paper was placed.
    """
    rows = {row["paper"]: row for row in store.table("placements").to_pylist()}
    known = _known(store)
    history = store.table("cluster_history").to_pylist()
    last = max((row["run"] for row in history), default="")
    fitted = sum(row["size"] for row in history if row["run"] == last and row["cluster"][0] == "c")
    former = [rows.get(paper, {}) for paper in corpus.ids]
    usable = all(known.values()) and (store.run or {}).get("model") == model
    if not usable or clusters.number_of_clusters(len(corpus.ids)) > 2.5 * len(known["middle"]):
        tree = clusters.fit_tree(corpus.vectors, [f"{t}. {text}" for t, text in zip(corpus.titles, corpus.texts, strict=True)])
    else:
        ids = {level: [row["id"] for row in known[level]] for level in LEVELS}
        tree = _placed(corpus, known, former)
        placed = [row.get("placed") or run for row in former]
        drift = _drift(tree, known, placed, last)
        if not identity.needs_refit(fitted, len(corpus.ids)) and not drift.drifts:
            return tree, ids, drift, placed
        tree = clusters.refit_tree(corpus.vectors, tree, growth=len(corpus.ids) / max(fitted, 1))
    named, events = _matched(rows, corpus.ids, tree, history)
    store.replace("cluster_history", [*history, *({"run": run, **asdict(event)} for event in events)])
    return tree, named, identity.drift(0, 0, clusters.WEAK), [run] * len(corpus.ids)


def _known(store: Store) -> dict[str, list[dict[str, Any]]]:
    middle = store.table("clusters").sort_by("id").to_pylist()
    others = store.table("cluster_levels").sort_by("id").to_pylist()
    return {
        "middle": middle,
        "broad": [row for row in others if row["level"] == "broad"],
        "narrow": [row for row in others if row["level"] == "narrow"],
    }


def _placed(corpus: _Corpus, known: Mapping[str, list[dict[str, Any]]], former: Sequence[Mapping[str, Any]]) -> clusters.Tree:
    def level(name: str, above: str) -> clusters.Clustering:
        """What is stored of a level, without papers."""
        rows = known[name]
        place = {row["id"]: number for number, row in enumerate(known[above])} if above else {}
        return clusters.Clustering(
            np.zeros(0, np.int64), np.zeros(0, np.float32), np.array([row["centroid"] for row in rows], np.float32),
            np.array(rows[0]["mean"], np.float32), np.array([place[row["parent"]] for row in rows] if above else [], np.int64),
        )  # fmt: skip

    def old(name: str, key: str) -> NDArray[np.int64]:
        place = {row["id"]: number for number, row in enumerate(known[name])}
        return np.array([place.get(row.get(key, ""), -1) for row in former], np.int64)

    return clusters.place(
        corpus.vectors, clusters.Tree(level("broad", ""), level("middle", "broad"), level("narrow", "middle")),
        old("middle", "cluster"), old("narrow", "narrow"),
    )  # fmt: skip


def _drift(tree: clusters.Tree, known: Mapping[str, list[dict[str, Any]]], placed: Sequence[str], last: str) -> identity.Drift:
    new = np.array([run != last for run in placed], np.bool_)
    limit = np.array([row["weak_below"] for row in known["middle"]], np.float32)
    weak = tree.middle.strength < limit[tree.middle.labels]
    return identity.drift(int(new.sum()), int((weak & new).sum()), clusters.WEAK)


def _matched(
    rows: Mapping[str, Mapping[str, Any]], papers: list[str], tree: clusters.Tree, history: Sequence[Mapping[str, Any]]
) -> tuple[_Ids, list[identity.Event]]:
    keys = {"broad": "broad", "middle": "cluster", "narrow": "narrow"}
    ids: _Ids = {}
    events: list[identity.Event] = []
    for level, letter in LEVELS.items():
        old = {paper: row[keys[level]] for paper, row in rows.items() if row.get(keys[level])}
        taken = [int(row["cluster"][1:]) for row in history if row["cluster"][0] == letter]
        found = identity.match(old, papers, getattr(tree, level).labels.tolist(), max(taken, default=0) + 1, letter)
        ids[level] = list(found.ids)
        events += found.events
    return ids, events


def _describe(
    store: Store, encoder: Encoder, corpus: _Corpus, tree: clusters.Tree, ids: _Ids, placed: list[str], run: str,
    given: Mapping[str, str],
) -> None:  # fmt: skip
    known = {row["id"]: row for rows in _known(store).values() for row in rows if row.get("found_label")}
    taken = {row["found_label"] for row in known.values()} | set(given.values())
    table: list[dict[str, Any]] = []
    fresh = {name for names in ids.values() for name in names} - set(known)
    whole = [f"{title}. {text}" for title, text in zip(corpus.titles, corpus.texts, strict=True)]
    counted = labels.count_terms(whole if fresh else [])
    for level in ("middle", "broad", "narrow"):
        made = _level_rows(level, encoder, corpus, counted, tree, ids, known, taken, run, set(placed) == {run})
        taken |= {row["found_label"] for row in made}
        table += [{**row, "label": given.get(row["id"], row["found_label"])} for row in made]
    table.sort(key=lambda row: str(row["id"]))
    limit = np.array([row["weak_below"] for name in ids["middle"] for row in table if row["id"] == name], np.float32)
    store.replace("clusters", [row for row in table if row["level"] == "middle"])
    store.replace("cluster_levels", [row for row in table if row["level"] != "middle"])
    weak = tree.middle.strength < limit[tree.middle.labels]
    columns = zip(
        corpus.ids, tree.middle.labels, tree.middle.strength, tree.broad.labels, tree.narrow.labels, weak, placed, strict=True
    )
    store.replace(
        "placements",
        [
            {
                "paper": paper, "cluster": ids["middle"][middle], "strength": float(strength), "broad": ids["broad"][broad],
                "narrow": ids["narrow"][narrow], "weak": bool(weakly), "placed": when,
            }
            for paper, middle, strength, broad, narrow, weakly, when in columns
        ],
    )  # fmt: skip


def _level_rows(
    level: str, encoder: Encoder, corpus: _Corpus, counted: labels.Terms, tree: clusters.Tree, ids: _Ids,
    known: Mapping[str, Mapping[str, Any]], taken: set[str], run: str, fitted: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows of one level; a cluster's name and terms outlive a refit."""
    found: clusters.Clustering = getattr(tree, level)
    names = ids[level]
    above = {"broad": [], "middle": ids["broad"], "narrow": ids["middle"]}[level]
    fresh = [number for number, name in enumerate(names) if name not in known]
    terms = labels.label_clusters(counted, found.labels, len(names)) if fresh else []
    named = labels.name_clusters(
        corpus.titles, found.labels, found.centroids, encoder.encode, found.mean, fresh, taken
    ) if fresh else {}  # fmt: skip
    near = labels.exemplars(clusters.center(corpus.vectors, found.mean), found.labels, found.centroids)
    sizes = np.bincount(found.labels, minlength=len(names))
    limit = clusters.weak_below(found)
    rows = []
    for number, name in enumerate(names):
        kept = known.get(name)
        label = kept["found_label"] if kept else named.get(number) or terms[number].name
        rows.append(
            {
                "id": name, "label": label, "found_label": label, "level": level,
                "terms": list(kept["terms"] if kept else terms[number].terms), "size": int(sizes[number]),
                "exemplars": [corpus.ids[place] for place in near[number]], "centroid": found.centroids[number].tolist(),
                "mean": found.mean.tolist(), "first_run": kept["first_run"] if kept else run,
                "parent": above[found.parents[number]] if above else "",
                "weak_below": float(limit[number]) if fitted or not kept else kept["weak_below"],
            }
        )  # fmt: skip
    return rows
