"""Knowledge base -> files of data: papers and findings as CSV, Parquet, JSON lines, BibTeX."""

import csv
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kb.errors import InvalidInput
from kb.store import Store
from kb.terms import may_publish_abstract

Row = dict[str, Any]
_INTERNAL = ("text_hash", "digest")
_LIST = "; "


def papers(store: Store, *, abstracts: bool = True) -> list[Row]:
    """Return every paper as plain values, with its themes and cluster, ordered by id."""
    rows: list[Row] = store.papers().to_pylist()
    themes: dict[str, list[tuple[float, str]]] = {}
    for row in store.table("themes", ["paper", "theme", "score"]).to_pylist():
        themes.setdefault(row["paper"], []).append((-row["score"], row["theme"]))
    placed = store.table("placements", ["paper", "cluster"]).to_pydict()
    clusters = dict(zip(placed["paper"], placed["cluster"], strict=True))
    for row in rows:
        row["published"] = row["published"].isoformat()[: {"day": 10, "month": 7, "year": 4}[row["date_precision"]]]
        row["updated"] = row["updated"].isoformat() if row["updated"] else None
        row["themes"] = [theme for _, theme in sorted(themes.get(row["id"], []))]
        row["cluster"] = clusters.get(row["id"])
        for name in (*_INTERNAL, *(() if abstracts else ("abstract",))):
            del row[name]
    return rows


def with_abstracts(store: Store, rows: Sequence[Row], policy: str) -> list[Row]:
    """Return papers with the abstracts that may be published under the setting `publish_abstracts`, empty elsewhere."""
    texts = store.papers(["id", "abstract", "licence", "sources"]).to_pylist()
    allowed = {
        row["id"]: row["abstract"]
        for row in texts
        if may_publish_abstract(policy, row["licence"], [record["source"] for record in row["sources"]])
    }
    return [{**row, "abstract": allowed.get(row["id"], "")} for row in rows]


def trends(store: Store) -> list[Row]:
    """Return every finding as plain values, ordered by id."""
    return sorted(store.table("findings").to_pylist(), key=lambda row: str(row["id"]))


def write(rows: list[Row], form: str) -> bytes:
    """Return rows as a file's content.

    Args:
        form: "csv", "parquet", "jsonl" or "bibtex" (papers only).

    Raises:
        InvalidInput: the format is unknown.
    """
    writers: Mapping[str, Callable[[list[Row]], bytes]] = {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl, "bibtex": _bibtex}
    if form not in writers:
        raise InvalidInput("unknown format", value=form, cure=f"One of {', '.join(writers)}")
    return writers[form](rows)


def _csv(rows: list[Row]) -> bytes:
    """CSV as RFC 4180 has it; lists joined by "; ". A cell that a spreadsheet would run as a formula gets a leading quote."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    columns = [name for name in (rows[0] if rows else {}) if name != "sources"]
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = _LIST.join(map(str, value))
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


def _jsonl(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows).encode("utf-8")


def _parquet(rows: list[Row]) -> bytes:
    content = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), content, compression="zstd")
    return content.getvalue()


def bibtex_entries(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return each paper's BibTeX entry by its id; a key that two papers would share gets a number."""
    taken: set[str] = set()
    return {row["id"]: _entry(row, taken) for row in rows}


def _bibtex(rows: list[Row]) -> bytes:
    if rows and "authors" not in rows[0]:
        raise InvalidInput("findings have no BibTeX form", value="bibtex", cure="Use csv, parquet or jsonl")
    taken: set[str] = set()
    return "\n".join(_entry(row, taken) for row in rows).encode("utf-8")


def _entry(row: Mapping[str, Any], taken: set[str]) -> str:
    conference = row["kind"] == "conference"
    authors = ["others" if author == "et al." else author for author in row["authors"]]
    fields = {
        "title": f"{{{_tex(row['title'])}}}",
        "author": _tex(" and ".join(authors)),
        "year": row["published"][:4],
        "booktitle" if conference else "journal": _tex(row["venue"]),
        "doi": next((name[4:] for name in row["identifiers"] if name.startswith("doi:")), ""),
        "eprint": next((name[6:] for name in row["identifiers"] if name.startswith("arxiv:")), ""),
        "url": (row["links"] or [""])[0].replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C"),
    }
    if fields["eprint"]:
        fields["archiveprefix"] = "arXiv"
    kind = "inproceedings" if conference else "article" if row["kind"] == "journal" else "misc"
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@{kind}{{{_key(row, taken)},\n{body}}}\n"


def _tex(text: str) -> str:
    """Return text that (Bib)TeX prints as it stands."""
    return re.sub(
        r"[\\{}&%$#_~^]",
        lambda m: {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}.get(m[0], f"\\{m[0]}"),
        text,
    )


def _key(row: Mapping[str, Any], taken: set[str]) -> str:
    """Return a key such as vaswani2017attention, made unique by a letter or number."""
    family = (row["authors"] or ["anonymous"])[0].split()[-1]
    word = next(iter(_words(row["title"], longer_than=3)), "untitled")
    key = "".join(_words(family)) + str(row["published"][:4]) + word
    name, number = key, 1
    while name in taken:
        number += 1
        name = f"{key}-{number}"
    taken.add(name)
    return name


def _words(text: str, longer_than: int = 0) -> Iterable[str]:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return (word for word in re.findall(r"[a-z0-9]+", ascii_text) if len(word) > longer_than)
