"""Recompute what the store holds, from what it rests on, and name what differs."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from kb.embedding import TOLERANCE, Encoder
from kb.merging import unite, works
from kb.papers import to_dict
from kb.store import Store
from kb.taxonomy import Taxonomy
from kb.topics import clusters
from kb.trends import differences, from_dict, measure
from pipelines.progress import Progress
from pipelines.refresh.sort import assign_themes, paper_vectors

SAMPLE = 64
RECORDS = 1_000
MIN_COSINE = TOLERANCE
"""Between a stored vector (float16) and the same text embedded again, on whatever machine."""
Check = dict[str, Any]


def verify_store(store: Store, taxonomy: Taxonomy, encoder: Callable[[], Encoder], progress: Progress) -> list[Check]:
    """Check the state that a store shows.

    Returns:
        A row per check: "check", "checked" (how many numbers) and "wrong" (one line each).
    """
    advance = progress.task("verify", 6, "checks")
    loaded = encoder()
    steps: list[Callable[[], Check]] = [
        lambda: _findings(store, taxonomy),
        lambda: _counts(store),
        lambda: _records(store),
        lambda: _themes(store, taxonomy, loaded),
        lambda: _placements(store),
        lambda: _vectors(store, loaded),
    ]
    checks = []
    for step in steps:
        checks.append(step())
        advance(1)
    return checks


def _findings(store: Store, taxonomy: Taxonomy) -> Check:
    """Compute every finding again, and every number behind a chart."""
    stored = [from_dict(row) for row in store.table("findings").to_pylist()]
    again = measure(store, taxonomy, str((store.run or {})["id"]))
    checked, wrong = len(stored), differences(stored, again.findings)
    for name, rows in again.tables.items():
        held = store.table(name)
        checked += held.num_rows
        wrong += _unlike(name, held, rows)
    return {"check": "findings", "checked": checked, "wrong": wrong}


def _unlike(name: str, held: pa.Table, again: pa.Table) -> list[str]:
    """Return one line for each row of a table that is told otherwise than when it is computed again."""
    if held.equals(again):
        return []
    if held.num_rows != again.num_rows:
        return [f"{name}: {held.num_rows:,} rows, recomputed {again.num_rows:,}"]
    return [
        f"{name}: {' '.join(str(value) for value in row.values() if isinstance(value, str))}: {difference}"
        for row, other in zip(held.to_pylist(), again.to_pylist(), strict=True)
        if (difference := _first_difference(row, other))
    ]


def _first_difference(row: Any, other: Any, at: str = "") -> str:
    """Return where two nested values first differ by more than rounding, and how; empty if nowhere."""
    if isinstance(row, dict) and isinstance(other, dict):
        found = (_first_difference(row[key], other.get(key), f"{at} {key}".strip()) for key in row)
        return next((line for line in found if line), "")
    if isinstance(row, list) and isinstance(other, list) and len(row) == len(other):
        found = (_first_difference(one, two, f"{at} {place}") for place, (one, two) in enumerate(zip(row, other, strict=True)))
        return next((line for line in found if line), "")
    near = isinstance(row, float) and isinstance(other, float) and math.isclose(row, other, rel_tol=1e-6, abs_tol=1e-9)
    return "" if near or row == other else f"{at} is {row}, recomputed {other}"


def _counts(store: Store) -> Check:
    told = json.loads(str((store.run or {})["counts"]))
    found = {
        "papers": store.count("papers"),
        "themes": len(set(store.table("themes", ["theme"])["theme"].to_pylist())),
        "clusters": store.count("clusters"),
        "findings": store.count("findings"),
    }
    sizes = store.table("clusters", ["id", "size"]).to_pydict()
    told |= {f"papers of {name}": size for name, size in zip(sizes["id"], sizes["size"], strict=True)}
    placed = store.table("placements", ["cluster"])["cluster"].to_pylist()
    found |= {f"papers of {name}": placed.count(name) for name in sizes["id"]}
    wrong = [f"{name}: told {told[name]:,}, found {count:,}" for name, count in found.items() if told[name] != count]
    return {"check": "counts", "checked": len(found), "wrong": wrong}


def _records(store: Store) -> Check:
    """Compare papers with the source records that they were made from: all with facts marked as verified, a sample of others."""
    keep_apart = [tuple(pair) for pair in json.loads(str((store.run or {})["settings"])).get("keep_apart", [])]
    found = {work.digest: work for work in works(store.record_keys(), keep_apart)}
    digests = store.paper_digests()
    rows = store.papers(["id", "sources"]).to_pylist()
    marked = {row["id"] for row in rows if any("facts checked" in (source["licence"] or "") for source in row["sources"])}
    others = sorted(digests.keys() - marked)
    drawn = np.random.default_rng(0).choice(len(others), min(RECORDS, len(others)), replace=False)
    chosen = sorted(marked | {others[number] for number in drawn})
    held = store.get_papers(chosen)
    records = store.records([record.key for name in chosen if digests[name] in found for record in found[digests[name]].records])
    wrong = []
    for name in chosen:
        work = found.get(digests[name])
        if work is None:
            wrong.append(f"{name}: its source records say something else now")
            continue
        again = {**to_dict(unite([records[record.key] for record in work.records], work.without)), "id": name}
        wrong += [
            f"{name}: {field} is {value}, its source record says {again[field]}"
            for field, value in to_dict(held[name]).items()
            if value != again[field]
        ]
    return {"check": "papers against their source records", "checked": len(chosen), "wrong": wrong}


def _themes(store: Store, taxonomy: Taxonomy, encoder: Encoder) -> Check:
    def key(row: dict[str, Any]) -> tuple[str, str, float]:
        return row["paper"], row["theme"], round(float(row["score"]), 2)

    stored = {key(row) for row in store.table("themes", ["paper", "theme", "score"]).to_pylist()}
    again = {key(row) for row in assign_themes(store, encoder, taxonomy)}
    near = {(paper, theme) for paper, theme, _ in stored} ^ {(paper, theme) for paper, theme, _ in again}
    wrong = [
        f"{paper}: {theme} is assigned only {'here' if (paper, theme) in {s[:2] for s in stored} else 'when recomputed'}"
        for paper, theme in sorted(near)
    ]
    allowed = len(stored) // 2_000  # scores at the threshold may fall either way on another processor
    return {"check": "theme assignments", "checked": len(stored), "wrong": wrong if len(wrong) > allowed else []}


def _placements(store: Store) -> Check:
    """Check each paper's stored closeness to its cluster's centre."""
    rows = store.papers(["id", "text_hash"]).to_pydict()
    vectors = paper_vectors(store, str((store.run or {})["model"]), rows["text_hash"])
    table = store.table("clusters", ["id", "centroid", "mean"]).to_pylist()
    if not table:
        return {"check": "cluster placements", "checked": 0, "wrong": []}
    centre = {row["id"]: np.asarray(row["centroid"], np.float32) for row in table}
    centred = clusters.center(vectors, np.asarray(table[0]["mean"], np.float32))
    place = {paper: number for number, paper in enumerate(rows["id"])}
    placed = store.table("placements").to_pylist()
    above = {
        row["id"]: row.get("parent") for row in [*store.table("clusters").to_pylist(), *store.table("cluster_levels").to_pylist()]
    }
    wrong = [
        f"{row['paper']}: its narrow or broad cluster is not of {row['cluster']}"
        for row in placed
        if row.get("narrow") and (above[row["narrow"]] != row["cluster"] or above[row["cluster"]] != row["broad"])
    ]
    for row in placed:
        again = float(np.clip(centred[place[row["paper"]]] @ centre[row["cluster"]], 0, 1))
        if abs(again - row["strength"]) > 1e-3:
            wrong.append(f"{row['paper']}: strength {row['strength']:.3f}, recomputed {again:.3f}")
    return {"check": "cluster placements", "checked": len(placed), "wrong": wrong}


def _vectors(store: Store, encoder: Encoder) -> Check:
    """Embed a sample of texts again."""
    rows = store.papers(["id", "title", "abstract", "summary", "text_hash"]).to_pylist()
    chosen = np.random.default_rng(0).choice(len(rows), min(SAMPLE, len(rows)), replace=False)
    sample = [rows[number] for number in sorted(chosen)]
    stored = paper_vectors(store, str((store.run or {})["model"]), [row["text_hash"] for row in sample])
    again = encoder.encode([f"{row['title']}. {row['abstract'] or row['summary']}" for row in sample])
    cosine = np.einsum("ij,ij->i", stored, again)
    wrong = [
        f"{row['id']}: cosine {value:.4f} with its text embedded again"
        for row, value in zip(sample, cosine, strict=True)
        if value < MIN_COSINE
    ]
    held = store.vectors_made_by(str((store.run or {})["model"])).get("weights", encoder.weights)
    if held != encoder.weights:
        wrong.append(f"made with weights {held[:12]}, now they are {encoder.weights[:12]}")
    return {"check": "vectors (a sample)", "checked": len(sample), "wrong": wrong}
