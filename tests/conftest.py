"""What many tests share: one knowledge base made from the starter library, and small papers made up for a test."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kb import settings
from kb.embedding.weights import locate
from kb.ids import arxiv_id
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.progress import Silent
from pipelines.refresh import refresh
from pipelines.sources import Window

os.environ["KB_ENGINE"] = "torch"  # else a large enough test would quantize the model first


@pytest.fixture(scope="session")
def starter_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge base of the starter library. Tests must not change it."""
    home = tmp_path_factory.mktemp("starter")
    refresh(settings.load(home), ["starter"], Window(), Silent())
    return home


@pytest.fixture
def invent() -> Callable[..., Paper]:
    """Make a paper up: `invent(7, title=..., published=...)`."""

    def make(number: int, **told: object) -> Paper:
        identifier = arxiv_id(f"2301.{number:05d}") or ""
        values: dict[str, object] = {
            "title": f"Invented study number {number}", "abstract": f"We invent study number {number} for a test.",
            "authors": [f"Ada Author{number}"], "published": date(2023, 1, 1), "date_precision": "day",
            "identifiers": [identifier], "categories": ["cs.LG"],
            "source": SourceRecord("arxiv", identifier, "2023-01-01", f"https://arxiv.org/abs/{identifier[6:]}", ""),
        }  # fmt: skip
        return make_paper(**{**values, **told})  # type: ignore[arg-type]

    return make


def snapshot_line(number: int, **told: object) -> str:
    """One line of arXiv's metadata snapshot about a paper made up for a test."""
    record = {
        "id": f"2301.{number:05d}", "submitter": None, "authors": f"Ada Author{number}",
        "title": f"Invented study number {number}", "comments": None, "journal-ref": None, "doi": None, "report-no": None,
        "categories": "cs.LG", "license": None, "abstract": f"We invent study number {number} for a test.",
        "versions": [{"version": "v1", "created": f"Mon, {1 + number % 28} Jan 2023 00:00:00 GMT"}],
        "update_date": "2023-01-30",
    }  # fmt: skip
    return json.dumps({**record, **told})


@pytest.fixture
def snapshot(tmp_path: Path) -> Callable[..., Path]:
    """Write a snapshot file of made-up papers: `snapshot(range(5))`, or `snapshot(lines=[...])`."""

    def write(numbers: object = (), lines: list[str] | None = None, name: str = "snapshot.jsonl") -> Path:
        path = tmp_path / name
        content = lines if lines is not None else [snapshot_line(number) for number in numbers]  # type: ignore[attr-defined]
        path.write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
        return path

    write.line = snapshot_line  # type: ignore[attr-defined]
    return write


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Make a model's folder: `small_model(seed=1, pooling="cls", prompts={"query": "query: "})`; equal calls, equal weights."""
    import torch  # heavy, both: most tests need neither
    from transformers import BertConfig, BertModel

    def make(seed: int = 1, pooling: str = "mean", prompts: dict[str, str] | None = None) -> str:
        folder = tmp_path_factory.mktemp("model") / "small"
        shutil.copytree(
            locate("sentence-transformers/all-MiniLM-L6-v2")[0], folder, ignore=shutil.ignore_patterns("*.safetensors")
        )
        config = json.loads((folder / "config.json").read_text())
        torch.manual_seed(seed)
        BertModel(BertConfig(**{**config, **SMALL})).save_pretrained(folder)
        told = {f"pooling_mode_{name}": name.startswith(pooling) for name in ("mean_tokens", "cls_token")}
        change(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, **told})
        change(folder / "config_sentence_transformers.json", {"prompts": prompts or {}})
        return str(folder)

    return make


def change(path: Path, told: dict[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **told}))
