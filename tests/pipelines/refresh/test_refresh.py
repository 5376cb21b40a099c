"""The whole pipeline on small real inputs: what a refresh makes, that it changes nothing twice, and survives a kill."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from kb import settings, taxonomy
from kb.errors import InvalidInput, SourceUnreachable, StoreBusy
from kb.store import Store
from pipelines import refresh as refreshing
from pipelines.progress import Silent
from pipelines.refresh import RefreshSummary, refresh
from pipelines.refresh.verify import verify_store
from pipelines.sources import Window

TABLES = ("papers", "themes", "clusters", "placements", "findings")
NOTHING: frozenset[str] = frozenset()


def run(home: Path, *specs: str, **window: object) -> RefreshSummary:
    return refresh(settings.load(home), specs, Window(**window), Silent())  # type: ignore[arg-type]


def content(home: Path) -> dict[str, list[str]]:
    """Everything a reader of the store can see, in an order of its own."""
    store = Store.read(settings.load(home).store_uri)
    seen = {name: sorted(json.dumps(row, default=str) for row in store.table(name).to_pylist()) for name in TABLES}
    model = str((store.run or {})["model"])
    hashes, vectors = store.vectors(model)
    seen["vectors"] = sorted(f"{name} {vector.tobytes().hex()}" for name, vector in zip(hashes, vectors, strict=True))
    return seen


def test_a_refresh_of_the_starter_library_gives_every_paper_a_vector_and_a_cluster(starter_home: Path) -> None:
    store = Store.read(settings.load(starter_home).store_uri)
    papers = set(store.papers(["id"])["id"].to_pylist())
    assert len(papers) >= 60
    assert set(store.table("placements")["paper"].to_pylist()) == papers
    assert len(store.vectors(str((store.run or {})["model"]))[0]) == len(papers)


def test_refreshing_twice_changes_nothing(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    spec = f"arxiv_snapshot={snapshot(range(30))}"
    first = run(tmp_path / "home", spec)
    before = content(tmp_path / "home")
    second = run(tmp_path / "home", spec)
    assert (second.run, second.changed) == (first.run, False)
    assert content(tmp_path / "home") == before


def test_new_papers_make_a_new_run_and_the_old_one_can_still_be_read(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    home = tmp_path / "home"
    run(home, f"arxiv_snapshot={snapshot(range(20))}")
    run(home, f"arxiv_snapshot={snapshot(range(20, 30), name='more.jsonl')}")
    uri = settings.load(home).store_uri
    assert Store.read(uri).count("papers") == 30
    assert Store.read(uri, as_of="r0001").count("papers") == 20


def test_only_texts_that_are_new_are_embedded(
    tmp_path: Path, snapshot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    run(home, f"arxiv_snapshot={snapshot(range(20))}")
    embedded: list[str] = []
    load = refreshing.embedding.load

    def listening(*args: object, **named: object) -> object:
        encoder = load(*args, **named)  # type: ignore[arg-type]
        encode = encoder.encode
        encoder.encode = lambda texts: embedded.extend(texts) or encode(texts)  # type: ignore[method-assign, func-returns-value]
        return encoder

    monkeypatch.setattr(refreshing.embedding, "load", listening)
    run(home, f"arxiv_snapshot={snapshot(range(19, 22), name='more.jsonl')}")
    assert [text for text in embedded if text.startswith("Invented")] == [
        f"Invented study number {number}. We invent study number {number} for a test." for number in (20, 21)
    ]


@pytest.mark.parametrize("step", ["add_records", "set_cursor", "put_papers", "add_vectors", "replace", "index_text", "commit"])
def test_a_refresh_killed_in_any_step_ends_in_the_same_state_when_run_again(
    tmp_path: Path, snapshot: Callable[..., Path], step: str
) -> None:
    spec = f"arxiv_snapshot={snapshot(range(25))}"
    run(tmp_path / "whole", spec)
    killed = f"""
import os, signal
from kb import settings
from kb.store import Store
from pathlib import Path
from pipelines.progress import Silent
from pipelines.refresh import refresh
from pipelines.sources import Window
original = Store.{step}
def dying(self, *args, **named):
    original(self, *args, **named) if {step!r} != "commit" else None
    os.kill(os.getpid(), signal.SIGKILL)
