"""Lists of a venue's papers: folders, files and addresses of them, and what each entry tells."""

import gzip
import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, KbError, SettingsError, SourceUnreachable
from kb.papers import Paper
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.paperlists import open_paperlists, parse_record


def entry(number: int, **told: object) -> dict[str, object]:
    """An entry as the lists have it, about a paper made up for a test."""
    return {
        "title": f"Invented study number {number}", "status": "Poster", "track": "main",
        "site": f"https://openreview.net/forum?id=Made{number:05d}", "id": f"Made{number:05d}",
        "author": "Ada Author;Ben Builder", "aff": "Made-Up University;Made-Up University",
        "abstract": f"We invent study number {number} for a test.", "keywords": "graphs;made-up data",
        "primary_area": "", "tldr": "", "pdf": f"https://openreview.net/pdf?id=Made{number:05d}", "github": "", **told,
    }  # fmt: skip


def write(folder: Path, name: str, content: object) -> Path:
    """Write a list: JSON of `content`, or the bytes that it is; packed if the name says so."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") and not isinstance(content, bytes) else data)
    return path


def read(location: Path, window: Window | None = None, cursor: str | None = None, **options: object) -> list[Batch]:
    return list(open_paperlists(str(location), options).batches(window or Window(), cursor))


def numbers(batches: Iterable[Batch]) -> list[int]:
    return [int(paper.title.rsplit(" ", 1)[1]) for batch in batches for paper in batch.papers]


def of(batches: Iterable[Batch]) -> dict[str, int]:
    """Return all rejects by reason."""
    return {reason: count for batch in batches for reason, count in batch.rejected.items()}


def online(wire: Any, **options: object) -> Source:
    """Open the lists at the test's server."""
    told = {"base_url": f"{wire.url}/lists", "venues": ["iclr"], "years": [2018], "delay_seconds": 0.0}
    return open_paperlists("", {**told, **options})


# Folders and files


def test_a_folder_s_lists_are_read_plain_and_packed_one_batch_each(tmp_path: Path) -> None:
    write(tmp_path, "iclr/iclr2018.json", [entry(1), entry(2)])
    write(tmp_path, "nips/nips2017.json.gz", [entry(3)])
    assert [numbers([batch]) for batch in read(tmp_path)] == [[1, 2], [3]]


def test_a_single_list_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, "iclr2017.json", [entry(1)])
    assert numbers(read(write(tmp_path, "iclr2018.json", [entry(2)]))) == [2]


def test_files_that_are_named_like_no_list_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "iclr2018.json", [entry(1)])
    write(tmp_path, "package.json", {"name": "something else"})
    write(tmp_path, "iclr2018.json.bak", b"old")
    assert numbers(read(tmp_path)) == [1]


def test_venues_and_years_choose_among_the_lists(tmp_path: Path) -> None:
    for number, name in enumerate(["iclr2017", "iclr2018", "nips2018"]):
        write(tmp_path, f"{name}.json", [entry(number)])
    assert numbers(read(tmp_path, venues=["ICLR"], years=[2018])) == [1]


def test_a_venue_may_have_digits_in_its_name(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "3dv2021.json", [entry(1)]))
    assert batch.papers[0].venue == "3DV 2021"


@pytest.mark.parametrize("content", [{"papers": []}, "text", 7, None, True])
def test_a_list_that_is_no_list_is_counted_and_the_others_are_read(tmp_path: Path, content: object) -> None:
    write(tmp_path, "iclr2017.json", content)
    write(tmp_path, "iclr2018.json", [entry(1)])
    first, second = read(tmp_path)
    assert (first.papers, first.examples) == ([], ["iclr2017.json: the file is not a JSON list"])
    assert numbers([second]) == [1]


