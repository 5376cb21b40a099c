"""The site in a real browser, under its own Content-Security-Policy: nothing hostile runs, and everyone can read it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error

from tests.site.waiting import settle

KINDS = {
    "home": "", "search": "search/", "answers": "search/?q=quantization+of+weights", "compare": "compare/", "map": "map/",
    "trends": "trends/", "themes": "themes/",
    "group": "themes/inference-efficiency/", "theme": "themes/inference-efficiency/quantization/",
    "clusters": "clusters/", "cluster": "clusters/c0001/", "benchmarks": "benchmarks/", "benchmark": "benchmarks/quantization/",
    "method": "method/", "data card": "governance/", "controls": "controls/", "model card": "model-card/", "changes": "changes/",
    "run": "runs/r0001/", "downloads": "downloads/",
    "papers": "papers/", "list": "papers/theme-inference-efficiency-quantization-1/",
    "publish": "publish/", "not found": "404.html",
}  # fmt: skip
pytestmark = pytest.mark.xdist_group("site")  # one worker builds the site, once
Look = Callable[[BrowserContext, str], Any]
every_kind = pytest.mark.parametrize("path", KINDS.values(), ids=KINDS.keys())


@every_kind
def test_nothing_hostile_runs_and_nothing_is_asked_of_another_host(
    context: BrowserContext, address: str, look: Look, path: str
) -> None:
    seen = look(context, address + path)
    assert seen.page.evaluate("window.pwned") is None
    assert seen.wrong == []
    assert [url for url in seen.asked if not url.startswith((address, "data:"))] == []


def test_the_policy_forbids_scripts_in_the_page(context: BrowserContext, address: str, look: Look) -> None:
    seen = look(context, address)
    with pytest.raises(Error):
        seen.page.add_script_tag(content="window.pwned = 15")
    seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned = 16\">')")
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.pwned") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@every_kind
def test_every_kind_of_page_passes_axe(browser: Browser, address: str, path: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # axe is run as an inline script
    page = context.new_page()
    settle(page, address + path)
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(it["id"], [node["html"][:200] for node in it["nodes"][:3]]) for it in found] == []


@pytest.mark.parametrize("width", [390, 1440])
@every_kind
def test_no_page_is_wider_than_the_screen(browser: Browser, address: str, path: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(address + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_first_page_weighs_less_than_300_kb_before_charts_turn_interactive(context: BrowserContext, address: str) -> None:
    page, weights = context.new_page(), []
    page.on("requestfinished", lambda request: weights.append(request.sizes()["responseBodySize"]))
    settle(page, address)
    assert 0 < sum(weights) < 300_000


def test_a_chart_turns_interactive_when_it_is_pointed_at(context: BrowserContext, address: str, look: Look) -> None:
    seen = look(context, address + KINDS["theme"])
    drawing = seen.page.locator(".view-1 .drawing")
    assert not any("vega.js" in url for url in seen.asked)
    drawing.hover()
    seen.page.wait_for_selector(".drawing[data-state=interactive]", timeout=20_000)
    seen.page.locator(".view-1 .drawing svg .mark-symbol path").last.hover()
    seen.page.wait_for_selector("#vg-tooltip-element.visible")
    assert "share" in seen.page.inner_text("#vg-tooltip-element")
    assert seen.wrong == []


def test_without_scripts_charts_and_lists_are_there_and_views_can_be_chosen(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + KINDS["theme"])
    assert page.locator(".view-1 svg").is_visible()
    page.get_by_text("By month", exact=True).click()
    assert not page.locator(".view-1 svg").is_visible()
    page.locator("p.downloads a.md-button").click()
    assert page.locator("ol.papers > li").count() > 40
    page.locator("details.cite summary").first.click()
    assert "@misc" in page.locator("details.cite pre").first.inner_text()
    context.close()


def test_the_keyboard_reaches_marks_and_views(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + KINDS["theme"]).page
    page.locator("p.finding a.mark").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    told = page.evaluate("getComputedStyle(document.activeElement, '::after').content")
    assert "recompute with" in told
    page.locator("#view-1").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".view-2 svg").wait_for(state="visible")


def test_a_column_of_the_table_sorts_both_ways(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + "themes/").page

    def shown() -> list[int]:
        return [int(cell.replace(",", "")) for cell in page.locator("table.sortable tbody td:nth-child(2)").all_inner_texts()]

    button = page.locator("table.sortable thead button").nth(1)
    button.click()
    assert shown() == sorted(shown(), reverse=True)
    button.click()
    assert shown() == sorted(shown())


def test_a_formula_is_shown_as_one(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + KINDS["list"]).page
    assert page.locator("ol.papers math msup").count() > 0


def test_the_readers_choice_of_dark_stays(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address).page
    page.locator("label[title='Switch to dark']").click()
    page.goto(address + "method/")
    assert page.get_attribute("body", "data-md-color-scheme") == "slate"
    page.close()


def test_the_service_compresses_what_it_sends(address: str, hostile_site: Path) -> None:
    import httpx

    answer = httpx.get(address)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == (hostile_site / "index.html").read_bytes()
