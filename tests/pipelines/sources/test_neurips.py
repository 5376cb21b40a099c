"""NeurIPS proceedings: the list of a year, in its old and new layouts, and the pages of papers."""

import contextlib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.crawl import TRIES, Damaged, Volume, parse_html
from pipelines.sources.http import ATTEMPTS
from pipelines.sources.neurips import PROCEEDINGS, open_neurips, parse_list, parse_page


def path(number: int, year: int = 2023, track: str = "-Conference") -> str:
    return f"/paper_files/paper/{year}/hash/{number:032x}-Abstract{track}.html"


def old_list(*paths: str) -> bytes:
    """A year's list as it was laid out up to 2024."""
    items = "".join(
        f'<li class="conference"><a title="paper title" href="{path}">Invented study</a> <i>Ada Author, Ben Builder</i></li>\n'
        for path in paths
    )
    return f"""<!DOCTYPE html><html lang="en"><head><title>NeurIPS 2023</title></head><body>
<nav><a href="/">NeurIPS Proceedings</a> <a href="/paper_files/paper/2022">2022</a>
<a href="/admin/login/?next=/admin/">Login</a></nav>
<h4>Advances in Neural Information Processing Systems 36 (NeurIPS 2023)</h4>
<ul class="paper-list">{items}</ul></body></html>""".encode()


def new_list(*paths: str, also: str = "") -> bytes:
    """A year's list as it is laid out since 2025; `also` is a companion volume."""
    items = "".join(
        f"""<li class="conference" data-track="conference"><div class="paper-content">
<a title="paper title" href="{path}">Invented study</a><span class="paper-authors">Ada Author, Ben Builder</span></div>
<span class="paper-track-badge">Main Conference Track</span></li>"""
        for path in paths
    )
    see = f'<p>See also <a href="{also}">Main Conference</a></p>' if also else ""
    return f"""<!DOCTYPE html><html lang="en"><body>{see}<span class="paper-count">{len(paths)} papers</span>
<ul class="paper-list">{items}</ul></body></html>""".encode()


def head(number: int, published: str, doi: str = "") -> str:
    named = f'<meta name="citation_doi" content="{doi}">' if doi else ""
    return f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Invented study {number}</title>
<meta name="citation_title" content="Invented study {number} &amp;amp; more">
<meta name="citation_author" content="Author, Ada"><meta name="citation_author" content="Bu&iacute;lder, Ben">{named}
<meta name="citation_journal_title" content="Advances in Neural Information Processing Systems">
<meta name="citation_volume" content="36"><meta name="citation_pages" content="1-11">
<meta name="citation_pdf_url" content="https://proceedings.neurips.cc/paper_files/paper/2023/file/{number:032x}-Paper-Conference.pdf">
<meta name="citation_publication_date" content="{published}"></head>"""


FOOT = """<div class="modal"><h4>Name Change Policy</h4><p>Requests for name changes are accepted.</p></div>
<a href="/paper_files/paper/2023/file/1-Paper.pdf">Paper</a></body></html>"""


def new_page(number: int, published: str = "2023-12-15", doi: str = "10.52202/079017-0015") -> bytes:
    """A paper's page as it is laid out since 2025: the site nests paragraphs, which HTML does not have."""
    return f"""{head(number, published, doi)}<body><h1 class="paper-title">Invented study {number}</h1>
<section><h2 class="section-label">Abstract</h2><p class="paper-abstract"><p>We invent study {number}, where $a &lt; b$.</p></p>
</section>{FOOT}""".encode()


def old_page(number: int, published: str = "2023") -> bytes:
    """A paper's page as it was laid out from 2020 to 2024."""
    return f"""{head(number, published)}<body><div class="col p-3"><h4>Invented study {number}</h4>
<p>Part of <a href="/paper_files/paper/2023">Advances in Neural Information Processing Systems 36</a></p>
<div><a class="btn" href="/paper_files/paper/10-/bibtex">Bibtex</a></div>
<h4>Authors</h4><p><i>Ada Author, Ben Builder</i></p>
<h4>Abstract</h4><p><p>We invent study {number}, where $a &lt; b$.</p></p>{FOOT}""".encode()


