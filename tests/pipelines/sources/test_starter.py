"""The starter library: the works that a new knowledge base begins with, each of its lines checked."""

from datetime import date
from importlib.resources import files

import orjson
import pytest

from kb import taxonomy
from kb.errors import InvalidInput, SettingsError
from kb.ids import arxiv_month
from pipelines.sources.base import Window
from pipelines.sources.starter import hash_lines, open_starter, parse_line

LINES = (files("kb") / "data" / "starter.jsonl").read_text(encoding="utf-8").splitlines()
PAPERS = [parse_line(line) for line in LINES]
THEMES = {theme.id for theme in taxonomy.load().themes}


# A failing check names the works that fail it.


# The library itself


def test_every_line_becomes_a_paper_of_its_own() -> None:
    assert len(LINES) >= 60
    assert len({paper.id for paper in PAPERS}) == len(LINES)


def test_no_two_works_share_an_identifier_or_a_title() -> None:
    identifiers = [identifier for paper in PAPERS for identifier in paper.identifiers]
    assert len(identifiers) == len(set(identifiers))
    assert len({paper.title.casefold() for paper in PAPERS}) == len(PAPERS)


def test_a_line_s_id_is_the_paper_s() -> None:
    assert [paper.id for paper in PAPERS] == [orjson.loads(line)["id"] for line in LINES]


def test_a_summary_has_forty_to_ninety_words() -> None:
    words = {paper.id: len(paper.summary.split()) for paper in PAPERS}
    assert {name: count for name, count in words.items() if not 40 <= count <= 90} == {}


def test_a_work_has_our_summary_and_no_abstract_of_others() -> None:
    assert [paper.id for paper in PAPERS if paper.abstract or not paper.summary] == []


def test_a_work_has_authors_and_a_link() -> None:
    assert [paper.id for paper in PAPERS if not (paper.authors and paper.links)] == []


def test_a_work_that_arxiv_has_bears_its_categories() -> None:
    assert [paper.id for paper in PAPERS if paper.id.startswith("arxiv:") and not paper.categories] == []


def test_dates_agree_with_the_months_in_arxiv_ids() -> None:
    months = [(paper, month) for paper in PAPERS for name in paper.identifiers if (month := arxiv_month(name))]
    assert len(months) >= 50
    apart = {paper.id: (paper.published.year - month.year) * 12 + paper.published.month - month.month for paper, month in months}
    # an id is given when a paper is announced, which may be in the month after it was sent in
    assert {name: count for name, count in apart.items() if abs(count) > 1} == {}


def test_every_work_has_a_label_and_every_label_is_a_theme() -> None:
    assert [paper.id for paper in PAPERS if not paper.labels or not set(paper.labels) <= THEMES] == []


def test_every_theme_has_a_work() -> None:
    assert THEMES - {label for paper in PAPERS for label in paper.labels} == set()


# The library as a source


def test_the_whole_library_comes_in_one_batch() -> None:
    (batch,) = open_starter("", {}).batches(Window(), None)
    assert [paper.id for paper in batch.papers] == [paper.id for paper in PAPERS]


def test_its_size_is_known_before_reading() -> None:
    assert open_starter("", {}).size_hint() == len(LINES)


def test_reading_twice_yields_nothing() -> None:
    (batch,) = open_starter("", {}).batches(Window(), None)
    assert list(open_starter("", {}).batches(Window(), batch.cursor)) == []


def test_another_edition_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    (batch,) = open_starter("", {}).batches(Window(), None)
    monkeypatch.setattr("pipelines.sources.starter._lines", lambda: LINES[:-1])
    (again,) = open_starter("", {}).batches(Window(), batch.cursor)
    assert len(again.papers) == len(LINES) - 1


def test_an_edition_is_known_by_every_letter_of_it() -> None:
    assert hash_lines(["ab", "c"]) != hash_lines(["a", "bc"])
    assert hash_lines(LINES) == hash_lines(list(LINES))


def test_a_window_takes_the_works_of_its_days() -> None:
    window = Window(date(2017, 1, 1), date(2017, 12, 31))
    (batch,) = open_starter("", {}).batches(window, None)
    assert batch.papers
    assert {paper.published.year for paper in batch.papers} == {2017}


def test_another_window_is_another_reading() -> None:
    (batch,) = open_starter("", {}).batches(Window(until=date(2017, 12, 31)), None)
    (rest,) = open_starter("", {}).batches(Window(), batch.cursor)
    assert len(rest.papers) == len(LINES)


def test_a_limit_takes_the_first_works_and_raising_it_takes_more() -> None:
    (batch,) = open_starter("", {}).batches(Window(limit=5), None)
    (more,) = open_starter("", {}).batches(Window(limit=8), batch.cursor)
    assert [len(batch.papers), len(more.papers)] == [5, 8]


def test_it_has_neither_location_nor_options() -> None:
    with pytest.raises(InvalidInput, match="no location"):
        open_starter("/somewhere", {})
    with pytest.raises(SettingsError, match="unknown option"):
        open_starter("", {"contact": "ada@example.org"})
