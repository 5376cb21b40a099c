"""Removal on request: a work that kb.toml names is gone from every table and file, and stays out."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kb import settings, taxonomy
from kb.errors import StoreError
from kb.store import Store
from pipelines.progress import Silent
from pipelines.publish import export, facts
from pipelines.refresh import RefreshSummary, refresh
from pipelines.sources import Window
from pipelines.sources.raw import Room

SECRET = "a quixotrope that hums under seven moons of glass"
"""A sentence, since a cluster's name may keep a word of a paper that was removed."""


@pytest.fixture
def corpus(snapshot: Callable[..., Path]) -> str:
    """Twelve papers, of which number 7 has a sentence of its own and number 8 an author of hers."""
    line = snapshot.line  # type: ignore[attr-defined]
    lines = [line(number) for number in range(12) if number not in (7, 8)]
    lines += [line(7, abstract=f"We invent {SECRET} for a test."), line(8, authors="Zoë Private and Bo Writer")]
    return f"arxiv_snapshot={snapshot(lines=lines)}"


def run(home: Path, spec: str) -> RefreshSummary:
    return refresh(settings.load(home), [spec], Window(), Silent())


def ask(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "kb.toml").write_text(f"[removal]\n{text}\n", encoding="utf-8")


def ids(home: Path) -> set[str]:
    return set(Store.read(settings.load(home).store_uri).papers(["id"])["id"].to_pylist())


def files_with(home: Path, word: str) -> list[Path]:
    return [path for path in (home / "store").rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


def test_a_paper_is_removed_by_any_way_of_writing_its_id(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    ask(home, 'papers = ["https://arxiv.org/abs/2301.00007v2"]')
    assert run(home, corpus).counts["papers"] == 11
    assert "arxiv:2301.00007" not in ids(home)


def test_nothing_of_a_removed_paper_is_left_in_any_file_of_the_store(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    assert files_with(home, SECRET)
    ask(home, 'papers = ["arxiv:2301.00007"]')
    run(home, corpus)
    assert files_with(home, SECRET) == []


def test_an_author_s_papers_are_removed_whatever_the_accents(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    ask(home, 'authors = ["zoe private"]')
    run(home, corpus)
    assert "arxiv:2301.00008" not in ids(home)
    assert len(ids(home)) == 11


def test_a_removed_paper_stays_out(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    ask(home, 'papers = ["arxiv:2301.00007"]')
    first = run(home, corpus)
    second = run(home, corpus)
    assert (len(ids(home)), first.run, second.changed) == (11, "r0001", False)


def test_another_record_of_a_removed_work_stays_out_too(tmp_path: Path, corpus: str, snapshot: Callable[..., Path]) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    ask(home, 'papers = ["arxiv:2301.00008"]')
    run(home, corpus)
    again = tmp_path / "mine.csv"
    again.write_text(
        "title,authors,abstract,year\nInvented study number 8,Zoë Private; Bo Writer,Said again.,2023\n", encoding="utf-8"
    )
    summary = run(home, f"files={again}")
    assert summary.sources[0]["rejected"] == {"removed on request": 1}
    assert len(ids(home)) == 11


def test_vectors_and_search_know_it_no_more(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    ask(home, 'papers = ["arxiv:2301.00007"]')
    run(home, corpus)
    store = Store.read(settings.load(home).store_uri)
    assert store.text_search("quixotrope", 5) == []
    assert len(store.vectors(str((store.run or {})["model"]))[0]) == 11


def test_kept_answers_that_name_it_are_deleted(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    room = Room(home / "raw" / "arxiv")
    room.keep("https://example.org/1", b"<id>http://arxiv.org/abs/2301.00007v1</id>", {})
    room.keep("https://example.org/2", b"<id>http://arxiv.org/abs/2301.00009v1</id>", {})
    ask(home, 'papers = ["arxiv:2301.00007"]')
    run(home, corpus)
    assert [kept.url for kept in room.answers()] == ["https://example.org/2"]


def test_kept_answers_that_name_it_again_are_deleted_again(tmp_path: Path, corpus: str, snapshot: Callable[..., Path]) -> None:
    home = tmp_path / "home"
    ask(home, 'papers = ["arxiv:2301.00007"]')
    run(home, corpus)
    room = Room(home / "raw" / "arxiv")
    room.keep("https://example.org/1", b"<id>http://arxiv.org/abs/2301.00007v1</id>", {})
    sent = snapshot(lines=[snapshot.line(7)], name="again.jsonl")  # type: ignore[attr-defined]
    run(home, f"arxiv_snapshot={sent}")
    assert list(room.answers()) == []


def test_the_site_tells_of_the_runs_before_a_removal_what_is_still_known(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    ask(home, 'papers = ["arxiv:2301.00007"]')
    run(home, corpus)
    store = Store.read(settings.load(home).store_uri)
    told = facts.read(store, taxonomy.load(), export.papers(store, abstracts=False))
    first, second = told.runs
    assert (first.counts["papers"], first.findings) == (12, ())
    assert (second.counts["papers"], second.changes) == (11, ())
    assert second.findings


def test_a_run_before_the_removal_can_no_longer_be_read_and_the_error_says_why(tmp_path: Path, corpus: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    ask(home, 'papers = ["arxiv:2301.00007"]')
    run(home, corpus)
    with pytest.raises(StoreError, match="was erased when papers were removed"):
        Store.read(settings.load(home).store_uri, as_of="r0001")


@pytest.mark.parametrize("step", ["delete_records", "rewrite", "commit", "purge"])
def test_a_removal_killed_in_any_step_is_finished_by_the_next_run(tmp_path: Path, corpus: str, step: str) -> None:
    home = tmp_path / "home"
    run(home, corpus)
    ask(home, 'papers = ["arxiv:2301.00007"]')
    killed = f"""
import os, signal
from pathlib import Path
from kb import settings, taxonomy
from kb.store import Store
from pipelines.progress import Silent
from pipelines.refresh import refresh
from pipelines.sources import Window
original = Store.{step}
def dying(self, *args, **named):
    original(self, *args, **named) if {step!r} != "purge" else None
    os.kill(os.getpid(), signal.SIGKILL)
Store.{step} = dying
refresh(settings.load(Path({str(home)!r})), [{corpus!r}], Window(), Silent())
"""
    died = subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert len(ids(home)) in (11, 12)
    run(home, corpus)
    assert (len(ids(home)), files_with(home, SECRET)) == (11, [])


def test_taking_the_entry_back_lets_the_paper_in_again(tmp_path: Path, corpus: str, snapshot: Callable[..., Path]) -> None:
    home = tmp_path / "home"
    ask(home, 'papers = ["arxiv:2301.00007"]')
    run(home, corpus)
    ask(home, "")
    refresh(settings.load(home), [corpus], Window(), Silent(), again=True)
    assert len(ids(home)) == 12
