"""The live arXiv API: what is asked, how its answers become papers, and what its known faults do (nothing bad).

The server here answers as export.arxiv.org does; the papers are made up.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from html import escape
from typing import Any

import pytest

from kb.errors import SettingsError, SourceUnreachable
from kb.papers import Paper
from pipelines.sources import Network, arxiv, replay
from pipelines.sources.arxiv import MOST_RESULTS, oai_set, open_arxiv
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.http import ATTEMPTS

JANUARY = Window(date(2023, 1, 1), date(2023, 1, 31))
WHOLE_JANUARY = "202301010000 TO 202301312359"
SPAN = re.compile(r"submittedDate:\[(\d{12}) TO (\d{12})\]")

FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"\
 xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/MadeUpForATest00000000000000</id>
  <title>arXiv Query: search_query={query}&amp;id_list=&amp;start={start}&amp;max_results={size}</title>
  <updated>2023-02-01T00:00:00Z</updated>
  <link href="https://arxiv.org/api/query?search_query={query}&amp;start={start}&amp;max_results={size}&amp;id_list="\
 type="application/atom+xml"/>
  <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>
{entries}</feed>
"""

ENTRY = """  <entry>
    <id>http://arxiv.org/abs/2301.{number:05d}v{version}</id>
    <title>{title}</title>
    <updated>{updated}</updated>
    <link href="https://arxiv.org/abs/2301.{number:05d}v{version}" rel="alternate" type="text/html"/>
    <link href="https://arxiv.org/pdf/2301.{number:05d}v{version}" rel="related" type="application/pdf" title="pdf"/>
    <summary>{abstract}</summary>
{categories}    <published>{published}</published>
    <arxiv:comment>{comment}</arxiv:comment>
    <arxiv:primary_category term="{primary}"/>
{doi}{authors}  </entry>
"""

ERROR = """  <entry>
    <id>http://arxiv.org/api/errors#start_must_be_an_integer</id>
    <title>Error</title>
    <summary>start must be an integer</summary>
    <updated>2023-02-01T00:00:00-05:00</updated>
    <link href="http://arxiv.org/api/errors#start_must_be_an_integer" rel="alternate" type="text/html"/>
    <author><name>arXiv api core</name></author>
  </entry>
"""


@dataclass(frozen=True)
class Made:
    """A paper made up for a test."""

    number: int
    submitted: datetime = datetime(2023, 1, 2, 10, 30)
    revised: datetime | None = None
    version: int = 1
    title: str = "An invented study"
    abstract: str = "We invent a study for a test."
    comment: str = "9 pages, 3 figures"
    categories: tuple[str, ...] = ("cs.LG", "stat.ML")
    primary: str = "cs.LG"
    authors: tuple[str, ...] = ("Ada Author", "Ben Builder")
    doi: str = ""

    def entry(self) -> str:
        """Return it as the API writes an entry."""
        return ENTRY.format(
            number=self.number, version=self.version, title=escape(self.title), abstract=escape(self.abstract),
            comment=escape(self.comment), primary=self.primary,
            published=f"{self.submitted:%Y-%m-%dT%H:%M:%SZ}", updated=f"{self.revised or self.submitted:%Y-%m-%dT%H:%M:%SZ}",
            categories="".join(
                f'    <category term="{name}" scheme="http://arxiv.org/schemas/atom"/>\n' for name in self.categories
            ),
            authors="".join(f"    <author>\n      <name>{escape(name)}</name>\n    </author>\n" for name in self.authors),
            doi=f"    <arxiv:doi>{self.doi}</arxiv:doi>\n" if self.doi else "",
        )  # fmt: skip


def feed(entries: Iterable[str], total: int, start: int = 0, size: int = 3, query: str = "made+up") -> bytes:
    """Return a page as the API writes it."""
    return FEED.format(query=escape(query), start=start, size=size, total=total, entries="".join(entries)).encode()


