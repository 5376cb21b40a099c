"""Does the built site say what the store says? Build it again and compare, so that any number changed by hand shows.

Pages and charts are a function of the store, and rendering them is deterministic. Comparing a built site with a fresh
one therefore checks every number on it, in sentences, tables, charts, tooltips and downloads, whatever template it came
from. The findings themselves are computed anew from the papers by `pipelines.refresh.verify`.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from kb.embedding import Encoder
from kb.embedding.portable import Portable
from kb.errors import InvalidInput
from kb.store import Store
from kb.taxonomy import Taxonomy
from pipelines.progress import Progress
from pipelines.publish import build_site, workspace

SPOKEN = {"title", "alt", "aria-label", "content", "value", "d", "points", "transform", "x", "y", "width", "height"}
"""Attributes that say something to a reader, by hover, by ear or as the shape of a drawing; so do all `data-*`."""
AROUND = 60
Check = dict[str, Any]


def verify_site(
    store: Store,
    taxonomy: Taxonomy,
    benchmarks: Sequence[Mapping[str, Any]],
    site: Path,
    progress: Progress,
    abstracts: str = "licensed",
    encoder: Callable[[], Encoder] | None = None,
    home: Path | None = None,
    model: Callable[[], Portable | None] | None = None,
) -> Check:
    """Compare a built site with what the store and the benchmarks' results say now.

    Args:
        site: the folder that `build_site` filled.
        abstracts, encoder, home, model: as `build_site` was told.

    Returns:
        "check", "checked" (how many numbers were compared) and "wrong" (one line for each place that differs).

    Raises:
        InvalidInput: there is no site built by kb in that folder.
    """
    marker = site / workspace.MARKER
    try:
        about = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidInput(
            "there is no site built by kb", value=site, cure="Build it with `kb site build`, or name it with --site"
        ) from None
    run = store.run or {}
    if (about.get("run"), about.get("finished")) != (run.get("id"), run.get("finished")):
        told = f"the site shows run {about.get('run')} of {about.get('finished')}, the store is at {run.get('id')}"
        return {
            "check": "site",
            "checked": 1,
            "wrong": [f"{told} of {run.get('finished')}: `kb site build` brings it up to date"],
        }
    with tempfile.TemporaryDirectory(prefix="papertide-verify-") as folder:
        fresh = Path(folder) / "public"
        build_site(store, taxonomy, benchmarks, fresh, progress, str(about.get("url") or ""), abstracts, encoder, home, model)
        return {"check": "site", "checked": _numbers(fresh), "wrong": list(differences(site, fresh))}


def differences(site: Path, fresh: Path) -> Iterator[str]:
    """Yield one line for each place where a built site differs from a fresh one."""
    built, again = ({path.relative_to(root).as_posix() for path in _files(root)} for root in (site, fresh))
    yield from (f"{name}: missing on the site" for name in sorted(again - built))
    yield from (f"{name}: on the site, but not made from the store" for name in sorted(built - again))
    for name in sorted(built & again):
        here, there = (site / name).read_bytes(), (fresh / name).read_bytes()
        if here != there:
            yield from _in_file(name, here, there)


def _files(root: Path) -> Iterator[Path]:
    """Yield what a reader may open; the compressed copy of the list of pages holds the time when it was packed."""
    yield from (path for path in root.rglob("*") if path.is_file() and path.suffix != ".gz" and path.name != workspace.MARKER)


def _in_file(name: str, here: bytes, there: bytes) -> Iterator[str]:
    if name.endswith((".html", ".svg", ".xml")):
        shown, expected = (_spoken(content.decode("utf-8", "replace")) for content in (here, there))
    elif name.endswith((".csv", ".jsonl", ".json", ".md", ".txt")):
        shown, expected = (content.decode("utf-8", "replace").splitlines() for content in (here, there))
    else:
        yield f"{name}: differs from what the store gives"
        return
    found = False
    for kind, first, last, start, stop in SequenceMatcher(None, shown, expected, autojunk=False).get_opcodes():
        if kind != "equal":
            found = True
            yield f"{name}: {_told(shown[first:last], expected[start:stop])}"
    if not found:
        yield f"{name}: its text is right, but its markup is not what the store gives"


def _told(shown: Sequence[str], expected: Sequence[str]) -> str:
    """Say what is shown and what should be, cut to the neighbourhood of the first difference."""
    one, other = " ".join(shown), " ".join(expected)
    if not one or not other:
        return f"shows “{_cut(one, 0)}”, the store gives nothing there" if one else f"lacks “{_cut(other, 0)}”"
    place = next(
        (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other))
    )
    return f"shows “{_cut(one, place)}”, the store gives “{_cut(other, place)}”"


def _cut(text: str, place: int) -> str:
    start, stop = max(0, place - AROUND), place + AROUND
    return ("…" if start else "") + text[start:stop].strip() + ("…" if stop < len(text) else "")


class _Spoken(HTMLParser):
    """Collects what a page says: its text, and the attributes that a reader sees, hears or that draw something."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value for name, value in attrs if value and (name in SPOKEN or name.startswith("data-"))]

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.said.append(" ".join(data.split()))


def _spoken(page: str) -> list[str]:
    parser = _Spoken()
    parser.feed(page)
    parser.close()
    return parser.said


def _numbers(site: Path) -> int:
    """Count the numbers in the text of the site's pages."""
    pages = (path.read_text(encoding="utf-8") for path in sorted(site.rglob("*.html")))
    return sum(len(re.findall(r"\d[\d,.]*", " ".join(_spoken(page)))) for page in pages)
