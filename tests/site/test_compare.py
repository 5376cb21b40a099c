"""Comparing trends: the sums in Node, the page in a real browser over papers with an attack in every field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

pytestmark = pytest.mark.xdist_group("site")
Look = Callable[[BrowserContext, str], Any]
RunInNode = Callable[..., None]
SCRIPTS = Path(__file__).parents[2] / "site" / "docs" / "assets" / "compare"
TWO = "compare/?t=theme:inference-efficiency/quantization,group:inference-efficiency"


def test_the_sums_and_shapes_in_node(run_in_node: RunInNode) -> None:
    run_in_node("compare/compare.test.mjs", COMPARE_SCRIPTS=SCRIPTS)


def test_two_subjects_from_the_address_are_drawn_with_intervals(context: BrowserContext, address: str, look: Look) -> None:
    seen = look(context, address + TWO)
    expect(seen.page.locator("#compare-chart path.line")).to_have_count(2)
    expect(seen.page.locator("#compare-chart path.band")).to_have_count(2)
    assert seen.wrong == []
    assert seen.page.evaluate("window.pwned") is None


def test_adding_and_removing_changes_the_address_and_the_way_back(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + TWO).page
    page.select_option("select[name=add]", "cluster:c0001")
    expect(page.locator("#compare-chosen li")).to_have_count(3)
    assert "cluster%3Ac0001" in page.url
    page.locator("#compare-chosen button").first.click()
    expect(page.locator("#compare-chosen li")).to_have_count(2)
    page.go_back()
    expect(page.locator("#compare-chosen li")).to_have_count(3)


def test_an_index_starts_at_a_hundred(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + TWO + "&as=index").page
    expect(page.locator("#compare-status")).to_contain_text("= 100")
    page.locator("#compare-chart details.table summary").click()
    assert "100" in page.locator("#compare-chart tbody td:nth-child(3)").all_inner_texts()


def test_the_chart_is_saved_as_svg_png_and_csv(context: BrowserContext, address: str, look: Look, tmp_path: Path) -> None:
    page = look(context, address + TWO).page
    for kind, begins in {"svg": b"<svg", "png": b"\x89PNG", "csv": b"subject,name,period"}.items():
        with page.expect_download() as waited:
            page.locator(f"#compare-chart button.{kind}").click()
        waited.value.save_as(tmp_path / kind)
        assert (tmp_path / kind).read_bytes().startswith(begins)


def test_an_address_with_nonsense_shows_the_largest_themes(context: BrowserContext, address: str, look: Look) -> None:
    seen = look(context, address + "compare/?t=theme:none,<script>&step=week&as=x")
    expect(seen.page.locator("#compare-chosen li")).to_have_count(3)
    assert seen.wrong == []
