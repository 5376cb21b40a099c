"""The commands as a user types them, on the starter knowledge base; what scripts read has a stable shape."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest


def kb(home: Path, *words: object) -> str:
    command = [sys.executable, "-m", "pipelines.cli", "--home", str(home), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, pipelines.cli\ntry: pipelines.cli.app(['--help'])\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"torch", "lancedb", "pyarrow", "sklearn", "altair", "statsmodels", "numpy"} & set(done.stderr.split())


def test_search_has_a_documented_shape(starter_home: Path) -> None:
    hits = json.loads(kb(starter_home, "search", "training with less memory", "-n", 3, "--json"))
    assert len(hits) == 3
    assert {"id", "title", "score", "published", "venue", "themes", "why"} <= set(hits[0])


@pytest.mark.parametrize(
    ("query", "theme"),
    [
        ("training with less memory", "inference-efficiency/memory-speed"),
        ("sampling from diffusion models in fewer steps", "generative-models/diffusion"),
        ("documentation for datasets", "data/documentation-licensing"),
    ],
)
def test_the_first_papers_found_are_about_what_was_asked(starter_home: Path, query: str, theme: str) -> None:
    assert all(theme in hit["themes"] for hit in json.loads(kb(starter_home, "search", query, "-n", 3, "--json")))


def test_search_prints_a_table_without_json(starter_home: Path) -> None:
    assert "ZeRO" in kb(starter_home, "search", "training with less memory", "--mode", "keyword")


def test_show_tells_themes_and_cluster(starter_home: Path) -> None:
    paper = json.loads(kb(starter_home, "show", "https://arxiv.org/abs/1706.03762v5", "--json"))
    assert paper["title"] == "Attention Is All You Need"
    assert "generative-models/transformers-attention" in {row["theme"] for row in paper["themes"]}
    assert paper["cluster"]["id"].startswith("c")


def test_status_has_a_documented_shape(starter_home: Path) -> None:
    assert {"papers", "vectors", "themes", "clusters", "runs"} <= set(json.loads(kb(starter_home, "status", "--json")))


def test_trends_have_a_documented_shape(starter_home: Path) -> None:
    findings = json.loads(kb(starter_home, "trends", "--json"))
    keys = {"id", "subject", "kind", "statement", "value", "low", "high", "q", "n", "method", "run", "mark"}
    assert all(keys <= set(finding) for finding in findings)


def test_a_reading_list_claims_no_trend(starter_home: Path) -> None:
    kinds = {finding["kind"] for finding in json.loads(kb(starter_home, "trends", "--json"))}
    assert not kinds & {"rising", "falling"}


def test_themes_count_what_the_editors_chose(starter_home: Path) -> None:
    rows = {row["id"]: row["papers"] for row in json.loads(kb(starter_home, "themes", "--json"))}
    assert len(rows) == 31
    assert all(count > 0 for count in rows.values())


def test_benchmarks_are_listed_with_their_question(tmp_path: Path) -> None:
    rows = json.loads(kb(tmp_path, "bench", "list", "--json"))
    assert {"name", "question", "seconds_quick"} == set(rows[0])


def test_papers_are_exported_one_a_line_with_themes_and_cluster(starter_home: Path) -> None:
    lines = [json.loads(line) for line in kb(starter_home, "export", "papers", "--format", "jsonl").splitlines()]
    status = json.loads(kb(starter_home, "status", "--json"))
    assert len(lines) == status["papers"]
    assert all(line["cluster"] and isinstance(line["themes"], list) for line in lines)


def test_exported_parquet_holds_the_same_papers(starter_home: Path, tmp_path: Path) -> None:
    kb(starter_home, "export", "papers", "--format", "parquet", "--out", tmp_path / "papers.parquet")
    table = pq.read_table(tmp_path / "papers.parquet")
    ids = [json.loads(line)["id"] for line in kb(starter_home, "export", "papers").splitlines()]
    assert table["id"].to_pylist() == ids


def test_exported_findings_are_csv_with_a_header(starter_home: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(kb(starter_home, "export", "trends", "--format", "csv"))))
    assert {row["mark"] for row in rows} == {"derived"}


def test_init_writes_settings_that_a_refresh_accepts(tmp_path: Path) -> None:
    kb(tmp_path, "init")
    kb(tmp_path, "refresh", "--limit", 5)
    assert json.loads(kb(tmp_path, "status", "--json"))["papers"] == 5


def test_doctor_finds_this_machine_ready(starter_home: Path) -> None:
    assert all(row["ok"] for row in json.loads(kb(starter_home, "doctor", "--json")))
