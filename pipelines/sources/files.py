"""Your own papers: JSON lines or a JSON list, CSV, BibTeX and RIS, each plain or gzip, a file or a folder of them.

BibTeX is read by bibtexparser, RIS by rispy. RIS: https://en.wikipedia.org/wiki/RIS_(file_format)
"""

import csv
import io
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from kb import ids
from kb.errors import InvalidInput, SettingsError
from kb.papers import Paper, SourceRecord, make_paper, parse_date
from pipelines.sources.base import Batch, Source, Window, check_options, read_files, unpack

Row = Mapping[str, Any]
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "paper title", "primary title"),
    "abstract": ("abstract", "summary", "notes abstract"),
    "authors": ("authors", "author", "first authors"),
    "published": ("published", "date", "year", "publication date", "publication year"),
    "month": ("month",),
    "venue": ("venue", "booktitle", "journal", "conference", "journal name", "secondary title"),
    "keywords": ("keywords", "tags"),
    "doi": ("doi",),
    "arxiv": ("arxiv", "arxiv id", "eprint"),
    "url": ("url", "urls", "link", "html url"),
    "id": ("id", "citation key"),
}
"""Our fields, and the names that a column for them usually has; case, spaces, - and _ do not count."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = re.compile(r"[^a-z0-9]+")


def open_files(location: str, options: Mapping[str, object]) -> Source:
    """Open a file or a folder. Option `columns` says which column holds which field: `title = "Paper title"`.

    Raises:
        InvalidInput: there is no such file, or no file of a known kind.
        SettingsError: `columns` names a field that papers do not have.
    """
    check_options("files", options, {"columns": dict})
    if not location:
        raise InvalidInput("files needs a file or a folder", cure="Say files=PATH")
    path = Path(location).expanduser()
    if not path.exists():
        raise InvalidInput("no file there", value=path, cure="Check the path")
    told = options.get("columns", {})
    columns = {str(field): str(column) for field, column in told.items()} if isinstance(told, dict) else {}
    if unknown := set(columns) - set(COLUMNS):
        raise SettingsError("sources.files.columns has an unknown field", value=min(unknown), cure=f"Known: {', '.join(COLUMNS)}")
    found = sorted(file for file in path.rglob("*") if _kind(file)) if path.is_dir() else [path]
    if not found or not all(map(_kind, found)):
        raise InvalidInput("no papers there", value=path, cure=f"Files end in {', '.join(READERS)} (and .gz)")
    return OwnFiles(path, found, columns)


def _kind(path: Path) -> str | None:
    """Return the file's kind by its ending, or None."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes and suffixes[-1] in READERS else None


class OwnFiles:
    """The user's files as a `base.Source`; a batch is a file."""

    def __init__(self, path: Path, files: Sequence[Path], columns: Mapping[str, str]) -> None:
        self.name = f"files {path.name}"
        self.online = False
        self.key = f"files:{path.name}"
        self._root = path if path.is_dir() else path.parent
        self._files = files
        self._columns = columns

    def size_hint(self) -> int | None:
        """Unknown before reading."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield every file whose content was not read yet, one batch each."""
        files = [(file.relative_to(self._root).as_posix(), file) for file in self._files]

        def parse(place: Path, content: bytes, batch: Batch, room: int | None) -> None:
            self._take(place, content, batch, window, room)

        return read_files(files, window, cursor, _read, parse)

    def _take(self, place: Path, content: bytes, batch: Batch, window: Window, room: int | None) -> None:
        name = place.relative_to(self._root).as_posix()
        seen: set[str] = set()
        checked = False
        for where, row in read_rows(place.name, content, batch):
            if room is not None and len(batch.papers) >= room:
                return
            if not checked:
                _check_columns(name, row, self._columns)
                checked = True
            try:
                paper = parse_row(row, self._columns, name, where)
            except InvalidInput as error:
                batch.reject(f"{name}:{where}", error.message)
                continue
            if paper.sources[0].source_id in seen:
                batch.reject(f"{name}:{where}", "duplicate id in the file")
            elif window.contains(paper):
                seen.add(paper.sources[0].source_id)
                batch.papers.append(paper)


