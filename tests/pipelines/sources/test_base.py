"""What all sources share: which papers a window takes, how rejects are counted, what options and cursors are sound."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError
from kb.papers import Paper
from pipelines.sources import SOURCES, open_source
from pipelines.sources.base import EXAMPLES, Batch, Window, check_options, read_cursor

Invent = Callable[..., Paper]


# Windows


@pytest.mark.parametrize(
    ("day", "inside"),
    [(date(2023, 1, 9), False), (date(2023, 1, 10), True), (date(2023, 1, 20), True), (date(2023, 1, 21), False)],
)
def test_both_ends_of_a_window_belong_to_it(invent: Invent, day: date, inside: bool) -> None:
    window = Window(date(2023, 1, 10), date(2023, 1, 20))
    assert window.contains(invent(1, published=day)) is inside


def test_a_window_without_ends_takes_every_paper(invent: Invent) -> None:
    assert Window().contains(invent(1, published=date(1950, 1, 1)))


@pytest.mark.parametrize(("since", "inside"), [(date(2022, 12, 31), True), (date(2023, 12, 31), True), (date(2024, 1, 1), False)])
def test_a_paper_of_a_year_counts_until_the_year_s_last_day(invent: Invent, since: date, inside: bool) -> None:
    paper = invent(1, published=date(2023, 1, 1), date_precision="year")
    assert Window(since=since).contains(paper) is inside


@pytest.mark.parametrize(
    ("month", "since", "inside"),
    [
        (date(2023, 1, 1), date(2023, 1, 31), True),
        (date(2023, 1, 1), date(2023, 2, 1), False),
        (date(2022, 12, 1), date(2022, 12, 31), True),
        (date(2022, 12, 1), date(2023, 1, 1), False),
        (date(2020, 2, 1), date(2020, 2, 29), True),
    ],
)
def test_a_paper_of_a_month_counts_until_the_month_s_last_day(invent: Invent, month: date, since: date, inside: bool) -> None:
    assert Window(since=since).contains(invent(1, published=month, date_precision="month")) is inside


def test_a_paper_of_a_month_counts_from_the_month_s_first_day_on(invent: Invent) -> None:
    paper = invent(1, published=date(2023, 1, 1), date_precision="month")
    assert Window(until=date(2023, 1, 1)).contains(paper)
    assert not Window(until=date(2022, 12, 31)).contains(paper)


def test_windows_with_other_days_have_other_keys() -> None:
    days = (None, date(2023, 1, 1), date(2023, 2, 1))
    assert len({Window(since, until).key() for since in days for until in days}) == 9


def test_a_limit_leaves_a_window_s_key_alone_so_that_raising_it_goes_on() -> None:
    assert Window(limit=5).key() == Window(limit=50).key() == Window().key()


# Rejects


def test_rejects_are_counted_by_reason() -> None:
    batch = Batch()
    for reason in ("no title", "no abstract", "no title"):
        batch.reject("list.json[1]", reason)
    assert batch.rejected == {"no title": 2, "no abstract": 1}


def test_only_the_first_few_rejects_are_described() -> None:
    batch = Batch()
    for number in range(EXAMPLES + 2):
        batch.reject(f"list.json[{number}]", "no title")
    assert batch.examples == [f"list.json[{number}]: no title" for number in range(EXAMPLES)]


# Cursors


def test_a_cursor_is_read_back() -> None:
    assert read_cursor('{"line": 7}') == {"line": 7}


@pytest.mark.parametrize("cursor", [None, "", "{", "[1, 2]", '"text"', "7", "null"])
def test_a_cursor_that_is_none_of_ours_counts_as_none(cursor: str | None) -> None:
    assert read_cursor(cursor) == {}


@given(st.text())
def test_no_text_makes_reading_a_cursor_fail(cursor: str) -> None:
    assert isinstance(read_cursor(cursor), dict)


# Options


KNOWN = {"words": str, "many": list, "count": int, "seconds": float, "yes": bool}


@pytest.mark.parametrize("told", [{"words": "x"}, {"many": []}, {"count": 3}, {"seconds": 0.5}, {"yes": True}, {}])
def test_an_option_of_the_right_kind_is_accepted(told: dict[str, Any]) -> None:
    check_options("made up", told, KNOWN)  # raises nothing


def test_a_whole_number_will_do_where_a_fraction_may_stand() -> None:
    check_options("made up", {"seconds": 3}, KNOWN)  # raises nothing


@pytest.mark.parametrize(
    "told", [{"words": 7}, {"many": "one"}, {"count": "3"}, {"count": 0.5}, {"count": True}, {"seconds": True}, {"yes": 1}]
)
def test_an_option_of_the_wrong_kind_is_refused_by_name(told: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"option {next(iter(told))} of source made up must be"):
        check_options("made up", told, KNOWN)


def test_an_unknown_option_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(SettingsError, match=r"unknown option wrods of source made up.*count, many, seconds, words, yes"):
        check_options("made up", {"wrods": "x"}, KNOWN)


# Opening


def test_an_unknown_source_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"unknown source: arxive\. One of acl_anthology, arxiv, .*starter"):
        open_source("arxive=cs.LG", {})


def test_what_follows_the_equals_sign_is_the_location() -> None:
    assert open_source("arxiv=cs.CV", {}).key == "arxiv:cat:cs.CV"


def test_every_source_says_what_its_terms_allow(tmp_path: Any) -> None:
    lists, dump = tmp_path / "iclr2018.json", tmp_path / "snapshot.jsonl"
    own, anthology = tmp_path / "mine.jsonl", tmp_path / "2022.acl.xml"
    lists.write_text("[]")
    for file in (dump, own, anthology):
        file.write_text("")
    specs = ["arxiv", "arxiv_feed", "arxiv_oai", f"arxiv_snapshot={dump}", f"paperlists={lists}", "starter"]
    specs += [f"files={own}", f"acl_anthology={anthology}", "pmlr=v119", "neurips=2023", "cvf=CVPR2023", "openreview=TMLR"]
    assert {spec.partition("=")[0] for spec in specs} == set(SOURCES)
    assert all(open_source(spec, {}).licence_note.endswith(".") for spec in specs)
