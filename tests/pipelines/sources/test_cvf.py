"""CVF open access: lists by conference and by day, and the pages of papers, in the layouts of all years."""

import contextlib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.crawl import Damaged, Volume, parse_html
from pipelines.sources.cvf import OPEN_ACCESS, open_cvf, parse_list, parse_page

CVPR = Volume("CVPR2023", 2023)


def path(number: int, folder: str = "content/CVPR2023", venue: str = "CVPR_2023") -> str:
    return f"/{folder}/html/Author_Invented_Study_{number}_{venue}_paper.html"


def listed(*paths: str, days: tuple[str, ...] = ()) -> bytes:
    """A list of papers, or of days; hrefs as the site writes them."""
    entries = "".join(
        f"""<dt class="ptitle"><br><a href="{path}">Invented Study</a></dt>
<dd><form id="form-AdaAuthor" action="/CVPR2023" method="post" class="authsearch">
<input type="hidden" name="query_author" value="Ada Author"><a href="#" onclick="submit();">Ada Author</a>, </form></dd>
<dd>[<a href="{path.replace("html", "papers").replace(".papers", ".pdf")}">pdf</a>]
[<a href="http://arxiv.org/abs/2303.00001">arXiv</a>]
<div class="link2">[<a class="fakelink" onclick="toggle()">bibtex</a>]
<div class="bibref pre-white-space">@InProceedings{{}}</div></div></dd>"""
        for path in paths
    )
    links = "".join(f'<dd><a href="{day}">Day: {day[-10:]}</a></dd>' for day in days)
    return f"""<!DOCTYPE html><html><head><title>CVPR 2023 Open Access Repository</title></head><body>
<div id="header"><a href="/">Home</a> <a href="/menu">Back</a></div>
<div id="content"><dl>{links}{entries}</dl></div></body></html>""".encode()


def page(number: int, *, month: str = "June", preprint: str = "http://arxiv.org/abs/2303.00001", metas: bool = True) -> bytes:
    """A paper's page. The citation names the month, the metas the year alone."""
    known = f"""<meta name="citation_title" content="Invented Study {number}: Kites &amp; Dragons">
<meta name="citation_author" content="Author, Ada"><meta name="citation_author" content="Bu&iacute;lder, Ben">
<meta name="citation_publication_date" content="2023">
<meta name="citation_conference_title" content="Proceedings of the IEEE/CVF Conference on Computer Vision and Patterns">
<meta name="citation_pdf_url" content="https://openaccess.thecvf.com/content/CVPR2023/papers/x_paper.pdf">"""
    link = f'[<a href="{preprint}">arXiv</a>]' if preprint else ""
    return f"""<!DOCTYPE html><html><head><meta content="text/html; charset=utf-8" http-equiv="content-type">
<title>CVPR 2023 Open Access Repository</title>{known if metas else ""}</head><body>
<div id="content"><dl><dd><div id="papertitle">
Invented Study {number}: Kites &amp; Dragons<dd></div><div id="authors"><br><b><i>Ada Author, Ben Buílder</i></b>;
Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR), 2023, pp. 1-11</div>
<font size="5"><br><b>Abstract</b></font><br><br>
<div id="abstract" >
We invent study {number}, where a &lt; b.</div>
<font size="5"><br><b>Related Material</b></font><br><br>[<a href="/content/CVPR2023/papers/x_paper.pdf">pdf</a>] {link}
<div class="link2">[<a class="fakelink" href="javascript:void(0)">bibtex</a>]<div class="bibref pre-white-space">
@InProceedings{{Author_2023_CVPR,<br>&nbsp; author = {{Author, Ada}},<br>
&nbsp; month = {{{month}}},<br>&nbsp; year = {{2023}}<br>}}</div></div>
</dd></dl></div></body></html>""".encode()


def serve(wire: Any, lists: dict[str, bytes]) -> None:
    """Answer with these lists (by address), and with a page wherever a page of a paper is asked for."""
    wire.reply = lambda asked: lists[asked.url] if asked.url in lists else page(int(asked.path.split("_Study_")[1].split("_")[0]))


def online(wire: Any, location: str = "CVPR2023", **options: object) -> Source:
    return open_cvf(location, {"base_url": wire.url, "delay_seconds": 0.0, **options})


def read(source: Source, window: Window | None = None, cursor: str | None = None) -> list[Batch]:
    return list(source.batches(window or Window(), cursor))


def numbers(batches: list[Batch]) -> list[int]:
    return [int(paper.title.split(":")[0].split()[2]) for batch in batches for paper in batch.papers]


@pytest.mark.parametrize("metas", [True, False])
def test_a_page_becomes_a_paper(metas: bool) -> None:
    paper = parse_page(CVPR, path(7), parse_html(page(7, metas=metas)))
    assert (paper.title, paper.abstract) == ("Invented Study 7: Kites & Dragons", "We invent study 7, where a < b.")
    assert paper.authors == ("Ada Author", "Ben Buílder")
    assert (paper.venue, paper.kind) == ("CVPR 2023", "conference")
    assert (paper.published, paper.date_precision) == (date(2023, 6, 1), "month")
    assert paper.links == (f"{OPEN_ACCESS}{path(7)}",)
    assert paper.sources[0].source_id == "Author_Invented_Study_7_CVPR_2023"