def _read(place: Path, batch: Batch) -> bytes | None:
    try:
        return unpack(place.read_bytes())
    except OSError as error:
        batch.reject(place.name, f"cannot be read ({error.strerror})")
    except InvalidInput as error:
        batch.reject(place.name, error.message)
    return None


def read_rows(name: str, content: bytes, batch: Batch) -> Iterator[tuple[str, Row]]:
    """Yield (where in the file, record) of a file's content; what cannot be read is rejected in the batch and passed over."""
    kind = _kind(Path(name))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        batch.reject(name, f"not UTF-8 text (byte {error.start:,})")
        return
    yield from READERS[kind or ".jsonl"](name, text, batch)


def _json_lines(name: str, text: str, batch: Batch) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(io.StringIO(text), start=1):
        if line.strip():
            yield from _object(f"{name}:{number}", str(number), line, batch)


def _json(name: str, text: str, batch: Batch) -> Iterator[tuple[str, Row]]:
    try:
        records = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        batch.reject(f"{name}:{error.lineno}", "the file is not JSON")
        return
    if not isinstance(records, list):
        batch.reject(name, "the file is not a JSON list")
        return
    for number, record in enumerate(records, start=1):
        if isinstance(record, dict):
            yield str(number), record
        else:
            batch.reject(f"{name}:{number}", "not an object")


def _object(where: str, number: str, line: str, batch: Batch) -> Iterator[tuple[str, Row]]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if isinstance(record, dict):
        yield number, record
    else:
        batch.reject(where, "not a JSON object")


def _csv(name: str, text: str, batch: Batch) -> Iterator[tuple[str, Row]]:
    delimiter = "\t" if ".tsv" in name.lower() else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            batch.reject(f"{name}:{rows.line_num}", f"not readable as CSV ({error})")
            continue
        if cells is None:
            return
        if not header:
            header = cells
        elif any(cells):
            if len(cells) > len(header):
                batch.reject(f"{name}:{rows.line_num}", f"{len(cells)} fields where the first line names {len(header)}")
            else:
                yield str(rows.line_num), dict(zip(header, cells, strict=False))


def _bibtex(name: str, text: str, batch: Batch) -> Iterator[tuple[str, Row]]:
    import bibtexparser  # half a second that other sources need not wait for
    from bibtexparser.middlewares import LatexDecodingMiddleware

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # broken entries are counted and named here
    library = bibtexparser.parse_string(text, append_middleware=[LatexDecodingMiddleware(keep_math_mode=True)])
    for block in library.failed_blocks:
        batch.reject(f"{name}:{(block.start_line or 0) + 1}", "not a readable BibTeX entry")
    for entry in library.entries:
        values = {field.key: field.value for field in entry.fields}
        yield str((entry.start_line or 0) + 1), {**values, "citation key": entry.key}


def _ris(name: str, text: str, batch: Batch) -> Iterator[tuple[str, Row]]:
    import rispy

    lines = text.splitlines()
    start = 0
    for number, line in enumerate(lines, start=1):
        if re.match(r"ER\s*-", line) or number == len(lines):
            record = "\n".join(lines[start:number]).strip()
            try:
                read = rispy.loads(f"{record}\n" if record.endswith("-") else f"{record}\nER  - \n") if record else []
            except Exception:  # rispy lets out whatever a broken record makes it trip over
                batch.reject(f"{name}:{start + 1}", "not a readable RIS record")
                read = []
            yield from ((str(start + 1), row) for row in read)
            start = number


READERS: Mapping[str, Callable[[str, str, Batch], Iterator[tuple[str, Row]]]] = {
    ".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json, ".csv": _csv, ".tsv": _csv, ".bib": _bibtex, ".ris": _ris,
}  # fmt: skip