def serve(wire: Any, lists: dict[str, bytes]) -> None:
    """Answer with these lists, and with a page wherever a page of a paper is asked for."""
    wire.reply = lambda asked: lists[asked.path] if asked.path in lists else new_page(int(asked.path.split("/")[-1][:32], 16))


def online(wire: Any, location: str = "2023", **options: object) -> Source:
    return open_neurips(location, {"base_url": wire.url, "delay_seconds": 0.0, **options})


def read(source: Source, window: Window | None = None, cursor: str | None = None) -> list[Batch]:
    return list(source.batches(window or Window(), cursor))


def numbers(batches: list[Batch]) -> list[int]:
    return [int(paper.title.split()[2]) for batch in batches for paper in batch.papers]


@pytest.mark.parametrize("content", [new_page(7), old_page(7)])
def test_a_page_of_either_layout_becomes_a_paper(content: bytes) -> None:
    paper = parse_page(Volume("neurips2023", 2023), path(7), parse_html(content))
    assert (paper.title, paper.abstract) == ("Invented study 7 & more", "We invent study 7, where $a < b$.")
    assert paper.authors == ("Ada Author", "Ben Buílder")
    assert (paper.venue, paper.kind) == ("NeurIPS 2023", "conference")
    assert paper.links == (f"{PROCEEDINGS}{path(7)}",)
    assert paper.sources[0].source_id == f"2023/{7:032x}"


@pytest.mark.parametrize(
    ("told", "published", "precision"),
    [
        ("2023-12-15", date(2023, 12, 15), "day"),
        ("2023/12/15", date(2023, 12, 15), "day"),
        ("2023", date(2023, 1, 1), "year"),
        ("1970-01-01", date(2023, 1, 1), "year"),
        ("soon", date(2023, 1, 1), "year"),
    ],
)
def test_a_date_is_the_page_s_own_as_far_as_it_can_be_true(told: str, published: date, precision: str) -> None:
    paper = parse_page(Volume("neurips2023", 2023), path(7), parse_html(new_page(7, told)))
    assert (paper.published, paper.date_precision) == (published, precision)


def test_a_doi_is_kept() -> None:
    paper = parse_page(Volume("neurips2023", 2023), path(7), parse_html(new_page(7)))
    assert paper.identifiers == ("doi:10.52202/079017-0015",)


def test_an_old_paper_without_an_abstract_says_so() -> None:
    page = parse_html(f"{head(7, '1988')}<body><h4>Abstract</h4><p>Abstract Unavailable</p>{FOOT}".encode())
    with pytest.raises(InvalidInput, match="no abstract"):
        parse_page(Volume("neurips1988", 1988), path(7, 1988, ""), page)


@pytest.mark.parametrize("layout", [old_list, new_list])
def test_a_year_is_read_page_by_page(wire: Any, layout: Any) -> None:
    paths = [path(1), path(2, track="-Datasets_and_Benchmarks"), path(3, track="")]
    serve(wire, {"/paper_files/paper/2023": layout(*paths)})
    assert numbers(read(online(wire))) == [1, 2, 3]
    assert [asked.path for asked in wire.asked] == ["/paper_files/paper/2023", *paths]


def test_companion_volumes_are_read_too(wire: Any) -> None:
    also = "/paper_files/paper/2025/vol38-main-conference"
    serve(
        wire,
        {
            "/paper_files/paper/2025": new_list(path(1, 2025, "-Creative_AI_Track"), also=also),
            also: new_list(path(2, 2025), path(3, 2025), also=also),
        },
    )
    assert numbers(read(online(wire, "2025"))) == [1, 2, 3]


def test_a_page_of_another_year_or_host_is_not_followed() -> None:
    listed = old_list(path(1), path(2, 2022), f"https://datasets-benchmarks-proceedings.neurips.cc{path(3)}")
    assert parse_list(parse_html(listed), 2023) == ([path(1)], [])


def test_requests_keep_their_pace(wire: Any, clock: Any) -> None:
    serve(wire, {"/paper_files/paper/2023": old_list(path(1), path(2))})
    read(open_neurips("2023", {"base_url": wire.url}))
    assert sum(clock.slept) >= 2.0


def test_a_second_reading_asks_for_the_list_alone(wire: Any) -> None:
    serve(wire, {"/paper_files/paper/2023": old_list(path(1), path(2))})
    (batch,) = read(online(wire))
    wire.asked.clear()
    assert read(online(wire), cursor=batch.cursor) == []
    assert [asked.path for asked in wire.asked] == ["/paper_files/paper/2023"]


