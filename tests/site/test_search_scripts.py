"""The page's search engine, run by Node over an index of the starter library, agrees with Python."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from kb import embedding, taxonomy
from kb.embedding import portable, table, wordpiece
from kb.page_search import index, postings
from kb.page_search.documents import Document
from kb.settings import DEFAULT_MODEL, Settings
from kb.store import STOP_WORDS
from pipelines.sources.starter import library

SCRIPTS = Path(__file__).parents[2] / "site" / "docs" / "assets" / "search"
QUESTIONS = (
    "quantization of networks",
    "diffusion models for images",
    "robustness under distribution shift",
    "low-rank adapters",
)
TIE = 2e-4
"""Half precision moves a cosine by up to about as much."""


def documents() -> list[Document]:
    return [
        Document(
            id=work.id, key=work.id, title=work.title, body=work.abstract or work.summary, year=work.published.year,
            venue=work.venue.rsplit(" ", 1)[0], sources=("starter",) if number % 3 else ("starter", "other"), themes=work.labels,
            keywords=(), shown={"title": work.title}, readable=work.summary,
        )
        for number, work in enumerate(library())
    ]  # fmt: skip


def toy_table(tokenizer: wordpiece.WordPieces) -> table.TokenTable:
    """A table whose rows are drawn by chance: what is tested is that the page reads it as Python does."""
    pieces = np.unique(np.concatenate([np.array(text) for text in tokenizer.pieces([it.text for it in documents()])]))
    rows = np.random.default_rng(0).normal(size=(len(pieces) + 1, 64)).astype(np.float32)
    pair = tokenizer.pieces(["diffusion models"])[0]
    return table.TokenTable(pieces.astype(np.int32), np.array([pair], np.int32), rows, np.eye(64, dtype=np.float32))


def by_words(listed: list[Document], words: wordpiece.WordPieces, question: str) -> list[int]:
    """BM25 as in the textbook, without shards and levels but rounded as the index rounds."""
    stop = frozenset(STOP_WORDS)
    found = postings.build([it.title for it in listed], [it.body for it in listed], words.words, stop)
    scores = np.zeros(len(listed))
    for term in set(postings.terms(words.words(question), stop)):
        for place, level in read(found, term).items():
            scores[place] += level
    order = np.argsort(-scores, kind="stable")
    return [int(place) for place in order[:10] if scores[place] > 0]


def read(found: postings.Postings, term: str) -> dict[int, float]:
    """Return one term's levels by place, by a reader written for this test."""
    shard = found.shards[max(at for at, first in enumerate(found.first_terms) if first <= term)]
    numbers = iter(shard)

    def number() -> int:
        value = shift = 0
        while True:
            byte = next(numbers)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    name = b""
    while True:
        try:
            shared = number()
        except StopIteration:
            return {}
        rest = number()
        name = name[:shared] + bytes(next(numbers) for _ in range(rest))
        places = np.cumsum([number() for _ in range(number())]).tolist()
        top = next(numbers)
        halves = [next(numbers) for _ in range((len(places) + 1) // 2)] if len(places) > 1 else [255]
        levels = [top * ((byte >> shift & 15) + 1) / 16 for byte in halves for shift in (0, 4)][: len(places)]
        if name.decode() == term:
            return dict(zip(places, levels, strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An index of the starter library, and what Python finds in it."""
    out, listed = tmp_path_factory.mktemp("index"), documents()
    words = wordpiece.load(DEFAULT_MODEL)
    assert words is not None
    toy = toy_table(words)
    vectors = toy.encode(words.pieces([it.text for it in listed]))
    for name, content in index.build(listed, taxonomy.load(), "r0001", (toy, words, vectors)):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    asked = toy.encode(words.pieces(QUESTIONS))
    venue, theme = listed[5].venue or "NeurIPS", "inference-efficiency"
    filters = [
        ({"since": "2018", "until": "2020"}, [at for at, it in enumerate(listed) if 2018 <= it.year <= 2020]),
        ({"source": "other"}, [at for at, it in enumerate(listed) if "other" in it.sources]),
        ({"venue": venue}, [at for at, it in enumerate(listed) if it.venue == venue]),
        ({"theme": theme}, [at for at, it in enumerate(listed) if any(own.startswith(f"{theme}/") for own in it.themes)]),
    ]
    near = vectors @ vectors[7]
    expected = {
        "questions": [
            {
                "question": question, "words": by_words(listed, words, question), "vector": asked[at].tolist(),
                "meaning": np.argsort(-(vectors @ asked[at]), kind="stable")[:10].tolist(),
            }
            for at, question in enumerate(QUESTIONS)
        ],
        "like": {
            "text": listed[7].readable, "place": 7,
            "places": [at for at in np.argsort(-near, kind="stable")[:11].tolist() if at != 7],
        },
        "filters": [{"filters": wanted, "places": places} for wanted, places in filters],
        "long": " ".join(listed[7].body.split()[:24]),
        "singulars": [(word, postings.singular(word)) for word in "studies eyes shoes buses loss is gans toes ties dies".split()],
    }  # fmt: skip
    (out / "expected.json").write_text(json.dumps(expected))
    yield out


def test_the_engine_in_node_agrees_with_python(folder: Path, run_in_node: Callable[..., None]) -> None:
    run_in_node("search/engine.test.mjs", SEARCH_INDEX=folder, SEARCH_SCRIPTS=SCRIPTS)


def test_equal_papers_make_an_equal_index(folder: Path) -> None:
    words = wordpiece.load(DEFAULT_MODEL)
    assert words is not None
    toy = toy_table(words)
    vectors = toy.encode(words.pieces([it.text for it in documents()]))
    for name, content in index.build(documents(), taxonomy.load(), "r0001", (toy, words, vectors)):
        assert (folder / name).read_bytes() == content


def write_precise(out: Path, model: str, listed: list[Document], asked: Sequence[str]) -> None:
    """Write an index with a model, and what its encoder in Python says of the questions."""
    packed, tokenizer = portable.pack(Settings(home=out, store_uri="", model=model)), wordpiece.load(model)
    assert packed is not None and tokenizer is not None
    encoder = embedding.load(model, device="cpu")
    stored = encoder.encode([it.title for it in listed]).astype(np.float16).astype(np.float32)
    pieces = np.unique(np.concatenate([np.array(text) for text in tokenizer.pieces([it.title for it in listed])]))
    rows = np.zeros((len(pieces), 16), np.float32)
    toy = table.TokenTable(
        pieces.astype(np.int32), np.zeros((0, 2), np.int32), rows, np.eye(stored.shape[1], 16, dtype=np.float32)
    )
    for name, content in index.build(listed, taxonomy.load(), "r0001", (toy, tokenizer, stored), packed):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    expected = []
    for question in asked:
        vector = encoder.encode_query(question)
        scores = stored @ vector
        best, tied = ten_best(scores)
        expected.append({"question": question, "vector": vector.tolist(), "scores": scores[best].tolist(), "tied": tied})
    near = stored @ stored[7]
    near[7] = -1
    (out / "expected.json").write_text(json.dumps({"questions": expected, "like": {"place": 7, "tied": ten_best(near, 1e-6)[1]}}))


def ten_best(scores: np.ndarray, margin: float = TIE) -> tuple[list[int], list[int]]:
    """Return the ten best, and every place that is at most a margin worse than the tenth."""
    best = np.argsort(-scores, kind="stable")[:10]
    return best.tolist(), np.flatnonzero(scores >= scores[best[-1]] - margin).tolist()


LONG = ("a b c " * 150, "Über naïve 中文 résumés, x^2 & [MASK]?")  # more pieces than a text may have; what tokenizers differ in


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_small_model_in_node_agrees_with_python(
    small_model: Callable[..., str], tmp_path: Path, run_in_node: Callable[..., None], pooling: str
) -> None:
    model = small_model(pooling=pooling, prompts={"query": "find: "})
    write_precise(tmp_path, model, documents(), (*QUESTIONS, *LONG))
    run_in_node("search/precise.test.mjs", SEARCH_INDEX=tmp_path, SEARCH_SCRIPTS=SCRIPTS)


def test_the_packaged_model_in_node_agrees_with_python(tmp_path: Path, run_in_node: Callable[..., None]) -> None:
    write_precise(tmp_path, DEFAULT_MODEL, documents()[:300], QUESTIONS)
    run_in_node("search/precise.test.mjs", SEARCH_INDEX=tmp_path, SEARCH_SCRIPTS=SCRIPTS)