def test_the_preprint_that_the_page_names_is_an_identifier() -> None:
    assert parse_page(CVPR, path(7), parse_html(page(7))).identifiers == ("arxiv:2303.00001",)
    assert parse_page(CVPR, path(7), parse_html(page(7, preprint=""))).identifiers == ()


def test_without_a_month_the_date_is_the_year() -> None:
    paper = parse_page(CVPR, path(7), parse_html(page(7, month="")))
    assert (paper.published, paper.date_precision) == (date(2023, 1, 1), "year")


def test_a_conference_is_one_list_since_2021(wire: Any) -> None:
    serve(wire, {"/CVPR2023?day=all": listed(path(1), path(2))})
    assert numbers(read(online(wire))) == [1, 2]
    assert [asked.url for asked in wire.asked] == ["/CVPR2023?day=all", path(1), path(2)]


@pytest.mark.parametrize("answer", ["404", "the days"])
def test_a_conference_was_a_list_a_day_before(wire: Any, answer: str) -> None:
    first, second = (path(n, "content_CVPR_2019", "CVPR_2019") for n in (1, 2))
    days = ("CVPR2019?day=2019-06-18", "/CVPR2019?day=2019-06-19")
    if answer == "404":
        wire.then(status=404)
    menu = listed(days=days)
    serve(
        wire,
        {
            "/CVPR2019?day=all": menu, "/CVPR2019": menu,
            "/CVPR2019?day=2019-06-18": listed(first[1:]), "/CVPR2019?day=2019-06-19": listed(second[1:]),
        },
    )  # fmt: skip
    assert numbers(read(online(wire, "CVPR2019"))) == [1, 2]
    assert [asked.url for asked in wire.asked][-2:] == [first, second]


def test_a_conference_was_one_page_at_first(wire: Any) -> None:
    wire.then(listed())
    serve(wire, {"/ICCV2015": listed(path(1, "content_iccv_2015", "ICCV_2015")[1:])})
    (batch,) = read(online(wire, "iccv2015"))
    assert [paper.venue for paper in batch.papers] == ["ICCV 2015"]


def test_venues_and_years_make_conferences(wire: Any) -> None:
    serve(wire, {"/CVPR2023?day=all": listed(path(1)), "/WACV2023?day=all": listed(path(2, "content/WACV2023", "WACV_2023"))})
    batches = read(online(wire, "", venues=["cvpr", "wacv"], years=[2023]))
    assert [paper.venue for batch in batches for paper in batch.papers] == ["CVPR 2023", "WACV 2023"]


def test_a_conference_that_did_not_meet_is_counted(wire: Any) -> None:
    for _ in range(2):
        wire.then(status=404)
    serve(wire, {"/CVPR2023?day=all": listed(path(1))})
    batches = read(online(wire, "ICCV2022,CVPR2023"))
    assert (numbers(batches), batches[0].rejected) == ([1], {"there is no such volume": 1})


def test_a_second_reading_asks_for_the_list_alone(wire: Any) -> None:
    serve(wire, {"/CVPR2023?day=all": listed(path(1), path(2))})
    (batch,) = read(online(wire))
    wire.asked.clear()
    assert read(online(wire), cursor=batch.cursor) == []
    assert [asked.url for asked in wire.asked] == ["/CVPR2023?day=all"]


def test_links_that_are_no_papers_are_not_followed() -> None:
    links = ["/menu", "/content/CVPR2023W/html/x.html", "https://evil.org/content/CVPR2023/html/a_paper.html", "//[", path(1)]
    assert parse_list(parse_html(listed(*links)), CVPR) == ([path(1)], [])


def test_window_and_limit_are_kept(wire: Any) -> None:
    serve(wire, {"/CVPR2023?day=all": listed(*map(path, range(5)))})
    assert numbers(read(online(wire), Window(limit=2))) == [0, 1]
    assert numbers(read(online(wire), Window(since=date(2023, 7, 1)))) == []


@pytest.mark.parametrize(("location", "options"), [("", {}), ("CVPR", {}), ("ICML2023", {}), ("", {"venues": ["cvpr"]})])
def test_a_conference_that_cannot_be_is_refused(location: str, options: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        open_cvf(location, options)


def test_a_page_that_is_cut_anywhere_gives_the_whole_paper_or_none() -> None:
    whole = parse_page(CVPR, path(1), parse_html(page(1, month="", preprint="")))
    content = page(1, month="", preprint="")
    for end in range(len(content)):
        with contextlib.suppress(Damaged):
            assert parse_page(CVPR, path(1), parse_html(content[:end])) == whole


@hypothesis_settings(deadline=None, max_examples=100)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='<>/dbvastrcmei="- ', max_size=200).map(str.encode)))
def test_any_bytes_give_a_paper_or_a_reason(content: bytes) -> None:
    with contextlib.suppress(Damaged, InvalidInput):
        parse_page(CVPR, path(1), parse_html(b'<meta name="citation_title" content="Kites">' + content))
    with contextlib.suppress(Damaged):
        parse_list(parse_html(content + b"</html>"), CVPR)


def test_what_was_kept_is_parsed_to_the_same_papers(wire: Any, read_twice: Any) -> None:
    serve(wire, {"/CVPR2023?day=all": listed(path(1), path(2))})
    told = {"base_url": wire.url, "delay_seconds": 0.0}
    assert len(read_twice(lambda network: open_cvf("CVPR2023", told, network))) == 2
