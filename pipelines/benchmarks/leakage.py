"""Leakage: how much does a score rise when copies of the test lie in the training data, and are the copies found?"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from kb.merging import NEAR_ABSTRACT, resemblance, sketch
from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, differences, over_seeds
from pipelines.sources.starter import library

SHARES = (0.0, 0.01, 0.05, 0.10, 0.20)
"""Of the test texts that lie in the training data too."""
EDITS = {"copied": 0.0, "lightly edited": 0.03, "heavily edited": 0.15}
"""Share of a copy's words that were replaced by words of other texts."""
MODELS = {
    "nearest neighbour": KNeighborsClassifier(1, metric="cosine"),
    "logistic regression": LogisticRegression(C=30, max_iter=400),
}
NEAREST, REGRESSION = MODELS


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Teach models to tell the field of a landmark work by its summary, with ever more of the test planted in the training."""
    works = library()
    texts = [work.summary for work in works]
    fields = np.array([work.labels[0].split("/")[0] for work in works])
    with threadpool_limits(1, user_api="blas"):  # small matrices
        return _told(over_seeds(seeds, advance, lambda seed: _once(seed, texts, fields)))


def _once(seed: int, texts: Sequence[str], fields: NDArray[np.str_]) -> Mapping[str, Mapping[str, float]]:
    random = np.random.default_rng(seed)
    train, test = train_test_split(np.arange(len(texts)), test_size=0.3, random_state=seed, stratify=fields)
    known, asked = [texts[number] for number in train], [texts[number] for number in test]
    order = random.permutation(len(test))
    scores: dict[str, dict[str, float]] = {}
    for share in SHARES:
        planted = order[: round(share * len(test))]
        copies = [edited(asked[int(number)], EDITS["lightly edited"], known, random) for number in planted]
        for name, model in MODELS.items():
            fitted = make_pipeline(TfidfVectorizer(sublinear_tf=True, stop_words="english"), model)
            fitted.fit([*known, *copies], np.r_[fields[train], fields[test[planted]]])
            right = fitted.predict(asked) == fields[test]
            scores.setdefault(name, {})[f"{share:.0%} planted"] = float(right.mean())
            if share == SHARES[-1]:
                scores.setdefault(f"{name}, planted texts only", {})[f"{share:.0%} planted"] = float(right[planted].mean())
                clean = np.delete(right, planted)
                scores.setdefault(f"{name}, other texts", {})[f"{share:.0%} planted"] = float(clean.mean())
    planted = order[: round(SHARES[-1] * len(test))]
    found = scores.setdefault("found", {})
    for kind, edits in EDITS.items():
        copies = [edited(asked[int(number)], edits, known, random) for number in planted]
        caught = near(copies, asked)
        found[kind] = float(np.mean([number in caught for number in planted]))
    found["unlike texts (false alarms)"] = len(near(known, asked)) / len(asked)
    return scores


def edited(text: str, share: float, others: Sequence[str], random: np.random.Generator) -> str:
    """Return the text with that share of its words replaced by words drawn from other texts."""
    words = text.split()
    for place in np.flatnonzero(random.random(len(words)) < share).tolist():
        other = others[int(random.integers(len(others)))].split()
        words[place] = other[random.integers(len(other))]
    return " ".join(words)


def near(known: Sequence[str], asked: Sequence[str]) -> set[int]:
    """Return which of the asked texts resemble a known one so much that this knowledge base takes them for the same text."""
    sketches = [sketch(text) for text in known]
    holders: dict[bytes, list[int]] = {}
    for number, mine in enumerate(sketches):
        for shingle in _shingles(mine):
            holders.setdefault(shingle, []).append(number)

    def is_near(text: str) -> bool:
        mine = sketch(text)
        others = {number for shingle in _shingles(mine) for number in holders.get(shingle, ())}
        return any(resemblance(mine, sketches[number]) >= NEAR_ABSTRACT for number in others)

    return {number for number, text in enumerate(asked) if is_near(text)}


def _shingles(sketched: bytes) -> list[bytes]:
    return [sketched[place : place + 4] for place in range(0, len(sketched), 4)]


def _told(scores: Scores) -> Measured:
    most, none = f"{SHARES[-1]:.0%} planted", f"{SHARES[0]:.0%} planted"
    nearest, regression, found = scores[NEAREST], scores[REGRESSION], scores["found"]
    percent = {kind: [100 * value for value in values] for kind, values in found.items()}
    headlines = [
        Headline("inflation, nearest neighbour", "quality", differences(nearest, most, none), "percentage points", none, 3.0,
                 "With a fifth of the test in the training data, the score of a nearest-neighbour classifier rises by {} "
                 "percentage points though nothing was learned."),
        Headline("inflation, regression", "quality", differences(regression, most, none), "percentage points", none, 6.0,
                 "That of a logistic regression rises by {} percentage points."),
        Headline("inflation at 5%", "quality", differences(nearest, "5% planted", none), "percentage points", none, 2.5,
                 "One test text in twenty is enough for {} percentage points."),
        Headline("found, lightly edited", "quality", percent["lightly edited"], "percent", "copies planted", 12.0,
                 "This knowledge base's own finder of near-duplicates catches {} percent of lightly edited copies."),
        Headline("false alarms", "quality", percent["unlike texts (false alarms)"], "percent", "texts without a copy", 1.0,
                 "It takes {} percent of other texts for copies."),
        Headline("found, heavily edited", "quality", percent["heavily edited"], "percent", "copies planted", 25.0,
                 "Of copies with one word in seven replaced it catches {} percent.", True),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[
            *((f"accuracy, {name}", scores[name]) for name in MODELS),
            ("share of copies found", found),
        ],
        table={
            **{f"accuracy, {name}, %": column(arms, "{:.1f}", 100) for name, arms in scores.items() if name != "found"},
            "found, %": column(found, "{:.1f}", 100),
        },
        raw=scores,
    )


BENCHMARK = Benchmark(
    name="leakage",
    question="How much does a score rise when copies of test texts lie in the training data, and are the copies found?",
    claim="A few duplicates do not matter, and near-duplicate detection catches them.",
    origin="common practice; Kapoor and Narayanan, arXiv:2207.07048, argue against it",
    protocol=(
        "The field (one of seven) of each of the starter library's works is told from its summary by TF-IDF and a classifier, "
        "trained on 70% of the works. Into the training data go copies of 0 to 20% of the test texts with 3% of their words "
        "replaced. The finder is the one that merges records here: bottom sketches of three-word shingles (Broder 1997), at "
        "its threshold for the abstracts of one work; it is tried on copies with 0, 3 and 15% of the words replaced, and on "
        "the training texts proper."
    ),
    limits=(
        "Models that remember gain most; how much a language model remembers of one copy among billions is another matter.",
        "Paraphrases and translations share no shingles and are not found.",
    ),
    seconds_quick=15,
    run=measure,
    themes=("data/leakage-contamination", "evaluation/benchmark-design"),
    papers={
        "arxiv:2207.07048": "Finds leakage in published studies of 17 fields; once mended, claimed advantages vanished "
        "where they looked again.",
        "arxiv:2311.01964": "Language models that were trained on a benchmark's test data score far above larger ones that "
        "were not.",
        "arxiv:2405.00332": "Some model families lose up to 8% on fresh problems in the manner of GSM8K.",
    },
)  # fmt: skip
