"""CVF open access: CVPR, ICCV, WACV (and ACCV, ECCV where it has them): https://openaccess.thecvf.com

A conference's list is /CVPR2023?day=all since 2021, one page for each day from 2018 to 2020, and /CVPR2017 before. A paper's
page is /content/CVPR2023/html/<name>_paper.html (/content_cvpr_2018/html/... in older years).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from urllib.parse import urlsplit

from kb import ids
from kb.errors import SettingsError
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.sources.base import Batch, Source, Window, check_options, listed
from pipelines.sources.crawl import Damaged, Page, Site, Volume, ask, crawl, read_again, words
from pipelines.sources.files import MONTHS
from pipelines.sources.http import NOWHERE, Missing, Network, Polite

OPEN_ACCESS = "https://openaccess.thecvf.com"
CONFERENCES = ("CVPR", "ICCV", "WACV", "ACCV", "ECCV")
_NAME = re.compile(rf"({'|'.join(CONFERENCES)})((?:19|20)\d\d)")
_PAPER = re.compile(r"/?(content[\w/]*/html/(?P<name>[^/?]+)_paper\.html)")
_MONTH = re.compile(r"\bmonth\s*=\s*[{\"]?\s*([A-Za-z]{3})")


def open_cvf(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open conferences: `cvf=CVPR2023,ICCV2023`, or options `venues` and `years`.

    Options: `venues` ("cvpr", "iccv", "wacv", "accv", "eccv"), `years`, `base_url` (a mirror), `contact`, `delay_seconds`
    (1.0; a conference is some thousand pages).

    Raises:
        SettingsError: no conference is named, or one that cannot be.
    """
    known = {"venues": list, "years": list, "base_url": str, "contact": str, "delay_seconds": float}
    check_options("cvf", options, known)
    named = location.split(",") if location else [f"{v}{y}" for v in listed(options, "venues") for y in listed(options, "years")]
    if not named:
        raise SettingsError("cvf needs venues and years", cure="Say cvf=CVPR2024, or set them under [sources.cvf]")
    volumes = [_volume(name) for name in named]
    client = network.client("cvf", options, delay=1.0)
    return Cvf(list(dict.fromkeys(volumes)), client, str(options.get("base_url", OPEN_ACCESS)).rstrip("/"))


def _volume(told: str) -> Volume:
    found = _NAME.fullmatch(told.strip().upper())
    if not found:
        raise SettingsError("no conference of CVF", value=told, cure=f"Write it as CVPR2024; known: {', '.join(CONFERENCES)}")
    return Volume(found[0], int(found[2]))


class Cvf:
    """The conferences as a `base.Source`; a batch is some dozens of papers."""

    name = "cvf"
    online = True

    def __init__(self, volumes: Sequence[Volume], client: Polite, base_url: str) -> None:
        self.key = "cvf"
        self._volumes = volumes
        self._client = client
        self._base_url = base_url

    def size_hint(self) -> int | None:
        """Unknown before asking."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield the papers whose pages were not read yet, conference after conference."""
        return crawl(Site(self._client, self._base_url, self._list, parse_page), self._volumes, window, cursor)

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the paper of a kept page into the batch; lists have none."""
        path = urlsplit(url).path
        flat = path.lower().replace("/", "_")
        conference = next((volume for volume in self._volumes if f"_{volume.name}_".lower() in flat), None)
        if conference and _PAPER.fullmatch(path):
            read_again(parse_page, conference, path, content, batch, window)

    def _list(self, volume: Volume) -> list[str]:
        try:
            papers, days = self._ask(f"/{volume.name}?day=all", volume)
        except Missing:
            papers, days = [], []
        if not papers:
            found, more = self._ask(f"/{volume.name}", volume)
            papers = [*found, *(path for day in dict.fromkeys([*days, *more]) for path in self._ask(day, volume)[0])]
        return papers

    def _ask(self, path: str, volume: Volume) -> tuple[list[str], list[str]]:
        return ask(self._client, f"{self._base_url}{path}", lambda page: parse_list(page, volume))


def parse_list(page: Page, volume: Volume) -> tuple[list[str], list[str]]:
    """Return the paths of a list's papers, and of the days that it names.

    Raises:
        Damaged: the list ends too early.
    """
    paths = page.paths("openaccess.thecvf.com", "www.openaccess.thecvf.com")
    papers = [f"/{found[1]}" for path in paths if (found := _PAPER.fullmatch(path))]
    day = re.compile(rf"/?({volume.name}(?:\.py)?\?day=\d{{4}}-\d\d-\d\d)", re.I)
    days = [f"/{found[1]}" for path in paths if (found := day.fullmatch(path))]
    return papers, days


def parse_page(volume: Volume, path: str, page: Page, today: date | None = None) -> Paper:
    """Make a Paper of its page. It is dated to the conference's month, which stands in its citation.

    Raises:
        Damaged: it is no page of a paper, or ends too early.
        InvalidInput: it has no abstract.
    """
    found = _PAPER.fullmatch(path)
    named = page.root.xpath('//*[@id="papertitle"]')
    title = next(iter(page.meta("citation_title")), "") or (words(named[0]) if named else "")
    if not found or not title:
        raise Damaged("no title")
    citation = " ".join(words(part) for part in page.root.xpath('//*[contains(@class, "bibref")]'))
    month = _MONTH.search(citation)
    number = MONTHS.index(month[1].lower()) + 1 if month and month[1].lower() in MONTHS else None
    published = date(volume.year, number or 1, 1)
    preprints = map(ids.arxiv_id, map(str, page.root.xpath('//a[normalize-space()="arXiv"]/@href')))
    address = f"{OPEN_ACCESS}{path}"
    return make_paper(
        title=title,
        abstract=page.abstract(),
        authors=page.authors() or _authors(page),
        published=published,
        date_precision="month" if number else "year",
        venue=f"{volume.name[:-4]} {volume.year}",
        kind="conference",
        links=[address],
        identifiers=filter(None, preprints),
        source=SourceRecord("cvf", found["name"], published.isoformat(), address, ""),
        today=today,
    )


def _authors(page: Page) -> list[str]:
    listed = page.root.xpath('//*[@id="authors"]//i')
    return [name.strip() for name in words(listed[0]).split(",")] if listed else []
