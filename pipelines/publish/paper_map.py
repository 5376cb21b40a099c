"""The map of papers: places, names of clusters, a drawing for readers without scripts, and how true the map is."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.page_search.documents import read as read_documents
from kb.page_search.documents import vectors_of
from kb.store import Store
from kb.topics import layout
from pipelines.progress import Progress
from pipelines.publish import escape
from pipelines.publish.pages import Page

FOLDER = "data/map"
SIDE = 65_535
"""Places are 16-bit numbers."""
DRAWN = 4_000
"""Points of the drawing, at most; the papers beyond are left out by hash."""
PALETTE = ("#2f6db5", "#b5651d", "#1f8a70", "#a3478a", "#6b7280", "#7a6bc4", "#8a7a1f", "#b04a4a", "#2f8fa3", "#5f8a3a")
SIZE = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class PaperMap:
    """A map.

    Attributes:
        places: 0 to `SIDE`, shape (papers, 2), in the order of the index of the search; y points down.
        cluster: the number of each paper's cluster among `clusters`, or their count for none.
        clusters: id, name, broad (the number of its broad cluster, which gives the colour), papers, x, y.
        broad: name, papers, x, y.
        quality: "trustworthiness", "kept", "sample".
    """

    places: NDArray[np.uint16]
    cluster: NDArray[np.uint16]
    clusters: list[dict[str, Any]]
    broad: list[dict[str, Any]]
    quality: Mapping[str, float]


def read(store: Store, home: Path | None, progress: Progress) -> PaperMap | None:
    """Return the map, drawn anew or from the one that `home` keeps; None without a home or with too few papers."""
    if home is None:
        return None
    documents = read_documents(store)
    key = re.sub(r"[^A-Za-z0-9]+", "-", str((store.run or {})["model"]))
    path = home / "cache" / f"map-{key}.npz"
    old, vectors = layout.load(path), vectors_of(store, documents)
    keys = [document.key for document in documents]
    if len(keys) >= layout.LEAST and (old is None or set(keys) - set(old.keys)):
        progress.note("map: placing papers")
    found = layout.arrange(keys, vectors, old)
    if found is None:
        return None
    kept = layout.united(found, old, store.embedded(str((store.run or {})["model"])))
    if old is None or set(kept.keys) != set(old.keys):
        layout.save(kept, path)
    places = _scaled(found.places)
    placed = {row["paper"]: row for row in store.table("placements").to_pylist()}
    rows = [placed.get(document.id, {}) for document in documents]
    broad = _named(
        store.table("cluster_levels", where="level = 'broad'").to_pylist(), [row.get("broad", "") for row in rows], places
    )
    clusters = _named(store.table("clusters").to_pylist(), [row.get("cluster", "") for row in rows], places)
    number = {told["id"]: at for at, told in enumerate(clusters)}
    colour = {told["id"]: at for at, told in enumerate(broad)}
    for told in clusters:
        told["broad"] = colour.get(told.pop("parent"), 0)
    of = np.array([number.get(row.get("cluster", ""), len(clusters)) for row in rows], np.uint16)
    return PaperMap(places, of, clusters, broad, layout.quality(vectors, found.places))


def files(told: PaperMap) -> Iterator[Page]:
    """Yield the files that the page of the map reads, and the drawing."""
    record = np.concatenate([told.places, told.cluster[:, None]], axis=1).astype("<u2")
    about = {"papers": len(told.places), "clusters": told.clusters, "broad": told.broad, "quality": told.quality}
    yield Page(f"{FOLDER}/points.bin", record.tobytes())
    yield Page(f"{FOLDER}/map.json", json.dumps(about, ensure_ascii=False, separators=(",", ":")))
    yield Page(f"{FOLDER}/map.svg", drawing(told))


def drawing(told: PaperMap) -> str:
    """Return the map as SVG: points in the colours of their broad clusters, and the broad clusters' names."""
    step = max(1, -(-len(told.places) // DRAWN))
    places = told.places.astype(float) * (SIZE - 40) / SIDE + 20
    hue = [*(cluster["broad"] for cluster in told.clusters), 0]
    paths: dict[int, list[str]] = {}
    for place, cluster in zip(places[::step], told.cluster[::step], strict=True):
        paths.setdefault(hue[int(cluster)], []).append(f"M{place[0]:.0f} {place[1]:.0f}h0")
    points = "".join(
        f'<path d="{"".join(found)}" stroke="{PALETTE[number % len(PALETTE)]}"/>' for number, found in sorted(paths.items())
    )
    names = "".join(
        f'<text x="{min(max(_x(it["x"]), 130), SIZE - 130):.0f}" y="{_x(it["y"]):.0f}">{html.escape(it["name"])}</text>'
        for it in told.broad
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}"><rect width="{SIZE}" height="{SIZE}" fill="#fff"/>'
        f'<g stroke-width="4" stroke-linecap="round" stroke-opacity=".5" fill="none">{points}</g>'
        '<g font-family="Helvetica, Arial, sans-serif" font-size="17" font-weight="600" fill="#1c2230" text-anchor="middle" '
        f'stroke="#fff" stroke-width="4" paint-order="stroke">{names}</g></svg>\n'
    )


def _x(value: int) -> float:
    return value * (SIZE - 40) / SIDE + 20


def _scaled(places: layout.Places) -> NDArray[np.uint16]:
    """Bring places onto the square without changing their shape."""
    low, high = places.min(axis=0), places.max(axis=0)
    middle, reach = (low + high) / 2, max(float((high - low).max()), 1e-9)
    return np.asarray(np.clip(np.rint((places - middle) / reach * SIDE + SIDE / 2), 0, SIDE), np.uint16)


def _named(rows: list[dict[str, Any]], members: list[str], places: NDArray[np.uint16]) -> list[dict[str, Any]]:
    """Return clusters that papers are in, largest first, each where the middle of its papers is."""
    of = np.array(members)
    found = []
    for row in sorted(rows, key=lambda row: str(row["id"])):
        inside = places[of == row["id"]]
        if len(inside):
            x, y = np.median(inside, axis=0)
            found.append({
                "id": row["id"], "name": escape.plain(row["label"]), "parent": row["parent"], "papers": len(inside),
                "x": int(x), "y": int(y),
            })  # fmt: skip
    return sorted(found, key=lambda told: (-told["papers"], told["id"]))
