"""The metadata snapshot: a long file of JSON lines, whole or damaged, read in pieces."""

import gzip
import json
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError
from kb.papers import Paper
from pipelines.sources import arxiv_snapshot
from pipelines.sources.arxiv_snapshot import open_arxiv_snapshot
from pipelines.sources.base import Batch, Window


def read(path: Path, window: Window | None = None, cursor: str | None = None, **options: object) -> list[Batch]:
    return list(open_arxiv_snapshot(str(path), options).batches(window or Window(), cursor))


def numbers(batches: Iterable[Batch]) -> list[int]:
    return [int(paper.id[-5:]) for batch in batches for paper in batch.papers]


def one(snapshot: Any, **told: object) -> Paper:
    """Return what becomes of one record."""
    (batch,) = read(snapshot(lines=[snapshot.line(7, **told)]))
    return batch.papers[0]


def rejected(snapshot: Any, line: str) -> tuple[dict[str, int], list[str]]:
    """Return how a bad line between two good ones is counted and described, and make sure of the good ones."""
    (batch,) = read(snapshot(lines=[snapshot.line(1), line, snapshot.line(3)]))
    assert numbers([batch]) == [1, 3]
    return dict(batch.rejected), batch.examples


# What becomes of a record


def test_a_record_becomes_a_paper(snapshot: Any) -> None:
    paper = one(
        snapshot, title="An invented\n  study", abstract="  We invent it.\n", categories="cs.LG stat.ML", license="http://made.up"
    )
    assert (paper.id, paper.title, paper.abstract) == ("arxiv:2301.00007", "An invented study", "We invent it.")
    assert (paper.categories, paper.licence) == (("cs.LG", "stat.ML"), "http://made.up")


def test_a_paper_is_dated_to_its_first_version(snapshot: Any) -> None:
    versions = [
        {"version": "v1", "created": "Mon, 2 Jan 2023 23:59:59 GMT"},
        {"version": "v2", "created": "Sat, 6 May 2023 08:00:00 GMT"},
    ]
    paper = one(snapshot, versions=versions, update_date="2023-05-08")
    assert (paper.published, paper.updated, paper.date_precision) == (date(2023, 1, 2), date(2023, 5, 8), "day")


def test_every_version_s_day_is_told(snapshot: Any) -> None:
    days = ("Mon, 2 Jan 2023 00:00:00 GMT", "Tue, 7 Feb 2023 00:00:00 GMT")
    made = one(snapshot, versions=[{"version": f"v{place}", "created": day} for place, day in enumerate(days, start=1)])
    assert made.versions == ("2023-01-02", "2023-02-07")


def test_a_later_version_without_a_readable_day_loses_no_paper(snapshot: Any) -> None:
    made = one(snapshot, versions=[{"created": "Mon, 2 Jan 2023 00:00:00 GMT"}, {"created": "soon"}])
    assert (made.published, made.versions) == (date(2023, 1, 2), ())


def test_without_versions_the_day_of_the_last_change_is_the_date(snapshot: Any) -> None:
    assert one(snapshot, versions=[], update_date="2023-01-30").published == date(2023, 1, 30)


@pytest.mark.parametrize(
    ("damaged", "whole"),
    [
        ("1801.0285", "arxiv:1801.02850"),
        ("1502.0643400000001", "arxiv:1502.06434"),
        ("704.0001", "arxiv:0704.0001"),
        (1801.0285, "arxiv:1801.02850"),
        (704.001, "arxiv:0704.0010"),
    ],
)
def test_an_id_that_a_spreadsheet_took_for_a_number_is_mended(snapshot: Any, damaged: object, whole: str) -> None:
    assert one(snapshot, id=damaged).id == whole


@pytest.mark.parametrize("name", ["0704.0001", "1501.00001", "hep-th/9901001", "cs/0701001"])
def test_a_whole_id_of_any_era_stays_as_it_is(snapshot: Any, name: str) -> None:
    assert one(snapshot, id=name).id == f"arxiv:{name}"