def _check_columns(name: str, row: Row, columns: Mapping[str, str]) -> None:
    missing = [column for column in columns.values() if column not in row]
    if missing:
        there = ", ".join(list(row)[:20])
        raise SettingsError(f"{name} has no column {missing[0]}", cure=f"It has {there}: mend sources.files.columns in kb.toml")


def parse_row(row: Row, columns: Mapping[str, str], name: str, where: str, today: date | None = None) -> Paper:
    """Make a Paper of one record.

    Args:
        columns: field -> column, where the user said so; else the usual names are looked for.
        name, where: the file and the place in it, which stand for an id where the record has none.

    Raises:
        InvalidInput: the record lacks a title, an abstract or a date, or a field cannot be read; the message names it.
    """
    plain = {_plain(str(column)): value for column, value in row.items()}

    def field(wanted: str) -> Any:
        if wanted in columns:
            return row.get(columns[wanted])
        return next((plain[_plain(usual)] for usual in COLUMNS[wanted] if plain.get(_plain(usual))), None)

    published, precision = _date(field("published"), field("month"))
    urls = _texts(field("url"), r"[;\s]+")
    known = [ids.arxiv_id(str(field("arxiv") or "")), ids.doi(str(field("doi") or ""))]
    known += [identifier for url in urls for identifier in _in_address(url)]
    own = str(field("id") or where)
    return make_paper(
        title=_text(field("title")),
        abstract=_text(field("abstract")),
        authors=_authors(field("authors")),
        published=published,
        date_precision=precision,
        venue=_text(field("venue")),
        kind="conference" if field("venue") else "preprint",
        links=urls,
        identifiers=[identifier for identifier in known if identifier],
        keywords=_texts(field("keywords"), r"[;,]"),
        source=SourceRecord(f"files:{name}", own, published.isoformat(), next(iter(urls), ""), ""),
        today=today,
    )


def _plain(column: str) -> str:
    return _NAME.sub(" ", column.lower()).strip()


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(str(part) for part in value)
    return "" if value is None else str(value)


def _texts(value: Any, separator: str) -> list[str]:
    parts = value if isinstance(value, (list, tuple)) else re.split(separator, _text(value))
    return [text for part in parts if (text := str(part).strip())]


def _date(value: Any, month: Any) -> tuple[date, Any]:
    text = _text(value).strip().replace("/", "-").strip("-")
    if not text:
        raise InvalidInput("no date", cure="A record needs a date or a year")
    if month and re.fullmatch(r"\d{4}", text):
        name = _text(month).strip().lower()
        number = next((place for place, short in enumerate(MONTHS, start=1) if name.startswith(short)), None)
        text += f"-{number or name}"
    try:
        return parse_date(text.split(" ")[0])
    except InvalidInput:
        raise InvalidInput(f"unreadable date in the field published: {text[:40]}", cure="Write it as 2017-06-12") from None


def _authors(value: Any) -> list[str]:
    """Read names from a list or from a text with ";" or " and " (or commas, where every part is a whole name) between them."""
    if isinstance(value, (list, tuple)):
        names = [str(name.get("name") or "") if isinstance(name, dict) else str(name) for name in value]
    else:
        text = _text(value)
        names = re.split(r";|\s+and\s+", text)
        parts = [part.strip() for part in text.split(",")]
        if len(names) == 1 and len(parts) > 1 and all(" " in part for part in parts):
            names = parts
    return [given_first(name) for name in names]


def given_first(name: str) -> str:
    """Return "Given Family" for "Family, Given"; anything else as it is."""
    family, comma, given = name.strip().partition(",")
    return f"{given.strip()} {family.strip()}" if comma else name.strip()


def _in_address(url: str) -> Sequence[str]:
    try:
        return ids.identifiers_in(url)
    except ValueError:  # no address at all
        return ()
