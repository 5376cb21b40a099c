"""arXiv's OAI-PMH, as its server answers: lists in pages, tokens that run out, deleted records, errors."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from pipelines.sources.arxiv_oai import BadToken, open_arxiv_oai, parse_entry, parse_page
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.http import ATTEMPTS

SINCE = Window(since=date(2026, 11, 1))


def record(number: int, *, categories: str = "cs.LG stat.ML", inside: str = "", created: str = "2026-11-03") -> str:
    """A record in the format arXiv, made up for a test."""
    return f"""<record>
<header><identifier>oai:arXiv.org:2611.{number:05d}</identifier><datestamp>2026-11-20</datestamp><setSpec>cs:cs:LG</setSpec></header>
<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <id>2611.{number:05d}</id><created>{created}</created><updated>2026-11-20</updated>
 <authors><author><keyname>Author</keyname><forenames>Ada</forenames><suffix>Jr.</suffix></author>
 <author><keyname>Builder</keyname><forenames>Ben</forenames></author></authors>
 <title>Invented study
  {number}</title><categories>{categories}</categories><comments>8 pages</comments>{inside}
 <license>http://creativecommons.org/licenses/by/4.0/</license><abstract>  We invent study {number}
for a test.
</abstract></arXiv></metadata></record>"""


RAW = """<record>
<header><identifier>oai:arXiv.org:2611.00009</identifier><datestamp>2026-11-20</datestamp><setSpec>cs:cs:LG</setSpec></header>
<metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2611.00009</id><submitter>Ada Author</submitter>
<version version="v1"><date>Tue, 3 Nov 2026 19:18:42 GMT</date><size>623kb</size><source_type>D</source_type></version>
<version version="v2"><date>Fri, 20 Nov 2026 08:00:00 GMT</date><size>624kb</size></version>
<title>Invented study 9</title><authors>Ada Author and Ben Builder (Made-Up University)</authors>
<categories>cs.LG</categories><comments>This paper has been withdrawn by the authors</comments><doi>10.1000/study.9</doi>
<license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license><abstract>We invent study 9.</abstract>
</arXivRaw></metadata></record>"""
DELETED = """<record><header status="deleted"><identifier>oai:arXiv.org:2611.00003</identifier>
<datestamp>2026-11-20</datestamp></header></record>"""


def page(*records: str, token: str | None = None, day: str = "2026-11-24") -> bytes:
    """An answer to ListRecords; an empty token ends a list of several pages."""
    told = "" if token is None else f'<resumptionToken cursor="0" completeListSize="9">{token}</resumptionToken>'
    return answer(f"<ListRecords>{''.join(records)}{told}</ListRecords>", day)


def answer(inside: str, day: str = "2026-11-24") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>{day}T06:00:00Z</responseDate>
<request verb="ListRecords">http://oaipmh.arxiv.org/oai</request>{inside}</OAI-PMH>""".encode()


def error(code: str, text: str = "") -> bytes:
    return answer(f'<error code="{code}">{text}</error>')


def online(wire: Any, sets: str = "cs", **options: object) -> Source:
    return open_arxiv_oai(sets, {"base_url": f"{wire.url}/oai", "delay_seconds": 0.0, **options})


def numbers(batches: list[Batch]) -> list[int]:
    return [int(paper.title.rsplit(" ", 1)[1]) for batch in batches for paper in batch.papers]


def read(source: Source, window: Window = SINCE, cursor: str | None = None) -> list[Batch]:
    return list(source.batches(window, cursor))


# Records


def test_a_record_becomes_a_paper() -> None:
    (found,) = parse_page(page(record(7, inside="<doi>10.1000/STUDY.7</doi>"))).records
    paper = parse_entry(found)
    assert (paper.title, paper.abstract) == ("Invented study 7", "We invent study 7 for a test.")
    assert paper.authors == ("Ada Author Jr.", "Ben Builder")
    assert (paper.published, paper.updated, paper.date_precision) == (date(2026, 11, 3), date(2026, 11, 20), "day")
    assert set(paper.identifiers) == {"arxiv:2611.00007", "doi:10.1000/study.7"}
    assert (paper.categories, paper.licence) == (("cs.LG", "stat.ML"), "http://creativecommons.org/licenses/by/4.0/")


