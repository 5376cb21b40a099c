"""The parts of the benchmark of search in the browser."""

import gzip
from pathlib import Path

import httpx
import pytest

from kb.page_search.documents import Document
from pipelines.benchmarks.browser_search import _carried, ndcg
from pipelines.benchmarks.throttled import open_site


def test_ndcg_is_one_for_the_ideal_order_and_none_for_nothing_found() -> None:
    gains = [{4: 10.0, 7: 9.0, 1: 8.0}] * 3
    best, worse, nothing = ndcg([[4, 7, 1], [1, 7, 4], [2, 3, 5]], gains)
    assert best == pytest.approx(1)
    assert 0 < worse < 1
    assert nothing == 0


def test_ndcg_of_one_true_answer_falls_with_the_logarithm_of_its_rank() -> None:
    first, third, eleventh = ndcg([[5], [1, 2, 5], [*range(20, 30), 5]], [{5: 1.0}] * 3)
    assert (first, third, eleventh) == (1.0, pytest.approx(0.5), 0.0)


def carrying(*keywords: str) -> Document:
    return Document("id", "key", "title", "body", 2020, "", (), (), keywords)


def test_keywords_are_asked_that_three_papers_or_more_carry() -> None:
    papers = [
        carrying("Pruning", "rare"),
        carrying("pruning "),
        carrying("pruning", "x"),
        carrying("x"),
        carrying("x"),
        carrying(),
    ]
    judged = _carried(papers)
    assert judged.questions == ["pruning"]
    assert judged.gains == [{0: 1.0, 1: 1.0, 2: 1.0}]


def test_the_measuring_host_sends_files_as_a_static_host_does(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>hello</p>" * 100)
    (tmp_path / "part.bin").write_bytes(bytes(9_000))
    with open_site(tmp_path, bytes_a_second=1e9) as address:
        page, part = httpx.get(address), httpx.get(f"{address}part.bin")
        assert page.text == "<p>hello</p>" * 100
        assert page.headers["content-encoding"] == "gzip"
        assert int(page.headers["content-length"]) == len(gzip.compress(page.content, 6, mtime=0))
        assert part.content == bytes(9_000)
        assert httpx.get(f"{address}none").status_code == 404
