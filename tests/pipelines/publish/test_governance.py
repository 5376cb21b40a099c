"""The data card is valid Croissant, and the frameworks are there row by row."""

import json
import re
import warnings
from pathlib import Path

import pytest

from kb import settings, taxonomy
from kb.store import Store
from pipelines.progress import Silent
from pipelines.publish import build_site, controls, croissant_of

FRAMEWORKS = {framework.id: [row.ref for _, rows in framework.sections for row in rows] for framework in controls.load()}


@pytest.mark.filterwarnings("ignore")  # of libraries that the validator brings
def test_mlcroissant_finds_no_fault_in_the_data_card_and_reads_papers_and_findings_through_it(
    starter_home: Path, tmp_path: Path
) -> None:
    store = Store.read(settings.load(starter_home).store_uri)
    build_site(store, taxonomy.load(), [], tmp_path / "public", Silent())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlcroissant

        dataset = mlcroissant.Dataset(str(tmp_path / "public" / "data" / "croissant.json"))
        assert not dataset.metadata.issues.errors
        assert not dataset.metadata.issues.warnings
        assert next(iter(dataset.records("papers")))["papers/id"].decode().startswith(("acl:", "arxiv:"))
        assert next(iter(dataset.records("findings")))["findings/run"] == b"r0001"


def test_the_data_card_that_is_exported_is_the_one_on_the_site(starter_home: Path, tmp_path: Path) -> None:
    store = Store.read(settings.load(starter_home).store_uri)
    build_site(store, taxonomy.load(), [], tmp_path / "public", Silent())
    told = json.loads((tmp_path / "public" / "data" / "croissant.json").read_text(encoding="utf-8"))
    assert croissant_of(store, taxonomy.load()) == told


@pytest.mark.parametrize(
    ("function", "counts"),
    [("GOVERN", [7, 3, 2, 3, 2, 2]), ("MAP", [6, 3, 5, 2, 2]), ("MEASURE", [3, 13, 3, 3]), ("MANAGE", [4, 4, 2, 3])],
)
def test_every_subcategory_of_the_nist_framework_has_a_row(function: str, counts: list[int]) -> None:
    wanted = [f"{function} {category}.{place}" for category, count in enumerate(counts, 1) for place in range(1, count + 1)]
    assert [ref for ref in FRAMEWORKS["nist-ai-rmf"] if ref.startswith(f"{function} ")] == wanted


def test_every_control_of_annex_a_has_a_row() -> None:
    last = {"A.2": 4, "A.3": 3, "A.4": 6, "A.5": 5, "A.6.1": 3, "A.6.2": 8, "A.7": 6, "A.8": 5, "A.9": 4, "A.10": 4}
    wanted = [f"{part}.{place}" for part, most in last.items() for place in range(2, most + 1)]
    assert [ref for ref in FRAMEWORKS["iso-iec-42001"] if ref.startswith("A.")] == wanted


def test_clauses_four_to_ten_have_rows_in_order() -> None:
    clauses = [ref for ref in FRAMEWORKS["iso-iec-42001"] if not ref.startswith("A.")]
    assert {ref.split(".")[0] for ref in clauses} == {"4", "5", "6", "7", "8", "9", "10"}
    assert clauses == sorted(clauses, key=lambda ref: [int(part) for part in ref.split(".")])


def test_what_is_not_done_is_said() -> None:
    for framework in controls.load():
        assert framework.count("not done") > 0
        assert all(row.here and re.search(r"[.]$", row.here) for _, rows in framework.sections for row in rows)