@pytest.mark.parametrize("content", [b"", b"[{]", b"<html></html>", json.dumps([entry(1)]).encode()[:-20]])
def test_a_list_that_is_no_json_is_counted(tmp_path: Path, content: bytes) -> None:
    assert of(read(write(tmp_path, "iclr2018.json", content))) == {"the file is not JSON": 1}


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-20], lambda data: data[:12] + b"\xff" * 30 + data[42:]], ids=["cut", "garbled"]
)
def test_a_damaged_packed_list_is_counted_and_the_others_are_read(tmp_path: Path, damage: Any) -> None:
    write(tmp_path, "iclr2017.json.gz", damage(gzip.compress(json.dumps([entry(1)]).encode())))
    write(tmp_path, "iclr2018.json", [entry(2)])
    batches = read(tmp_path)
    assert of(batches) == {"the file cannot be read or ends too early": 1}
    assert numbers(batches) == [2]


def test_a_missing_place_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no paper lists there: .*nowhere") as caught:
        read(tmp_path / "nowhere")
    assert "\n" not in str(caught.value)


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "notes.json", [])
    with pytest.raises(InvalidInput, match=r"Files are named like iclr2018\.json"):
        read(tmp_path)


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown option venue "):
        read(tmp_path, venue="iclr")


# Over HTTP


def test_over_http_every_venue_and_year_is_asked_for(wire: Any) -> None:
    wire.reply = lambda asked: json.dumps([entry(len(wire.asked))]).encode()
    batches = list(online(wire, venues=["iclr", "nips"], years=[2018, 2019]).batches(Window(), None))
    assert [asked.path for asked in wire.asked] == [
        "/lists/iclr/iclr2018.json",
        "/lists/iclr/iclr2019.json",
        "/lists/nips/nips2018.json",
        "/lists/nips/nips2019.json",
    ]
    assert [batch.papers[0].venue for batch in batches] == ["ICLR 2018", "ICLR 2019", "NeurIPS 2018", "NeurIPS 2019"]


def test_a_packed_list_may_come_over_http_too(wire: Any) -> None:
    wire.then(gzip.compress(json.dumps([entry(1)]).encode()))
    assert numbers(online(wire).batches(Window(), None)) == [1]


def test_the_address_may_be_the_location(wire: Any) -> None:
    wire.then(json.dumps([entry(1)]).encode())
    opened = open_paperlists(f"{wire.url}/mirror/", {"venues": ["iclr"], "years": ["2018"], "delay_seconds": 0.0})
    assert numbers(opened.batches(Window(), None)) == [1]
    assert wire.asked[0].path == "/mirror/iclr/iclr2018.json"


def test_the_user_agent_names_the_contact(wire: Any) -> None:
    wire.then(b"[]")
    list(online(wire, contact="ada@example.org").batches(Window(), None))
    assert "(ada@example.org)" in wire.asked[0].headers["User-Agent"]


def test_between_two_lists_a_second_passes(wire: Any, clock: Any) -> None:
    wire.reply = lambda asked: b"[]"
    told = {"base_url": wire.url, "venues": ["iclr"], "years": [2017, 2018]}
    list(open_paperlists("", told).batches(Window(), None))
    assert clock.slept == [1.0]


def test_a_list_that_is_not_there_makes_the_source_unreachable_and_names_the_address(wire: Any) -> None:
    with pytest.raises(SourceUnreachable, match=r"iclr2018\.json did not answer.*404"):
        list(online(wire).batches(Window(), None))


def test_a_packed_list_that_comes_damaged_makes_the_source_unreachable(wire: Any) -> None:
    wire.then(gzip.compress(json.dumps([entry(1)]).encode())[:-20])
    with pytest.raises(SourceUnreachable, match=r"iclr2018\.json is damaged"):
        list(online(wire).batches(Window(), None))


def test_a_server_that_is_not_there_makes_the_source_unreachable(nobody: str) -> None:
    with pytest.raises(SourceUnreachable):
        list(open_paperlists(nobody, {"venues": ["iclr"], "years": [2018]}).batches(Window(), None))


@pytest.mark.parametrize("told", [{}, {"venues": ["iclr"]}, {"years": [2018]}])
def test_over_http_venues_and_years_must_be_told(told: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="needs venues and years"):
        open_paperlists("", told)


# What becomes of an entry