def test_the_raw_format_tells_the_first_and_the_last_version_s_day_and_who_withdrew() -> None:
    (found,) = parse_page(page(RAW)).records
    paper = parse_entry(found)
    assert (paper.published, paper.updated, paper.withdrawn) == (date(2026, 11, 3), date(2026, 11, 20), True)
    assert paper.authors[0] == "Ada Author"


def test_the_raw_format_tells_every_version_s_day_and_the_plain_one_none() -> None:
    raw, plain = (parse_entry(parse_page(page(found)).records[0]) for found in (RAW, record(7)))
    assert (raw.versions[0], raw.versions[-1], plain.versions) == ("2026-11-03", "2026-11-20", ())


def test_a_deleted_record_is_counted(wire: Any) -> None:
    wire.then(page(record(1), DELETED, record(2)))
    (batch,) = read(online(wire))
    assert (numbers([batch]), batch.rejected) == ([1, 2], {"deleted by arXiv": 1})
    assert batch.examples == ["oai:arXiv.org:2611.00003: deleted by arXiv"]


# Asking


def test_a_list_is_asked_for_by_format_set_and_day_and_followed_by_its_tokens(wire: Any) -> None:
    wire.then(page(record(1), token="6795821|1001"))
    wire.then(page(record(2), token=""))
    assert numbers(read(online(wire))) == [1, 2]
    first, second = (asked.query for asked in wire.asked)
    assert first == {"verb": "ListRecords", "metadataPrefix": "arXiv", "set": "cs", "from": "2026-11-01"}
    assert second == {"verb": "ListRecords", "resumptionToken": "6795821|1001"}


def test_sets_are_harvested_one_after_the_other(wire: Any) -> None:
    wire.then(page(record(1)))
    wire.then(page(record(2)))
    assert numbers(read(online(wire, "cs,stat"))) == [1, 2]
    assert [asked.query["set"] for asked in wire.asked] == ["cs", "stat"]


def test_only_papers_of_the_categories_and_the_window_are_taken(wire: Any) -> None:
    wire.then(page(record(1), record(2, categories="math.CO"), record(3, created="2019-01-01")))
    (batch,) = read(online(wire, categories=["cs.LG"]))
    assert (numbers([batch]), batch.rejected.total()) == ([1], 0)


def test_no_match_is_an_empty_list(wire: Any) -> None:
    wire.then(error("noRecordsMatch"))
    (batch,) = read(online(wire))
    assert batch.papers == []


@pytest.mark.parametrize("body", [page(record(1))[:-40], b"<html>busy</html>", b"", answer("")])
def test_a_page_that_is_cut_off_or_something_else_is_asked_for_again(wire: Any, body: bytes) -> None:
    wire.then(body)
    wire.then(page(record(1)))
    assert numbers(read(online(wire))) == [1]


def test_a_server_that_never_sends_a_whole_page_is_left(wire: Any) -> None:
    wire.reply = lambda _: b"<OAI-PMH"
    with pytest.raises(SourceUnreachable, match="not a whole XML file"):
        read(online(wire))
    assert len(wire.asked) == ATTEMPTS


def test_another_error_is_told_in_the_server_s_words(wire: Any) -> None:
    wire.reply = lambda _: error("badArgument", "Set does not exist")
    with pytest.raises(SourceUnreachable, match="badArgument: Set does not exist"):
        read(online(wire))


def test_a_busy_server_s_pause_is_kept(wire: Any, clock: Any) -> None:
    wire.then(b"", 503, {"Retry-After": "11"})
    wire.then(page(record(1)))
    assert numbers(read(online(wire))) == [1]
    assert 11.0 in clock.slept


def test_requests_are_three_seconds_apart(wire: Any, clock: Any) -> None:
    wire.then(page(record(1), token="next"))
    wire.then(page(record(2), token=""))
    read(open_arxiv_oai("cs", {"base_url": f"{wire.url}/oai"}))
    assert clock.slept == [3.0]


