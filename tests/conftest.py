"""What many tests share: one knowledge base made from the starter library, and small papers made up for a test."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from kb import settings
from kb.ids import arxiv_id
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.progress import Silent
from pipelines.refresh import refresh
from pipelines.sources import Window


@pytest.fixture(scope="session")
def starter_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge base of the starter library. Tests must not change it."""
    home = tmp_path_factory.mktemp("starter")
    refresh(settings.load(home), ["starter"], Window(), Silent())
    return home


@pytest.fixture
def invent() -> Callable[..., Paper]:
    """Make a paper up: `invent(7, title=..., published=...)`."""

    def make(number: int, **told: object) -> Paper:
        identifier = arxiv_id(f"2301.{number:05d}") or ""
        values: dict[str, object] = {
            "title": f"Invented study number {number}", "abstract": f"We invent study number {number} for a test.",
            "authors": [f"Ada Author{number}"], "published": date(2023, 1, 1), "date_precision": "day",
            "identifiers": [identifier], "categories": ["cs.LG"],
            "source": SourceRecord("arxiv", identifier, "2023-01-01", f"https://arxiv.org/abs/{identifier[6:]}", ""),
        }  # fmt: skip
        return make_paper(**{**values, **told})  # type: ignore[arg-type]

    return make


def snapshot_line(number: int, **told: object) -> str:
    """One line of arXiv's metadata snapshot about a paper made up for a test."""
    record = {
        "id": f"2301.{number:05d}", "submitter": None, "authors": f"Ada Author{number}",
        "title": f"Invented study number {number}", "comments": None, "journal-ref": None, "doi": None, "report-no": None,
        "categories": "cs.LG", "license": None, "abstract": f"We invent study number {number} for a test.",
        "versions": [{"version": "v1", "created": f"Mon, {1 + number % 28} Jan 2023 00:00:00 GMT"}],
        "update_date": "2023-01-30",
    }  # fmt: skip
    return json.dumps({**record, **told})


@pytest.fixture
def snapshot(tmp_path: Path) -> Callable[..., Path]:
    """Write a snapshot file of made-up papers: `snapshot(range(5))`, or `snapshot(lines=[...])`."""

    def write(numbers: object = (), lines: list[str] | None = None, name: str = "snapshot.jsonl") -> Path:
        path = tmp_path / name
        content = lines if lines is not None else [snapshot_line(number) for number in numbers]  # type: ignore[attr-defined]
        path.write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
        return path

    write.line = snapshot_line  # type: ignore[attr-defined]
    return write
