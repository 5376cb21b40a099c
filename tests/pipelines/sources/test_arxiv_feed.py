"""arXiv's daily feed, in both of its forms, with new papers, cross-lists and replacements."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SourceUnreachable
from pipelines.sources.arxiv_feed import open_arxiv_feed, parse_entry, parse_feed
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.http import ATTEMPTS

SPACES = 'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def atom_entry(number: int, kind: str = "new", name: str = "") -> str:
    name = name or f"2611.{number:05d}"
    return f"""<entry><id>oai:arXiv.org:{name}v1</id><title>Invented study {number}</title>
<updated>2026-11-24T05:00:00.000000+00:00</updated>
<link href="https://arxiv.org/abs/{name}" rel="alternate" type="text/html"/>
<summary>arXiv:{name}v1 Announce Type: {kind}
Abstract: We invent study {number}, where a &lt; b.</summary>
<category term="cs.LG"/><category term="stat.ML"/><published>2026-11-24T00:00:00-05:00</published>
<arxiv:announce_type>{kind}</arxiv:announce_type><dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
<dc:creator>Ada Author, Ben Builder</dc:creator></entry>"""


def atom(*entries: str, updated: str = "2026-11-24T05:02:11+00:00") -> bytes:
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<feed {SPACES} xmlns="http://www.w3.org/2005/Atom" xml:lang="en-us"><id>http://rss.arxiv.org/atom/cs.LG</id>
<title>cs.LG updates on arXiv.org</title><updated>{updated}</updated>{"".join(entries)}</feed>""".encode()


RSS = f"""<?xml version='1.0' encoding='UTF-8'?>
<rss {SPACES} version="2.0"><channel><title>cs.LG updates on arXiv.org</title><link>http://rss.arxiv.org/rss/cs.LG</link>
<description>cs.LG updates</description><lastBuildDate>Tue, 24 Nov 2026 05:02:11 +0000</lastBuildDate>
<pubDate>Tue, 24 Nov 2026 00:00:00 -0500</pubDate>
<item><title>Invented study 1</title><link>https://arxiv.org/abs/2611.00001</link>
<description>arXiv:2611.00001v1 Announce Type: new
Abstract: We invent study 1.</description><guid isPermaLink="false">oai:arXiv.org:2611.00001v1</guid>
<category>cs.LG</category><pubDate>Tue, 24 Nov 2026 00:00:00 -0500</pubDate><arxiv:announce_type>new</arxiv:announce_type>
<dc:rights>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</dc:rights><dc:creator>Ada Author, Ben Builder</dc:creator></item>
</channel></rss>""".encode()


def online(wire: Any, **options: object) -> Source:
    return open_arxiv_feed("cs.LG,stat.ML", {"base_url": f"{wire.url}/atom", "delay_seconds": 0.0, **options})


def read(source: Source, window: Window | None = None, cursor: str | None = None) -> list[Batch]:
    return list(source.batches(window or Window(), cursor))


def numbers(batches: list[Batch]) -> list[int]:
    return [int(paper.title.rsplit(" ", 1)[1]) for batch in batches for paper in batch.papers]


def test_a_new_paper_is_dated_to_its_announcement() -> None:
    _, (entry,) = parse_feed(atom(atom_entry(7)))
    paper = parse_entry(entry)
    assert (paper.id, paper.title, paper.abstract) == ("arxiv:2611.00007", "Invented study 7", "We invent study 7, where a < b.")
    assert paper.authors == ("Ada Author", "Ben Builder")
    assert (paper.published, paper.date_precision) == (date(2026, 11, 24), "day")
    assert (paper.categories, paper.licence) == (("cs.LG", "stat.ML"), "http://creativecommons.org/licenses/by/4.0/")


def test_rss_reads_like_atom() -> None:
    edition, (entry,) = parse_feed(RSS)
    paper = parse_entry(entry)
    assert edition
    assert (paper.id, paper.abstract, paper.published) == ("arxiv:2611.00001", "We invent study 1.", date(2026, 11, 24))
    assert paper.authors == ("Ada Author", "Ben Builder")


def test_a_cross_listed_paper_is_dated_to_the_month_in_its_id() -> None:
    _, (entry,) = parse_feed(atom(atom_entry(1, "cross", "2609.00001")))
    paper = parse_entry(entry)
    assert (paper.published, paper.date_precision) == (date(2026, 9, 1), "month")


def test_today_s_papers_come_in_one_request_without_replacements(wire: Any) -> None:
    wire.then(atom(atom_entry(1), atom_entry(2, "cross"), atom_entry(3, "replace"), atom_entry(4, "replace-cross")))
    assert numbers(read(online(wire))) == [1, 2]
    assert [asked.path for asked in wire.asked] == ["/atom/cs.LG+stat.ML"]


def test_a_second_run_on_the_same_day_brings_nothing_and_the_next_day_does(wire: Any) -> None:
    wire.then(atom(atom_entry(1)))
    (batch,) = read(online(wire))
    wire.then(atom(atom_entry(1)))
    assert read(online(wire), cursor=batch.cursor) == []
    wire.then(atom(atom_entry(2), updated="2026-11-25T05:02:11+00:00"))
    assert numbers(read(online(wire), cursor=batch.cursor)) == [2]


def test_a_day_without_announcements_is_no_error(wire: Any) -> None:
    wire.then(atom())
    (batch,) = read(online(wire))
    assert (batch.papers, batch.rejected.total()) == ([], 0)


def test_an_entry_without_id_is_counted(wire: Any) -> None:
    wire.then(atom(atom_entry(1), "<entry><id>x</id><title>t</title></entry>"))
    (batch,) = read(online(wire))
    assert (numbers([batch]), batch.rejected) == ([1], {"no arXiv id": 1})


def test_window_and_limit_are_kept(wire: Any) -> None:
    wire.reply = lambda _: atom(*(atom_entry(number) for number in range(4)))
    assert numbers(read(online(wire), Window(limit=2))) == [0, 1]
    assert numbers(read(online(wire), Window(until=date(2026, 1, 1)))) == []


@pytest.mark.parametrize("body", [atom(atom_entry(1))[:-30], b"<html>busy</html>", b""])
def test_a_feed_that_is_cut_off_or_no_feed_is_asked_for_again(wire: Any, body: bytes) -> None:
    wire.then(body)
    wire.then(atom(atom_entry(1)))
    assert numbers(read(online(wire))) == [1]


def test_a_server_that_never_sends_a_feed_is_left(wire: Any) -> None:
    wire.reply = lambda _: b"<html>busy</html>"
    with pytest.raises(SourceUnreachable, match="did not answer usefully"):
        read(online(wire))
    assert len(wire.asked) == ATTEMPTS


LIKE_A_FEED = st.text(alphabet='<>/feedntryid=" ', max_size=150).map(lambda inside: f"<feed>{inside}</feed>".encode())


@hypothesis_settings(deadline=None, max_examples=80)
@given(st.one_of(st.binary(max_size=200), LIKE_A_FEED))
def test_any_bytes_give_papers_or_a_reason(content: bytes) -> None:
    try:
        _, entries = parse_feed(content)
        for entry in entries:
            parse_entry(entry)
    except InvalidInput as error:
        assert error.message


def test_what_was_kept_is_parsed_to_the_same_papers(wire: Any, read_twice: Any) -> None:
    wire.then(atom(atom_entry(1), atom_entry(2, "cross"), atom_entry(3, "replace")))
    told = {"base_url": f"{wire.url}/atom", "delay_seconds": 0.0}
    assert len(read_twice(lambda network: open_arxiv_feed("cs.LG", told, network))) == 2
