"""The page of search in headless Chromium: questions through its own worker, and the time to a first result."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kb.errors import InvalidInput
from pipelines.benchmarks.throttled import open_site

FAST_3G = {"latency": 0.5625, "bytes_a_second": 180_000}
"""Chromium's own preset."""
ASK = """async ({folder, batches, precise}) => {
  const manifest = await (await fetch(folder + "data/search/index.json")).json();
  const worker = new Worker(new URL("../assets/search/worker.js", location.href), {type: "module"});
  const heard = {};
  worker.onmessage = ({data}) => heard[data.kind]?.(data);
  const once = (kind, test) => new Promise((resolve, reject) => {
    heard[kind] = (data) => test(data) && resolve(data);
    heard.failed = reject;
  });
  const path = new URL(folder + "data/search/" + manifest.folder + "/", location.href).href;
  worker.postMessage({kind: "open", manifest, folder: path});
  const loaded = once("loaded", ({stage}) => stage === "everything");
  worker.postMessage({kind: "load"});
  await loaded;
  if (precise) {
    const ready = once("precise", ({stage}) => stage !== "loading");
    worker.postMessage({kind: "precise", on: true});
    await ready;
  }
  const found = [];
  let id = 0;
  for (const {questions, options} of batches) {
    const answers = [];
    for (const question of questions) {
      id += 1;
      const answer = once("answer", (data) => data.id === id);
      worker.postMessage({kind: "ask", id, question, limit: 10, ...options});
      const {hits, ms} = await answer;
      answers.push({places: hits.map(({place}) => place), ms});
    }
    found.push(answers);
  }
  worker.terminate();
  return {found, bytes: manifest.bytes, preciseBytes: manifest.precise?.bytes ?? 0};
}"""


WATCH = """new MutationObserver(() => {
  if (!window.firstAt && document.querySelector("#hits .title")) window.firstAt = performance.now();
}).observe(document, {childList: true, subtree: true})"""
TYPE = """(question) => {
  const field = document.querySelector("#question");
  field.value = question;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  return performance.now();
}"""


@contextmanager
def browser() -> Iterator[Any]:
    """Start headless Chromium.

    Raises:
        InvalidInput: there is none, or no playwright to drive it.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        cure = "Install Chromium (apt-get install chromium) and playwright (pip install playwright)"
        raise InvalidInput("this benchmark looks through a browser, and there is none", cure=cure)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def ask(chromium: Any, site: Path, folder: str, batches: Sequence[Mapping[str, Any]], precise: bool) -> dict[str, Any]:
    """Ask one index everything, in one worker that loads it once.

    Args:
        site: the built site; `folder` in it ("" or "bare/") has the index in `data/search`.
        batches: "questions" and, for the worker, "options" each.
        precise: whether to load the full model too.

    Returns:
        "found": for each batch a list of {"places", "ms"}; "bytes" for ranking and "preciseBytes".
    """
    with open_site(site) as address:
        page = chromium.new_page()
        page.goto(f"{address}search/")
        told: dict[str, Any] = page.evaluate(ASK, {"folder": f"../{folder}", "batches": list(batches), "precise": precise})
        page.close()
    return told


def first_results(chromium: Any, site: Path, questions: Sequence[str]) -> dict[str, list[float]]:
    """Visit the page over an emulated fast 3G once a question and way, and return the seconds of each; see `_first_result`."""
    seconds: dict[str, list[float]] = {"linked": [], "page": [], "typed": []}
    with open_site(site, **FAST_3G) as address:
        for question in questions:
            for name, value in _first_result(chromium, address, question).items():
                seconds[name].append(value)
    return seconds


def _first_result(chromium: Any, address: str, question: str) -> dict[str, float]:
    """Return seconds until the first result stands on pages that were never visited.

    "linked": from the click on a link to the question; "page": until that page's load event; "typed": from when the question is
    put into the field of a page that has just loaded.
    """
    seconds = {}
    for name, path in (("linked", f"search/?{urlencode({'q': question})}"), ("typed", "search/")):
        context = chromium.new_context()
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(address + path, wait_until="load")
        page.wait_for_selector("#search-form", state="visible")
        start = 0.0 if name == "linked" else page.evaluate(TYPE, question)
        page.wait_for_selector("#hits .title", timeout=60_000)
        seconds[name] = (page.evaluate("window.firstAt") - start) / 1000
        if name == "linked":
            seconds["page"] = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
        context.close()
    return seconds