def test_authors_come_from_the_parsed_list_given_name_first(snapshot: Any) -> None:
    parsed = [["Author", "Ada", ""], ["Builder", "Ben", "Jr"], ["The Made-Up Collaboration", "", ""]]
    assert one(snapshot, authors_parsed=parsed).authors == ("Ada Author", "Ben Builder Jr", "The Made-Up Collaboration")


@pytest.mark.parametrize(
    "text",
    [
        "Ada Author, Ben Builder and Cy Coder",
        "Ada Author, Ben Builder, and Cy Coder",
        "Ada Author and Ben Builder and Cy Coder",
        "Ada Author, Ben\n  Builder,\n  Cy Coder",
    ],
)
def test_without_it_they_come_from_the_line_of_authors(snapshot: Any, text: str) -> None:
    assert one(snapshot, authors=text).authors == ("Ada Author", "Ben Builder", "Cy Coder")


def test_a_name_with_and_in_it_stays_whole(snapshot: Any) -> None:
    assert one(snapshot, authors="Alexandra Sandoval, Andy Anders").authors == ("Alexandra Sandoval", "Andy Anders")


def test_a_doi_is_one_more_identifier(snapshot: Any) -> None:
    assert one(snapshot, doi="10.5555/Made.Up").identifiers == ("arxiv:2301.00007", "doi:10.5555/made.up")


def test_a_withdrawn_paper_is_kept_and_flagged(snapshot: Any) -> None:
    assert one(snapshot, comments="This paper has been withdrawn by the author").withdrawn
    assert not one(snapshot, comments="12 pages").withdrawn


# Lines that are no records


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"title": ""}, "no title"),
        ({"title": None}, "no title"),
        ({"abstract": "  \n"}, "no abstract"),
        ({"abstract": None}, "no abstract"),
        ({"id": None}, "no arXiv id"),
        ({"id": "not an id"}, "no arXiv id"),
        ({"versions": [], "update_date": None}, "unreadable date"),
        ({"versions": [{"created": "Mon, 32 Jan 2023 00:00:00 GMT"}]}, "unreadable date"),
        ({"versions": [{"created": "Mon, 2 Jan 2123 00:00:00 GMT"}]}, "date in the future"),
    ],
)
def test_a_record_that_lacks_something_is_counted_by_reason(snapshot: Any, told: dict[str, object], reason: str) -> None:
    assert rejected(snapshot, snapshot.line(2, **told)) == ({reason: 1}, [f"snapshot.jsonl:2: {reason}"])


@pytest.mark.parametrize(
    "line", ["7", "[]", '"text"', "null", '{"id": "2301.00002", "versions": 5}', '{"id": "2301.00002", "versions": {"a": 1}}']
)
def test_json_of_another_shape_is_counted(snapshot: Any, line: str) -> None:
    counts, _ = rejected(snapshot, line)
    assert sum(counts.values()) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"update_date": "99999999999999999999-01-01"},
        {"versions": [{"created": "Mon, 2 Jan 99999999999999999999 00:00:00 GMT"}]},
        {"versions": [{"created": "Mon, 2 Jan 2023 00:00:00 +99999999999999999999"}]},
    ],
)
def test_a_date_too_big_for_any_calendar_is_unreadable(snapshot: Any, told: dict[str, object]) -> None:
    counts, _ = rejected(snapshot, snapshot.line(2, **told))
    assert counts == {"unreadable date": 1}


@pytest.mark.parametrize("line", ["not JSON at all", "{'id': '2301.00002'}", '{"id": "2301.00002"', "\x00\x01", "[" * 100_000])
def test_a_line_that_is_no_json_is_counted_and_named(snapshot: Any, line: str) -> None:
    reason = "not a JSON object (truncated line?)"
    assert rejected(snapshot, line) == ({reason: 1}, [f"snapshot.jsonl:2: {reason}"])


def test_a_truncated_last_line_is_counted_and_the_lines_before_it_are_kept(snapshot: Any) -> None:
    path = snapshot(range(3))
    path.write_bytes(path.read_bytes()[:-40])
    (batch,) = read(path)
    assert numbers([batch]) == [0, 1]
    assert batch.rejected == {"not a JSON object (truncated line?)": 1}


