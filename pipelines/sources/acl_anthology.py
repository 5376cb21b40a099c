"""The ACL Anthology, from its XML: a checkout, a folder, a file, or over HTTP from its repository.

Form: https://github.com/acl-org/acl-anthology (data/xml, schema.rnc). A collection is a file; identifiers are
https://aclanthology.org/info/ids/: "2020.acl-main.1" since 2020, "P19-1001" before.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from xml.etree.ElementTree import Element

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from kb.papers import DatePrecision, Paper, SourceRecord, make_paper
from pipelines.sources.base import Batch, Source, Window, check_options, listed, parse_xml, read_files, unpack
from pipelines.sources.http import NOWHERE, Missing, Network, Polite

REPOSITORY = "https://raw.githubusercontent.com/acl-org/acl-anthology/master/data/xml"
LETTERS = {
    "acl": "P", "emnlp": "D", "naacl": "N", "eacl": "E", "coling": "C", "conll": "K", "tacl": "Q", "cl": "J", "lrec": "L",
    "ijcnlp": "I", "semeval": "S", "ws": "W",
}  # fmt: skip
"""Collections of the years before 2020 are named by a letter and two digits."""
NAMES = {"semeval": "SemEval", "conll": "CoNLL", "cl": "Computational Linguistics", "blackboxnlp": "BlackboxNLP"}
JOURNALS = frozenset({"tacl", "cl", "nejlt", "lilt"})
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_FILE = re.compile(r"(?:(?P<year>\d{4})\.(?P<venue>[a-z0-9]+)|(?P<letter>[A-Z])(?P<short>\d{2}))\.xml(?:\.gz)?$")


def open_acl_anthology(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open the Anthology at a checkout, a folder of its XML, a file, or (without a place) its repository.

    Options: `venues` ("acl", "emnlp", "findings", ...) and `years`, needed over HTTP, filters otherwise; `base_url` (a
    mirror), `contact`, `delay_seconds` (1.0).

    Raises:
        InvalidInput: there is no such folder or file, or no collection in it.
        SettingsError: over HTTP without venues and years.
    """
    check_options(
        "acl_anthology",
        options,
        {"base_url": str, "venues": list, "years": list, "contact": str, "delay_seconds": float},
    )
    venues = [str(venue).lower() for venue in listed(options, "venues")]
    years = [str(year) for year in listed(options, "years")]
    if location and "://" not in location:
        return AclAnthology(_found(Path(location).expanduser(), venues, years), None)
    if not venues or not years:
        raise SettingsError(
            "acl_anthology over HTTP needs venues and years", cure="Set them under [sources.acl_anthology], or name a folder"
        )
    base = (location or str(options.get("base_url", REPOSITORY))).rstrip("/")
    names = [name for venue in venues for year in years if (name := _collection(venue, year))]
    client = network.client("acl_anthology", options, delay=1.0)
    return AclAnthology([(name, f"{base}/{name}.xml") for name in names], client)


def _collection(venue: str, year: str) -> str | None:
    """Return the name of a venue's collection of a year, or None if that venue had none by itself then."""
    if int(year) >= 2020:
        return f"{year}.{venue}"
    return f"{LETTERS[venue]}{year[2:]}" if venue in LETTERS else None


def _found(path: Path, venues: list[str], years: list[str]) -> list[tuple[str, str]]:
    if not path.exists():
        raise InvalidInput("no ACL Anthology there", value=path, cure="Check the path")
    checkout = path / "data" / "xml"
    files = sorted((checkout if checkout.is_dir() else path).glob("*.xml*")) if path.is_dir() else [path]
    wanted = {name for venue in venues for year in years or range(1952, 2100) if (name := _collection(venue, str(year)))}
    chosen = []
    for file in files:
        if named := _FILE.fullmatch(file.name):
            name = file.name.split(".xml")[0]
            year = named["year"] or _whole_year(named["short"])
            if (not venues or name in wanted) and (not years or year in years):
                chosen.append((name, str(file)))
    if not chosen:
        raise InvalidInput(
            "no collection of the ACL Anthology there", value=path, cure="Files are named like 2020.acl.xml or P19.xml"
        )
    return chosen


def _whole_year(short: str) -> str:
    return f"{'19' if int(short) > 50 else '20'}{short}"


