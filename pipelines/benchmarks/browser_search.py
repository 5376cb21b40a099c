"""Search in the browser: does the page find what the full model finds, and how soon?"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb import embedding, settings, taxonomy
from kb.embedding import Encoder, Vectors, portable, wordpiece
from kb.embedding.table import TokenTable
from kb.errors import InvalidInput
from kb.page_search import index, learning
from kb.page_search.documents import Document, read, vectors_of
from kb.store import Store
from pipelines.benchmarks import page_visits
from pipelines.benchmarks.harness import RESAMPLES, Benchmark, Headline, Measured

PAPERS = 10_000
TITLES, KEYWORDS = 400, 200
DEEP = 10
OURS, WORDS, MEANING, FULL = "words and meaning", "words alone (BM25)", "meaning alone", "full model (kb search --mode semantic)"
PRECISE = "precise mode"
ARMS: dict[str, dict[str, Any]] = {OURS: {}, WORDS: {"share": 0.0}, MEANING: {"share": 1.0}, PRECISE: {"exact": True}}
"""The page's arms, by what the worker is asked beside the question."""
OWN, CARRY, SAME = "title, own abstract", "keyword, papers that carry it", "the full model's own ten"
Scores = NDArray[np.float64]
EMPTY = {"id": "", "authors": [], "more": 0, "date": "", "venue": "", "link": "", "themes": [], "withdrawn": False, "bibtex": ""}


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Questions with the gain of every paper that is worth something: a row of {place: gain} a question."""

    questions: list[str]
    gains: list[dict[int, float]]


def measure(seeds: Sequence[int], advance: Callable[[int], None], home: Path) -> Measured:
    """Ask the page and the full model the same questions over the papers of a knowledge base; a slow visit for each seed."""
    chosen = settings.load(home)
    store = Store.read(chosen.store_uri)
    documents = read(store)
    kept = sorted(sorted(range(len(documents)), key=lambda at: documents[at].key)[:PAPERS])
    documents = [replace(documents[at], shown={**EMPTY, "title": documents[at].title}) for at in kept]
    key = str((store.run or {})["model"])
    encoder = embedding.load_for_reading(chosen, key)
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
            found[name] = {FULL: ndcg(_nearest(_asked(encoder, judged.questions), space), judged.gains)}
    best = _nearest(_asked(encoder, mixed), vectors)
    same = Judged(mixed, [{int(place): float(DEEP - at) for at, place in enumerate(row)} for row in best])
    found[SAME] = {FULL: ndcg(best, same.gains)}
    table, tokenizer = _table(encoder, store, documents, set(asked.tolist()), set(carried.questions))
    model = portable.pack(chosen)
    themes = taxonomy.load(chosen.taxonomy, chosen.extra_themes)
    with tempfile.TemporaryDirectory(prefix="papertide-bench-") as folder:
        site = _pages(Path(folder) / "public")
        for root, listed, space, own_model in ((site / "bare", bare, without, None), (site, documents, vectors, model)):
            _write(root / "data" / "search", index.build(listed, themes, "", (table, tokenizer, space), own_model))
        judgements = {OWN: ("bare/", own), CARRY: ("", carried), SAME: ("", same)}
        judgements = {name: told for name, told in judgements.items() if name in found}
        speed = _in_browser(site, judgements, found, model is not None, len(seeds))
    if model is not None:
        speed["same ten"] = _equal_sets(speed["precise"], best)
    advance(len(seeds))
    return _told(found, speed, len(documents))


def _asked(encoder: Encoder, questions: Sequence[str]) -> Vectors:
    """Return questions' vectors as `kb search` makes them, one by one."""
    return np.stack([encoder.encode_query(question) for question in questions])


def _equal_sets(one: Sequence[Sequence[int]], other: NDArray[np.int64]) -> Scores:
    """Return for each question whether two rankings name the same papers, in whatever order."""
    return np.array([float(set(a) == set(b)) for a, b in zip(one, other.tolist(), strict=True)])


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


