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
            area = str(record.get("primary_area") or "")
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
        tell("consensus", seed, areas, labels, start)
        start = time.perf_counter()
        labels = KMeans(known, n_init=10, random_state=seed).fit_predict(vectors)
        tell("k-means", seed, areas, labels, start)


def tell(name: str, seed: int, areas: list[str], labels: np.ndarray, start: float) -> None:
    seconds = time.perf_counter() - start
    agreement = adjusted_mutual_info_score(areas, labels)
    print(f"{name:10} seed {seed}: {labels.max() + 1:3} clusters, AMI {agreement:.3f}, {seconds:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
