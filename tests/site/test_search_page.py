"""The page of search in a real browser, over papers with an attack in every field."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.site.waiting import until

pytestmark = pytest.mark.xdist_group("site")  # one worker builds the site, once
Look = Callable[[BrowserContext, str], Any]
PAGE = "search/"
ASKED = "search/?q=quantization+of+weights"


@pytest.fixture
def answers(context: BrowserContext, address: str, look: Look) -> Any:
    """The page after a question in its address has been answered by words and meaning."""
    seen = look(context, address + ASKED)
    expect(seen.page.locator("#search-status")).to_contain_text("by words and meaning")
    expect(seen.page.locator("#hits .title")).to_have_count(20)
    return seen


def titles(page: Page) -> list[str]:
    return page.locator("#hits .title").all_inner_texts()


def test_a_question_in_the_address_is_answered_by_words_and_meaning(answers: Any) -> None:
    assert "quantiz" in titles(answers.page)[0].lower()
    assert "words: " in answers.page.locator("#hits .why").first.inner_text()
    assert "meaning: " in answers.page.locator("#hits .why").first.inner_text()
    assert answers.page.locator("#hits mark").count() > 0


def test_hostile_papers_are_shown_as_text(answers: Any) -> None:
    assert any("<script>" in title or "onerror" in title for title in titles(answers.page))
    assert answers.page.evaluate("window.pwned") is None
    assert answers.page.locator("#hits script, #hits img, #hits iframe, #hits svg").count() == 0
    assert answers.wrong == []


def test_no_question_leaves_the_browser(context: BrowserContext, address: str, look: Look) -> None:
    seen = look(context, address + PAGE)
    seen.page.locator("#question").press_sequentially("zebra migration forecasts")
    expect(seen.page.locator("#search-status")).to_contain_text("found")
    assert [url for url in seen.asked if "zebra" in url or not url.startswith((address, "data:"))] == []


def test_answers_come_while_typing_and_the_address_can_be_shared(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + PAGE).page
    page.locator("#question").press_sequentially("graph theo")
    expect(page.locator("#hits .title").first).to_contain_text("graph theory")
    expect(page).to_have_url(f"{address}{PAGE}?q=graph+theo")
    page.locator("#question").press("Enter")
    page.locator("#question").fill("quantization")
    page.locator("#question").press("Enter")
    expect(page.locator("#hits .title").first).to_contain_text("uantiz")
    page.go_back()
    expect(page.locator("#question")).to_have_value("graph theo")
    expect(page.locator("#hits .title").first).to_contain_text("graph theory")


def test_filters_narrow_the_answers_and_are_in_the_address(answers: Any) -> None:
    page = answers.page
    page.select_option("select[name=since]", "2020")
    page.select_option("select[name=until]", "2021")
    page.select_option("select[name=source]", "arxiv")
    facts = page.locator("#hits .facts:not(.why)")
    until(page, lambda: facts.count() > 0 and all("2020-" in it or "2021-" in it for it in facts.all_inner_texts()))
    assert "since=2020&until=2021&source=arxiv" in page.url


def test_papers_like_one_are_found_without_itself(answers: Any) -> None:
    page = answers.page
    first = titles(page)[0]
    page.locator("#hits button.like").first.click()
    expect(page.locator("#search-status")).to_contain_text("Papers like")
    assert first not in titles(page)


def test_the_answers_can_be_saved_as_bibtex_and_csv(answers: Any, tmp_path: Path) -> None:
    kept = {}
    for kind in ("bibtex", "csv"):
        with answers.page.expect_download() as waited:
            answers.page.locator(f"#search-actions .{kind}").click()
        waited.value.save_as(tmp_path / kind)
        kept[kind] = (tmp_path / kind).read_text(encoding="utf-8")
    assert kept["bibtex"].count("\n@") + kept["bibtex"].startswith("@") == 20
    rows = list(csv.reader(io.StringIO(kept["csv"])))
    assert len(rows) == 21
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_a_paper_can_be_opened_and_its_text_is_text(answers: Any) -> None:
    about = answers.page.locator("#hits details.about").first
    about.locator("summary").click()
    expect(about.locator("mark").first).to_be_visible()
    assert "quantization" in about.inner_text().lower()
    assert answers.page.locator("#hits details.about img, #hits details.about script").count() == 0
    assert answers.page.evaluate("window.pwned") is None


def test_more_answers_can_be_asked_for(answers: Any) -> None:
    answers.page.locator("#search-more").click()
    expect(answers.page.locator("#hits .title")).to_have_count(40)


def test_the_keyboard_alone_reaches_the_first_answer(answers: Any) -> None:
    page = answers.page
    page.locator("#question").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#hits') !== null"):
            return
    pytest.fail("twelve steps of the keyboard did not reach an answer")


def test_after_a_visit_the_search_works_offline(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address + ASKED)
    page.wait_for_selector("html[data-search=everything]", state="attached", timeout=30_000)
    page.wait_for_timeout(1_000)  # the service worker keeps the page's own files
    context.set_offline(True)
    page.goto(address + "search/?q=graph+theory")
    expect(page.locator("#hits .title").first).to_contain_text("graph theory")
    context.close()


def test_nothing_asked_shows_questions_to_begin_with(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + PAGE).page
    assert page.locator("#search-examples").is_visible()
    page.locator("#search-examples li a").first.click()
    expect(page.locator("#hits .title").first).to_be_visible()
    assert not page.locator("#search-examples").is_visible()


def test_without_scripts_the_page_says_what_it_needs(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + PAGE)
    assert "needs scripts" in page.inner_text("#search-status")
    assert page.locator("#search-status a").get_attribute("href") == "../papers/"
    assert not page.locator("#search-form").is_visible()
    context.close()