def test_a_last_line_without_line_break_is_a_line(snapshot: Any) -> None:
    path = snapshot(range(3))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert numbers(read(path)) == [0, 1, 2]


def test_blank_lines_do_not_count(snapshot: Any) -> None:
    (batch,) = read(snapshot(lines=[snapshot.line(1), "", "  ", snapshot.line(2)]))
    assert (numbers([batch]), batch.rejected.total()) == ([1, 2], 0)


def test_a_second_record_of_the_same_id_is_counted(snapshot: Any) -> None:
    assert rejected(snapshot, snapshot.line(1, title="Another title")) == (
        {"duplicate id in the file": 1},
        ["snapshot.jsonl:2: duplicate id in the file"],
    )


def test_an_endless_line_is_skipped_and_the_next_line_is_read(snapshot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arxiv_snapshot, "MAX_LINE", 2_000)
    assert numbers(read(snapshot(lines=[snapshot.line(1), "x" * 9_000, snapshot.line(3)]))) == [1, 3]


def test_an_empty_file_has_no_papers(snapshot: Any) -> None:
    assert numbers(read(snapshot(()))) == []


# Packed files


def packed(path: Path, content: bytes) -> Path:
    packed_path = path.with_suffix(".jsonl.gz")
    packed_path.write_bytes(content)
    return packed_path


def test_a_packed_file_reads_like_a_plain_one(snapshot: Any) -> None:
    plain = snapshot(range(5))
    assert read(packed(plain, gzip.compress(plain.read_bytes())))[0].papers == read(plain)[0].papers


def test_a_file_is_packed_if_its_content_says_so_whatever_its_name(snapshot: Any) -> None:
    path = snapshot(range(5))
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert numbers(read(path)) == [0, 1, 2, 3, 4]


def zipped(path: Path, names: Iterable[str] = ("arxiv-metadata-oai-snapshot.json",)) -> Path:
    """Put a file into a zip archive, as the snapshot's publishers do, the first name with its content."""
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number, name in enumerate(names):
            file.writestr(name, b"read me" if number else path.read_bytes())
    return archive


def test_a_zip_archive_reads_like_the_file_in_it(snapshot: Any) -> None:
    plain = snapshot(range(20))
    assert read(zipped(plain))[0].papers == read(plain)[0].papers


def test_of_a_zip_archive_the_largest_member_is_read(snapshot: Any) -> None:
    assert numbers(read(zipped(snapshot(range(20)), ("snapshot.json", "README.txt")))) == list(range(20))


def test_an_empty_zip_archive_is_an_error_in_words(snapshot: Any) -> None:
    with pytest.raises(InvalidInput, match="zip archive is empty"):
        read(zipped(snapshot(range(1)), ()))


def test_a_zip_archive_that_was_not_downloaded_whole_is_counted(snapshot: Any) -> None:
    archive = zipped(snapshot(range(300)))
    archive.write_bytes(archive.read_bytes()[:-200])
    (batch,) = read(archive)
    assert batch.rejected == {"the compressed file ends too early; what came before it is kept": 1}


