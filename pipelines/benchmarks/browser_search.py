"""Search in the browser: does the page find what the full model finds, and how soon?"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from kb import embedding, settings, taxonomy
from kb.embedding import Encoder, Vectors, wordpiece
from kb.embedding.table import TokenTable
from kb.errors import InvalidInput
from kb.page_search import index, learning
from kb.page_search.documents import Document, read, vectors_of
from kb.store import Store
from pipelines.benchmarks.harness import RESAMPLES, Benchmark, Headline, Measured
from pipelines.benchmarks.throttled import open_site

PAPERS = 10_000
TITLES, KEYWORDS = 600, 300
VISITS = 7
DEEP = 10
OURS, WORDS, MEANING, FULL = "words and meaning", "words alone (BM25)", "meaning alone", "full model (kb search --mode semantic)"
ARMS = {OURS: None, WORDS: 0.0, MEANING: 1.0}
"""The pages' arms, by the share of meaning that they are asked for; None is the page's own."""
OWN, CARRY, SAME = "title, own abstract", "keyword, papers that carry it", "the full model's own ten"
Scores = NDArray[np.float64]
EMPTY = {"id": "", "authors": [], "more": 0, "date": "", "venue": "", "link": "", "themes": [], "withdrawn": False, "bibtex": ""}


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Questions with the gain of every paper that is worth something: a row of {place: gain} a question."""

    questions: list[str]
    gains: list[dict[int, float]]


