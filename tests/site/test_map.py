"""The map of papers: its sums in Node, the page in a real browser over papers with an attack in every field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.site.waiting import until

pytestmark = pytest.mark.xdist_group("site")
Look = Callable[[BrowserContext, str], Any]
RunInNode = Callable[..., None]
SCRIPTS = Path(__file__).parents[2] / "site" / "docs" / "assets" / "map"


def test_views_names_and_points_in_node(run_in_node: RunInNode) -> None:
    run_in_node("map/view.test.mjs", MAP_SCRIPTS=SCRIPTS)


def test_colours_of_themes_in_node(run_in_node: RunInNode) -> None:
    run_in_node("map/colours.test.mjs", MAP_SCRIPTS=SCRIPTS)


@pytest.fixture
def live(context: BrowserContext, address: str, look: Look) -> Any:
    """The page after its points have been drawn; skipped where the browser draws no WebGL."""
    seen = look(context, address + "map/")
    if "no WebGL" in seen.page.inner_text("#map-status"):
        pytest.skip("this browser has no WebGL 2")
    expect(seen.page.locator("#map")).to_have_attribute("data-state", "live")
    return seen


def test_the_map_comes_alive_and_nothing_hostile_runs(live: Any) -> None:
    assert live.wrong == []
    assert live.page.evaluate("window.pwned") is None
    expect(live.page.locator("#map-status")).to_contain_text("Drag to move")


def test_years_leave_out_papers_before_and_after(live: Any) -> None:
    live.page.locator("input[name=since]").fill("2025")
    expect(live.page.locator("output[name=since-year]")).to_have_text("2025")

    def fewer() -> bool:
        told = live.page.inner_text("#map-status").split(" papers")[0].split(" of ")
        return len(told) == 2 and 0 < int(told[0].replace(",", "")) < int(told[1].replace(",", ""))

    until(live.page, fewer)


def test_papers_that_answer_a_question_are_lit_up(live: Any) -> None:
    live.page.locator("input[name=q]").fill("quantization")
    expect(live.page.locator("#map-status")).to_contain_text("are lit up")


def test_a_question_is_asked_once_by_words_and_once_by_meaning(context: BrowserContext, address: str, look: Look) -> None:
    context.add_init_script(
        "window.told = []; const send = Worker.prototype.postMessage;"
        "Worker.prototype.postMessage = function (message) {"
        "  if (message.kind) window.told.push(message.kind);"
        "  send.call(this, message); };"
    )
    page = look(context, address + "map/").page
    if "no WebGL" in page.inner_text("#map-status"):
        pytest.skip("this browser has no WebGL 2")
    expect(page.locator("#map")).to_have_attribute("data-state", "live")
    page.locator("input[name=q]").fill("quantization")
    expect(page.locator("#map-status")).to_contain_text("are lit up")
    until(page, lambda: bool(page.evaluate("window.told.filter((kind) => kind === 'ask').length") == 2))
    page.wait_for_timeout(500)
    assert page.evaluate("window.told") == ["open", "load", "ask", "ask"]


def test_a_failure_to_read_the_search_is_told(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + "map/").page
    if "no WebGL" in page.inner_text("#map-status"):
        pytest.skip("this browser has no WebGL 2")
    expect(page.locator("#map")).to_have_attribute("data-state", "live")
    context.route("**/words/*.bin", lambda route: route.abort())
    page.locator("input[name=q]").fill("quantization")
    expect(page.locator("#map-status")).to_contain_text("could not be read")


def test_themes_can_be_coloured_and_the_legend_counts_the_papers_shown(live: Any) -> None:
    page, items = live.page, live.page.locator("#map-legend li")
    expect(page.locator("#map-legend")).to_be_hidden()
    before = page.locator("#map canvas").first.screenshot()
    page.select_option("select[name=colour]", "theme")
    expect(items.first).to_contain_text("Training efficiency")
    until(page, lambda: bool(page.locator("#map canvas").first.screenshot() != before))
    counts = [int(text.rsplit(" ", 1)[1].replace(",", "")) for text in items.all_inner_texts()]
    shown = page.inner_text("#map-status").split(" of ")[0]
    assert sum(counts) == int(shown.replace(",", ""))
    assert live.wrong == []


def test_a_tap_on_a_point_shows_its_paper_as_text(live: Any) -> None:
    page = live.page
    box = page.locator("#map").bounding_box()
    for step in range(1, 400):
        x, y = (
            box["x"] + box["width"] * (0.3 + 0.4 * (step * 37 % 100) / 100),
            box["y"] + box["height"] * (0.2 + 0.6 * (step * 53 % 97) / 97),
        )
        page.mouse.move(x, y)
        if page.locator("#map canvas").last.evaluate("it => it.style.cursor") == "pointer":
            page.mouse.click(x, y)
            break
    expect(page.locator("#map-paper .facts")).to_be_visible()
    assert live.wrong == []


def test_the_keyboard_moves_the_map(live: Any) -> None:
    canvas = live.page.locator("#map canvas").last
    canvas.focus()
    before = canvas.screenshot()
    live.page.keyboard.press("+")
    live.page.keyboard.press("ArrowLeft")
    until(live.page, lambda: bool(canvas.screenshot() != before))


def test_without_scripts_the_map_is_a_picture_with_words(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "map/")
    picture = page.locator("#map img")
    assert picture.evaluate("it => it.naturalWidth") > 0
    assert "Broad clusters, largest first" in (picture.get_attribute("alt") or "")
    context.close()
