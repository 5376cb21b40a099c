"""Proceedings of Machine Learning Research (ICML, AISTATS, COLT, CoRL, UAI, ...): each volume's bibliography, with abstracts.

One request a volume: https://proceedings.mlr.press/v119/assets/bib/bibliography.bib; the index says which volume is whose.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from kb import ids
from kb.errors import InvalidInput, SettingsError
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.sources.base import Batch, Source, Window, check_options, listed, read_files
from pipelines.sources.files import MONTHS, Row, given_first, read_rows
from pipelines.sources.http import NOWHERE, Missing, Network, Polite

PROCEEDINGS = "https://proceedings.mlr.press"
VENUES = {
    "Asian Conference on Machine Learning": "ACML", "Conference on Machine Learning": "ICML", "and Statistics": "AISTATS",
    "Learning Theory": "COLT", "Robot Learning": "CoRL", "Uncertainty in Artificial": "UAI", "Algorithmic Learning": "ALT",
    "Medical Imaging": "MIDL", "Health, Inference": "CHIL", "Automated Machine": "AutoML", "Lifelong Learning Agents": "CoLLAs",
    "Dynamics and Control": "L4DC",
}  # fmt: skip
"""Words of a volume's title, and the name that people use. The first that fits counts."""
_VOLUME = re.compile(r"""href=["']/?(v\d+)/?["'][^>]*>(.*?)</li>""", re.S)
_TAG = re.compile(r"<[^>]*>")


def open_pmlr(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open volumes: `pmlr=v119,v139` by number, or options `venues` and `years` ("icml", 2024), found in the index.

    Options: `volumes`, `venues`, `years`, `base_url` (a mirror), `contact`, `delay_seconds` (1.0).

    Raises:
        SettingsError: neither volumes nor venues and years are named, or one of them cannot be.
    """
    known = {"volumes": list, "venues": list, "years": list, "base_url": str, "contact": str, "delay_seconds": float}
    check_options("pmlr", options, known)
    volumes = [_volume(part) for part in (location.split(",") if location else listed(options, "volumes"))]
    venues = [str(venue).upper() for venue in listed(options, "venues")]
    years = [str(year) for year in listed(options, "years")]
    if not volumes and not (venues and years):
        raise SettingsError("pmlr needs volumes, or venues and years", cure="Say pmlr=v119, or set them under [sources.pmlr]")
    client = network.client("pmlr", options, delay=1.0)
    wanted = [f"{venue} {year}" for venue in venues for year in years]
    return Pmlr(volumes, wanted, client, str(options.get("base_url", PROCEEDINGS)).rstrip("/"))


def _volume(told: object) -> str:
    name = str(told).strip().lower()
    name = name if name.startswith("v") else f"v{name}"
    if not re.fullmatch(r"v\d{1,4}", name):
        raise SettingsError("no volume of PMLR", value=str(told), cure="Write it as v119")
    return name


class Pmlr:
    """The proceedings as a `base.Source`; a batch is a volume."""

    name = "pmlr"
    online = True

    def __init__(self, volumes: list[str], wanted: list[str], client: Polite, base_url: str) -> None:
        self.key = "pmlr"
        self._volumes = volumes
        self._wanted = wanted
        self._client = client
        self._base_url = base_url

    def size_hint(self) -> int | None:
        """Unknown before asking."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield every volume whose bibliography was not read yet in this edition, one batch each."""
        volumes = [*self._volumes, *self._of_venues()]

        def parse(volume: str, content: bytes, batch: Batch, room: int | None) -> None:
            _take(volume, content, batch, window, room)

        return read_files([(volume, volume) for volume in dict.fromkeys(volumes)], window, cursor, self._read, parse)

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of a kept bibliography into the batch; the index has none."""
        found = re.search(r"/(v\d+)/assets/", url)
        if found:
            _take(found[1], content, batch, window, None)

    def _of_venues(self) -> list[str]:
        if not self._wanted:
            return []
        index = parse_index(self._client.get(f"{self._base_url}/"))
        found = [
            volume for wanted in self._wanted for volume, title in index if re.search(rf"\b{re.escape(wanted)}\b", title, re.I)
        ]
        if not found:
            raise InvalidInput("PMLR's index has no such volume", value=", ".join(self._wanted), cure="Name volumes by number")
        return found

    def _read(self, volume: str, batch: Batch) -> bytes | None:
        try:
            return self._client.get(f"{self._base_url}/{volume}/assets/bib/bibliography.bib")
        except Missing:
            batch.reject(volume, "the volume has no bibliography")
            return None


def parse_index(content: bytes) -> list[tuple[str, str]]:
    """Return (volume, title) of every volume that the index names: ("v119", "Proceedings of ICML 2020")."""
    text = content.decode("utf-8", errors="replace")
    return [(found[1], " ".join(_TAG.sub(" ", found[2]).split())) for found in _VOLUME.finditer(text)]


def _take(volume: str, content: bytes, batch: Batch, window: Window, room: int | None) -> None:
    for where, row in read_rows(f"{volume}.bib", content, batch):
        if room is not None and len(batch.papers) >= room:
            return
        try:
            paper = parse_entry(row)
        except InvalidInput as error:
            batch.reject(f"{volume}.bib:{where}", error.message)
            continue
        if window.contains(paper):
            batch.papers.append(paper)


def parse_entry(row: Row, today: date | None = None) -> Paper:
    """Make a Paper of one entry of a volume's bibliography.

    Raises:
        InvalidInput: the entry lacks a title, an abstract (volumes' prefaces do) or a year.
    """
    year = str(row.get("year") or "")
    if not re.fullmatch(r"\d{4}", year):
        raise InvalidInput("no year", value=year, cure="An entry needs its year")
    month = str(row.get("month") or "").lower()
    number = next((place for place, short in enumerate(MONTHS, start=1) if re.search(rf"\b{short}", month)), None)
    title = str(row.get("booktitle") or "")
    venue = next((short for words, short in VENUES.items() if words in title), title)
    address = str(row.get("url") or "").replace("http://", "https://")
    own = str(row.get("citation key") or "")
    identifier = ids.pmlr_id(address)
    return make_paper(
        title=str(row.get("title") or ""),
        abstract=str(row.get("abstract") or ""),
        authors=[given_first(name) for name in re.split(r"\s+and\s+", str(row.get("author") or ""))],
        published=date(int(year), number or 1, 1),
        date_precision="month" if number else "year",
        venue=f"{venue} {year}" if venue else "",
        kind="conference",
        links=[address],
        identifiers=[identifier] if identifier else [],
        source=SourceRecord("pmlr", own or address, f"{year}-{number or 1:02d}-01", address, ""),
        today=today,
    )
