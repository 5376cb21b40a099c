"""Do int8 vectors give the same themes and clusters as the model in full precision?

    kb --home ONE refresh --source ...      # engine = "torch" in its kb.toml
    kb --home OTHER refresh --source ...    # the same sources, engine = "openvino"
    python tests/comparison/engine_topics.py ONE OTHER

Prints how far the two knowledge bases agree. What two runs over the same vectors with another seed agree at is in
`ARCHITECTURE.md`: clusters that differ no more than those do not differ because of the engine.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from kb import settings
from kb.store import Store

LEVELS = ("broad", "cluster", "narrow")


def main(homes: list[Path]) -> None:
    one, other = (Store.read(settings.load(home).store_uri) for home in homes)
    for home, store in zip(homes, (one, other), strict=True):
        print(f"{home}: {(store.run or {})['model']}")
    scores = [{(row["paper"], row["theme"]): row["score"] for row in store.table("themes").to_pylist()} for store in (one, other)]
    both = scores[0].keys() & scores[1].keys()
    gaps = [abs(scores[0][pair] - scores[1][pair]) for pair in both]
    f1 = 2 * len(both) / sum(map(len, scores))
    print(f"themes: {len(scores[0]):,} and {len(scores[1]):,} assignments, F1 between the two {f1:.3f}")
    print(
        f"probabilities of shared ones differ by {np.mean(gaps):.3f} on average, 95% by less than {np.quantile(gaps, 0.95):.3f}"
    )
    placed = [{row["paper"]: row for row in store.table("placements").to_pylist()} for store in (one, other)]
    papers = sorted(placed[0].keys() & placed[1].keys())
    for level in LEVELS:
        names = [[where[paper][level] for paper in papers] for where in placed]
        agreement = adjusted_mutual_info_score(*names)
        print(f"{level:8}{len(set(names[0])):4} and {len(set(names[1])):4} clusters of {len(papers):,} papers, "
              f"adjusted mutual information between the two {agreement:.3f}")  # fmt: skip


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:3]])
