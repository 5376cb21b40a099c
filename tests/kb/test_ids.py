"""Identifiers: every era of arXiv, every way of writing them, and copies that a spreadsheet damaged."""

import doctest
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import ids

MONTHS = st.builds(lambda year, month: f"{year % 100:02d}{month:02d}", st.integers(2007, 2026), st.integers(1, 12))


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(ids).failed == 0


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("math/0701142", "arxiv:math/0701142"),
        ("cs.LG/0701001v2", "arxiv:cs/0701001"),
        ("0704.0001", "arxiv:0704.0001"),
        ("1412.6980v9", "arxiv:1412.6980"),
        ("1501.00001", "arxiv:1501.00001"),
        ("arXiv:2006.11239", "arxiv:2006.11239"),
        ("http://arxiv.org/abs/2006.11239v2", "arxiv:2006.11239"),
        ("https://arxiv.org/pdf/2006.11239.pdf", "arxiv:2006.11239"),
    ],
)
def test_an_arxiv_id_of_any_era_written_in_any_way_is_read(written: str, canonical: str) -> None:
    assert ids.arxiv_id(written) == canonical


@pytest.mark.parametrize("text", ["1501.0001", "1412.00001", "2006.112390", "10.1145/3292500", "", "two thousand", "2013.5"])
def test_what_is_no_arxiv_id_of_its_era_is_refused(text: str) -> None:
    assert ids.arxiv_id(text) is None


@given(MONTHS, st.integers(1, 99_999))
def test_an_id_of_the_new_scheme_survives_a_round_trip(month: str, number: int) -> None:
    digits = 5 if int(month[:2]) >= 15 else 4
    written = f"{month}.{number % 10**digits:0{digits}d}"
    assert ids.arxiv_id(ids.arxiv_id(written) or "") == f"arxiv:{written}"


@given(MONTHS.filter(lambda month: month >= "1000"), st.integers(1, 99_999))
def test_an_id_that_was_read_as_a_number_is_restored(month: str, number: int) -> None:
    digits = 5 if int(month[:2]) >= 15 else 4
    written = f"{month}.{number % 10**digits:0{digits}d}"
    assert ids.restore_digits(repr(float(written))) == written


def test_a_damaged_tail_of_nines_is_rounded_back() -> None:
    assert ids.restore_digits("1907.1059699999998") == "1907.10597"
    assert ids.restore_digits("1502.0643400000001") == "1502.06434"


def test_the_month_of_an_id_is_known() -> None:
    assert ids.arxiv_month("arxiv:2006.11239") == date(2020, 6, 1)
    assert ids.arxiv_month("arxiv:math/9901001") == date(1999, 1, 1)
    assert ids.arxiv_month("doi:10.1000/1") is None


@given(st.text())
def test_no_text_whatever_breaks_the_reading_of_identifiers(text: str) -> None:
    for identifier in ids.identifiers_in(text):
        assert identifier.split(":")[0] in {"arxiv", "doi", "openreview", "acl", "pmlr"}


def test_a_doi_is_lower_case_whatever_surrounds_it() -> None:
    assert ids.doi("https://doi.org/10.1038/Nature14539") == "doi:10.1038/nature14539"


def test_an_arxiv_id_is_preferred_to_a_doi() -> None:
    assert sorted(["doi:10.1/x", "title:ab", "arxiv:2006.11239"], key=ids.preference)[0] == "arxiv:2006.11239"


def test_titles_that_differ_in_case_accents_and_punctuation_have_one_key() -> None:
    assert ids.title_key("Éléments: of—Learning!") == ids.title_key("elements of learning")


def test_a_family_name_is_the_last_word_however_the_name_is_written() -> None:
    assert ids.family_name("Yoshua Bengio") == ids.family_name("Bengio, Yoshua") == "bengio"


def test_the_same_title_by_another_first_author_has_another_id() -> None:
    assert ids.title_id("On learning things", "Ada A") != ids.title_id("On learning things", "Bo B")
