"""Merging: which records are the same work, and what the united paper says."""

from collections.abc import Callable
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kb.ids import arxiv_id
from kb.merging import contested, group, record_key, resemblance, sketch, unite, work_digest
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


ABSTRACT = """We study how a machine may learn to sort socks that nobody has ever seen. A network of three layers is trained on
drawings of socks, and we show that it pairs left and right socks of the same drawer more often than a person who is tired."""


def test_the_same_abstract_by_the_same_authors_is_one_work_under_another_title() -> None:
    renamed = conference(title="Drawer Networks", abstract=ABSTRACT)
    assert len(works(preprint(abstract=ABSTRACT), renamed)) == 1


def test_the_same_abstract_by_other_authors_is_another_work() -> None:
    copied = conference(title="Drawer Networks", abstract=ABSTRACT)
    other = record("files", "1", "Sock Networks", ["Cy Copier", "Di Plagiarist"], abstract=ABSTRACT)
    assert len(works(copied, other)) == 2


def test_another_abstract_by_the_same_authors_is_another_work() -> None:
    other = conference(title="Learning to Fold Towels", abstract=ABSTRACT.replace("sock", "towel").replace("sort", "fold"))
    assert len(works(preprint(abstract=ABSTRACT), other)) == 2


def test_the_united_paper_tells_the_versions_that_one_of_its_records_knows() -> None:
    told = preprint(versions=["2022-10-03", "2023-01-09"])
    assert unite([conference(), told]).versions == ("2022-10-03", "2023-01-09")


def test_a_sketch_estimates_how_much_of_two_texts_is_the_same() -> None:
    longer = f"{ABSTRACT} And a fourth layer did not help at all."
    assert resemblance(sketch(ABSTRACT), sketch(ABSTRACT)) == 1
    assert 0.5 < resemblance(sketch(ABSTRACT), sketch(longer)) < 1
    assert resemblance(sketch(ABSTRACT), sketch("a b c d e f g h i j k l m n o p q r s t u v")) == 0


def test_a_text_too_short_to_tell_has_no_sketch_and_is_like_nothing() -> None:
    assert resemblance(sketch("We did."), sketch("We did.")) == 0


def chapter(number: int) -> Paper:
    title = ("Socks Seen from Above", "Folding Towels by Touch", "Why Hats Fall", "Gloves without Thumbs", "Of Scarves")[number]
    names = [f"Ada Author{number}", f"Bo Writer{number}"]
    return record("paperlists:eccv2022", str(number), title, names, identifiers=["doi:10.1/book"])


def test_a_book_s_identifier_does_not_unite_its_chapters() -> None:
    assert len(works(*(chapter(number) for number in range(5)))) == 5


def test_an_identifier_that_several_works_claim_names_none_of_them() -> None:
    keys = [[record_key(chapter(number))] for number in range(3)]
    assert contested(keys) == [frozenset({"doi:10.1/book"})] * 3
    assert unite([chapter(1)], frozenset({"doi:10.1/book"})).id.startswith("title:")


def test_a_wrong_arxiv_id_in_a_list_stays_with_arxiv_s_own_paper() -> None:
    wrong = record("paperlists:cvpr2018", "7", "Modulated Towel Networks", ["Di Other"], identifiers=["arxiv:2210.00001"],
                   links=["https://arxiv.org/abs/2210.00001"])  # fmt: skip
    keys = [[record_key(preprint())], [record_key(wrong)]]
    assert contested(keys) == [frozenset(), frozenset({"arxiv:2210.00001"})]
    paper = unite([wrong], contested(keys)[1])
    assert (paper.identifiers, paper.links) == ((), ())


def test_a_work_that_loses_an_identifier_has_another_digest() -> None:
    keys = [record_key(preprint())]
    assert work_digest(keys) != work_digest(keys, ["arxiv:2210.00001"])
