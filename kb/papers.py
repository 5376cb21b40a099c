"""Paper: one work, as the knowledge base holds it, and the normalising done once, at the door.

A source yields one Paper per record it reads (with exactly one `SourceRecord`); `kb.merging` unites the
records of one work.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any, Literal, get_args

import orjson

from kb import ids
from kb.errors import InvalidInput

DatePrecision = Literal["day", "month", "year"]
Kind = Literal["preprint", "conference", "journal", "standard", "book", "report"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_TITLE = 1_000
MAX_ABSTRACT = 50_000
"""Characters. The longest real abstract among 83,000 has under 8,000; past this it is a file, not an abstract."""

_ACCENT = re.compile(r"\\([`'^\"~=.uvHcdbkr])\s*(?:\{\s*(\\?[A-Za-z])\s*\}|(\\?[A-Za-z]))|\{\\([`'^\"~=.])(\\?[A-Za-z])\}")
_COMBINING = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "d": "\u0323", "b": "\u0331", "k": "\u0328", "r": "\u030a",
}  # fmt: skip
_LETTER = re.compile(r"\{?\\(ss|ae|AE|oe|OE|aa|AA|o|O|l|L|i|j)(?![A-Za-z])(?:\{\})?\s?\}?")
_LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł",
    "i": "i", "j": "j",
}  # fmt: skip
_TAG = re.compile(r"</?(?:jats:)?(?:p|i|b|em|strong|sub|sup|br|italic|bold|sec|title|span|div|a|tt)(?:\s[^<>]*)?/?>", re.I)
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_LINK = re.compile(r"https?://[^\s<>\"']+$")
_KEEP_FORMAT = {"\u200c", "\u200d"}  # joiners: Persian spelling and emoji need them


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where a work was seen: the source, its own id there, the date the record bears, address and licence."""

    source: str
    source_id: str
    seen: str
    url: str
    licence: str

    @property
    def key(self) -> str:
        """The record's identity in the store."""
        return f"{self.source}|{self.source_id}"


@dataclass(frozen=True, slots=True)
class Paper:
    """One work. Build it with `make_paper`, which normalises and checks.

    Attributes:
        id: the best canonical identifier (see `kb.ids`).
        title: plain text on one line.
        abstract: plain text on one line; may be empty where there is a `summary`.
        authors: "Given Family" each, in order; a last "et al." says that the list is cut.
        published: first public appearance; the first day of the month or year if that is all that is known.
        date_precision: how much of `published` is known.
        updated: the newest version's date, if known.
        categories: arXiv categories, the first being the primary one.
        venue: "NeurIPS 2017", or empty.
        kind: what sort of publication it is.
        licence: of the text, as the source states it; empty if unknown.
        links: addresses, best first.
        identifiers: every canonical identifier known.
        keywords: the authors' own.
        summary: our editors' words on it (starter library only).
        labels: theme ids given by hand (starter library only).
        versions: the day of each of its versions, first to last ("2017-06-12"), where a source tells them.
        withdrawn: its authors withdrew it; kept and flagged.
        sources: every record it was seen in.
    """

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    published: date
    date_precision: DatePrecision
    updated: date | None
    categories: tuple[str, ...]
    venue: str
    kind: Kind
    licence: str
    links: tuple[str, ...]
    identifiers: tuple[str, ...]
    keywords: tuple[str, ...]
    summary: str
    labels: tuple[str, ...]
    withdrawn: bool
    sources: tuple[SourceRecord, ...]
    versions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is embedded: title and abstract, or the editors' summary where there is no abstract."""
        return f"{self.title}. {self.abstract or self.summary}"

    @property
    def date_text(self) -> str:
        """The date at its precision: "2017-06-12", "2017-06" or "2017"."""
        return self.published.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.date_precision]]