class AclAnthology:
    """The Anthology as a `base.Source`; a batch is a collection."""

    name = "acl_anthology"

    def __init__(self, collections: list[tuple[str, str]], client: Polite | None) -> None:
        self.key = "acl_anthology"
        self.online = client is not None
        self._collections = collections
        self._client = client

    def size_hint(self) -> int | None:
        """Unknown before reading."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield every collection whose content was not read yet, one batch each."""

        def parse(place: str, content: bytes, batch: Batch, room: int | None) -> None:
            _take(place, content, batch, window, room)

        return read_files(self._collections, window, cursor, self._read, parse)

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of a kept collection into the batch."""
        _take(url, unpack(content), batch, window, None)

    def _read(self, address: str, batch: Batch) -> bytes | None:
        if self._client is not None:
            try:
                return unpack(self._client.get(address))
            except Missing:  # not every venue meets every year
                batch.reject(address.rsplit("/", 1)[-1], "the Anthology has no such collection")
                return None
            except InvalidInput as error:
                raise SourceUnreachable(f"{address}: {error.message}", cure="Try again later") from None
        try:
            return unpack(Path(address).read_bytes())
        except OSError as error:
            batch.reject(Path(address).name, f"cannot be read ({error.strerror})")
        except InvalidInput as error:
            batch.reject(Path(address).name, error.message)
        return None


def _take(address: str, content: bytes, batch: Batch, window: Window, room: int | None) -> None:
    name = address.rsplit("/", 1)[-1]
    try:
        root = parse_xml(content)
    except InvalidInput as error:
        batch.reject(name, error.message)
        return
    for volume in root.iter("volume"):
        for entry in volume.iter("paper"):
            if room is not None and len(batch.papers) >= room:
                return
            try:
                paper = parse_paper(root.get("id") or "", volume, entry)
            except InvalidInput as error:
                batch.reject(f"{name}:{volume.get('id')}.{entry.get('id')}", error.message)
                continue
            if window.contains(paper):
                batch.papers.append(paper)


def parse_paper(collection: str, volume: Element, entry: Element, today: date | None = None) -> Paper:
    """Make a Paper of one entry.

    Raises:
        InvalidInput: the entry lacks a title or an abstract (many old ones do), or the volume a year.
    """
    identifier = _identifier(collection, volume, entry)
    venue, kind = _venue(collection, volume)
    published, precision = _published(volume)
    doi = _words(entry.find("doi"))
    retracted = entry.find("retracted") is not None or entry.find("removed") is not None
    address = f"https://aclanthology.org/{identifier}/"
    return make_paper(
        title=_words(entry.find("title")),
        abstract=_words(entry.find("abstract")),
        authors=[_author(author) for author in entry.findall("author")],
        published=published,
        date_precision=precision,
        venue=f"{venue} {published.year}" if "Findings" not in venue else venue.replace("Findings", f"{published.year} Findings"),
        kind="journal" if kind in JOURNALS else "conference",
        licence="CC BY 4.0" if published.year >= 2016 else "CC BY-NC-SA 3.0",
        links=[address],
        identifiers=[f"acl:{identifier}", *([f"doi:{doi.lower()}"] if doi.startswith("10.") else [])],
        withdrawn=retracted,
        source=SourceRecord("acl_anthology", identifier, published.isoformat(), address, ""),
        today=today,
    )


def _identifier(collection: str, volume: Element, entry: Element) -> str:
    told = _words(entry.find("url"))
    if re.fullmatch(r"[A-Z]\d\d-\d{4,5}|\d{4}\.[a-z0-9_]+-[a-z0-9_]+\.\d+", told):
        return told
    number, part = entry.get("id") or "", volume.get("id") or ""
    if "." in collection:
        return f"{collection}-{part}.{number}"
    if not (number.isdecimal() and part.isdecimal()):
        raise InvalidInput("no id", value=f"{part}.{number}", cure="An entry needs an id")
    wide = collection.startswith("W") or (collection in {"C69", "D19"} and int(part) >= 5)
    return f"{collection}-{int(part):02d}{int(number):02d}" if wide else f"{collection}-{int(part)}{int(number):03d}"


def _venue(collection: str, volume: Element) -> tuple[str, str]:
    """Return the venue as people write it, and as the Anthology does ("ACL", "acl")."""
    named = [_words(venue) for venue in volume.iterfind("meta/venue")]
    letters = {letter: venue for venue, letter in LETTERS.items()}
    short = named[0] if named else collection.split(".")[1] if "." in collection else letters.get(collection[:1], "")
    if short == "findings":
        return f"{NAMES.get(volume.get('id') or '', (volume.get('id') or '').upper())} Findings", short
    return NAMES.get(short, short.upper()), short


def _published(volume: Element) -> tuple[date, DatePrecision]:
    year, month = _words(volume.find("meta/year")), _words(volume.find("meta/month")).lower()
    if not re.fullmatch(r"\d{4}", year):
        raise InvalidInput("no year", value=year, cure="A volume needs its year")
    number = next((place for place, name in enumerate(MONTHS, start=1) if month.startswith((name, name[:3]))), None)
    return (date(int(year), number, 1), "month") if number else (date(int(year), 1, 1), "year")


def _author(author: Element) -> str:
    return " ".join(part for part in (_words(author.find("first")), _words(author.find("last"))) if part)


def _words(element: Element | None) -> str:
    """Return an element's text without its markup: <fixed-case>, <i>, <b> and <url> only dress words; formulas keep dollars."""
    if element is None:
        return ""
    return " ".join("".join(_parts(element)).split())


def _parts(element: Element) -> Iterator[str]:
    math = "$" if element.tag == "tex-math" else ""
    yield math + (element.text or "")
    for child in element:
        yield from _parts(child)
        yield child.tail or ""
    yield math
