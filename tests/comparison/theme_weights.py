"""Fit the weights of the themes' witnesses on the starter library's hand labels and write `kb/data/theme_weights.json`.

python tests/comparison/theme_weights.py
"""

import json
from pathlib import Path

import kb
from kb import embedding, taxonomy
from kb.settings import DEFAULT_MODEL
from kb.topics import themes
from pipelines.benchmarks import theme_assignment


def main() -> None:
    evidence = theme_assignment.gather(embedding.load(DEFAULT_MODEL), taxonomy.load().themes)
    model = themes.fit(theme_assignment.leaving_out(evidence, ()), evidence.labelled.flags)
    told = {
        name: {"weights": [round(float(weight), 4) for weight in weights], "bias": round(bias, 4)}
        for name, (weights, bias) in (("full", model.full), ("plain", model.plain))
    }
    path = Path(kb.__file__).parent / "data" / "theme_weights.json"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {told}")


if __name__ == "__main__":
    main()
