"""Search: words and meaning, fused; filters; ties."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from kb import search
from kb.embedding import Vectors
from kb.errors import InvalidInput
from kb.papers import Paper
from kb.search import Filters
from kb.store import Store, text_hash

WORDS = ("sock", "badger", "kettle")


class Counting:
    """An encoder whose vector counts three words."""

    key, model, weights, precision = "counting@1", "counting", "", "fp32"

    def encode(self, texts: list[str]) -> Vectors:
        counts = np.array([[text.lower().count(word) for word in WORDS] for text in texts], np.float32) + 0.01
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    def encode_query(self, text: str) -> Vectors:
        return self.encode([text])[0]


def no_encoder() -> Counting:
    raise AssertionError("a search by words needs no model")


@pytest.fixture
def store(tmp_path: Path, invent: Callable[..., Paper]) -> Store:
    papers = [
        invent(1, title="All about socks and nothing else", published=date(2020, 5, 1), venue="ICML 2020", kind="conference"),
        invent(2, title="A badger in the garden", published=date(2021, 5, 1)),
        invent(3, title="Kettles and badgers", abstract="Badger, badger, kettle.", published=date(2022, 5, 1)),
        invent(4, title="A twin in the garden", abstract="Sock.", published=date(2023, 5, 1)),
        invent(5, title="A twin in the garden again", abstract="Sock.", published=date(2023, 5, 1)),
    ]
    store = Store.write(str(tmp_path / "store"))
    store.put_papers([(paper, "d") for paper in papers], [])
    store.add_vectors(
        "counting@1", [text_hash(paper.text) for paper in papers], Counting().encode([paper.text for paper in papers])
    )
    store.replace("themes", [{"paper": "arxiv:2301.00003", "theme": "home/animals", "score": 0.9, "why": ""}])
    store.index_text()
    told = dict.fromkeys(("finished", "fingerprint", "weights", "version", "settings", "counts", "sources"), "")
    store.commit({**told, "id": "r0001", "model": "counting@1"})
    return Store.read(str(tmp_path / "store"))


def found(store: Store, query: str, mode: str = "hybrid", **filters: object) -> list[str]:
    hits = search.search(store, query, Counting, mode=mode, filters=Filters(**filters))  # type: ignore[arg-type]
    return [hit.paper.id[-1] for hit in hits]


def test_a_search_by_words_loads_no_model(store: Store) -> None:
    hits = search.search(store, "badger", no_encoder, mode="keyword")
    assert {hit.paper.id[-1] for hit in hits} == {"2", "3"}


def test_a_search_by_meaning_ranks_every_paper(store: Store) -> None:
    assert len(found(store, "badger", "semantic")) == 5
    assert set(found(store, "badger", "semantic")[:2]) == {"2", "3"}


def test_equal_scores_come_in_order_of_id(store: Store) -> None:
    order = found(store, "sock", "semantic")
    assert order.index("4") < order.index("5")


def test_a_paper_found_both_ways_says_so(store: Store) -> None:
    hit = search.search(store, "kettle", Counting)[0]
    assert hit.paper.id.endswith("3")
    assert "words #1" in hit.why
    assert "meaning #1" in hit.why


def test_filters_hold_in_every_mode(store: Store) -> None:
    for mode in ("keyword", "semantic", "hybrid"):
        assert set(found(store, "garden badger sock", mode, since=date(2021, 1, 1), until=date(2022, 12, 31))) <= {"2", "3"}
        assert found(store, "sock", mode, venue="icml") == ["1"]
        assert found(store, "badger", mode, theme="home/animals") == ["3"]


def test_a_group_of_themes_holds_its_leaves(store: Store) -> None:
    assert found(store, "badger", theme="home") == ["3"]


def test_reciprocal_rank_fusion_adds_weighted_reciprocal_ranks() -> None:
    fused = dict(search.fuse([(["a", "b"], 2.0), (["b"], 1.0)], k=60))
    assert fused == {"a": 2 / 61, "b": 2 / 62 + 1 / 61}


def test_fusion_breaks_ties_by_name() -> None:
    assert [item for item, _ in search.fuse([(["b"], 1.0), (["a"], 1.0)])] == ["a", "b"]


@pytest.mark.parametrize(("query", "mode", "limit"), [(" ", "hybrid", 5), ("x", "psychic", 5), ("x", "hybrid", 0)])
def test_a_search_that_makes_no_sense_is_refused(store: Store, query: str, mode: str, limit: int) -> None:
    with pytest.raises(InvalidInput):
        search.search(store, query, Counting, mode=mode, limit=limit)
