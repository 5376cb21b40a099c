"""Benchmarks on the site: one page a machine, marks that follow from re-runs, links to and from themes."""

from pathlib import Path
from typing import Any

import pytest

from kb import settings, taxonomy
from kb.store import Store
from pipelines.publish import measured, render

TEMPLATES = Path(__file__).parents[3] / "site" / "templates"


def result(name: str = "made-up", hardware: str = "slow-cpu", **more: Any) -> dict[str, Any]:
    headline = {
        "name": "gain", "kind": "quality", "value": 1.0, "low": 0.5, "high": 1.5, "unit": "points", "peer": "nothing",
        "tolerance": 1.0, "fails": False, "text": "It gains <b>1</b>.", "basis": "Median over 3 seeds.",
    }  # fmt: skip
    row = {"arm": "ours", "value": 1.0, "low": 0.5, "high": 1.5}
    return {
        "name": name, "question": "Does it gain?", "claim": "It gains.", "origin": "a test", "protocol": "By hand.",
        "limits": ["Made up."], "themes": ["inference-efficiency/quantization"],
        "papers": [{"id": "arxiv:1712.05877", "reported": "Integers suffice."}], "quick": False, "seeds": 3, "seconds": 12.0,
        "statistics": "Medians", "headlines": [headline, {**headline, "name": "loss", "fails": True, "text": "It loses."}],
        "charts": [{"title": "gain", "rows": [row]}], "columns": [{"title": "gain"}],
        "table": [{"arm": "ours", "cells": ["1"]}], "hardware": hardware,
        "environment": {"date": "2026-01-01", "processor": "p", "device": "cpu"}, "confirmed": None, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def pages(starter_home: Path) -> dict[str, str]:
    results = [result(), result(hardware="fast-gpu"), result("other", themes=[])]
    store = Store.read(settings.load(starter_home).store_uri)
    made = render(store, taxonomy.load(), results, TEMPLATES).pages
    wanted = ("benchmarks/", "themes/inference-efficiency/")
    return {page.path: str(page.content) for page in made if page.path.startswith(wanted)}


def test_a_benchmark_has_a_page_and_its_raw_result_for_every_kind_of_machine(pages: dict[str, str]) -> None:
    for name in ("made-up", "made-up-fast-gpu", "other"):
        assert {f"benchmarks/{name}.md", f"benchmarks/{name}.json"} <= set(pages)
    assert "benchmarks/made-up-fast-gpu/" in pages["benchmarks/made-up.md"]


def test_where_the_claim_fails_stands_under_its_own_heading(pages: dict[str, str]) -> None:
    before, _, after = pages["benchmarks/made-up.md"].partition("## Where the claim fails")
    assert "It loses" not in before
    assert "It loses" in after


def test_the_page_names_the_landmark_paper_and_what_it_reported(pages: dict[str, str]) -> None:
    assert "Integer&#45;Arithmetic&#45;Only" in pages["benchmarks/made-up.md"]
    assert "Integers suffice" in pages["benchmarks/made-up.md"]


def test_a_theme_links_to_the_benchmarks_that_speak_to_it(pages: dict[str, str]) -> None:
    page = pages["themes/inference-efficiency/quantization.md"]
    assert "benchmarks/made&#45;up/" in page or "benchmarks/made-up/" in page
    assert "benchmarks/other/" not in page


def test_text_of_a_result_stays_text(pages: dict[str, str]) -> None:
    assert "<b>" not in pages["benchmarks/made-up.md"]


def test_the_schema_of_results_is_published(pages: dict[str, str]) -> None:
    assert "json-schema.org" in pages["benchmarks/result.schema.json"]


def test_a_headline_is_verified_only_where_a_rerun_confirmed_it() -> None:
    told = result(confirmed={"date": "2026-02-02", "hardware": "slow-cpu", "quick": True, "headlines": ["gain"]})
    marks = [measured.mark(told, headline) for headline in told["headlines"]]
    assert [mark for mark, _ in marks] == ["verified", "derived"]
    assert "2026-02-02" in marks[0][1]


@pytest.mark.parametrize(("seconds", "told"), [(12, "12 seconds"), (200, "3 minutes")])
def test_durations_are_told_in_words(seconds: float, told: str) -> None:
    assert measured.duration(seconds) == told
