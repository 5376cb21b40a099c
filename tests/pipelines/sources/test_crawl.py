"""The crawl that NeurIPS and CVF share: what it asks for, what it remembers, and how it reads a page."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import SourceUnreachable
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.sources.base import Batch, Window
from pipelines.sources.crawl import BATCH, TRIES, Damaged, Page, Site, Volume, crawl, parse_html, words
from pipelines.sources.http import ATTEMPTS, Polite

VOLUMES = [Volume("kites2023", 2023), Volume("kites2024", 2024)]


def page(number: int) -> bytes:
    return f"""<!DOCTYPE html><html><head><meta name="citation_title" content="Invented study {number}"></head>
<body><p class="abstract">We invent study {number}.</p><p>Imprint</p></body></html>""".encode()


def parse(volume: Volume, path: str, page: Page) -> Paper:
    title = next(iter(page.meta("citation_title")), "")
    if not title:
        raise Damaged("no title")
    return make_paper(
        title=title, abstract=page.abstract(), published=date(volume.year, 1, 1), date_precision="year",
        source=SourceRecord("kites", path, str(volume.year), "", ""),
    )  # fmt: skip


def site(wire: Any, papers: Callable[[Volume], list[str]] | None = None) -> Site:
    """A site whose volumes list papers 0 to 4 and 100 to 104, unless told otherwise."""

    def usual(volume: Volume) -> list[str]:
        return [f"/{number + (100 if volume.year == 2024 else 0)}" for number in range(5)]

    return Site(Polite(delay=0.0), wire.url, papers or usual, parse)


def serve(wire: Any) -> None:
    wire.reply = lambda asked: page(int(asked.path[1:]))


def numbers(batches: list[Batch]) -> list[int]:
    return [int(paper.title.rsplit(" ", 1)[1]) for batch in batches for paper in batch.papers]


def asked(wire: Any) -> list[str]:
    return [request.path for request in wire.asked]


def test_every_page_of_every_volume_is_read_in_order(wire: Any) -> None:
    serve(wire)
    batches = list(crawl(site(wire), VOLUMES, Window(), None))
    assert numbers(batches) == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]


def test_what_was_read_is_not_asked_for_again(wire: Any) -> None:
    serve(wire)
    *_, last = crawl(site(wire), VOLUMES, Window(), None)
    wire.asked.clear()
    assert list(crawl(site(wire), VOLUMES, Window(), last.cursor)) == []
    assert wire.asked == []


def test_a_list_that_grew_leads_to_the_new_pages_alone(wire: Any) -> None:
    serve(wire)
    *_, last = crawl(site(wire, lambda _: ["/1", "/3"]), VOLUMES[:1], Window(), None)
    wire.asked.clear()
    assert numbers(list(crawl(site(wire, lambda _: ["/1", "/2", "/3", "/4"]), VOLUMES[:1], Window(), last.cursor))) == [2, 4]
    assert asked(wire) == ["/2", "/4"]


def test_a_batch_is_some_dozens_of_papers(wire: Any) -> None:
    serve(wire)
    batches = list(crawl(site(wire, lambda _: [f"/{n}" for n in range(2 * BATCH + 1)]), VOLUMES[:1], Window(), None))
    assert [len(batch.papers) for batch in batches] == [BATCH, BATCH, 1]


def test_a_stop_after_a_batch_goes_on_behind_it(wire: Any) -> None:
    serve(wire)
    papers = [f"/{number}" for number in range(BATCH + 5)]
    first = next(crawl(site(wire, lambda _: papers), VOLUMES[:1], Window(), None))
    wire.asked.clear()
    list(crawl(site(wire, lambda _: papers), VOLUMES[:1], Window(), first.cursor))
    assert asked(wire) == papers[BATCH:]


def test_a_site_that_stops_answering_loses_no_page_that_was_read(wire: Any) -> None:
    wire.then(page(0))
    wire.then(page(1))
    for _ in range(ATTEMPTS):
        wire.then(status=503)
    stream = crawl(site(wire), VOLUMES[:1], Window(), None)
    first = next(stream)
    assert numbers([first]) == [0, 1]
    with pytest.raises(SourceUnreachable):
        next(stream)
    serve(wire)
    wire.asked.clear()
    assert numbers(list(crawl(site(wire), VOLUMES[:1], Window(), first.cursor))) == [2, 3, 4]


def test_the_site_s_own_pause_is_kept(wire: Any, clock: Any) -> None:
    wire.then(status=429, headers={"Retry-After": "17"})
    serve(wire)
    list(crawl(site(wire, lambda _: ["/1"]), VOLUMES[:1], Window(), None))
    assert 17.0 in clock.slept


def test_a_body_that_was_cut_off_is_asked_for_again(wire: Any) -> None:
    wire.then(page(1)[:80], promised=len(page(1)))
    serve(wire)
    assert numbers(list(crawl(site(wire, lambda _: ["/1"]), VOLUMES[:1], Window(), None))) == [1]


def test_a_page_that_ends_within_its_abstract_is_asked_for_again(wire: Any) -> None:
    whole = page(1)
    wire.then(whole[: whole.index(b"invent study") + 4])
    serve(wire)
    (batch,) = crawl(site(wire, lambda _: ["/1"]), VOLUMES[:1], Window(), None)
    assert [paper.abstract for paper in batch.papers] == ["We invent study 1."]


def test_a_missing_page_is_counted_and_tried_again_the_next_time(wire: Any) -> None:
    wire.then(status=404)
    serve(wire)
    (batch,) = crawl(site(wire, lambda _: ["/1", "/2"]), VOLUMES[:1], Window(), None)
    assert (numbers([batch]), batch.rejected) == ([2], {"the page is missing": 1})
    assert numbers(list(crawl(site(wire, lambda _: ["/1", "/2"]), VOLUMES[:1], Window(), batch.cursor))) == [1]


def test_a_damaged_page_is_counted_and_tried_again_the_next_time(wire: Any) -> None:
    for _ in range(TRIES):
        wire.then(b"<html>")
    serve(wire)
    (batch,) = crawl(site(wire, lambda _: ["/1", "/2"]), VOLUMES[:1], Window(), None)
    assert (numbers([batch]), batch.rejected) == ([2], {"the page is not whole": 1})
    assert numbers(list(crawl(site(wire, lambda _: ["/1", "/2"]), VOLUMES[:1], Window(), batch.cursor))) == [1]


def test_a_site_that_sends_something_else_is_left_after_a_few_pages(wire: Any) -> None:
    wire.reply = lambda _: b"<html><body>Please prove that you are no robot.</body></html>"
    stream = crawl(site(wire, lambda _: [f"/{number}" for number in range(500)]), VOLUMES[:1], Window(), None)
    with pytest.raises(SourceUnreachable, match="something else than papers"):
        list(stream)
    assert len(wire.asked) == TRIES * TRIES


def test_damaged_pages_here_and_there_do_not_end_the_crawl(wire: Any) -> None:
    wire.reply = lambda asked: b"<html>" if int(asked.path[1:]) % 2 else page(int(asked.path[1:]))
    (batch,) = crawl(site(wire, lambda _: [f"/{number}" for number in range(10)]), VOLUMES[:1], Window(), None)
    assert (numbers([batch]), batch.rejected.total()) == ([0, 2, 4, 6, 8], 5)


def test_a_page_without_an_abstract_is_counted_once_and_for_all(wire: Any) -> None:
    wire.reply = lambda _: b'<html><meta name="citation_title" content="A preface to kites"><p>Dear reader.</p></html>'
    (batch,) = crawl(site(wire, lambda _: ["/1"]), VOLUMES[:1], Window(), None)
    assert batch.rejected == {"no abstract": 1}
    wire.asked.clear()
    assert list(crawl(site(wire, lambda _: ["/1"]), VOLUMES[:1], Window(), batch.cursor)) == []
    assert wire.asked == []


def test_a_limit_stops_the_asking_and_a_higher_one_goes_on(wire: Any) -> None:
    serve(wire)
    (batch,) = crawl(site(wire), VOLUMES, Window(limit=3), None)
    assert (numbers([batch]), len(wire.asked)) == ([0, 1, 2], 3)
    assert list(crawl(site(wire), VOLUMES, Window(limit=3), batch.cursor)) == []
    assert numbers(list(crawl(site(wire), VOLUMES, Window(limit=6), batch.cursor))) == [3, 4, 100]


def test_a_year_outside_the_window_is_not_asked_for(wire: Any) -> None:
    serve(wire)
    assert numbers(list(crawl(site(wire), VOLUMES, Window(since=date(2024, 1, 1)), None)))[0] == 100
    assert len(wire.asked) == 5


def test_a_cursor_that_cannot_be_read_means_reading_again(wire: Any) -> None:
    serve(wire)
    assert len(numbers(list(crawl(site(wire), VOLUMES, Window(), "{broken")))) == 10
    assert len(numbers(list(crawl(site(wire), VOLUMES, Window(), json.dumps([1]))))) == 10


# Pages


@pytest.mark.parametrize(
    "body",
    [
        '<div id="abstract">We <i>k</i>-mean.<br>Twice.</div><b>Related Material</b>',
        '<p class="paper-abstract">We <i>k</i>-mean. Twice.</p><h4>Name Change Policy</h4>',
        '<p class="paper-abstract"><p>We <i>k</i>-mean. Twice.</p></p><h4>Name Change Policy</h4><p>Other.</p>',
        "<h4>Abstract</h4><p></p><p>We <i>k</i>-mean.\n Twice.</p><p></p><div>Other.</div>",
        "<h3>Abstract</h3><p>We <i>k</i>-mean.</p><p>Twice.</p><h3>Other</h3><p>Other.</p>",
        '<div id="abstract">We <!-- not this --><i>k</i>-mean. Twice.</div><p>Other.</p>',
    ],
)
def test_an_abstract_is_found_in_every_known_layout(body: str) -> None:
    assert parse_html(f"<html><body>{body}".encode()).abstract() == "We k-mean. Twice."


def test_a_page_without_an_end_or_an_abstract_is_not_whole() -> None:
    with pytest.raises(Damaged, match="before its abstract"):
        parse_html(b"<html><body><h4>A title</h4>").abstract()


def test_a_list_without_its_end_is_believed_when_it_comes_twice_the_same() -> None:
    root = parse_html(b'<html><body><a href="/1">One</a>').root
    with pytest.raises(Damaged, match="too early"):
        Page(root, whole=False).paths()
    assert Page(root, whole=False, settled=True).paths() == ["/1"]


def test_links_to_other_hosts_are_left_out() -> None:
    links = b'<a href="/1?a=b#c">1</a><a href="http://[">?</a><a href="https://kites.org/2">2</a><a href="https://x.org/3">3</a>'
    assert parse_html(links + b"</html>").paths("kites.org") == ["/1?a=b", "/2"]


@hypothesis_settings(deadline=None, max_examples=150)
@given(st.one_of(st.binary(max_size=400), st.text(alphabet='<>/="!- abcphd\n&;\x00', max_size=300).map(str.encode)))
def test_any_bytes_are_a_page_or_damaged(content: bytes) -> None:
    for read in (Page.abstract, Page.authors, Page.paths, lambda found: words(found.root)):
        try:
            read(parse_html(content))
        except Damaged:
            continue
