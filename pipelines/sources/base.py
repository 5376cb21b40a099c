"""What every source shares: what is asked of it, what it yields, and where it goes on after a stop."""

import gzip
import hashlib
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar, runtime_checkable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from kb.errors import InvalidInput, SettingsError
from kb.papers import DatePrecision, Paper

Place = TypeVar("Place")
MAX_UNPACKED = 1_000_000_000
"""Bytes. A packed list that grows beyond this is a mistake or an attack."""
EXAMPLES = 3
"""How many rejected records of a batch are described one by one; the rest are only counted."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which papers to take.

    Attributes:
        since: first published on or after this day.
        until: first published on or before this day.
        limit: the first so many usable papers of each source, in its own order, so that asking twice changes nothing.
    """

    since: date | None = None
    until: date | None = None
    limit: int | None = None

    def contains(self, paper: Paper) -> bool:
        """Whether a paper's date, at its own precision, can lie in the window."""
        return self.holds(paper.published, paper.date_precision)

    def holds(self, first: date, precision: DatePrecision) -> bool:
        """Whether a date that begins on `first` and is known to its day, month or year can lie in the window."""
        last = first
        if precision == "year":
            last = date(first.year, 12, 31)
        elif precision == "month":
            last = date(first.year + first.month // 12, first.month % 12 + 1, 1) - timedelta(days=1)
        return (self.since is None or last >= self.since) and (self.until is None or first <= self.until)

    def key(self) -> str:
        """Return the window as text, for a source's key: another window is another reading."""
        return f"{self.since or ''}..{self.until or ''}"


@dataclass(slots=True)
class Batch:
    """Some records of a source.

    Attributes:
        papers: usable records, each a Paper with one `SourceRecord`.
        rejected: how many were not usable, by reason.
        examples: a few of those in words ("file:line: what").
        cursor: where to go on once this batch is stored; JSON, read by this source only.
    """

    papers: list[Paper] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    cursor: str = ""

    def reject(self, where: str, reason: str) -> None:
        """Count a record that cannot be used."""
        self.rejected[reason] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{where}: {reason}")


class Source(Protocol):
    """A place that papers come from.

    Attributes:
        name: what a person calls it.
        online: whether it asks over the network; otherwise it reads files of this machine.
        key: name, location and filters: cursors are kept under it.
    """

    name: str
    key: str
    online: bool

    def size_hint(self) -> int | None:
        """Return about how many records there are, or None."""
        ...

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield what comes after `cursor` (None: from the start).

        Raises:
            SourceUnreachable: the source did not answer; what was yielded stays.
            InvalidInput: the location cannot be read at all.
        """
        ...


@runtime_checkable
class Replayable(Protocol):
    """A source whose kept answers can be parsed again, one by one."""

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of one kept answer into the batch; an answer that holds none (an index) adds nothing.

        Raises:
            InvalidInput: the answer cannot be read, as it could not when it came.
        """
        ...


def read_files(
    files: Iterable[tuple[str, Place]],
    window: Window,
    cursor: str | None,
    read: Callable[[Place, Batch], bytes | None],
    parse: Callable[[Place, bytes, Batch, int | None], None],
) -> Iterator[Batch]:
    """Yield a batch for every file whose content was not read yet, as far as the window's limit allows.

    Args:
        files: a name that stays the same, and the place, of each file.
        read: returns a place's content, or None after rejecting it in the batch.
        parse: puts the papers of a place's content into the batch, at most so many (None: all).
    """
    before = read_cursor(cursor)
    done: dict[str, Any] = before.get("files", {}) if before.get("window") == window.key() else {}
    taken = sum(entry["taken"] for entry in done.values())
    for name, place in files:
        if window.limit is not None and taken >= window.limit:
            return
        batch = Batch()
        content = read(place, batch)
        mark = hashlib.sha256(content or b"").hexdigest()[:16]
        former = done.get(name, {})
        if former.get("content") == mark and not former.get("cut"):
            continue
        taken -= former.get("taken", 0)
        room = None if window.limit is None else window.limit - taken
        if content is not None:
            parse(place, content, batch, room)
        taken += len(batch.papers)
        done[name] = {"content": mark, "taken": len(batch.papers), "cut": room is not None and len(batch.papers) >= room}
        batch.cursor = json.dumps({"window": window.key(), "files": done})
        yield batch


def unpack(content: bytes) -> bytes:
    """Return gzip's content, or the content itself.

    Raises:
        InvalidInput: it is damaged, or unpacks to more than any list of papers has.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            whole = file.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"damaged or cut off ({error})", cure="Get the file again") from None
    if len(whole) > MAX_UNPACKED:
        raise InvalidInput(f"unpacks to more than {MAX_UNPACKED:,} bytes", cure="Split the file")
    return whole


def parse_xml(content: bytes) -> Element:
    """Return the root of an XML document from outside.

    Raises:
        InvalidInput: it is no XML, ends too early, or declares entities, which none of our sources does and attackers do.
    """
    if b"<!ENTITY" in content:
        raise InvalidInput("XML that declares entities is not read", cure="Check where it comes from")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InvalidInput(f"not a whole XML file ({error})", cure="Get it again") from None


def read_cursor(cursor: str | None) -> dict[str, Any]:
    """Return a cursor's content; an unreadable one counts as none, which only means reading again."""
    try:
        content = json.loads(cursor) if cursor else {}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def check_options(source: str, options: Mapping[str, object], known: Mapping[str, type]) -> None:
    """Check a source's table of kb.toml; a whole number will do where a fraction may stand.

    Raises:
        SettingsError: an unknown option, or one of the wrong type.
    """
    for name, value in options.items():
        if name not in known:
            cure = f"Known: {', '.join(sorted(known)) or 'none'}"
            raise SettingsError(f"unknown option {name} of source {source}", cure=cure)
        kinds = (int, float) if known[name] is float else (known[name],)
        if not isinstance(value, kinds) or (isinstance(value, bool) and known[name] is not bool):
            raise SettingsError(
                f"option {name} of source {source} must be {known[name].__name__}", value=value, cure="Mend kb.toml"
            )


def listed(options: Mapping[str, object], name: str) -> list[object]:
    """Return an option that is a list; an empty one where it is not set."""
    value = options.get(name, [])
    return value if isinstance(value, list) else []
