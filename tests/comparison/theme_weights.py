"""Fit the weights of the themes' witnesses and write `kb/data/theme_weights.json`.

    python tests/comparison/theme_weights.py STORE

The labels are the starter library's; STORE is a knowledge base's store of many unlabelled papers, of which 3,000 are the
background. Prints what the weights give when neither they nor the votes ever see a work's fold.
"""

import json
import sys
from pathlib import Path

import numpy as np

import kb
from kb import embedding, taxonomy
from kb.settings import DEFAULT_MODEL
from kb.store import Store
from kb.topics import themes
from pipelines.benchmarks import theme_assignment as benchmark
from pipelines.refresh.sort import paper_vectors

BACKGROUND, FOLDS = 3_000, 10


def main(uri: str) -> None:
    leaves = taxonomy.load().themes
    evidence = benchmark.gather(embedding.load(DEFAULT_MODEL), leaves)
    background, others = sample(uri, evidence, leaves)
    tell(evidence, background)
    model = themes.fit(benchmark.leaving_out(evidence, ()), evidence.labelled.flags, background)
    given = themes.probabilities(model, others, evidence.labelled.flags) >= themes.THRESHOLD
    unsaid = given & (others[..., 2] == 0)
    print(f"other papers: {given.sum() / len(given):.2f} themes each, {unsaid.sum() / len(given):.2f} unsaid")
    told = {
        name: {"weights": [round(float(weight), 4) for weight in weights], "bias": round(bias, 4)}
        for name, (weights, bias) in (("full", model.full), ("plain", model.plain))
    }
    path = Path(kb.__file__).parent / "data" / "theme_weights.json"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def sample(uri: str, evidence: benchmark.Evidence, leaves: tuple[taxonomy.Theme, ...]) -> list[np.ndarray]:
    """Witnesses of papers that are no works of the library: the background, and as many others to look at."""
    store = Store.read(uri)
    rows = store.papers(["id", "title", "abstract", "text_hash"]).to_pydict()
    strangers = [
        number for number, name in enumerate(rows["id"]) if name not in set(evidence.labelled.ids) and rows["abstract"][number]
    ]
    chosen = np.random.default_rng(0).permutation(strangers)[: 2 * BACKGROUND]
    cues = themes.cue_weights([rows["title"][one] for one in chosen], [rows["abstract"][one] for one in chosen], leaves)
    vectors = paper_vectors(store, str((store.run or {})["model"]), [rows["text_hash"][one] for one in chosen])
    seen = themes.witnesses(vectors, cues.weight, cues.in_title, evidence.described, evidence.labelled)
    return [seen[:BACKGROUND], seen[BACKGROUND:]]


def tell(evidence: benchmark.Evidence, background: np.ndarray) -> None:
    truth = evidence.labelled.flags
    fold = np.random.default_rng(0).permutation(len(truth)) % FOLDS
    chances = np.zeros(truth.shape, np.float32)
    for number in range(FOLDS):
        held, kept = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        seen = benchmark.leaving_out(evidence, held.tolist())
        model = themes.fit(seen[kept], truth[kept], background)
        chances[held] = themes.probabilities(model, seen[held], truth[kept])
    found = chances >= themes.THRESHOLD
    both, either = (found & truth).sum(axis=0), found.sum(axis=0) + truth.sum(axis=0)
    error = benchmark.reliability(chances, truth)[1]
    print(
        f"out of fold: micro F1 {2 * both.sum() / either.sum():.3f}, macro F1 {np.mean(2 * both / either):.3f}, ECE {error:.4f}"
    )


if __name__ == "__main__":
    main(sys.argv[1])