def test_an_entry_becomes_a_paper_of_its_venue() -> None:
    paper = parse_record(entry(7), "iclr", 2018)
    assert (paper.title, paper.abstract) == ("Invented study number 7", "We invent study number 7 for a test.")
    assert (paper.authors, paper.keywords) == (("Ada Author", "Ben Builder"), ("graphs", "made-up data"))
    assert (paper.venue, paper.kind) == ("ICLR 2018", "conference")


@pytest.mark.parametrize(
    ("venue", "written"), [("nips", "NeurIPS"), ("icml", "ICML"), ("corl", "CoRL"), ("automl", "AutoML"), ("www", "WWW")]
)
def test_venues_are_written_as_they_write_themselves(venue: str, written: str) -> None:
    assert parse_record(entry(7), venue, 2019).venue == f"{written} 2019"


def test_a_paper_is_dated_to_the_year_since_the_lists_say_no_more() -> None:
    paper = parse_record(entry(7), "iclr", 2018)
    assert (paper.published, paper.date_precision, paper.date_text) == (date(2018, 1, 1), "year", "2018")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({}, "openreview:Made00007"),
        ({"arxiv": "https://arxiv.org/abs/1801.00007v2"}, "arxiv:1801.00007"),
        ({"site": "", "pdf": "", "doi": "10.5555/Made.Up"}, "doi:10.5555/made.up"),
    ],
)
def test_the_best_identifier_among_the_addresses_names_the_paper(told: dict[str, object], name: str) -> None:
    assert parse_record(entry(7, **told), "iclr", 2018).id == name


def test_an_entry_without_id_is_told_from_others_by_title_and_first_author() -> None:
    bare = {"id": "", "site": "", "pdf": ""}
    first, same, other = (parse_record(entry(number, **bare), "iclr", 2018) for number in (1, 1, 2))
    assert first.sources[0].source_id.startswith("title:")
    assert first.sources[0].key == same.sources[0].key != other.sources[0].key


def test_an_entry_names_its_list_and_its_page() -> None:
    record = parse_record(entry(7), "iclr", 2018).sources[0]
    assert (record.source, record.source_id) == ("paperlists:iclr2018", "Made00007")
    assert record.url == "https://openreview.net/forum?id=Made00007"


def test_only_web_addresses_become_links() -> None:
    paper = parse_record(entry(7, site="javascript:alert(1)", pdf="/pdf/7.pdf", openreview="https://made.up/7"), "iclr", 2018)
    assert paper.links == ("https://made.up/7",)


@pytest.mark.parametrize("address", ["http://[", "https://[made-up]/forum?id=Made00007", "http://℀.made.up/"])
def test_an_address_that_cannot_be_read_does_not_cost_the_paper(address: str) -> None:
    paper = parse_record(entry(7, site=address), "iclr", 2018)
    assert paper.id == "openreview:Made00007"  # from the other address


# Accepted and not


NOT_ACCEPTED = ["Reject", "Withdraw", "Withdrawn", "Desk Reject", "Active"]


@pytest.mark.parametrize("status", NOT_ACCEPTED)
def test_what_was_not_accepted_is_kept_out_and_counted(tmp_path: Path, status: str) -> None:
    batches = read(write(tmp_path, "iclr2018.json", [entry(1), entry(2, status=status)]))
    assert numbers(batches) == [1]
    assert of(batches) == {"not accepted (rejected, withdrawn or under review)": 1}


@pytest.mark.parametrize("status", NOT_ACCEPTED)
def test_what_was_not_accepted_can_be_taken_but_is_of_no_venue(tmp_path: Path, status: str) -> None:
    (batch,) = read(write(tmp_path, "iclr2018.json", [entry(2, status=status)]), rejected=True)
    (paper,) = batch.papers
    assert (paper.venue, paper.kind) == ("", "preprint")


@pytest.mark.parametrize(("status", "withdrawn"), [("Withdraw", True), ("Reject", False), ("Poster", False)])
def test_only_withdrawn_papers_are_flagged(tmp_path: Path, status: str, withdrawn: bool) -> None:
    (batch,) = read(write(tmp_path, "iclr2018.json", [entry(2, status=status)]), rejected=True)
    assert batch.papers[0].withdrawn is withdrawn