# Going on


def test_a_stop_between_pages_goes_on_with_the_token_and_asks_nothing_again(wire: Any) -> None:
    wire.then(page(record(1), token="next"))
    first = next(online(wire).batches(SINCE, None))
    wire.then(page(record(2), token=""))
    assert numbers(read(online(wire), cursor=first.cursor)) == [2]
    assert [asked.query.get("resumptionToken") for asked in wire.asked] == [None, "next"]


def test_a_token_that_ran_out_begins_its_list_anew(wire: Any) -> None:
    wire.then(page(record(1), token="next"))
    first = next(online(wire).batches(SINCE, None))
    wire.then(error("badResumptionToken"))
    wire.then(page(record(1), token="again"))
    wire.then(page(record(2), token=""))
    assert numbers(read(online(wire), cursor=first.cursor)) == [1, 2]


def test_a_server_that_refuses_every_token_is_left(wire: Any) -> None:
    wire.reply = lambda asked: error("badResumptionToken") if "resumptionToken" in asked.query else page(record(1), token="next")
    with pytest.raises(SourceUnreachable, match="refuses its own resumption tokens"):
        read(online(wire))
    assert len(wire.asked) == 2 * ATTEMPTS


def test_the_next_harvest_asks_from_the_day_on_which_this_one_began(wire: Any) -> None:
    wire.then(page(record(1), token="next", day="2026-11-23"))
    wire.then(page(record(2), token="", day="2026-11-24"))
    last = read(online(wire))[-1]
    wire.then(page(record(3)))
    assert numbers(read(online(wire), cursor=last.cursor)) == [3]
    assert wire.asked[-1].query["from"] == "2026-11-23"


def test_a_limit_stops_in_the_middle_of_a_page_and_raising_it_goes_on_there(wire: Any) -> None:
    wire.reply = lambda _: page(record(1), record(2), record(3), record(4))
    (first,) = read(online(wire), Window(since=SINCE.since, limit=2))
    assert numbers([first]) == [1, 2]
    assert read(online(wire), Window(since=SINCE.since, limit=2), first.cursor) == []
    (more,) = read(online(wire), Window(since=SINCE.since, limit=3), first.cursor)
    assert numbers([more]) == [3]


def test_a_damaged_cursor_only_means_asking_again(wire: Any) -> None:
    wire.then(page(record(1)))
    assert numbers(read(online(wire), cursor=json.dumps({"sets": 3}))) == [1]


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(SettingsError, match="format"):
        open_arxiv_oai("cs", {"format": "oai_dc"})


# Anything


@hypothesis_settings(deadline=None, max_examples=100)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet='<>/OAI-PMHrecord=" ', max_size=120).map(str.encode)))
def test_any_bytes_give_a_page_or_a_reason(content: bytes) -> None:
    try:
        parse_page(content)
    except (InvalidInput, BadToken) as problem:
        assert str(problem) is not None


@hypothesis_settings(deadline=None, max_examples=100)
@given(st.recursive(st.sampled_from(["", "x"]), lambda inner: st.tuples(st.sampled_from(
    ["header", "metadata", "arXiv", "id", "created", "authors", "author", "version", "date", "title", "abstract"]), inner,
).map(lambda told: f"<{told[0]}>{told[1]}</{told[0]}>"), max_leaves=8))  # fmt: skip
def test_any_record_gives_a_paper_or_a_reason(inside: str) -> None:
    for found in parse_page(page(f"<record>{inside}</record>")).records:
        with pytest.raises(InvalidInput):
            parse_entry(found)


def test_what_was_kept_is_parsed_to_the_same_papers(wire: Any, read_twice: Any) -> None:
    wire.then(page(record(1), record(2), token="next"))
    wire.then(page(record(3), DELETED))
    told = {"base_url": f"{wire.url}/oai", "delay_seconds": 0.0}
    assert len(read_twice(lambda network: open_arxiv_oai("cs", told, network))) == 3