def every_six_hours(count: int) -> list[Made]:
    """Return so many papers, submitted one after the other from noon of January the 1st on."""
    first = datetime(2023, 1, 1, 12)
    return [Made(number, first + timedelta(hours=6 * number), title=f"Invented study number {number}") for number in range(count)]


def in_span(papers: Iterable[Made], asked: Any) -> list[Made]:
    first, last = SPAN.search(asked.query["search_query"]).groups()  # type: ignore[union-attr]
    return [paper for paper in papers if first <= f"{paper.submitted:%Y%m%d%H%M}" <= last]


def archive(papers: Iterable[Made]) -> Callable[[Any], bytes]:
    """Return a server's way to answer: the papers submitted in the span asked for, a page of them, oldest first."""
    held = list(papers)

    def reply(asked: Any) -> bytes:
        found, start, size = in_span(held, asked), int(asked.query["start"]), int(asked.query["max_results"])
        page = (paper.entry() for paper in found[start : start + size])
        return feed(page, len(found), start, size, asked.query["search_query"])

    return reply


def source(wire: Any, **options: object) -> Source:
    """Open the API at the test's server, three papers a page and in no hurry to be polite."""
    return open_arxiv("cs.LG", {"base_url": f"{wire.url}/api/query", "page_size": 3, "delay_seconds": 0.0, **options})


def read(wire: Any, window: Window = JANUARY, cursor: str | None = None, **options: object) -> list[Batch]:
    return list(source(wire, **options).batches(window, cursor))


def one(wire: Any, paper: Made) -> Paper:
    """Return what becomes of one entry."""
    wire.reply = archive([paper])
    (batch,) = read(wire)
    return batch.papers[0]


def numbers(batches: Iterable[Batch]) -> list[int]:
    return [int(paper.id[-5:]) for batch in batches for paper in batch.papers]


def starts(wire: Any) -> list[str]:
    return [asked.query["start"] for asked in wire.asked]