@pytest.mark.parametrize("status", ["Oral", "Spotlight", "Poster", "Workshop", "", None])
def test_every_other_status_counts_as_accepted(tmp_path: Path, status: str | None) -> None:
    assert numbers(read(write(tmp_path, "iclr2018.json", [entry(1, status=status)]))) == [1]


def test_taking_them_is_another_source_with_a_cursor_of_its_own(tmp_path: Path) -> None:
    path = str(write(tmp_path, "iclr2018.json", [entry(1)]))
    assert open_paperlists(path, {"rejected": True}).key != open_paperlists(path, {}).key


# Entries that are not usable


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"abstract": ""}, "no abstract"),
        ({"abstract": None}, "no abstract"),
        ({"title": ""}, "no title"),
        ({"title": "?!"}, "no title"),
        ({"id": "Made00001"}, "duplicate id in the file"),
    ],
)
def test_an_unusable_entry_is_counted_by_reason_and_named(tmp_path: Path, told: dict[str, object], reason: str) -> None:
    (batch,) = read(write(tmp_path, "iclr2018.json", [entry(1), entry(2, **told), entry(3)]))
    assert numbers([batch]) == [1, 3]
    assert (batch.rejected, batch.examples) == ({reason: 1}, [f"iclr2018.json[1]: {reason}"])


@pytest.mark.parametrize("value", [None, 7, "text", [entry(2)]])
def test_an_entry_that_is_no_object_is_counted(tmp_path: Path, value: object) -> None:
    batches = read(write(tmp_path, "iclr2018.json", [entry(1), value]))
    assert (numbers(batches), of(batches)) == ([1], {"not an object": 1})


def test_the_same_id_in_another_list_is_no_duplicate(tmp_path: Path) -> None:
    write(tmp_path, "iclr2017.json", [entry(1)])
    write(tmp_path, "iclr2018.json", [entry(1)])
    batches = read(tmp_path)
    assert (numbers(batches), of(batches)) == ([1, 1], {})


# Windows, limits and cursors


def test_a_window_takes_a_list_if_any_day_of_its_year_is_inside(tmp_path: Path) -> None:
    for year in (2016, 2017, 2018, 2019):
        write(tmp_path, f"iclr{year}.json", [entry(year)])
    assert numbers(read(tmp_path, Window(date(2017, 12, 31), date(2018, 1, 1)))) == [2017, 2018]


def test_a_limit_takes_the_first_papers_across_lists(tmp_path: Path) -> None:
    write(tmp_path, "iclr2017.json", [entry(1), entry(2)])
    write(tmp_path, "iclr2018.json", [entry(3), entry(4)])
    assert numbers(read(tmp_path, Window(limit=3))) == [1, 2, 3]


def test_over_http_a_limit_asks_for_no_list_beyond_it(wire: Any) -> None:
    wire.reply = lambda asked: json.dumps([entry(1), entry(2)]).encode()
    list(online(wire, years=[2017, 2018]).batches(Window(limit=2), None))
    assert len(wire.asked) == 1


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_same_limit_again_yields_nothing_and_without_it_the_rest_comes(tmp_path: Path, limit: int) -> None:
    write(tmp_path, "iclr2017.json", [entry(1), entry(2)])
    write(tmp_path, "iclr2018.json", [entry(3), entry(4)])
    done = read(tmp_path, Window(limit=limit))
    assert read(tmp_path, Window(limit=limit), done[-1].cursor) == []
    assert set(numbers(done + read(tmp_path, Window(), done[-1].cursor))) == {1, 2, 3, 4}


def test_reading_twice_yields_nothing_new(tmp_path: Path) -> None:
    write(tmp_path, "iclr2018.json", [entry(1)])
    assert read(tmp_path, cursor=read(tmp_path)[-1].cursor) == []