def measure(seeds: Sequence[int], advance: Callable[[int], None], home: Path) -> Measured:
    """Ask the page and the full model the same questions over the papers of a knowledge base."""
    chosen = settings.load(home)
    store = Store.read(chosen.store_uri)
    documents = read(store)
    kept = sorted(sorted(range(len(documents)), key=lambda at: documents[at].key)[:PAPERS])
    documents = [replace(documents[at], shown={**EMPTY, "title": documents[at].title}) for at in kept]
    encoder = embedding.load(chosen.model, max_tokens=chosen.max_tokens)
    vectors = vectors_of(store, documents)
    asked = np.random.default_rng(0).permutation(len(documents))[: min(TITLES, len(documents) // 5)]
    bare, without = list(documents), vectors.copy()
    for at in asked:
        bare[at] = replace(documents[at], title="")
    without[asked] = encoder.encode([documents[at].body for at in asked])
    own = Judged([documents[at].title for at in asked], [{int(at): 1.0} for at in asked])
    carried = _carried(documents)
    mixed = [*own.questions[: len(carried.questions) or None], *carried.questions]
    found: dict[str, dict[str, Scores]] = {}
    for name, judged, space in ((OWN, own, without), (CARRY, carried, vectors)):
        if judged.questions:
            found[name] = {FULL: ndcg(_nearest(encoder.encode(judged.questions), space), judged.gains)}
    best = _nearest(encoder.encode(mixed), vectors)
    same = Judged(mixed, [{int(place): float(DEEP - at) for at, place in enumerate(row)} for row in best])
    found[SAME] = {FULL: ndcg(best, same.gains)}
    table, tokenizer = _table(encoder, store, documents, set(asked.tolist()), set(carried.questions))
    themes = taxonomy.load(chosen.taxonomy, chosen.extra_themes)
    with tempfile.TemporaryDirectory(prefix="papertide-bench-") as folder:
        site = _pages(Path(folder) / "public")
        for root, listed, space in ((site / "bare", bare, without), (site, documents, vectors)):
            _write(root / "data" / "search", index.build(listed, themes, "", (table, tokenizer, space)))
        judgements = {OWN: ("bare/", own), CARRY: ("", carried), SAME: ("", same)}
        speed = _in_browser(site, {name: told for name, told in judgements.items() if name in found}, found)
    advance(len(seeds))
    return _told(found, speed, len(documents))


def _carried(documents: Sequence[Document]) -> Judged:
    """Return authors' keywords that three to a hundred papers carry, and those papers."""
    carriers: dict[str, dict[int, float]] = {}
    for at, document in enumerate(documents):
        for keyword in {keyword.lower().strip() for keyword in document.keywords}:
            carriers.setdefault(keyword, {})[at] = 1.0
    names = sorted(name for name, places in carriers.items() if 3 <= len(places) <= 100 and len(name) > 2)
    picked = np.random.default_rng(0).permutation(len(names))[:KEYWORDS]
    return Judged([names[at] for at in picked], [carriers[names[at]] for at in picked])


def _table(
    encoder: Encoder, store: Store, documents: Sequence[Document], held: set[int], keywords: set[str]
) -> tuple[TokenTable, wordpiece.WordPieces]:
    """Learn a table as the site does, from papers whose titles and keywords are not among the questions."""
    tokenizer = wordpiece.load(str((store.run or {})["model"]).rpartition("@")[0])
    if tokenizer is None:
        raise InvalidInput("this model has no uncased BERT tokenizer, so the page searches by words alone", cure="Use another")
    rest = [
        replace(document, keywords=tuple(word for word in document.keywords if word.lower().strip() not in keywords))
        for at, document in enumerate(documents)
        if at not in held
    ]
    return learning.learn(encoder, tokenizer, rest, vectors_of(store, rest)), tokenizer


def _pages(out: Path) -> Path:
    """Build the hand-written pages alone, the page of search among them."""
    checkout = Path(__file__).parents[2]
    sources = checkout if (checkout / "mkdocs.yml").is_file() else Path(str(files("pipelines.publish") / "_site"))
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", str(sources / "mkdocs.yml"), "-d", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out


def _write(folder: Path, content: Iterable[tuple[str, bytes]]) -> None:
    for name, told in content:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(told)


def _nearest(questions: Vectors, documents: Vectors) -> NDArray[np.int64]:
    return np.argsort(-(questions @ documents.T), axis=1, kind="stable")[:, :DEEP]


def ndcg(ranked: Sequence[Sequence[int]] | NDArray[np.int64], gains: Sequence[Mapping[int, float]]) -> Scores:
    """Return each question's normalised discounted cumulative gain over its first ten answers.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.
    """
    discount = 1 / np.log2(np.arange(2, DEEP + 2))
    scores = []
    for row, worth in zip(ranked, gains, strict=True):
        got = np.array([worth.get(int(place), 0.0) for place in row[:DEEP]])
        ideal = np.sort(list(worth.values()))[::-1][:DEEP]
        scores.append(float(got @ discount[: len(got)] / (ideal @ discount[: len(ideal)])))
    return np.array(scores)


ASK = """async ({folder, questions, share}) => {
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
  const found = [];
  for (let id = 1; id <= questions.length; id += 1) {
    const answer = once("answer", (data) => data.id === id);
    worker.postMessage({kind: "ask", id, question: questions[id - 1], limit: 10, ...(share === null ? {} : {share})});
    const {hits, ms} = await answer;
    found.push({places: hits.map(({place}) => place), ms});
  }
  worker.terminate();
  return {found, bytes: manifest.bytes};
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


def _in_browser(site: Path, judgements: Mapping[str, tuple[str, Judged]], found: dict[str, dict[str, Scores]]) -> dict[str, Any]:
    """Ask every question in headless Chromium, fill in the scores, and return sizes and times."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        cure = "Install Chromium (apt-get install chromium) and playwright (pip install playwright)"
        raise InvalidInput("this benchmark looks through a browser, and there is none", cure=cure)
    speed: dict[str, Any] = {"ms": [], "linked": [], "page": [], "typed": []}
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        with open_site(site) as address:
            page = chromium.new_page()
            page.goto(f"{address}search/")
            for name, (folder, judged) in judgements.items():
                for arm, share in ARMS.items():
                    if not judged.questions:
                        continue
                    told = page.evaluate(ASK, {"folder": f"../{folder}", "questions": judged.questions, "share": share})
                    found[name][arm] = ndcg([one["places"] for one in told["found"]], judged.gains)
                    if arm == OURS and not folder:
                        speed["ms"] += [one["ms"] for one in told["found"]]
                        speed["bytes"] = told["bytes"]
            page.close()
        with open_site(site, latency=0.5625, bytes_a_second=180_000) as address:
            asked = judgements[SAME][1].questions
            for question in asked[:: max(1, len(asked) // VISITS)][:VISITS]:
                for name, value in _first_result(chromium, address, question).items():
                    speed[name].append(value)
        chromium.close()
    return speed


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


def _told(found: Mapping[str, Mapping[str, Scores]], speed: Mapping[str, Any], papers: int) -> Measured:
    judged = {name: arms for name, arms in found.items() if OURS in arms}
    ratios = {name: _ratio(arms[OURS], arms[FULL]) for name, arms in judged.items()}
    headlines = [
        Headline(f"nDCG against the full model: {name}", "quality", draws, "times", FULL, 0.03,
                 f"Judged by “{name}”, the page's nDCG@10 is {{}} times that of the full model.")
        for name, draws in ratios.items()
    ]  # fmt: skip
    for name in (OWN, CARRY):
        if name in judged:
            gain = _drawn(judged[name][OURS] - judged[name][WORDS]) * 100
            headlines.append(
                Headline(f"gain over BM25: {name}", "quality", gain.tolist(), "percentage points", WORDS, 2.0,
                         f"Judged by “{name}”, that is {{}} percentage points of nDCG@10 against words alone.")
            )  # fmt: skip
    headlines += [
        Headline("data for ranking", "size", [speed["bytes"] / 1e6] * 3, "MB", "the 8 MB allowed", 1.1,
                 f"Everything that ranks {papers:,} papers weighs {{}} MB."),
        Headline("first result of a link", "speed", _drawn(np.array(speed["linked"])).tolist(), "seconds",
                 "the page's load event", 1.5,
                 "On an emulated fast 3G the first result stands {} s after the click on a link to a question, on a page "
                 f"never visited, which itself has loaded after {np.median(speed['page']):.2f} s."),
        Headline("first result of a typed question", "speed", _drawn(np.array(speed["typed"])).tolist(), "seconds",
                 "the 1.5 s allowed", 1.5, "A question typed into a page that has just loaded has its first result after {} s."),
        Headline("time of a question", "speed", _drawn(np.array(speed["ms"])).tolist(), "milliseconds", "the 50 ms allowed", 2.0,
                 "Once loaded, a question takes {} ms."),
    ]  # fmt: skip
    table = {name: {arm: f"{scores.mean():.3f}" for arm, scores in arms.items()} for name, arms in judged.items()}
    return Measured(
        headlines=headlines,
        charts=[
            (f"nDCG@10: {name}", {arm: _drawn(scores).tolist() for arm, scores in arms.items()}) for name, arms in judged.items()
        ],
        table={f"nDCG@10: {name}": column for name, column in table.items()},
        raw={
            "papers": papers, "questions": {name: len(arms[OURS]) for name, arms in judged.items()},
            "seconds on a fast 3G": {name: [round(value, 2) for value in speed[name]] for name in ("linked", "page", "typed")},
            "milliseconds a question": {
                "median": round(float(np.median(speed["ms"])), 2), "95%": round(float(np.quantile(speed["ms"], 0.95)), 2)
            },
        },
        resampled="questions",
    )  # fmt: skip


def _drawn(values: Scores) -> Scores:
    """Return the means of bootstrap draws; the seed is fixed, so that arms share their draws."""
    chosen = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    return np.asarray(values[chosen].mean(axis=1))


def _ratio(ours: Scores, peer: Scores) -> list[float]:
    return [float(ratio) for ratio in _drawn(ours) / np.maximum(_drawn(peer), 1e-9)]


BENCHMARK = Benchmark(
    name="browser-search",
    question="Does the search in the page find what the full model finds, and how soon?",
    claim="A table of word pieces and an index of words, in the reader's browser, rank as well as the transformer on a server.",
    origin="this project; static tables after Model2Vec (Tulkens and van Dongen, 2024)",
    protocol=(
        f"Up to {PAPERS:,} papers of your knowledge base. Three judgements: titles, whose own abstract is to be found with the "
        "title taken out of it; authors' keywords, and the papers that carry them; and the full model's own ten best, the first "
        "worth ten. The table is learnt as for the site, but from papers whose titles are not asked and without the keywords "
        "that are. All questions go through the page's own worker in headless Chromium; the full model compares exact vectors. "
        "Times to the first result are of pages never visited, over a server that waits 562 ms before any answer and "
        f"sends 180 kB a second in all (Chromium's “fast 3G”). Intervals: {RESAMPLES:,} draws of questions, shared by the arms."
    ),
    limits=(
        "Titles and keywords stand in for readers' questions; nobody has judged real ones.",
        "The full model's own ten are no truth: words that it overlooks count against the page.",
        "Times are this machine's; phones are several times slower.",
    ),
    seconds_quick=240,
    run=measure,
    seeds=1,
    seeds_quick=1,
    needs_home=True,
    ships=False,
)