def clean_text(text: str) -> str:
    """Return plain text on one line: NFC, entities resolved, LaTeX accents as letters, markup and controls gone.

    Mathematics between dollar signs stays as it was written.
    """
    if not text:
        return ""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "\\" in text:
        text = _ACCENT.sub(_accented, text)
        text = _LETTER.sub(lambda m: _LETTERS[m[1]], text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = text.strip().replace("\n", " ")
    if text.isprintable() and "  " not in text:  # as most are; no other white space is printable
        return text
    text = " ".join(text.split())
    if not text.isprintable():
        text = " ".join("".join(_printable(c) for c in text).split())
    return text


def _accented(match: re.Match[str]) -> str:
    mark, letter = (match[1], match[2] or match[3]) if match[1] else (match[4], match[5])
    return unicodedata.normalize("NFC", letter.lstrip("\\") + _COMBINING[mark])


def _printable(character: str) -> str:
    if character.isprintable() or character in _KEEP_FORMAT:
        return character
    category = unicodedata.category(character)
    return " " if category in {"Cc", "Zs", "Zl", "Zp"} else ""


def parse_date(text: str) -> tuple[date, DatePrecision]:
    """Read "2017-06-12", "2017-06" or "2017" (what follows a "T" is dropped).

    Raises:
        InvalidInput: the text is no such date.
    """
    try:
        if len(text) == 10 and text[7] == "-":
            return date.fromisoformat(text), "day"
    except ValueError:
        pass  # another order of digits, which the general reading judges
    parts = text.strip().split("T")[0].split("-")
    try:
        numbers = [int(part) for part in parts]
        year, month, day = (*numbers, 1, 1)[:3]
        precision: DatePrecision = ("year", "month", "day")[len(numbers) - 1]
        return date(year, month, day), precision
    except (ValueError, IndexError):
        raise InvalidInput("unreadable date", value=text, cure="Write it as 2017-06-12, 2017-06 or 2017") from None


def make_paper(
    *,
    title: str,
    source: SourceRecord,
    published: date,
    date_precision: DatePrecision,
    abstract: str = "",
    summary: str = "",
    authors: Iterable[str] = (),
    updated: date | None = None,
    categories: Iterable[str] = (),
    venue: str = "",
    kind: Kind = "preprint",
    licence: str = "",
    links: Iterable[str] = (),
    identifiers: Iterable[str] = (),
    keywords: Iterable[str] = (),
    labels: Iterable[str] = (),
    versions: Iterable[str] = (),
    withdrawn: bool = False,
    today: date | None = None,
) -> Paper:
    """Normalise one source record into a Paper.

    Args:
        identifiers: canonical identifiers (`kb.ids`), in any order; the best one becomes the id. Without any,
            the id is a hash of title and first author.
        links: only http and https addresses are kept.
        today: the clock's date, for tests; a paper may be dated one day ahead of it (time zones).

    Raises:
        InvalidInput: with a short reason as `message` ("no title", "no abstract", "date in the future", ...).
    """
    title, abstract, summary = clean_text(title[: MAX_TITLE * 4]), _bounded(abstract), clean_text(summary)
    if not _LETTER_OR_DIGIT.search(title):
        raise InvalidInput("no title", cure="A record needs a title with letters")
    if len(title) > MAX_TITLE:
        raise InvalidInput("title too long", value=title, cure=f"At most {MAX_TITLE} characters")
    if not abstract and not summary:
        raise InvalidInput("no abstract", value=title, cure="A record needs an abstract")
    if published.year < 1900:
        raise InvalidInput("unreadable date", value=published, cure="Dates start in 1900")
    if published > (today or date.today()) + timedelta(days=1):
        raise InvalidInput("date in the future", value=published, cure="Check the record's date")
    if kind not in KINDS:
        raise InvalidInput("unknown kind of publication", value=kind, cure=f"One of {', '.join(KINDS)}")
    names = _unique(map(clean_text, authors))
    known = tuple(sorted(set(identifiers), key=ids.preference))
    return Paper(
        id=known[0] if known else ids.title_id(title, names[0] if names else ""),
        title=title,
        abstract=abstract,
        authors=names,
        published=published,
        date_precision=date_precision,
        updated=updated,
        categories=_unique(categories),
        venue=clean_text(venue),
        kind=kind,
        licence=clean_text(licence),
        links=_unique(link.strip() for link in links if _LINK.match(link.strip())),
        identifiers=known,
        keywords=_unique(map(clean_text, keywords)) if keywords else (),
        summary=summary,
        labels=_unique(labels),
        withdrawn=withdrawn,
        sources=(source,),
        versions=tuple(versions),
    )


def _bounded(abstract: str) -> str:
    if len(abstract) > MAX_ABSTRACT:
        cure = f"At most {MAX_ABSTRACT:,} characters; is this the whole paper?"
        raise InvalidInput("abstract too long", value=f"{len(abstract):,} characters", cure=cure)
    return clean_text(abstract)


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    if items == ():
        return ()
    return tuple(dict.fromkeys(filter(None, items)))


def to_json(paper: Paper) -> bytes:
    """Return a Paper as canonical JSON (sorted keys): equal papers, equal bytes."""
    return orjson.dumps(paper, option=orjson.OPT_SORT_KEYS)


def from_dict(data: dict[str, Any]) -> Paper:
    """Build a Paper from `to_dict`'s shape or parsed `to_json`, ignoring keys that are not its own."""
    values = {field.name: data[field.name] for field in fields(Paper) if field.name in data}
    for name in ("authors", "categories", "links", "identifiers", "keywords", "labels", "versions"):
        values[name] = tuple(values.get(name) or ())
    for name in ("published", "updated"):
        if isinstance(values[name], str):
            values[name] = date.fromisoformat(values[name])
    values["sources"] = tuple(SourceRecord(**record) for record in values["sources"])
    return Paper(**values)


def to_dict(paper: Paper) -> dict[str, Any]:
    """Return a Paper as plain values (dates stay dates)."""
    return asdict(paper)
