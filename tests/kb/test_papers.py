"""Papers: what is normalised at the door, and what is turned away there."""

import unicodedata
from collections.abc import Callable
from datetime import date

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import InvalidInput
from kb.papers import MAX_ABSTRACT, Paper, clean_text, from_dict, parse_date, to_dict, to_json

Invent = Callable[..., Paper]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (r"Schr\"odinger and Erd\H{o}s", "Schrödinger and Erdős"),
        (r"{\'E}cole \o resund", "École øresund"),
        ("AT&amp;T &lt;3", "AT&T <3"),
        ("<jats:p>Text <i>in</i> markup</jats:p>", "Text in markup"),
        ("line\nbreak\tand  spaces", "line break and spaces"),
        ("e\u0301", "é"),
        ("\x1b[31mred\x00", "[31mred"),
        ("\u202eback\u202c", "back"),
    ],
)
def test_text_is_plain_and_on_one_line(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


def test_mathematics_stays_as_it_was_written() -> None:
    assert clean_text(r"rates of $\mathcal{O}(n^2)$") == r"rates of $\mathcal{O}(n^2)$"


def test_text_from_right_to_left_and_emoji_stay() -> None:
    assert clean_text("שלום 🧠 می‌خواهم") == "שלום 🧠 می‌خواهم"


@given(st.text(alphabet=st.characters(exclude_characters="&\\<")))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    assert not {unicodedata.category(character) for character in clean_text(text)} & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-06-12", (date(2017, 6, 12), "day")),
        ("2017-06", (date(2017, 6, 1), "month")),
        ("2017", (date(2017, 1, 1), "year")),
        ("2017-06-12T17:57:34Z", (date(2017, 6, 12), "day")),
    ],
)
def test_a_date_keeps_the_precision_it_was_written_with(text: str, expected: tuple[date, str]) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2017-13", "2017-02-30", "12/06/2017", "2017-06-12-01"])
def test_an_unreadable_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="unreadable date"):
        parse_date(text)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"title": " "}, "no title"),
        ({"title": "???"}, "no title"),
        ({"title": "word " * 400}, "title too long"),
        ({"abstract": ""}, "no abstract"),
        ({"abstract": "x" * (MAX_ABSTRACT + 1)}, "abstract too long"),
        ({"abstract": "x" * 10_000_000}, "abstract too long"),
        ({"published": date(1066, 10, 14)}, "unreadable date"),
        ({"published": date(2995, 1, 1)}, "date in the future"),
        ({"kind": "tweet"}, "unknown kind"),
    ],
)
def test_a_record_that_cannot_be_used_says_why(invent: Invent, told: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        invent(1, **told)


def test_tomorrow_is_allowed_for_time_zones_and_the_day_after_is_not(invent: Invent) -> None:
    today = date(2024, 2, 28)
    assert invent(1, published=date(2024, 2, 29), today=today)
    with pytest.raises(InvalidInput):
        invent(1, published=date(2024, 3, 1), today=today)


def test_a_summary_stands_in_for_an_abstract(invent: Invent) -> None:
    paper = invent(1, abstract="", summary="What we think of it.")
    assert paper.text.endswith("What we think of it.")


def test_a_work_without_identifiers_is_named_by_its_title_and_first_author(invent: Invent) -> None:
    assert invent(1, identifiers=[]).id.startswith("title:")


def test_only_web_addresses_are_kept_as_links(invent: Invent) -> None:
    links = ["javascript:alert(1)", "https://a.example/x", 'https://a.example/"><script>', "ftp://b.example"]
    assert invent(1, links=links).links == ("https://a.example/x",)


def test_a_paper_known_by_its_year_shows_its_year_only(invent: Invent) -> None:
    assert invent(1, published=date(2019, 1, 1), date_precision="year").date_text == "2019"


def test_a_paper_survives_json(invent: Invent) -> None:
    paper = invent(1, updated=date(2024, 1, 1), keywords=["a", "b"], venue="ICML 2023")
    assert from_dict(orjson.loads(to_json(paper))) == paper


def test_a_paper_survives_plain_values(invent: Invent) -> None:
    assert from_dict(to_dict(invent(2))) == invent(2)


def test_equal_papers_are_equal_bytes(invent: Invent) -> None:
    assert to_json(invent(3)) == to_json(invent(3))