Store.{step} = dying
refresh(settings.load(Path({str(tmp_path / "killed")!r})), [{spec!r}], Window(), Silent())
"""
    died = subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, capture_output=True, env={**os.environ}, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    run(tmp_path / "killed", spec)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_a_second_refresh_at_the_same_time_is_told_so(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    with FileLock(tmp_path / "refresh.lock"), pytest.raises(StoreBusy, match="another refresh"):
        run(tmp_path, f"arxiv_snapshot={snapshot(range(3))}")


def test_a_corpus_without_a_usable_paper_leaves_no_run(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    line = snapshot.line(1, abstract="")  # type: ignore[attr-defined]
    summary = run(tmp_path / "home", f"arxiv_snapshot={snapshot(lines=[line])}")
    assert summary.changed is False
    assert summary.sentence() == "The knowledge base is empty: no source gave a usable paper."


def test_a_single_paper_makes_a_knowledge_base(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    assert run(tmp_path / "home", f"arxiv_snapshot={snapshot(range(1))}").counts["papers"] == 1


def test_the_reason_of_every_rejected_record_is_counted(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    make = snapshot.line  # type: ignore[attr-defined]
    lines = [make(1), make(2, abstract=""), make(3, title=" "), '{"id": "2301.0']
    summary = run(tmp_path / "home", f"arxiv_snapshot={snapshot(lines=lines)}")
    (source,) = summary.sources
    assert source["seen"] == 1
    assert sum(source["rejected"].values()) == 3
    assert {"no abstract", "no title"} <= set(source["rejected"])


def test_a_source_that_cannot_be_reached_does_not_stop_the_others(
    tmp_path: Path, snapshot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreachable:
        name, key, online = "far", "far", True

        def size_hint(self) -> None:
            return None

        def batches(self, window: Window, cursor: str | None) -> object:
            raise SourceUnreachable("far did not answer", cure="Try later")

    near = refreshing.open_sources(settings.load(tmp_path), [f"arxiv_snapshot={snapshot(range(4))}"])
    monkeypatch.setattr(refreshing, "open_sources", lambda *_: [Unreachable(), *near])
    summary = run(tmp_path / "home", "any")
    assert summary.counts["papers"] == 4
    assert summary.unreachable == ["far: far did not answer. Try later"]


def test_asking_for_the_same_source_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        run(tmp_path, "starter", "starter")


def test_verify_finds_nothing_wrong_in_a_fresh_knowledge_base(starter_home: Path) -> None:
    told = settings.load(starter_home)
    encoder = refreshing.embedding.load(told.model)
    checks = verify_store(Store.read(told.store_uri), taxonomy.load(), lambda: encoder, Silent())
    assert all(check["wrong"] == [] for check in checks)
    assert all(check["checked"] > 0 for check in checks)


def test_verify_names_a_finding_whose_number_was_changed(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    home = tmp_path / "home"
    run(home, f"arxiv_snapshot={snapshot(range(10))}")
    told = settings.load(home)
    store = Store.write(told.store_uri)
    rows = store.table("findings").to_pylist()
    rows[0]["n"] += 5
    store.replace("findings", rows)
    former = store.run or {}
    store.commit({key: value for key, value in former.items() if key != "tables"} | {"id": "r0002"})
    encoder = refreshing.embedding.load(told.model)
    checks = {
        check["check"]: check for check in verify_store(Store.read(told.store_uri), taxonomy.load(), lambda: encoder, Silent())
    }
    assert len(checks["findings"]["wrong"]) == 1
    assert rows[0]["id"] in checks["findings"]["wrong"][0]


def test_a_replay_restores_lost_records_without_asking_and_moves_no_cursor(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    home = tmp_path / "home"
    spec = f"arxiv_snapshot={snapshot(range(12))}"
    run(home, spec)
    store = Store.write(settings.load(home).store_uri)
    cursors = store.table("cursors").to_pylist()
    store._table("records").delete("key LIKE '%2301.00007'")
    replayed = refresh(settings.load(home), [spec], Window(), Silent(), again=True)
    assert (replayed.sources[0]["seen"], replayed.sources[0]["changed"], replayed.counts["papers"]) == (12, 1, 12)
    assert Store.write(settings.load(home).store_uri).table("cursors").to_pylist() == cursors


def test_verify_agrees_with_papers_that_lost_an_identifier_which_several_claim(tmp_path: Path) -> None:
    chapters = tmp_path / "book.csv"
    lines = [f"{name},Ada {name},About {name} alone.,2022,10.1000/book" for name in ("Socks from Above", "Towels by Touch")]
    chapters.write_text("\n".join(["title,authors,abstract,year,doi", *lines]) + "\n", encoding="utf-8")
    home = tmp_path / "home"
    assert run(home, f"files={chapters}").counts["papers"] == 2
    told = settings.load(home)
    checks = verify_store(Store.read(told.store_uri), taxonomy.load(), lambda: refreshing.embedding.load(told.model), Silent())
    assert [check["wrong"] for check in checks] == [[]] * len(checks)


def test_another_engine_embeds_anew_and_its_vectors_do_not_mix_with_the_others(
    tmp_path: Path, snapshot: Callable[..., Path], small_model: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "kb.toml").write_text(f'[embedding]\nmodel = "{small_model()}"\n', encoding="utf-8")
    spec = f"arxiv_snapshot={snapshot(range(12))}"
    run(home, spec)
    monkeypatch.setenv("KB_ENGINE", "openvino")
    assert run(home, spec).changed
    assert not run(home, spec).changed
    store = Store.read(settings.load(home).store_uri)
    first, second = (str(row["model"]) for row in store.runs())
    assert second == f"{first}+int8"
    assert [len(store.vectors(key)[0]) for key in (first, second)] == [12, 12]
    monkeypatch.delenv("KB_ENGINE")
    assert not run(home, spec).changed
