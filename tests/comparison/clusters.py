"""Do clusters agree with people's subject areas better than k-means that is told their number? Prints a table.

    python tests/comparison/clusters.py PAPERLISTS

PAPERLISTS is a folder of Paper Copilot's lists; IJCAI 2020 to 2023 name an area for each paper. Agreement is adjusted
mutual information over all papers: 0 is chance, 1 is identity.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score

from kb import embedding, settings
from kb.topics import clusters


def read(folder: Path) -> tuple[list[str], list[str]]:
    """Return (text, area) of the papers that name an area."""
    texts, areas = [], []
    for path in sorted(folder.glob("ijcai/ijcai202[0-3].json.gz")):
        for record in json.loads(gzip.decompress(path.read_bytes())):
            area = str(record.get("primary_area") or record.get("track") or "")
            if area and record.get("abstract"):
                texts.append(f"{record['title']}. {record['abstract']}")
                areas.append(area)
    return texts, areas


def main(folder: Path) -> None:
    texts, areas = read(folder)
    vectors = embedding.load(settings.DEFAULT_MODEL).encode(texts)
    known = len(set(areas))
    print(f"{len(texts):,} papers, {known} areas")
    for seed in range(3):
        start = time.perf_counter()
        labels = clusters.fit(vectors, seed=seed).labels
        print(
            f"consensus, seed {seed}: {labels.max() + 1:3} clusters, {score(areas, labels)}, {time.perf_counter() - start:.1f} s"
        )
        start = time.perf_counter()
        labels = KMeans(known, n_init=10, random_state=seed).fit_predict(vectors)
        print(f"k-means,   seed {seed}: {known:3} clusters, {score(areas, labels)}, {time.perf_counter() - start:.1f} s")


def score(areas: list[str], labels: np.ndarray) -> str:
    return f"AMI {adjusted_mutual_info_score(areas, labels):.3f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
