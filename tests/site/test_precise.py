"""Precise mode of the page of search in a real browser: the embedding model itself answers, if the reader wants it."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from kb import embedding, settings
from kb.search import search
from kb.store import Store

pytestmark = pytest.mark.xdist_group("site")  # one worker builds the site, once
Look = Callable[[BrowserContext, str], Any]
ASKED = "search/?q=quantization+of+weights"
NOTE = "#search-form .precise [role=status]"
LOADING = 120_000  # milliseconds that loading may take on a busy machine


def switch_on(page: Page) -> None:
    page.locator("#search-form input[name=precise]").check()
    expect(page.locator(NOTE)).to_have_text("The full model answers.", timeout=LOADING)
    expect(page.locator("#search-status")).to_contain_text("found by the full model", timeout=LOADING)


@pytest.fixture
def precise(context: BrowserContext, address: str, look: Look) -> Any:
    """The page after the full model has answered the question of its address."""
    seen = look(context, address + ASKED)
    switch_on(seen.page)
    return seen


def test_the_full_model_is_loaded_when_a_reader_wants_it_and_not_before(
    context: BrowserContext, address: str, look: Look
) -> None:
    seen = look(context, address + ASKED)
    expect(seen.page.locator("html[data-search=everything]")).to_be_attached(timeout=LOADING)
    assert not any("/search/model/" in url or "/exact/" in url for url in seen.asked)
    expect(seen.page.locator(NOTE)).to_have_text(re.compile(r"It loads \d+ MB once"))
    switch_on(seen.page)
    expect(seen.page.locator("#hits .title")).to_have_count(20)
    assert "quantiz" in seen.page.locator("#hits .title").first.inner_text().lower()
    assert seen.page.evaluate("window.pwned") is None
    assert seen.wrong == []


def test_it_finds_the_ten_that_the_command_finds(precise: Any, hostile_home: Any) -> None:
    chosen = settings.load(hostile_home)
    store = Store.read(chosen.store_uri)
    encoder = embedding.load(chosen.model)
    page = precise.page
    for question in ("energy that training needs", "images out of noise", "leaked test data"):
        found = [hit.paper.title for hit in search(store, question, lambda: encoder, mode="semantic")]
        page.locator("#question").fill(question)
        expect(page.locator("#hits .title").first).to_have_text(found[0])
        shown = page.locator("#hits .title").all_inner_texts()[:10]
        assert sorted(shown) == sorted(found)


def test_filters_and_papers_like_one_go_with_it(precise: Any) -> None:
    page = precise.page
    page.select_option("select[name=since]", "2020")
    page.select_option("select[name=until]", "2021")
    expect(page.locator("#hits .facts:not(.why)").first).to_contain_text("202")
    expect(page.locator("#search-status")).to_contain_text("found by the full model")
    first = page.locator("#hits .title").first.inner_text()
    page.locator("#hits button.like").first.click()
    expect(page.locator("#search-status")).to_contain_text("Papers like")
    expect(page.locator("#search-status")).to_contain_text("found by the full model")
    assert first not in page.locator("#hits .title").all_inner_texts()
    assert "precise" not in page.url


def test_what_it_found_can_be_saved(precise: Any, tmp_path: Path) -> None:
    titles = precise.page.locator("#hits .title").all_inner_texts()
    with precise.page.expect_download() as waited:
        precise.page.locator("#search-actions .csv").click()
    waited.value.save_as(tmp_path / "papers.csv")
    with (tmp_path / "papers.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == 1 + len(titles) == 21


def test_unticking_it_gives_the_usual_answers_back(precise: Any) -> None:
    precise.page.locator("#search-form input[name=precise]").uncheck()
    expect(precise.page.locator("#search-status")).to_contain_text("by words and meaning")


def test_loading_can_be_cancelled(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + ASKED).page
    held: list[Route] = []
    page.context.route("**/search/model/**", lambda route: held.append(route))  # they never come
    box = page.locator("#search-form input[name=precise]")
    box.check()
    expect(page.locator("#search-form progress")).to_be_visible()
    box.uncheck()
    expect(page.locator("#search-form progress")).to_be_hidden()
    expect(page.locator("#search-status")).to_contain_text("by words and meaning")
    page.context.unroute_all(behavior="ignoreErrors")
    switch_on(page)


def test_without_a_network_the_page_says_so_and_goes_on_without_it(context: BrowserContext, address: str, look: Look) -> None:
    page = look(context, address + ASKED).page
    expect(page.locator("html[data-search=everything]")).to_be_attached(timeout=LOADING)
    page.context.route("**/search/model/**", lambda route: route.abort())
    box = page.locator("#search-form input[name=precise]")
    box.check()
    expect(page.locator(NOTE)).to_contain_text("could not be loaded")
    expect(box).not_to_be_checked()
    page.locator("#question").fill("graph theory")
    expect(page.locator("#hits .title").first).to_contain_text("graph theory")


def test_the_choice_is_remembered_and_works_offline(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address + ASKED)
    page.wait_for_selector("html[data-search=everything]", state="attached", timeout=LOADING)
    switch_on(page)
    page.wait_for_timeout(1_000)  # the service worker keeps the page's own files
    context.set_offline(True)
    page.goto(address + "search/?q=graph+theory")
    expect(page.locator("#search-form input[name=precise]")).to_be_checked()
    expect(page.locator("#search-status")).to_contain_text("found by the full model", timeout=LOADING)
    expect(page.locator("#hits .title").first).to_contain_text("graph theory")
    context.close()