def test_of_a_packed_file_that_ends_too_early_what_came_before_is_kept(snapshot: Any) -> None:
    plain = snapshot(range(300))
    whole = gzip.compress(plain.read_bytes())
    (batch,) = read(packed(plain, whole[: len(whole) // 2]))
    found = numbers([batch])
    assert 0 < len(found) < 300
    assert found == list(range(len(found)))
    assert batch.rejected == {"the compressed file ends too early; what came before it is kept": 1}


def test_a_packed_file_damaged_in_the_middle_does_no_harm(snapshot: Any) -> None:
    plain = snapshot(range(300))
    whole = bytearray(gzip.compress(plain.read_bytes()))
    whole[len(whole) // 2 : len(whole) // 2 + 50] = b"\xff" * 50
    batches = read(packed(plain, bytes(whole)))
    assert batches[-1].rejected["the compressed file ends too early; what came before it is kept"] == 1


# Filters


def test_categories_keep_papers_that_are_listed_in_any_of_them(snapshot: Any) -> None:
    listed = ["cs.LG", "math.CO", "math.OC stat.ML", "cs.LG cs.CL", "cs.LGX"]
    lines = [snapshot.line(number, categories=names) for number, names in enumerate(listed)]
    assert numbers(read(snapshot(lines=lines), categories=["cs.LG", "stat.ML"])) == [0, 2, 3]


def test_papers_of_other_categories_are_no_rejects(snapshot: Any) -> None:
    (batch,) = read(snapshot(lines=[snapshot.line(1, categories="math.CO")]), categories=["cs.LG"])
    assert batch.rejected.total() == 0


def test_other_categories_are_another_source_with_a_cursor_of_its_own(snapshot: Any) -> None:
    path = str(snapshot(range(1)))
    keys = {open_arxiv_snapshot(path, {"categories": names}).key for names in (["cs.LG"], ["cs.CL"], ["cs.CL", "cs.LG"])}
    assert len(keys) == 3


def test_the_order_of_categories_does_not_matter(snapshot: Any) -> None:
    path = str(snapshot(range(1)))
    assert open_arxiv_snapshot(path, {"categories": ["a", "b"]}).key == open_arxiv_snapshot(path, {"categories": ["b", "a"]}).key


def test_only_papers_of_the_window_are_taken(snapshot: Any) -> None:
    days = ["Sun, 1 Jan 2023", "Mon, 2 Jan 2023", "Tue, 3 Jan 2023", "Wed, 4 Jan 2023"]
    lines = [snapshot.line(n, versions=[{"version": "v1", "created": f"{day} 12:00:00 GMT"}]) for n, day in enumerate(days)]
    assert numbers(read(snapshot(lines=lines), Window(date(2023, 1, 2), date(2023, 1, 3)))) == [1, 2]


def test_a_limit_takes_the_first_usable_papers(snapshot: Any) -> None:
    lines = [snapshot.line(0), "not JSON", *(snapshot.line(number) for number in range(1, 9))]
    assert numbers(read(snapshot(lines=lines), Window(limit=4))) == [0, 1, 2, 3]


# Where it goes on


@pytest.fixture
def three_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arxiv_snapshot, "BATCH", 3)


@pytest.mark.usefixtures("three_a_batch")
def test_papers_come_in_batches_in_the_order_of_the_file(snapshot: Any) -> None:
    assert [numbers([batch]) for batch in read(snapshot(range(8)))] == [[0, 1, 2], [3, 4, 5], [6, 7]]


@pytest.mark.usefixtures("three_a_batch")
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("before", [1, 2, 3])
def test_after_a_stop_reading_goes_on_with_the_next_line(snapshot: Any, before: int, zipped: bool) -> None:
    path = snapshot(lines=[snapshot.line(number) if number != 4 else "not JSON" for number in range(11)])
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    reading = open_arxiv_snapshot(str(path), {}).batches(Window(), None)
    done = [next(reading) for _ in range(before)]
    rest = read(path, cursor=done[-1].cursor)
    assert numbers(done + rest) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]
    assert sum(batch.rejected.total() for batch in done + rest) == 1


def test_a_file_that_was_read_to_its_end_yields_nothing_more(snapshot: Any) -> None:
    path = snapshot(range(5))
    assert read(path, cursor=read(path)[-1].cursor) == []


def test_a_file_that_changed_is_read_again(snapshot: Any) -> None:
    cursor = read(snapshot(range(5)))[-1].cursor
    assert numbers(read(snapshot(range(6)), cursor=cursor)) == [0, 1, 2, 3, 4, 5]


def test_another_window_is_another_reading(snapshot: Any) -> None:
    path = snapshot(range(5))
    cursor = read(path, Window(until=date(2022, 1, 1)))[-1].cursor
    assert numbers(read(path, cursor=cursor)) == [0, 1, 2, 3, 4]


def test_an_unreadable_cursor_only_means_reading_from_the_start(snapshot: Any) -> None:
    assert numbers(read(snapshot(range(2)), cursor="not JSON")) == [0, 1]


@pytest.mark.usefixtures("three_a_batch")
@pytest.mark.parametrize("limit", [2, 3, 4, 6])
def test_the_same_limit_again_yields_nothing_and_without_it_the_next_paper_comes(snapshot: Any, limit: int) -> None:
    path = snapshot(range(8))
    done = read(path, Window(limit=limit))
    assert read(path, Window(limit=limit), done[-1].cursor) == []
    assert numbers(done + read(path, Window(), done[-1].cursor)) == list(range(8))


# Files that cannot be read


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no arXiv snapshot there: .*missing\.jsonl") as caught:
        open_arxiv_snapshot(str(tmp_path / "missing.jsonl"), {})
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no arXiv snapshot there"):
        open_arxiv_snapshot(str(tmp_path), {})


def test_a_snapshot_needs_a_location() -> None:
    with pytest.raises(InvalidInput, match="arxiv_snapshot=PATH"):
        open_arxiv_snapshot("", {})


def test_an_unknown_option_is_refused(snapshot: Any) -> None:
    with pytest.raises(SettingsError, match="unknown option catgories"):
        open_arxiv_snapshot(str(snapshot(range(1))), {"catgories": ["cs.LG"]})


def test_a_file_that_goes_away_before_it_is_read_is_refused_in_one_line(snapshot: Any) -> None:
    path = snapshot(range(2))
    opened = open_arxiv_snapshot(str(path), {})
    path.unlink()
    with pytest.raises(InvalidInput, match="cannot read") as caught:
        list(opened.batches(Window(), None))
    assert "\n" not in str(caught.value)


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DATES = st.from_regex(r"(Mon, )?\d{1,2} (Jan|Foo) \d{1,22} \d\d:\d\d:\d\d (GMT|[+-]\d{1,22})", fullmatch=True) | st.from_regex(
    r"\d{1,22}-\d\d-\d\d", fullmatch=True
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["2301.00001", "1801.0285", "hep-th/9901001", 704.0001]) | JSON,
        "title": st.just("An invented study") | JSON,
        "abstract": st.just("We invent a study for a test.") | JSON,
        "versions": st.lists(st.fixed_dictionaries({"version": st.just("v1"), "created": DATES}), max_size=2) | JSON,
        "update_date": DATES | JSON,
        "authors": JSON,
        "authors_parsed": st.lists(st.lists(st.text(), max_size=4), max_size=3) | JSON,
        "categories": st.just("cs.LG") | JSON,
        "doi": st.just("10.5555/made.up") | JSON,
        "comments": JSON,
        "license": JSON,
    },
)


def read_bytes(content: bytes) -> Batch:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot.jsonl"
        path.write_bytes(content)
        (batch,) = read(path)
    return batch


@hypothesis_settings(deadline=None)
@given(st.lists(RECORDS | JSON, min_size=1, max_size=4))
@example([{"id": "2301.00001", "title": "T", "abstract": "A", "update_date": "99999999999999999999-01-01"}])
def test_every_json_value_becomes_a_paper_or_is_counted(values: list[object]) -> None:
    batch = read_bytes(b"".join(json.dumps(value).encode() + b"\n" for value in values))
    assert len(batch.papers) + batch.rejected.total() == len(values)


@hypothesis_settings(deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=5))
def test_whatever_bytes_follow_a_good_line_it_is_kept_and_they_are_counted(lines: list[bytes]) -> None:
    good = b'{"id": "2301.00001", "title": "T", "abstract": "A", "update_date": "2023-01-30"}\n'
    tail = b"\n".join(lines)
    batch = read_bytes(good + tail)
    assert [paper.id for paper in batch.papers] == ["arxiv:2301.00001"]
    assert batch.rejected.total() == sum(1 for line in tail.split(b"\n") if line.strip())
