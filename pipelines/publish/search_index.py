"""Knowledge base -> the files that the page of search reads (`kb.page_search` makes them)."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kb.embedding import Encoder, Vectors, table, wordpiece
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
    store: Store, taxonomy: Taxonomy, encoder: Callable[[], Encoder] | None, home: Path | None, progress: Progress
) -> Iterator[Page]:
    """Yield the files of the index.

    Args:
        encoder: loads the embedding model, to learn a table where none is kept. Without one, or for a model whose tokenizer is
            no uncased BERT one, the page searches by words alone.
        home: where tables are kept; None keeps none.
    """
    documents = read(store)
    rows = {row["id"]: row for row in export.papers(store, abstracts=False)}
    cited = export.bibtex_entries([rows[name] for name in sorted(rows)])
    documents = [replace(document, shown=_shown(rows[document.id], cited[document.id])) for document in documents]
    meaning = _meaning(store, documents, encoder, home, progress)
    size = 0.0
    for name, content in index.build(documents, taxonomy, str((store.run or {})["id"]), meaning):
        size = json.loads(content)["bytes"] / 1e6 if name == "index.json" else size
        yield Page(f"{FOLDER}/{name}", content)
    progress.note(f"search: {len(documents):,} papers, {size:.1f} MB for ranking" + ("" if meaning else ", by words alone"))


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
    kept = home / "cache" / f"token-table-{re.sub(r'[^A-Za-z0-9]+', '-', key)}.npz" if home else None
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


def _shown(row: Mapping[str, Any], bibtex: str) -> dict[str, Any]:
    """Return what the page shows of a paper; the page makes text of it, never markup."""
    return {
        "id": row["id"], "title": escape.plain(row["title"]),
        "authors": [escape.plain(name) for name in row["authors"][:AUTHORS]],
        "more": max(0, len(row["authors"]) - AUTHORS), "date": row["published"], "venue": escape.plain(row["venue"]),
        "kind": row["kind"], "link": next((link for link in row["links"] if escape.link(link) != "#"), ""),
        "themes": row["themes"], "cluster": row["cluster"], "withdrawn": row["withdrawn"], "bibtex": bibtex,
    }  # fmt: skip
