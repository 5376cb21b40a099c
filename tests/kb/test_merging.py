"""Merging: which records are the same work, and what the united paper says."""

from collections.abc import Callable
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kb.ids import arxiv_id
from kb.merging import group, record_key, unite, work_digest
from kb.papers import Paper, SourceRecord, make_paper

Invent = Callable[..., Paper]


def record(source: str, name: str, title: str, authors: list[str], **told: object) -> Paper:
    values: dict[str, object] = {
        "abstract": f"About {title}.", "published": date(2023, 1, 1), "date_precision": "year",
        "source": SourceRecord(source, name, "2023", "", ""),
    }  # fmt: skip
    return make_paper(title=title, authors=authors, **{**values, **told})  # type: ignore[arg-type]


def preprint(**told: object) -> Paper:
    values: dict[str, object] = {
        "identifiers": ["arxiv:2210.00001"], "published": date(2022, 10, 3), "date_precision": "day", "categories": ["cs.LG"],
    }  # fmt: skip
    return record("arxiv", "2210.00001", "Learning to Sort Made-up Socks", ["Ada Author", "Bo Writer"], **{**values, **told})


def conference(**told: object) -> Paper:
    values: dict[str, object] = {"title": "Learning to sort made-up socks.", "venue": "ICML 2023", "kind": "conference"}
    return record("paperlists:icml2023", "42", authors=["A. Author", "Bo Writer"], **{**values, **told})  # type: ignore[arg-type]


def works(*records: Paper, keep_apart: tuple[tuple[str, str], ...] = ()) -> list[set[str]]:
    return [{one.key for one in work} for work in group(map(record_key, records), keep_apart)]


def test_a_preprint_and_its_conference_version_become_one_work() -> None:
    assert len(works(preprint(), conference())) == 1


def test_the_united_paper_is_dated_by_its_first_public_appearance() -> None:
    paper = unite([conference(), preprint()])
    assert (paper.published, paper.date_precision) == (date(2022, 10, 3), "day")


def test_the_united_paper_keeps_venue_identifiers_and_both_records() -> None:
    paper = unite([preprint(), conference()])
    assert (paper.id, paper.venue, paper.kind) == ("arxiv:2210.00001", "ICML 2023", "conference")
    assert {one.source for one in paper.sources} == {"arxiv", "paperlists:icml2023"}


def test_an_exact_identifier_unites_though_titles_differ_a_little() -> None:
    renamed = conference(title="Learning to Sort Invented Socks", identifiers=["arxiv:2210.00001"])
    assert len(works(preprint(), renamed)) == 1


def test_the_same_title_by_other_authors_is_another_work() -> None:
    other = record("paperlists:icml2023", "43", "Learning to Sort Made-up Socks", ["Cy Stranger", "Di Unknown"])
    assert len(works(preprint(), other)) == 2


def test_a_title_of_two_words_is_no_evidence() -> None:
    one = record("paperlists:icml2022", "1", "Deep Socks", ["Ada Author"])
    other = record("paperlists:icml2023", "2", "Deep Socks", ["Ada Author"])
    assert len(works(one, other)) == 2


def test_two_arxiv_ids_are_never_united_by_their_title() -> None:
    second = record(
        "arxiv", "2301.00002", "Learning to Sort Made-up Socks", ["Ada Author", "Bo Writer"], identifiers=["arxiv:2301.00002"]
    )
    assert len(works(preprint(), second)) == 2


def test_what_was_united_can_be_parted_again() -> None:
    pair = ("arxiv:2210.00001", conference().sources[0].key)
    assert len(works(preprint(), conference(), keep_apart=(pair,))) == 2


@given(st.permutations(range(8)), st.data())
def test_the_order_of_records_leaves_no_trace(order: list[int], data: st.DataObject) -> None:
    records = [
        record(
            "arxiv" if number % 2 else f"paperlists:v{number}", str(number), f"The sock study part {number // 5}",
            ["Ada Author"], identifiers=[arxiv_id(f"2301.{number:05d}") or ""] if number % 3 == 0 else [],
        )
        for number in range(8)
    ]  # fmt: skip
    assert works(*(records[number] for number in order)) == works(*records)


def test_a_changed_record_changes_the_digest_of_its_work() -> None:
    before = work_digest([record_key(preprint()), record_key(conference())])
    after = work_digest([record_key(preprint(abstract="Another abstract.")), record_key(conference())])
    assert before != after


def test_uniting_one_record_gives_that_paper(invent: Invent) -> None:
    assert unite([invent(1)]) == invent(1)
