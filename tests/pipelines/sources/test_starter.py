"""The starter library: the works that a new knowledge base begins with, each of its lines checked."""

from collections import Counter
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
WORKS = [orjson.loads(line) for line in LINES]
KEYS = (
    "id", "identifiers", "title", "authors", "published", "venue", "kind", "categories", "labels", "summary", "url", "checked",
)  # fmt: skip
PAPERS = [parse_line(line) for line in LINES]
THEMES = {theme.id for theme in taxonomy.load().themes}


# A failing check names the works that fail it. tests/comparison/reading_list.py compares facts with real metadata.


# The library itself


def test_it_holds_at_least_six_hundred_works_of_2012_to_2025() -> None:
    assert len(LINES) >= 600
    assert {paper.published.year for paper in PAPERS} == set(range(2012, 2026))


def test_a_line_says_the_same_things_in_the_same_order_as_every_other() -> None:
    assert {tuple(work) for work in WORKS} == {KEYS}


def test_lines_stand_in_order_of_date() -> None:
    assert [(work["published"], work["id"]) for work in WORKS] == sorted((work["published"], work["id"]) for work in WORKS)


def test_a_line_s_id_is_the_paper_s_and_no_other_line_s() -> None:
    assert [paper.id for paper in PAPERS] == [work["id"] for work in WORKS]
    assert len({paper.id for paper in PAPERS}) == len(LINES)


def test_identifiers_are_written_as_the_store_keeps_them() -> None:
    assert [
        work["id"] for work, paper in zip(WORKS, PAPERS, strict=True) if not set(work["identifiers"]) <= set(paper.identifiers)
    ] == []


def test_no_two_works_share_an_identifier_or_a_title() -> None:
    identifiers = [identifier for paper in PAPERS for identifier in paper.identifiers]
    assert len(identifiers) == len(set(identifiers))
    assert len({paper.title.casefold() for paper in PAPERS}) == len(PAPERS)


def test_a_summary_has_forty_to_ninety_words() -> None:
    words = {paper.id: len(paper.summary.split()) for paper in PAPERS}
    assert {name: count for name, count in words.items() if not 40 <= count <= 90} == {}


def test_a_work_has_our_summary_and_no_abstract_of_others() -> None:
    assert [paper.id for paper in PAPERS if paper.abstract or not paper.summary] == []


def test_no_sentence_stands_in_two_summaries() -> None:
    sentences = Counter(sentence for paper in PAPERS for sentence in paper.summary.split(". ") if len(sentence.split()) > 6)
    assert [sentence for sentence, count in sentences.items() if count > 1] == []


def test_up_to_five_authors_are_named_and_the_rest_are_et_al() -> None:
    named = {paper.id: [name for name in paper.authors if name != "et al."] for paper in PAPERS}
    assert [name for name, authors in named.items() if not 1 <= len(authors) <= 5] == []
    cut = [paper for paper in PAPERS if "et al." in paper.authors]
    assert [paper.id for paper in cut if paper.authors.index("et al.") != 5] == []


def test_a_work_is_dated_to_the_month_at_least() -> None:
    assert [paper.id for paper in PAPERS if paper.date_precision == "year"] == []


def test_a_work_has_a_safe_link() -> None:
    assert [work["id"] for work in WORKS if not work["url"].startswith("https://")] == []


def test_a_work_that_arxiv_has_bears_its_categories() -> None:
    assert [paper.id for paper in PAPERS if paper.id.startswith("arxiv:") and not paper.categories] == []


def test_dates_agree_with_the_months_in_arxiv_ids() -> None:
    months = [(paper, month) for paper in PAPERS for name in paper.identifiers if (month := arxiv_month(name))]
    assert len(months) >= 500
    apart = {paper.id: (paper.published.year - month.year) * 12 + paper.published.month - month.month for paper, month in months}
    # an id is given when a paper is announced, which may be in the month after it was sent in
    assert {name: count for name, count in apart.items() if abs(count) > 1} == {}


def test_what_was_compared_is_named_by_fact_and_by_what_it_was_compared_with() -> None:
    facts = {fact for work in WORKS for against, compared in work["checked"].items() for fact in compared if against}
    assert facts <= {"id", "title", "authors", "date", "categories", "venue"}
    assert sum(bool(work["checked"]) for work in WORKS) >= 300


def test_every_work_has_one_to_four_labels_and_every_label_is_a_theme() -> None:
    assert [paper.id for paper in PAPERS if not 1 <= len(set(paper.labels)) <= 4 or not set(paper.labels) <= THEMES] == []


def test_every_theme_has_fifteen_works() -> None:
    count = Counter(label for paper in PAPERS for label in paper.labels)
    assert {theme: count[theme] for theme in THEMES if count[theme] < 15} == {}


@pytest.mark.parametrize(
    "named",
    [
        {"training-efficiency"}, {"inference-efficiency"}, {"evaluation"}, {"data"}, {"governance"},
        {"generative-models/diffusion", "generative-models/transformers-attention"},
    ],
    ids=lambda named: " and ".join(sorted(named)),
)  # fmt: skip
def test_the_groups_named_first_have_sixty_works(named: set[str]) -> None:
    assert sum(any({label, label.split("/")[0]} & named for label in paper.labels) for paper in PAPERS) >= 60


@pytest.mark.parametrize(
    "title",
    [
        "AI RMF 1.0", "ISO/IEC 42001:2023", "ISO/IEC 23894:2023", "2024/1689", "Model Cards for",
        "Datasheets for Datasets", "Data Statements", "Croissant",
    ],
)  # fmt: skip
def test_standards_laws_and_forms_of_documentation_are_works_too(title: str) -> None:
    (paper,) = [paper for paper in PAPERS if title in paper.title]
    assert {label.split("/")[0] for label in paper.labels} & {"governance", "data"}


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
