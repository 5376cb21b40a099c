"""The papers as the page's index has them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kb.embedding import Vectors
from kb.store import Store


@dataclass(frozen=True, slots=True)
class Document:
    """One paper.

    Attributes:
        id: the paper's; key: the hash of its text.
        title, body: what its words are taken from; the body is the abstract, or the editors' summary.
        year, venue, sources, themes: what readers narrow answers to; the venue is without its year.
        keywords: the authors' own; they are not searched, but teach what questions look like.
        shown: what the page shows of it.
    """

    id: str
    key: str
    title: str
    body: str
    year: int
    venue: str
    sources: tuple[str, ...]
    themes: tuple[str, ...]
    keywords: tuple[str, ...]
    shown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What was embedded."""
        return f"{self.title}. {self.body}"


def read(store: Store) -> list[Document]:
    """Return the papers, those of one cluster together: what answers a question then lies in few files."""
    placed = {row["paper"]: (row["broad"], row["cluster"], row["narrow"]) for row in store.table("placements").to_pylist()}
    themes: dict[str, list[tuple[float, str]]] = {}
    for row in store.table("themes", ["paper", "theme", "score"]).to_pylist():
        themes.setdefault(row["paper"], []).append((-row["score"], row["theme"]))
    columns = ["id", "text_hash", "title", "abstract", "summary", "published", "venue", "sources", "keywords"]
    found = [
        Document(
            id=row["id"], key=row["text_hash"], title=row["title"], body=row["abstract"] or row["summary"],
            year=row["published"].year, venue=venue_family(row["venue"]),
            sources=tuple(sorted({record["source"].split(":", 1)[0] for record in row["sources"]})),
            themes=tuple(theme for _, theme in sorted(themes.get(row["id"], []))), keywords=tuple(row["keywords"]),
        )
        for row in store.papers(columns).to_pylist()
    ]  # fmt: skip
    return sorted(found, key=lambda document: (placed.get(document.id, ("~", "", "")), document.id))


def venue_family(venue: str) -> str:
    """Return a venue without its year.

    >>> venue_family("NeurIPS 2017"), venue_family("Proc. of the 3rd MLSys, 2020 (oral)")
    ('NeurIPS', 'Proc. of the 3rd MLSys')
    """
    return re.sub(r"[\s,'(]*\b(?:19|20)\d\d\b.*", "", venue).strip()


def vectors_of(store: Store, documents: list[Document]) -> Vectors:
    """Return the documents' vectors, shape (n, d), in their order."""
    hashes, vectors = store.vectors(str((store.run or {})["model"]))
    place = {name: at for at, name in enumerate(hashes)}
    return np.asarray(vectors[[place[document.key] for document in documents]], np.float32)
