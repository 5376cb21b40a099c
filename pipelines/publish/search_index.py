"""Knowledge base -> the files that the page of search reads (`kb.page_search` makes them)."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kb.embedding import Encoder, Vectors, plain_key, portable, table, wordpiece
from kb.page_search import index, learning
from kb.page_search.documents import Document, read, vectors_of
from kb.store import Store
from kb.taxonomy import Taxonomy
from pipelines.progress import Progress
from pipelines.publish import escape, export
from pipelines.publish.pages import Page

FOLDER = "data/search"
COVERED = 0.995
"""A table is kept while it has rows for this share of the papers' word pieces."""
AUTHORS = 6


def build(
    store: Store, taxonomy: Taxonomy, encoder: Callable[[], Encoder] | None, home: Path | None, progress: Progress,
    abstracts: str = "licensed", model: Callable[[], portable.Portable | None] | None = None,
) -> Iterator[Page]:  # fmt: skip
    """Yield the files of the index.

    Args:
        encoder: loads the embedding model, to learn a table where none is kept. Without one, or for a model whose tokenizer is
            no uncased BERT one, the page searches by words alone.
        home: where tables are kept; None keeps none.
        abstracts: which of them may be shown: "licensed", "all" or "none". Every abstract is searched.
        model: packs the embedding model for precise mode where no packed one is kept; None offers no precise mode.
    """
    documents = read(store)
    listed = export.papers(store, abstracts=False)
    rows = {row["id"]: row for row in export.with_abstracts(store, listed, abstracts)}
    cited = export.bibtex_entries([rows[name] for name in sorted(rows)])
    documents = [
        replace(
            document, shown=_shown(rows[document.id], cited[document.id]),
            readable=escape.plain(rows[document.id]["abstract"] or rows[document.id]["summary"]),
        )
        for document in documents
    ]  # fmt: skip
    meaning = _meaning(store, documents, encoder, home, progress)
    packed = _packed(str((store.run or {})["model"]), model, home, progress) if meaning else None
    told: dict[str, Any] = {}
    for name, content in index.build(documents, taxonomy, str((store.run or {})["id"]), meaning, packed):
        told = json.loads(content) if name == "index.json" else told
        yield Page(f"{FOLDER}/{name}", content)
    kind = f", {told['precise']['bytes'] / 1e6:.1f} MB more for precise mode" if packed else "" if meaning else ", by words alone"
    progress.note(f"search: {len(documents):,} papers, {told['bytes'] / 1e6:.1f} MB for ranking{kind}")


def _meaning(
    store: Store, documents: list[Document], encoder: Callable[[], Encoder] | None, home: Path | None, progress: Progress
) -> tuple[table.TokenTable, wordpiece.WordPieces, Vectors] | None:
    """Return the table of word pieces, kept or learnt anew, with its tokenizer and the vectors; None where there is none.

    A kept table goes on serving while it covers the papers' words, so that most refreshes need no new one.
    """
    key = str((store.run or {})["model"])
    tokenizer = wordpiece.load(key.rpartition("@")[0])
    if tokenizer is None or not documents:
        return None
    vectors = vectors_of(store, documents)
    kept = _place(home, "token-table", key)
    found = table.load(kept) if kept else None
    if found is None or found.coverage(tokenizer.pieces([document.text for document in documents])) < COVERED:
        found = None
        if encoder is not None and (loaded := encoder()).key == key:
            progress.note("search: learning the table of word pieces, which later builds keep")
            advance = progress.task("embed titles and keywords", None, "texts")
            found = learning.learn(loaded, tokenizer, documents, vectors, advance)
            if kept:
                found.save(kept)
    return (found, tokenizer, vectors) if found is not None else None


def _packed(
    key: str, model: Callable[[], portable.Portable | None] | None, home: Path | None, progress: Progress
) -> portable.Portable | None:
    """Return the packed embedding model that made vectors of this key, kept or packed anew; None where a page cannot run it."""
    if model is None:
        return None
    kept = _place(home, "model", plain_key(key))
    found = portable.load(kept) if kept else None
    if found is None:
        progress.note("search: packing the model for precise mode, which later builds keep")
        found = model()
        if found and kept:
            found.save(kept)
    return found if found and found.serves(key) else None


def _place(home: Path | None, kind: str, key: str) -> Path | None:
    """Return the file that keeps what was made for one model; None keeps nothing."""
    return home / "cache" / f"{kind}-{re.sub(r'[^A-Za-z0-9]+', '-', key)}.npz" if home else None


def _shown(row: Mapping[str, Any], bibtex: str) -> dict[str, Any]:
    """Return what the page shows of a paper; the page makes text of it, never markup."""
    return {
        "id": row["id"], "title": escape.plain(row["title"]),
        "authors": [escape.plain(name) for name in row["authors"][:AUTHORS]],
        "more": max(0, len(row["authors"]) - AUTHORS), "date": row["published"], "venue": escape.plain(row["venue"]),
        "kind": row["kind"], "link": next((link for link in row["links"] if escape.link(link) != "#"), ""),
        "themes": row["themes"], "cluster": row["cluster"], "withdrawn": row["withdrawn"], "bibtex": bibtex,
    }  # fmt: skip