def test_a_stop_in_the_middle_of_a_year_goes_on_there(wire: Any) -> None:
    paths = [path(number) for number in range(5)]
    wire.then(old_list(*paths))
    wire.then(new_page(0))
    for _ in range(ATTEMPTS):
        wire.then(status=502)
    stream = online(wire).batches(Window(), None)
    first = next(stream)
    with pytest.raises(SourceUnreachable):
        next(stream)
    serve(wire, {"/paper_files/paper/2023": old_list(*paths)})
    wire.asked.clear()
    assert numbers(read(online(wire), cursor=first.cursor)) == [1, 2, 3, 4]
    assert [asked.path for asked in wire.asked] == ["/paper_files/paper/2023", *paths[1:]]


def test_a_year_that_is_not_there_is_counted_and_the_others_are_read(wire: Any) -> None:
    wire.then(status=404)
    serve(wire, {"/paper_files/paper/2023": old_list(path(1))})
    batches = read(online(wire, "2030,2023"))
    assert (numbers(batches), batches[0].rejected) == ([1], {"there is no such volume": 1})


def test_a_year_that_lists_nothing_yet_is_counted(wire: Any) -> None:
    wire.reply = lambda _: new_list()
    (batch,) = read(online(wire))
    assert batch.rejected == {"it lists no papers": 1}


def test_a_list_that_was_cut_off_is_asked_for_again(wire: Any) -> None:
    whole = old_list(path(1), path(2), path(3))
    wire.then(whole[: whole.index(path(2).encode())])
    serve(wire, {"/paper_files/paper/2023": whole})
    assert numbers(read(online(wire))) == [1, 2, 3]


def test_a_list_without_its_end_is_believed_when_it_comes_twice_the_same(wire: Any) -> None:
    serve(wire, {"/paper_files/paper/2023": old_list(path(1), path(2)).removesuffix(b"</body></html>")})
    assert numbers(read(online(wire))) == [1, 2]


def test_a_list_that_never_is_whole_ends_the_reading(wire: Any) -> None:
    whole = old_list(*map(path, range(9)))
    for tried in range(TRIES):
        wire.then(whole[: 400 + tried])
    with pytest.raises(SourceUnreachable, match="sent no list of the papers of neurips2023"):
        read(online(wire))


def test_window_and_limit_are_kept(wire: Any) -> None:
    serve(wire, {"/paper_files/paper/2023": old_list(*map(path, range(5)))})
    assert numbers(read(online(wire), Window(limit=2))) == [0, 1]
    assert read(online(wire), Window(since=date(2025, 1, 1))) == []


@pytest.mark.parametrize(("location", "options"), [("", {}), ("23", {}), ("1986", {}), ("", {"years": ["next"]})])
def test_a_year_that_cannot_be_is_refused(location: str, options: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        open_neurips(location, options)


@pytest.mark.parametrize("content", [new_page(1), old_page(1)])
def test_a_page_that_is_cut_anywhere_gives_the_whole_paper_or_none(content: bytes) -> None:
    volume = Volume("neurips2023", 2023)
    whole = parse_page(volume, path(1), parse_html(content))
    for end in range(len(content)):
        with contextlib.suppress(Damaged):
            assert parse_page(volume, path(1), parse_html(content[:end])) == whole


@hypothesis_settings(deadline=None, max_examples=100)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='<>/pabstrcmeth="- ', max_size=200).map(str.encode)))
def test_any_bytes_give_a_paper_or_a_reason(content: bytes) -> None:
    with contextlib.suppress(Damaged, InvalidInput):
        parse_page(Volume("neurips2023", 2023), path(1), parse_html(head(1, "2023").encode() + content))
    with contextlib.suppress(Damaged):
        parse_list(parse_html(content + b"</html>"), 2023)


def test_what_was_kept_is_parsed_to_the_same_papers(wire: Any, read_twice: Any) -> None:
    serve(wire, {"/paper_files/paper/2023": old_list(path(1), path(2))})
    told = {"base_url": wire.url, "delay_seconds": 0.0}
    assert len(read_twice(lambda network: open_neurips("2023", told, network))) == 2
