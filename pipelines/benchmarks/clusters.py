"""Clusters: do they agree with people's subject areas and keywords, and how does that compare with the peers?"""

import gzip
import json
import os
import re
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, roc_auc_score

from kb import embedding
from kb.errors import InvalidInput
from kb.settings import DEFAULT_MODEL
from kb.topics import clusters
from pipelines.benchmarks.harness import Benchmark, Headline, Measured

Labels = NDArray[np.int64]
Levels = list[Labels]
"""One clustering a level, broadest first; -1 is a paper left out."""
FOLDER = "KB_PAPERLISTS"
"""The environment variable that names the folder of Paper Copilot's lists."""
PAIRS = 200_000
OURS, KMEANS, BERTOPIC, EVOC = "consensus", "k-means, told the number of areas", "BERTopic, defaults", "EVoC, defaults"


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Cluster labelled conference papers in each way and compare with the labels."""
    folder = _folder()
    encoder = embedding.load(DEFAULT_MODEL)
    texts, areas = _areas(folder)
    vectors = encoder.encode(texts)
    keyed = {venue: _keywords(folder, venue) for venue in ("colm", "corl")}
    views = {venue: encoder.encode(told) for venue, (told, _) in keyed.items()}
    agreement: dict[str, list[float]] = {}
    near: dict[str, list[float]] = {}
    facts: dict[str, dict[str, str]] = {"clusters": {}, "left out": {}, "seconds": {}}
    matched: list[float] = []
    for seed in seeds:
        for arm, call in _arms(len(set(areas)), seed).items():
            start = time.perf_counter()
            levels = call(vectors, texts)
            facts["seconds"][arm] = f"{time.perf_counter() - start:.1f}"
            main = levels[len(levels) // 2] if arm == OURS else levels[-1]
            agreement.setdefault(arm, []).append(float(adjusted_mutual_info_score(areas, main)))
            facts["clusters"][arm] = str(len(set(main.tolist()) - {-1}))
            facts["left out"][arm] = f"{np.mean(main == -1):.0%}"
            scores = [shared_keywords(call(views[venue], told), keys, seed) for venue, (told, keys) in keyed.items()]
            near.setdefault(arm, []).append(float(np.mean(scores)))
        at = clusters.fit(vectors, texts, seed=seed, n_clusters=len(set(areas))).labels
        matched.append(float(adjusted_mutual_info_score(areas, at)))
        advance(1)
    agreement["consensus, told the number of areas"] = matched
    return _told(agreement, near, facts, len(texts))


def _folder() -> Path:
    told = os.environ.get(FOLDER, "")
    if not told or not (Path(told) / "ijcai").is_dir():
        raise InvalidInput(
            "this benchmark needs Paper Copilot's lists, which Papertide does not ship",
            value=told or None,
            cure=f"Clone github.com/papercopilot/paperlists and set {FOLDER} to its folder",
        )
    return Path(told)


def _records(folder: Path, pattern: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob(pattern)):
        content = path.read_bytes()
        rows += json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    return [row for row in rows if row.get("abstract")]


def _areas(folder: Path) -> tuple[list[str], list[str]]:
    """Papers of IJCAI 2020 to 2023 with their area; "Computer Vision I" and "II" are one."""
    rows = [row for row in _records(folder, "ijcai/ijcai202[0-3].json*") if row.get("primary_area")]
    return [f"{row['title']}. {row['abstract']}" for row in rows], [re.sub(r" I+$", "", row["primary_area"]) for row in rows]


def _keywords(folder: Path, venue: str) -> tuple[list[str], list[set[str]]]:
    rows = [row for row in _records(folder, f"{venue}/{venue}20*.json*") if row.get("keywords")]
    keys = [{key.strip().lower() for key in re.split("[;,]", row["keywords"]) if key.strip()} for row in rows]
    return [f"{row['title']}. {row['abstract']}" for row in rows], keys


def _arms(areas: int, seed: int) -> Mapping[str, Callable[[NDArray[np.float32], Sequence[str]], Levels]]:
    def ours(vectors: NDArray[np.float32], texts: Sequence[str]) -> Levels:
        tree = clusters.fit_tree(vectors, texts, seed=seed)
        return [tree.broad.labels, tree.middle.labels, tree.narrow.labels]

    def k_means(vectors: NDArray[np.float32], _: Sequence[str]) -> Levels:
        return [KMeans(areas, n_init=10, random_state=seed).fit_predict(vectors).astype(np.int64)]

    arms: dict[str, Callable[[NDArray[np.float32], Sequence[str]], Levels]] = {OURS: ours, KMEANS: k_means}
    if find_spec("bertopic"):
        arms[BERTOPIC] = lambda vectors, texts: _bertopic(vectors, texts, seed)
    if find_spec("evoc"):
        arms[EVOC] = lambda vectors, texts: _evoc(vectors, seed)
    return arms


def _bertopic(vectors: NDArray[np.float32], texts: Sequence[str], seed: int) -> Levels:
    """BERTopic as it comes, UMAP seeded; its tree is the one it draws: Ward on the topics' c-TF-IDF, cut at two heights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from bertopic import BERTopic  # a peer, not installed with Papertide
        from umap import UMAP

        reduce = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed)
        model = BERTopic(umap_model=reduce)
        found = np.asarray(model.fit_transform(list(texts), embeddings=vectors)[0], np.int64)
    topics = np.asarray(model.c_tf_idf_.toarray())[1 if found.min() < 0 else 0 :]
    if len(topics) < 4:
        return [found]
    tree = linkage(topics, "ward")
    cuts = [fcluster(tree, count, "maxclust") for count in (max(2, len(topics) // 6), max(3, len(topics) // 2))]
    return [*(np.where(found >= 0, cut[np.maximum(found, 0)], -1) for cut in cuts), found]


def _evoc(vectors: NDArray[np.float32], seed: int) -> Levels:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evoc import EVoC  # a peer, not installed with Papertide

        model = EVoC(random_state=seed)
        best = np.asarray(model.fit_predict(vectors), np.int64)
    layers = [np.asarray(layer, np.int64) for layer in model.cluster_layers_]
    return [*sorted((layer for layer in layers if len(set(layer)) < len(set(best))), key=lambda one: len(set(one))), best]


def shared_keywords(levels: Levels, keys: Sequence[set[str]], seed: int) -> float:
    """Return how often a pair that shares a keyword is nearer in the tree than one that shares none (area under the
    curve; ties count half). Nearness is the number of levels on which the two are in one cluster."""
    random = np.random.default_rng(seed)
    one, other = random.integers(0, len(keys), (2, PAIRS))
    one, other = one[one != other], other[one != other]
    shares = np.array([bool(keys[a] & keys[b]) for a, b in zip(one, other, strict=True)])
    together = sum(((level[one] == level[other]) & (level[one] >= 0)).astype(int) for level in levels)
    return float(roc_auc_score(shares, together))


def _told(
    agreement: Mapping[str, list[float]], near: Mapping[str, list[float]], facts: Mapping[str, Mapping[str, str]], papers: int
) -> Measured:
    gain = [one - base for one, base in zip(agreement[OURS], agreement[KMEANS], strict=True)]
    headlines = [
        Headline("agreement with areas", "quality", agreement[OURS], "adjusted mutual information", "the editors' areas", 0.02,
                 "Clusters agree with the conference's subject areas at an adjusted mutual information of {}."),
        Headline("gain over k-means", "quality", [100 * value for value in gain], "percentage points", KMEANS, 2.0,
                 "That is {} percentage points against k-means that is told the number of areas."),
        Headline("keywords in the tree", "quality", near[OURS], "area under the curve", "authors' keywords", 0.02,
                 "Papers that share a keyword are nearer in the tree than others with an area under the curve of {}."),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[
            ("agreement with subject areas (adjusted mutual information)", agreement),
            ("keywords (area under the curve)", near),
        ],
        table={
            "agreement": {arm: f"{np.median(values):.3f}" for arm, values in agreement.items()},
            "keywords": {arm: f"{np.median(values):.3f}" for arm, values in near.items()},
            **facts,
        },
        raw={"papers": papers, "agreement": agreement, "keywords": near},
    )


BENCHMARK = Benchmark(
    name="clusters",
    question="Do this site's clusters agree with the subject areas and keywords that people gave?",
    claim="A consensus of many k-means runs agrees better with people than one run, and places every paper.",
    origin="this project",
    protocol=(
        "Papers of IJCAI 2020 to 2023 with a subject area are clustered by title and abstract, at a number of clusters chosen "
        "without the areas, and compared over all papers by adjusted mutual information. Papers of COLM and CoRL are clustered "
        "likewise, and pairs that share an author's keyword should be nearer in the tree than others. All arms see the same "
        "vectors; BERTopic and EVoC take part where they are installed (dependency group bench-peers)."
    ),
    limits=(
        "Areas mix what a paper is about with the track it was sent to; 1.0 cannot be reached.",
        "The lists are not part of Papertide: without them the benchmark does not run.",
    ),
    seconds_quick=180,
    run=measure,
    seeds=5,
    seeds_quick=2,
    ships=False,
)
