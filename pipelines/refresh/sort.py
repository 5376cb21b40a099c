"""Papers and vectors -> themes, clusters and the clusters' lineage."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Encoder
from kb.store import Store
from kb.taxonomy import Taxonomy
from kb.topics import clusters, identity, labels, themes
from pipelines.progress import Progress

Vectors = NDArray[np.float32]


def sort_papers(store: Store, encoder: Encoder, taxonomy: Taxonomy, run: str, progress: Progress) -> None:
    """Assign themes and clusters to every paper."""
    rows = store.papers(["id", "title", "abstract", "summary", "text_hash"]).to_pydict()
    vectors = paper_vectors(store, encoder.key, rows["text_hash"])
    texts = [abstract or summary for abstract, summary in zip(rows["abstract"], rows["summary"], strict=True)]
    advance = progress.task("sort into themes and clusters", 3, "steps")
    store.replace("themes", assign_themes(store, encoder, taxonomy))
    advance(1)
    placed, ids = _clusters(store, rows["id"], vectors, run)
    advance(1)
    _describe(store, rows, texts, vectors, placed, ids, run)
    advance(1)
    progress.note(f"topics: {store.count('themes'):,} theme assignments, {len(ids)} clusters")


def paper_vectors(store: Store, model_key: str, hashes: list[str]) -> Vectors:
    """Return the vectors of papers (n, d), in their order, from the store's texts."""
    names, matrix = store.vectors(model_key)
    place = {name: number for number, name in enumerate(names)}
    return matrix[[place[name] for name in hashes]].astype(np.float32)


def assign_themes(store: Store, encoder: Encoder, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Return the theme assignments of every paper as rows of the table `themes`."""
    rows = store.papers(["id", "title", "abstract", "summary", "labels", "text_hash"]).to_pydict()
    texts = [abstract or summary for abstract, summary in zip(rows["abstract"], rows["summary"], strict=True)]
    known = {theme.id for theme in taxonomy.themes}
    given = {
        number: chosen for number, names in enumerate(rows["labels"]) if (chosen := [name for name in names if name in known])
    }
    vectors = paper_vectors(store, encoder.key, rows["text_hash"])
    described = encoder.encode([f"{theme.name}. {theme.description}" for theme in taxonomy.themes])
    found = themes.assign(vectors, rows["title"], texts, taxonomy.themes, described, given)
    return [{**asdict(item), "paper": rows["id"][item.paper]} for item in found]


def _clusters(store: Store, papers: list[str], vectors: Vectors, run: str) -> tuple[clusters.Clustering, list[str]]:
    """Place papers in the clusters that exist, or fit anew and match, once the corpus has outgrown them."""
    before = store.table("placements")
    old = dict(zip(before["paper"].to_pylist(), before["cluster"].to_pylist(), strict=True))
    known = store.table("clusters").sort_by("id").to_pylist()
    history = store.table("cluster_history").to_pylist()
    fitted = sum(row["size"] for row in history if row["run"] == _last_fit(history) and row["event"] != "faded")
    if not identity.needs_refit(fitted, len(papers)):
        mean = np.asarray(known[0]["mean"], np.float32)
        centroids = np.asarray([row["centroid"] for row in known], np.float32)
        centred = clusters.center(vectors, mean)
        names = [row["id"] for row in known]
        place = {name: number for number, name in enumerate(names)}
        nearest, _ = clusters.assign(centred, centroids)
        placed = np.array([place.get(old.get(paper, ""), near) for paper, near in zip(papers, nearest, strict=True)], np.int64)
        strength = np.clip(np.einsum("ij,ij->i", centred, centroids[placed]), 0, 1).astype(np.float32)
        return clusters.Clustering(placed, strength, centroids, mean), names
    result = clusters.fit(vectors)
    taken = [int(row["cluster"][1:]) for row in history]
    named = identity.match(old, papers, result.labels.tolist(), max(taken, default=0) + 1)
    store.replace("cluster_history", [*history, *({"run": run, **asdict(event)} for event in named.events)])
    return result, list(named.ids)


def _last_fit(history: list[dict[str, Any]]) -> str:
    return max((row["run"] for row in history), default="")


def _describe(
    store: Store,
    rows: dict[str, list[Any]],
    texts: list[str],
    vectors: Vectors,
    placed: clusters.Clustering,
    ids: list[str],
    run: str,
) -> None:
    first_run = {row["id"]: row["first_run"] for row in store.table("clusters", ["id", "first_run"]).to_pylist()}
    old_names = {row["id"]: row for row in store.table("clusters", ["id", "label", "terms"]).to_pylist()}
    whole = [f"{title}. {text}" for title, text in zip(rows["title"], texts, strict=True)]
    made = labels.label_clusters(whole, placed.labels, len(ids)) if set(ids) - set(old_names) else []
    near = labels.exemplars(clusters.center(vectors, placed.mean), placed.labels, placed.centroids)
    sizes = np.bincount(placed.labels, minlength=len(ids))
    table = []
    for number, name in enumerate(ids):
        kept = old_names.get(name)
        if kept:  # a cluster's name outlives a refit
            label, terms = kept["label"], kept["terms"]
        else:
            label, terms = made[number].name, made[number].terms
        table.append(
            {
                "id": name, "label": label, "terms": list(terms), "size": int(sizes[number]),
                "exemplars": [rows["id"][place] for place in near[number]], "centroid": placed.centroids[number].tolist(),
                "mean": placed.mean.tolist(), "first_run": first_run.get(name, run),
            }
        )  # fmt: skip
    store.replace("clusters", sorted(table, key=lambda row: row["id"]))
    store.replace(
        "placements",
        [
            {"paper": paper, "cluster": ids[label], "strength": float(strength)}
            for paper, label, strength in zip(rows["id"], placed.labels, placed.strength, strict=True)
        ],
    )
