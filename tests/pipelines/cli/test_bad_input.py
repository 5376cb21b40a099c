"""Every mistake of a user: one line on standard error that says what to do, the right exit code, never a traceback."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.papers import MAX_ABSTRACT


def kb(*words: object, home: Path | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", *(["--home", str(home)] if home else []), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, input=stdin)


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    complaint = [line for line in done.stderr.splitlines() if line.startswith("kb: ")]
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert len(complaint) == 1, done.stderr
    for part in parts:
        assert part in complaint[0]


def test_reading_where_there_is_no_knowledge_base(tmp_path: Path) -> None:
    assert_one_line(kb("status", home=tmp_path / "nowhere"), 2, "no knowledge base", "kb refresh")


def test_an_unknown_command(tmp_path: Path) -> None:
    assert_one_line(kb("refesh", home=tmp_path), 2, "refesh")


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    assert_one_line(kb("refresh", "--source", "arxvi", home=tmp_path), 2, "arxvi", "arxiv_snapshot", "starter")


def test_a_snapshot_that_does_not_exist(tmp_path: Path) -> None:
    assert_one_line(kb("refresh", "--source", f"arxiv_snapshot={tmp_path}/none.jsonl", home=tmp_path), 2, "none.jsonl")


def test_a_corrupt_settings_file_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("[embedding]\nmodel = \n", encoding="utf-8")
    assert_one_line(kb("refresh", home=tmp_path), 2, "kb.toml", "line 2")


def test_an_unknown_setting_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("[embedding]\nmodle = 'x'\n", encoding="utf-8")
    assert_one_line(kb("refresh", home=tmp_path), 2, "modle", "max_tokens")


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_date_that_is_none(tmp_path: Path, option: str) -> None:
    assert_one_line(kb("refresh", "--source", "starter", option, "last week", home=tmp_path), 2, option, "2025-01-31")


def test_since_after_until(tmp_path: Path) -> None:
    assert_one_line(kb("refresh", "--source", "starter", "--since", "2024", "--until", "2023", home=tmp_path), 2, "Swap")


def test_a_limit_of_nothing(tmp_path: Path) -> None:
    assert_one_line(kb("refresh", "--source", "starter", "--limit", "0", home=tmp_path), 2, "--limit")


def test_an_empty_query(starter_home: Path) -> None:
    assert_one_line(kb("search", "  ", home=starter_home), 2, "empty")


def test_an_unknown_mode_of_search(starter_home: Path) -> None:
    assert_one_line(kb("search", "x", "--mode", "psychic", home=starter_home), 2, "psychic", "hybrid")


def test_an_unknown_theme(starter_home: Path) -> None:
    assert_one_line(kb("trends", "--theme", "fashion", home=starter_home), 2, "fashion", "kb themes")


def test_an_unknown_paper(starter_home: Path) -> None:
    assert_one_line(kb("show", "arxiv:9999.99999", home=starter_home), 2, "no such paper")


def test_an_unknown_run(starter_home: Path) -> None:
    assert_one_line(kb("--as-of", "r9999", "status", home=starter_home), 2, "r9999", "r0001")


def test_an_unknown_format_of_export(starter_home: Path) -> None:
    assert_one_line(kb("export", "papers", "--format", "xls", home=starter_home), 2, "xls", "parquet")


def test_findings_have_no_bibtex(starter_home: Path) -> None:
    assert_one_line(kb("export", "trends", "--format", "bibtex", home=starter_home), 2, "BibTeX")


def test_an_unknown_benchmark(tmp_path: Path) -> None:
    assert_one_line(kb("bench", "run", "mining", home=tmp_path), 2, "mining", "quantization")


def test_a_site_is_not_built_over_a_folder_of_something_else(starter_home: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    assert_one_line(kb("site", "build", "--out", tmp_path, home=starter_home), 2, "something else")
    assert (tmp_path / "thesis.tex").read_text(encoding="utf-8") == "years of work"


def test_serving_a_site_that_was_not_built(tmp_path: Path) -> None:
    assert_one_line(kb("site", "serve", "--out", tmp_path), 2, "kb site build")


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert_one_line(kb("refresh", "--source", "starter", home=tmp_path / "file" / "home"), 2, "cannot write")


def test_init_does_not_overwrite_settings(tmp_path: Path) -> None:
    assert kb("init", home=tmp_path).returncode == 0
    assert_one_line(kb("init", home=tmp_path), 2, "exists already")


def test_a_list_that_is_no_list(tmp_path: Path) -> None:
    folder = tmp_path / "lists" / "icml"
    folder.mkdir(parents=True)
    (folder / "icml2023.json").write_text('{"title": "not a list"}', encoding="utf-8")
    done = kb("refresh", "--source", f"paperlists={tmp_path / 'lists'}", home=tmp_path / "home")
    assert "Traceback" not in done.stderr
    assert "icml2023.json" in done.stderr


def test_hostile_records_are_counted_and_the_good_one_is_kept(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    make = snapshot.line  # type: ignore[attr-defined]
    lines = [
        make(1, title="\u202eright to left \U0001f9e0 \x1b[31mred", abstract="Emoji \U0001f600 and \x00 control characters."),
        make(2, abstract="x" * 10 * MAX_ABSTRACT),
        make(3, versions=[{"version": "v1", "created": "Mon, 2 Jan 2995 00:00:00 GMT"}]),
        make(4, versions=[{"version": "v1", "created": "yesterday"}]),
        "not json at all",
    ]
    home = tmp_path / "home"
    done = kb("refresh", "--source", f"arxiv_snapshot={snapshot(lines=lines)}", home=home)
    assert done.returncode == 0, done.stderr
    assert "4 rejected" in done.stderr
    shown = kb("show", "arxiv:2301.00001", home=home)
    assert "right to left" in shown.stdout
    assert "\x1b" not in shown.stdout
