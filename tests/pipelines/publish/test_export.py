"""Exports hold what the store holds, in formats that their own readers read."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kb import settings
from kb.store import Store
from pipelines.publish import export


@pytest.fixture(scope="module")
def store(starter_home: Path) -> Iterator[Store]:
    yield Store.read(settings.load(starter_home).store_uri)


def row(**told: object) -> export.Row:
    values = {
        "id": "arxiv:1", "title": "A title", "authors": ["Ada Author"], "published": "2023-01-01", "venue": "ICML 2023",
        "kind": "conference", "identifiers": ["arxiv:2301.00001"], "links": ["https://arxiv.org/abs/2301.00001"],
    }  # fmt: skip
    return {**values, **told}


def test_a_date_is_exported_at_its_own_precision(store: Store) -> None:
    by_precision = {paper["date_precision"]: paper["published"] for paper in export.papers(store)}
    assert len(by_precision["day"]) == 10
    assert len(by_precision["month"]) == 7


def test_abstracts_can_be_left_out(store: Store) -> None:
    assert "abstract" in export.papers(store)[0]
    assert "abstract" not in export.papers(store, abstracts=False)[0]


def test_what_only_the_store_needs_is_left_out(store: Store) -> None:
    assert not {"text_hash", "digest"} & set(export.papers(store)[0])


def test_all_formats_hold_the_same_papers(store: Store) -> None:
    papers = export.papers(store)
    ids = [paper["id"] for paper in papers]
    assert [json.loads(line)["id"] for line in export.write(papers, "jsonl").decode().splitlines()] == ids
    assert [line["id"] for line in csv.DictReader(io.StringIO(export.write(papers, "csv").decode(), newline=""))] == ids
    assert pq.read_table(io.BytesIO(export.write(papers, "parquet")))["id"].to_pylist() == ids
    assert export.write(papers, "bibtex").decode().count("\n@") + 1 == len(ids)


def test_a_cell_that_a_spreadsheet_would_run_is_disarmed() -> None:
    (line,) = csv.DictReader(io.StringIO(export.write([row(title='=HYPERLINK("http://evil.example")')], "csv").decode()))
    assert line["title"].startswith("'=")


def test_bibtex_special_characters_are_escaped() -> None:
    text = export.write([row(title="50% of {A_B} & C \\ D")], "bibtex").decode()
    assert r"50\% of \{A\_B\} \& C \textbackslash{} D" in text


def test_bibtex_keys_are_unique() -> None:
    text = export.write([row(), row()], "bibtex").decode()
    assert "{author2023title," in text
    assert "{author2023title-2," in text


def test_a_cut_list_of_authors_ends_with_others_in_bibtex() -> None:
    assert "Ada Author and others" in export.write([row(authors=["Ada Author", "et al."])], "bibtex").decode()


def test_an_empty_export_is_an_empty_file() -> None:
    assert export.write([], "jsonl") == b""
    assert export.write([], "bibtex") == b""