def noon(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """Make it noon of that day for the source."""

    class Noon(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Noon":
            return cls(day.year, day.month, day.day, 12, tzinfo=tz)

    monkeypatch.setattr(arxiv, "datetime", Noon)


# What is asked


def test_the_question_names_categories_and_days_in_the_api_s_syntax(wire: Any) -> None:
    wire.reply = archive(every_six_hours(1))
    list(open_arxiv("cs.LG, cs.CL", {"base_url": wire.url, "delay_seconds": 0.0}).batches(JANUARY, None))
    assert wire.asked[0].query["search_query"] == f"(cat:cs.LG OR cat:cs.CL) AND submittedDate:[{WHOLE_JANUARY}]"


def test_the_oldest_papers_are_asked_for_first(wire: Any) -> None:
    wire.reply = archive(every_six_hours(1))
    read(wire)
    assert (wire.asked[0].query["sortBy"], wire.asked[0].query["sortOrder"]) == ("submittedDate", "ascending")


def test_a_query_of_the_user_s_own_narrows_the_categories(wire: Any) -> None:
    wire.reply = archive(every_six_hours(1))
    read(wire, query="abs:pruning OR abs:sparsity")
    assert wire.asked[0].query["search_query"].startswith("((cat:cs.LG) AND (abs:pruning OR abs:sparsity)) AND submittedDate:")


def test_the_categories_of_the_settings_count_where_the_command_names_none(wire: Any) -> None:
    assert open_arxiv("", {"categories": ["cs.CV"]}).key == "arxiv:cat:cs.CV"
    assert open_arxiv("cs.CL", {"categories": ["cs.CV"]}).key == "arxiv:cat:cs.CL"


def test_a_comma_too_many_asks_for_no_nameless_category() -> None:
    assert open_arxiv("cs.LG, ,cs.CL,", {}).key == "arxiv:cat:cs.LG OR cat:cs.CL"


def test_the_user_agent_names_us_and_the_contact(wire: Any) -> None:
    wire.reply = archive(every_six_hours(1))
    read(wire, contact="ada@example.org")
    assert re.fullmatch(r"papertide/\S+ \(ada@example\.org\)", wire.asked[0].headers["User-Agent"])


def test_three_seconds_lie_between_two_questions_as_the_terms_of_arxiv_ask(wire: Any, clock: Any) -> None:
    wire.reply = archive(every_six_hours(7))
    list(open_arxiv("cs.LG", {"base_url": wire.url, "page_size": 3}).batches(JANUARY, None))
    assert clock.slept == [3.0, 3.0]


def test_a_longer_pause_can_be_asked_for_in_whole_seconds(wire: Any, clock: Any) -> None:
    wire.reply = archive(every_six_hours(7))
    read(wire, delay_seconds=10)
    assert clock.slept == [10.0, 10.0]


@pytest.mark.parametrize("size", [0, 2001])
def test_a_page_size_that_the_api_does_not_serve_is_refused(size: int) -> None:
    with pytest.raises(SettingsError, match="page_size"):
        open_arxiv("cs.LG", {"page_size": size})


# What becomes of an entry


def test_a_paper_is_named_without_its_version(wire: Any) -> None:
    paper = one(wire, Made(7, version=3))
    assert (paper.id, paper.links) == ("arxiv:2301.00007", ("https://arxiv.org/abs/2301.00007",))


def test_a_paper_is_dated_to_its_first_version(wire: Any) -> None:
    paper = one(wire, Made(7, datetime(2023, 1, 2), revised=datetime(2023, 5, 6), version=2))
    assert (paper.published, paper.updated, paper.date_precision) == (date(2023, 1, 2), date(2023, 5, 6), "day")


def test_the_primary_category_comes_first(wire: Any) -> None:
    assert one(wire, Made(7, categories=("cs.AI", "cs.LG", "cs.CL"), primary="cs.LG")).categories == ("cs.LG", "cs.AI", "cs.CL")


def test_authors_keep_their_order_and_accents(wire: Any) -> None:
    assert one(wire, Made(7, authors=("Žofie Černá", "Ada Author"))).authors == ("Žofie Černá", "Ada Author")


def test_title_and_abstract_are_on_one_line(wire: Any) -> None:
    paper = one(wire, Made(7, title="An invented\n  study of x < y", abstract="  We invent\n  R&D.\n  It ends.\n"))
    assert (paper.title, paper.abstract) == ("An invented study of x < y", "We invent R&D. It ends.")


def test_a_doi_is_one_more_identifier(wire: Any) -> None:
    assert one(wire, Made(7, doi="10.5555/Made.Up")).identifiers == ("arxiv:2301.00007", "doi:10.5555/made.up")


@pytest.mark.parametrize(
    "told",
    [
        {"comment": "This paper has been withdrawn due to an error in Lemma 2"},
        {"abstract": "This paper has been withdrawn by the author, who found a sign error."},
        {"comment": "Withdrawn by arXiv administrators: overlaps with another invented paper"},
    ],
)
def test_a_withdrawn_paper_is_kept_and_flagged(wire: Any, told: dict[str, str]) -> None:
    assert one(wire, Made(7, **told)).withdrawn  # type: ignore[arg-type]


def test_a_paper_nobody_withdrew_is_not_flagged(wire: Any) -> None:
    assert not one(wire, Made(7)).withdrawn


def test_an_entry_without_abstract_is_counted_and_named(wire: Any) -> None:
    wire.reply = archive([Made(1), Made(2, abstract=" "), Made(3)])
    (batch,) = read(wire)
    assert numbers([batch]) == [1, 3]
    assert (batch.rejected, batch.examples) == ({"no abstract": 1}, ["http://arxiv.org/abs/2301.00002v1: no abstract"])


# Pages and days


def test_papers_come_page_by_page_the_oldest_first(wire: Any) -> None:
    wire.reply = archive(every_six_hours(7))
    assert [numbers([batch]) for batch in read(wire)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert starts(wire) == ["0", "3", "6"]


def test_a_full_last_page_is_followed_by_no_further_question(wire: Any) -> None:
    wire.reply = archive(every_six_hours(6))
    read(wire)
    assert starts(wire) == ["0", "3"]


def test_a_first_reading_goes_thirty_days_back(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    noon(monkeypatch, date(2023, 1, 31))
    wire.reply = archive(every_six_hours(1))
    read(wire, Window())
    assert f"submittedDate:[{WHOLE_JANUARY}]" in wire.asked[0].query["search_query"]


def test_a_span_with_more_papers_than_the_api_pages_through_is_asked_for_in_parts(
    wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arxiv, "MOST_RESULTS", 5)
    wire.reply = archive(every_six_hours(40))
    batches = read(wire)
    assert sorted(set(numbers(batches))) == list(range(40))
    assert max(map(int, starts(wire))) < 5


def test_thirty_thousand_papers_are_still_one_span_and_one_more_are_two(wire: Any) -> None:
    def reply(asked: Any) -> bytes:
        whole = WHOLE_JANUARY in asked.query["search_query"]
        return feed([Made(1).entry()], MOST_RESULTS + 1 if whole else 1)

    wire.reply = reply
    read(wire)
    spans = [" TO ".join(SPAN.search(asked.query["search_query"]).groups()) for asked in wire.asked]  # type: ignore[union-attr]
    assert spans == [WHOLE_JANUARY, "202301010000 TO 202301161159", "202301161159 TO 202301312359"]


def test_parts_are_read_from_the_oldest_on(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arxiv, "MOST_RESULTS", 5)
    wire.reply = archive(every_six_hours(40))
    found = numbers(read(wire))
    assert found == sorted(found)


def test_a_span_that_outgrows_the_api_while_it_is_read_is_read_again_in_parts(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arxiv, "MOST_RESULTS", 5)
    wire.reply = archive(every_six_hours(9))
    papers = every_six_hours(9)
    wire.then(feed([paper.entry() for paper in papers[:3]], total=5))
    assert set(numbers(read(wire))) == set(range(9))


# Known faults


def test_an_empty_page_in_the_middle_is_asked_for_again(wire: Any) -> None:
    papers = every_six_hours(7)
    wire.then(feed([paper.entry() for paper in papers[:3]], total=7))
    wire.then(feed([], total=7, start=3))
    wire.reply = archive(papers)
    assert numbers(read(wire)) == list(range(7))
    assert starts(wire) == ["0", "3", "3", "6"]


def test_an_empty_page_that_denies_all_results_is_asked_for_again(wire: Any) -> None:
    papers = every_six_hours(5)
    wire.then(feed([paper.entry() for paper in papers[:3]], total=5))
    wire.then(feed([], total=0, start=3))
    wire.reply = archive(papers)
    assert numbers(read(wire)) == list(range(5))


def test_an_empty_first_page_is_doubted_too(wire: Any) -> None:
    wire.then(feed([], total=0))
    wire.reply = archive(every_six_hours(2))
    assert numbers(read(wire)) == [0, 1]


def test_a_page_that_stays_empty_stops_the_source(wire: Any) -> None:
    wire.reply = lambda asked: feed([], total=7)
    with pytest.raises(SourceUnreachable, match="empty page where results are due"):
        read(wire)


def test_days_without_papers_are_passed_after_three_empty_answers(wire: Any) -> None:
    wire.reply = archive([])
    (batch,) = read(wire)
    assert (batch.papers, len(wire.asked)) == ([], 3)


def test_a_span_that_shrank_while_it_was_read_ends_where_it_ends_now(wire: Any) -> None:
    papers = every_six_hours(3)
    wire.then(feed([paper.entry() for paper in papers], total=4))
    wire.reply = archive(papers)
    assert numbers(read(wire)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("seconds", "status"), [("7", 503), ("42", 429)], ids=["unavailable for seven seconds", "too many requests for 42 seconds"]
)
def test_a_pause_that_the_server_asks_for_is_kept_to_the_second(wire: Any, clock: Any, seconds: str, status: int) -> None:
    wire.then(b"Rate exceeded.", status, {"Retry-After": seconds})
    wire.reply = archive(every_six_hours(2))
    assert numbers(read(wire)) == [0, 1]
    assert clock.slept == [float(seconds)]


def test_too_many_requests_without_a_word_on_waiting_are_answered_with_a_pause(wire: Any, clock: Any) -> None:
    wire.then(b"Rate exceeded.", 429)
    wire.reply = archive(every_six_hours(2))
    assert numbers(read(wire)) == [0, 1]
    (waited,) = clock.slept
    assert waited >= 1


PAGE = feed([paper.entry() for paper in every_six_hours(2)], total=2)


@pytest.mark.parametrize(
    "page",
    [
        PAGE[: PAGE.index(b"<summary>") + 20],
        PAGE[: PAGE.rindex(b"<entry>")],
        PAGE[: PAGE.rindex(b"<arxiv:primary_category")],
        PAGE[: PAGE.rindex(b"Builder") + 2],
        PAGE.replace(b"2023-01-01T", b"yesterday"),
        b"<html><head><title>Sorry</title></head><body>Service temporarily unavailable</body></html>",
        b"Rate exceeded.",
        b"",
    ],
    ids=[
        "cut in an abstract",
        "cut between two entries",
        "cut before the authors",
        "cut in an author",
        "unreadable date",
        "a web page",
        "plain words",
        "blank",
    ],
)
def test_a_malformed_page_is_asked_for_again_and_nothing_of_it_is_kept(wire: Any, page: bytes) -> None:
    wire.reply = archive(every_six_hours(2))
    (whole,) = read(wire)
    wire.then(page)
    (batch,) = read(wire)
    assert batch.papers == whole.papers


def test_a_page_that_stays_malformed_stops_the_source(wire: Any) -> None:
    wire.reply = lambda asked: PAGE[:900]
    with pytest.raises(SourceUnreachable, match="malformed page"):
        read(wire)


def test_an_error_that_arxiv_reports_as_a_feed_is_no_paper_and_stops_the_source(wire: Any) -> None:
    wire.reply = lambda asked: feed([ERROR], total=1)
    with pytest.raises(SourceUnreachable):
        read(wire)


def test_a_query_that_arxiv_refuses_stops_the_source_at_once(wire: Any) -> None:
    wire.then(feed([ERROR], total=1), status=400)
    with pytest.raises(SourceUnreachable, match="400"):
        read(wire)
    assert len(wire.asked) == 1


def test_a_server_that_is_not_there_makes_the_source_unreachable_in_one_line(nobody: str) -> None:
    with pytest.raises(SourceUnreachable, match="did not answer") as caught:
        list(open_arxiv("cs.LG", {"base_url": nobody}).batches(JANUARY, None))
    assert "\n" not in str(caught.value)


def test_what_was_read_before_the_server_went_away_stays(wire: Any) -> None:
    wire.then(feed([paper.entry() for paper in every_six_hours(3)], total=7))  # and from then on 404
    batches = source(wire).batches(JANUARY, None)
    assert numbers([next(batches)]) == [0, 1, 2]
    with pytest.raises(SourceUnreachable):
        next(batches)


# Where it goes on


@pytest.mark.parametrize("most", [MOST_RESULTS, 5], ids=["one span", "in parts"])
@pytest.mark.parametrize("before", [1, 2, 3])
def test_after_a_stop_reading_goes_on_and_no_page_is_asked_for_twice(
    wire: Any, monkeypatch: pytest.MonkeyPatch, before: int, most: int
) -> None:
    monkeypatch.setattr(arxiv, "MOST_RESULTS", most)
    wire.reply = archive(every_six_hours(14))
    days = Window(date(2023, 1, 1), date(2023, 1, 4))
    reading = source(wire).batches(days, None)
    done = [next(reading) for _ in range(before)]
    rest = read(wire, days, done[-1].cursor)
    assert set(numbers(done + rest)) == set(range(14))
    pages = [asked.url for asked in wire.asked]
    assert len(pages) == len(set(pages))


def test_a_finished_reading_asks_nothing_more_of_the_same_days(wire: Any) -> None:
    wire.reply = archive(every_six_hours(4))
    done = read(wire)
    wire.asked.clear()
    assert read(wire, cursor=done[-1].cursor) == []
    assert wire.asked == []


def test_the_next_day_s_reading_looks_at_the_last_day_again_since_its_list_still_grew(
    wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.reply = archive(every_six_hours(2))
    noon(monkeypatch, date(2023, 1, 31))
    done = read(wire, Window())
    noon(monkeypatch, date(2023, 2, 1))
    read(wire, Window(), done[-1].cursor)
    assert "submittedDate:[202301301200 TO 202302012359]" in wire.asked[-1].query["search_query"]


def test_asking_further_back_than_before_starts_at_the_new_day(wire: Any) -> None:
    wire.reply = archive(every_six_hours(2))
    done = read(wire)
    read(wire, Window(date(2022, 12, 1), date(2023, 1, 31)), done[-1].cursor)
    assert "submittedDate:[202212010000 TO 202301312359]" in wire.asked[-1].query["search_query"]


def test_asking_for_later_days_than_were_reached_reads_no_day_before_them(wire: Any) -> None:
    wire.reply = archive(every_six_hours(2))
    done = read(wire, Window(date(2023, 1, 1), date(2023, 1, 3)))
    read(wire, Window(date(2023, 1, 20), date(2023, 1, 31)), done[-1].cursor)
    assert "submittedDate:[202301200000 TO 202301312359]" in wire.asked[-1].query["search_query"]


def test_asking_from_a_day_that_was_read_before_goes_on_where_reading_ended(wire: Any) -> None:
    wire.reply = archive(every_six_hours(2))
    done = read(wire, Window(date(2023, 1, 1), date(2023, 1, 3)))
    read(wire, Window(date(2023, 1, 2), date(2023, 1, 31)), done[-1].cursor)
    assert "submittedDate:[202301032359 TO 202301312359]" in wire.asked[-1].query["search_query"]


def test_a_last_day_before_the_place_of_the_stop_is_kept_to(wire: Any) -> None:
    wire.reply = archive(every_six_hours(9))
    stopped = next(source(wire).batches(JANUARY, None))
    batches = read(wire, Window(JANUARY.since, date(2023, 1, 2)), stopped.cursor)
    assert max(paper.published for batch in batches for paper in batch.papers) == date(2023, 1, 2)


@pytest.mark.parametrize("cursor", ["", "not JSON", "[1]"])
def test_an_unreadable_cursor_only_means_reading_from_the_start(wire: Any, cursor: str) -> None:
    wire.reply = archive(every_six_hours(2))
    assert numbers(read(wire, cursor=cursor)) == [0, 1]


# A limit


def test_a_limit_takes_the_first_papers_and_asks_for_no_page_beyond_them(wire: Any) -> None:
    wire.reply = archive(every_six_hours(9))
    assert numbers(read(wire, Window(JANUARY.since, JANUARY.until, 4))) == [0, 1, 2, 3]
    assert starts(wire) == ["0", "3"]


def test_the_same_limit_again_asks_for_nothing(wire: Any) -> None:
    wire.reply = archive(every_six_hours(9))
    limited = Window(JANUARY.since, JANUARY.until, 4)
    done = read(wire, limited)
    wire.asked.clear()
    assert read(wire, limited, done[-1].cursor) == []
    assert wire.asked == []


@pytest.mark.parametrize("limit", [4, 8], ids=["within a full page", "within the last page"])
def test_without_the_limit_reading_goes_on_with_the_very_next_paper(wire: Any, limit: int) -> None:
    wire.reply = archive(every_six_hours(9))
    done = read(wire, Window(JANUARY.since, JANUARY.until, limit))
    rest = read(wire, JANUARY, done[-1].cursor)
    assert numbers(done + rest) == list(range(9))


# The way round


def harvested(number: int) -> bytes:
    """OAI-PMH's answer with one paper of January 2023."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2023-02-01T06:00:00Z</responseDate><ListRecords><record>
<header><identifier>oai:arXiv.org:2301.{number:05d}</identifier><datestamp>2023-01-09</datestamp></header>
<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>2301.{number:05d}</id><created>2023-01-09</created>
<authors><author><keyname>Author</keyname><forenames>Ada</forenames></author></authors><title>Invented study</title>
<categories>cs.LG</categories><abstract>We invent a study.</abstract></arXiv></metadata></record></ListRecords>
</OAI-PMH>""".encode()


def closed(wire: Any) -> None:
    """Let the API turn everybody away for the next attempts."""
    for _ in range(ATTEMPTS):
        wire.then(status=429)


def test_where_the_api_stays_closed_the_same_categories_come_through_oai_pmh_and_that_is_said(
    wire: Any, caplog: pytest.LogCaptureFixture
) -> None:
    closed(wire)
    wire.reply = lambda _: harvested(7)
    assert numbers(read(wire, oai_base_url=f"{wire.url}/oai")) == [7]
    assert (wire.asked[-1].path, wire.asked[-1].query["set"]) == ("/oai", "cs")
    assert "going on through arXiv's OAI-PMH" in caplog.text


def test_once_the_api_answers_again_it_goes_on_where_it_was(wire: Any) -> None:
    wire.then(feed([Made(number, datetime(2023, 1, 2)).entry() for number in range(3)], total=4))
    closed(wire)
    wire.reply = lambda _: harvested(7)
    *_, last = read(wire, oai_base_url=f"{wire.url}/oai")
    asked = len(wire.asked)
    wire.reply = lambda question: feed([Made(3, datetime(2023, 1, 3)).entry()], 4, int(question.query["start"]))
    assert numbers(read(wire, cursor=last.cursor, oai_base_url=f"{wire.url}/oai")) == [3]
    assert wire.asked[asked].query["start"] == "3"


def test_a_question_that_oai_pmh_cannot_ask_has_no_way_round(wire: Any) -> None:
    closed(wire)
    with pytest.raises(SourceUnreachable):
        read(wire, query="ti:kites", oai_base_url=f"{wire.url}/oai")


def test_days_that_the_api_denies_are_looked_up_in_oai_pmh_and_read_there(wire: Any, caplog: pytest.LogCaptureFixture) -> None:
    wire.reply = lambda asked: harvested(7) if asked.path == "/oai" else feed([], total=0)
    batches = read(wire, oai_base_url=f"{wire.url}/oai")
    assert numbers(batches) == [7]
    assert "finds no paper from 2023-01-01 to" in caplog.text
    assert "reached" not in batches[-1].cursor


def test_days_that_both_ways_know_no_paper_of_are_passed(wire: Any) -> None:
    elsewhere = harvested(7).replace(b"cs.LG", b"cs.CR")
    wire.reply = lambda asked: elsewhere if asked.path == "/oai" else feed([], total=0)
    (batch,) = read(wire, oai_base_url=f"{wire.url}/oai")
    assert (batch.papers, wire.asked[-1].query["until"]) == ([], "2023-02-07")


@pytest.mark.parametrize(
    ("category", "name"), [("cs.LG", "cs"), ("stat.ML", "stat"), ("hep-th", "physics:hep-th"), ("physics.optics", "physics")]
)
def test_a_category_belongs_to_a_set_of_oai_pmh(category: str, name: str) -> None:
    assert oai_set(category) == name


def test_what_was_kept_is_parsed_to_the_same_papers_from_both_ways(wire: Any, tmp_path: Any) -> None:
    wire.then(feed([Made(number, datetime(2023, 1, 2)).entry() for number in range(3)], total=4))
    closed(wire)
    wire.reply = lambda _: harvested(7)
    network = Network(folder=tmp_path / "raw")
    told = {"base_url": wire.url, "oai_base_url": f"{wire.url}/oai", "delay_seconds": 0.0, "page_size": 3}
    made = open_arxiv("cs.LG", told, network)
    assert numbers(made.batches(JANUARY, None)) == [0, 1, 2, 7]
    asked = len(wire.asked)
    assert (numbers(replay(made, JANUARY, network)), len(wire.asked)) == ([0, 1, 2, 7], asked)