def test_after_a_stop_reading_goes_on_with_the_next_list(tmp_path: Path) -> None:
    for year in (2016, 2017, 2018):
        write(tmp_path, f"iclr{year}.json", [entry(year)])
    first = next(open_paperlists(str(tmp_path), {}).batches(Window(), None))
    assert numbers(read(tmp_path, cursor=first.cursor)) == [2017, 2018]


def test_only_a_list_that_changed_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "iclr2017.json", [entry(1)])
    write(tmp_path, "iclr2018.json", [entry(2)])
    cursor = read(tmp_path)[-1].cursor
    write(tmp_path, "iclr2018.json", [entry(2), entry(3)])
    assert numbers(read(tmp_path, cursor=cursor)) == [2, 3]


def test_packing_a_list_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "iclr2018.json", [entry(1)])
    cursor = read(tmp_path)[-1].cursor
    path.unlink()
    write(tmp_path, "iclr2018.json.gz", [entry(1)])
    assert read(tmp_path, cursor=cursor) == []


def test_a_list_that_lies_there_plain_and_packed_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "iclr2018.json", [entry(1)])
    write(tmp_path, "iclr2018.json.gz", [entry(1)])
    assert numbers(read(tmp_path)) == [1]


def test_another_window_is_another_reading(tmp_path: Path) -> None:
    write(tmp_path, "iclr2018.json", [entry(1)])
    cursor = read(tmp_path, Window(until=date(2000, 1, 1)))[-1].cursor
    assert numbers(read(tmp_path, cursor=cursor)) == [1]


def test_an_unreadable_cursor_only_means_reading_from_the_start(tmp_path: Path) -> None:
    write(tmp_path, "iclr2018.json", [entry(1)])
    assert numbers(read(tmp_path, cursor="not JSON")) == [1]


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ADDRESSES = st.builds(
    "".join, st.lists(st.sampled_from(["http://", "[", "]", "℀", "/", "openreview.net", "?id=", "10.5555/", "@", ":"]))
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.just("An invented study") | JSON,
        "abstract": st.just("We invent a study for a test.") | JSON,
        "author": st.just("Ada Author;Ben Builder") | JSON,
        "status": st.sampled_from(["Poster", "Reject"]) | JSON,
        "id": JSON,
        "keywords": JSON,
        **dict.fromkeys(("arxiv", "doi", "site", "openreview", "oa", "pdf"), ADDRESSES | JSON),
    },
)


@hypothesis_settings(deadline=None)
@given(RECORDS)
@example({"title": "T", "abstract": "A", "site": "http://["})
@example({"title": "T", "abstract": "A", "pdf": "http://℀.made.up/"})
def test_every_record_becomes_a_paper_or_is_refused_in_one_line(record: dict[str, object]) -> None:
    try:
        paper = parse_record(record, "iclr", 2018)
    except KbError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(paper, Paper)
        assert paper.date_text == "2018"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists")


@hypothesis_settings(deadline=None)
@given(st.lists(RECORDS | JSON, max_size=4), st.booleans())
def test_every_json_value_in_a_list_becomes_a_paper_or_is_counted(folder: Path, values: list[object], rejected: bool) -> None:
    (batch,) = read(write(folder, "iclr2018.json", values), rejected=rejected)
    assert len(batch.papers) + batch.rejected.total() == len(values)


@hypothesis_settings(deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([lambda data: b"x" + data, lambda data: gzip.compress(b"x" + data), b"\x1f\x8b".__add__]),
)
def test_whatever_else_lies_in_a_list_s_place_is_counted_once(
    folder: Path, data: bytes, disguise: Callable[[bytes], bytes]
) -> None:
    (batch,) = read(write(folder, "iclr2018.json", disguise(data)))
    assert (batch.papers, batch.rejected.total()) == ([], 1)


def test_what_was_kept_is_parsed_to_the_same_papers(wire: Any, read_twice: Any) -> None:
    wire.reply = lambda asked: json.dumps([entry(len(wire.asked))]).encode()
    told = {"base_url": f"{wire.url}/lists", "venues": ["iclr", "nips"], "years": [2018], "delay_seconds": 0.0}
    assert len(read_twice(lambda network: open_paperlists("", told, network))) == 2