def _in_browser(
    site: Path, judgements: Mapping[str, tuple[str, Judged]], found: dict[str, dict[str, Scores]], precise: bool, visits: int
) -> dict[str, Any]:
    """Ask every question in a browser, fill in the scores, and return sizes, times and what precise mode found."""
    speed: dict[str, Any] = {"ms": {}}
    with page_visits.browser() as chromium:
        for folder in ("bare/", ""):
            _ask(
                chromium,
                site,
                folder,
                {name: judged for name, (own, judged) in judgements.items() if own == folder},
                found,
                speed,
                precise,
            )
        asked = judgements[SAME][1].questions
        speed.update(page_visits.first_results(chromium, site, asked[:: max(1, len(asked) // visits)][:visits]))
    return speed


def _ask(
    chromium: Any, site: Path, folder: str, judgements: Mapping[str, Judged], found: dict[str, dict[str, Scores]],
    speed: dict[str, Any], precise: bool,
) -> None:  # fmt: skip
    """Ask one index all its questions with every arm; precise mode those that the model itself is the judge of."""
    asked = [
        (name, arm, judged)
        for name, judged in judgements.items()
        for arm in ARMS
        if arm != PRECISE or (precise and name == SAME)
    ]  # fmt: skip
    batches = [{"questions": judged.questions, "options": ARMS[arm]} for _, arm, judged in asked]
    told = page_visits.ask(chromium, site, folder, batches, precise and SAME in judgements)
    for (name, arm, judged), answers in zip(asked, told["found"], strict=True):
        ranked = [answer["places"] for answer in answers]
        found[name][arm] = ndcg(ranked, judged.gains)
        if name == SAME:
            speed["ms"][arm] = [answer["ms"] for answer in answers]
        if arm == PRECISE:
            speed["precise"] = ranked
    speed.update({name: told[name] for name in ("bytes", "preciseBytes")})


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
        Headline("time of a question", "speed", _drawn(np.array(speed["ms"][OURS])).tolist(), "milliseconds", "the 50 ms allowed",
                 2.0, "Once loaded, a question takes {} ms."),
        *_precise_headlines(speed),
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
                arm: {"median": round(float(np.median(taken)), 2), "95%": round(float(np.quantile(taken, 0.95)), 2)}
                for arm, taken in speed["ms"].items()
            },
        },
        resampled="questions",
    )  # fmt: skip


def _precise_headlines(speed: Mapping[str, Any]) -> list[Headline]:
    if "same ten" not in speed:
        return []
    return [
        Headline("same ten papers in precise mode", "quality", (_drawn(speed["same ten"]) * 100).tolist(), "%", FULL, 3.0,
                 "In precise mode {}% of the questions have the very ten papers that `kb search --mode semantic` finds."),
        Headline("data for precise mode", "size", [speed["preciseBytes"] / 1e6] * 3, "MB", "the data for ranking", 1.1,
                 "Precise mode loads {} MB more, once."),
        Headline("time of a question in precise mode", "speed", _drawn(np.array(speed["ms"][PRECISE])).tolist(), "milliseconds",
                 OURS, 2.0, "There a question takes {} ms."),
    ]  # fmt: skip


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
        "In precise mode the page runs that model too, and is asked the questions of the third judgement. "
        "Times to the first result are of pages never visited, over a server that waits 562 ms before any answer and "
        f"sends 180 kB a second in all (Chromium's “fast 3G”). Intervals: {RESAMPLES:,} draws of questions, shared by the arms."
    ),
    limits=(
        "Titles and keywords stand in for readers' questions; nobody has judged real ones.",
        "The full model's own ten are no truth: words that it overlooks count against the page.",
        "Times are this machine's; phones are several times slower.",
    ),
    seconds_quick=170,
    run=measure,
    seeds=7,
    seeds_quick=3,
    needs_home=True,
    ships=False,
)
