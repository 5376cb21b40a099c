"""NeurIPS proceedings, since 1987: https://proceedings.neurips.cc (also papers.nips.cc).

A year's list is /paper_files/paper/2023; since 2025 it names companion volumes that hold most papers. A paper's page is
/paper_files/paper/2023/hash/<hash>-Abstract-<track>.html, without a track until 2021. All tracks are taken. The datasets and
benchmarks of 2021 are on a host of their own; OpenReview has them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from urllib.parse import urlsplit

from kb import ids
from kb.errors import InvalidInput, SettingsError
from kb.papers import DatePrecision, Paper, SourceRecord, make_paper, parse_date
from pipelines.sources.base import Batch, Source, Window, check_options
from pipelines.sources.crawl import Damaged, Page, Site, Volume, ask, crawl, read_again
from pipelines.sources.http import NOWHERE, Network, Polite

PROCEEDINGS = "https://proceedings.neurips.cc"
HOSTS = ("proceedings.neurips.cc", "papers.nips.cc", "papers.neurips.cc")
"""It has several names."""
FIRST_YEAR = 1987
_PAPER = re.compile(r"/(?:paper_files/)?paper/(?P<year>\d{4})/hash/(?P<hash>[0-9a-f]{8,64})-Abstract(?P<track>-\w+)?\.html")
_COMPANION = re.compile(r"/(?:paper_files/)?paper/(?P<year>\d{4})/(?!hash$|file$)[\w-]+")


def open_neurips(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open years: `neurips=2023,2024`.

    Options: `years`, `base_url` (a mirror), `contact`, `delay_seconds` (1.0; a year is some thousand pages).

    Raises:
        SettingsError: no year is named, or one that cannot be.
    """
    check_options("neurips", options, {"years": list, "base_url": str, "contact": str, "delay_seconds": float})
    listed = options.get("years", [])
    told = location.split(",") if location else listed if isinstance(listed, list) else []
    if not told:
        raise SettingsError("neurips needs years", cure="Say neurips=2024, or set years under [sources.neurips]")
    years = [str(year).strip() for year in told]
    if wrong := next((year for year in years if not re.fullmatch(r"\d{4}", year) or int(year) < FIRST_YEAR), None):
        raise SettingsError("no year of NeurIPS", value=wrong, cure=f"Write it as 2024; the first was {FIRST_YEAR}")
    client = network.client("neurips", options, delay=1.0)
    return NeurIPS([int(year) for year in dict.fromkeys(years)], client, str(options.get("base_url", PROCEEDINGS)).rstrip("/"))


class NeurIPS:
    """The proceedings as a `base.Source`; a batch is some dozens of papers."""

    name = "neurips"
    online = True

    def __init__(self, years: Sequence[int], client: Polite, base_url: str) -> None:
        self.key = "neurips"
        self._years = years
        self._client = client
        self._base_url = base_url

    def size_hint(self) -> int | None:
        """Unknown before asking."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield the papers whose pages were not read yet, year after year."""
        volumes = [Volume(f"neurips{year}", year) for year in self._years]
        return crawl(Site(self._client, self._base_url, self._list, parse_page), volumes, window, cursor)

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the paper of a kept page into the batch; lists have none."""
        path = urlsplit(url).path
        found = _PAPER.fullmatch(path)
        if found:
            read_again(parse_page, Volume(f"neurips{found['year']}", int(found["year"])), path, content, batch, window)

    def _list(self, volume: Volume) -> list[str]:
        start = f"/paper_files/paper/{volume.year}"
        todo, seen, papers = [start], {start}, []
        while todo:
            listed, named = ask(self._client, f"{self._base_url}{todo.pop(0)}", lambda page: parse_list(page, volume.year))
            papers += listed
            todo += [path for path in named if path not in seen]
            seen.update(named)
        return papers


def parse_list(page: Page, year: int) -> tuple[list[str], list[str]]:
    """Return the paths of a list's papers, and of the other volumes of that year that it names.

    Raises:
        Damaged: the list ends too early.
    """
    paths = page.paths(*HOSTS)
    papers = [path for path in paths if (found := _PAPER.fullmatch(path)) and int(found["year"]) == year]
    companions = [path for path in paths if (found := _COMPANION.fullmatch(path)) and int(found["year"]) == year]
    return papers, companions


def parse_page(volume: Volume, path: str, page: Page, today: date | None = None) -> Paper:
    """Make a Paper of its page.

    Raises:
        Damaged: it is no page of a paper, or ends too early.
        InvalidInput: it has no abstract (most before 2000 have none).
    """
    found = _PAPER.fullmatch(path)
    title = next(iter(page.meta("citation_title")), "")
    if not found or not title:
        raise Damaged("no title")
    published, precision = _published(next(iter(page.meta("citation_publication_date")), ""), volume.year)
    doi = next((doi for text in page.meta("citation_doi") if (doi := ids.doi(text))), None)
    address = f"{PROCEEDINGS}{path}"
    abstract = page.abstract()
    return make_paper(
        title=title,
        abstract="" if abstract.lower() in {"abstract missing", "abstract unavailable"} else abstract,
        authors=page.authors(),
        published=published,
        date_precision=precision,
        venue=f"NeurIPS {volume.year}",
        kind="conference",
        links=[address],
        identifiers=[doi] if doi else [],
        source=SourceRecord("neurips", f"{volume.year}/{found['hash']}", published.isoformat(), address, ""),
        today=today,
    )


def _published(told: str, year: int) -> tuple[date, DatePrecision]:
    """Return the date of publication; what is not of the volume's year, or the one after, is the year alone."""
    try:
        published, precision = parse_date(told.replace("/", "-"))
    except InvalidInput:
        return date(year, 1, 1), "year"
    return (published, precision) if published.year in (year, year + 1) else (date(year, 1, 1), "year")
