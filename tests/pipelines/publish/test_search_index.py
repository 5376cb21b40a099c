"""The files of the search and of the map, made from the store."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kb import settings, taxonomy
from kb.embedding.portable import Portable
from kb.store import Store
from pipelines.progress import Silent
from pipelines.publish import paper_map, search_index
from pipelines.publish.pages import Page
from pipelines.refresh import refresh
from pipelines.sources import Window


class Encoder:
    """An encoder that counts its calls; what it says does not matter here."""

    model, weights, precision = "", "", "fp32"

    def __init__(self, key: str) -> None:
        self.key = key
        self.calls = 0

    def encode(self, texts: list[str]) -> np.ndarray:
        self.calls += 1
        drawn = np.random.default_rng(len(texts)).normal(size=(len(texts), 384))
        return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)

    def encode_query(self, text: str) -> np.ndarray:
        return self.encode([text])[0]


@pytest.fixture(scope="module")
def store(starter_home: Path) -> Store:
    return Store.read(settings.load(starter_home).store_uri)


@pytest.fixture
def encoder(store: Store) -> Encoder:
    return Encoder(str((store.run or {})["model"]))


def build(store: Store, encoder: Encoder | None, home: Path | None) -> dict[str, Page]:
    pages = search_index.build(store, taxonomy.load(), (lambda: encoder) if encoder else None, home, Silent())
    return {page.path: page for page in pages}


@pytest.fixture
def model(store: Store) -> Portable:
    """A packed model that has the papers' own key; its weights do not matter here."""
    return Portable(str((store.run or {})["model"]), {"dimensions": 384}, bytes(1_500_000))


def build_precise(store: Store, home: Path, model: Callable[[], Portable | None]) -> dict[str, Page]:
    """Build with a table that is kept there."""
    pages = search_index.build(store, taxonomy.load(), None, home, Silent(), model=model)
    return {page.path: page for page in pages}


def manifest(pages: dict[str, Page]) -> dict[str, object]:
    told = json.loads(pages["data/search/index.json"].content)
    assert isinstance(told, dict)
    return told


@pytest.fixture(scope="module")
def by_words(store: Store) -> dict[str, Page]:
    """The index that is made without an encoder."""
    return build(store, None, None)


def test_without_an_encoder_and_a_kept_table_the_page_searches_by_words(by_words: dict[str, Page]) -> None:
    told = manifest(by_words)
    assert told["meaning"] is None
    assert told["papers"] == 910


def test_every_paper_is_shown_in_the_order_of_the_index(by_words: dict[str, Page]) -> None:
    folder = f"data/search/{manifest(by_words)['folder']}/papers/"
    shown = [record for at in range(-(-910 // 16)) for record in json.loads(by_words[f"{folder}{at}.json"].content)]
    assert len({record["id"] for record in shown}) == 910
    assert all(record["bibtex"].startswith("@") and record["title"] for record in shown)


def test_only_abstracts_that_may_be_published_are_in_the_files(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    mine = {"title": "A study of mine", "abstract": "An abstract of mine.", "published": "2023-01-01", "authors": ["Ada Author"]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(mine) + "\n")
    chosen = settings.load(tmp_path / "home")
    sources = [f"arxiv_snapshot={snapshot(range(1))}", f"files={tmp_path / 'mine.jsonl'}"]  # arXiv's metadata are CC0
    refresh(chosen, sources, Window(), Silent())
    own = Store.read(chosen.store_uri)
    free = "We invent study number 0 for a test."
    for policy, expected in (("licensed", {free}), ("all", {free, "An abstract of mine."}), ("none", set())):
        pages = search_index.build(own, taxonomy.load(), None, None, Silent(), policy)
        texts = {text for page in pages if "/texts/" in page.path for text in json.loads(page.content)}
        assert texts - {""} == expected


@pytest.fixture(scope="module")
def learnt(store: Store, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Encoder, dict[str, Page]]:
    """A home that keeps a table, the encoder that taught it, and the files that were made."""
    home, teacher = tmp_path_factory.mktemp("home"), Encoder(str((store.run or {})["model"]))
    return home, teacher, build(store, teacher, home)


@pytest.fixture
def home(learnt: tuple[Path, Encoder, dict[str, Page]], tmp_path: Path) -> Path:
    """A home of its own that keeps that table."""
    return Path(shutil.copytree(learnt[0], tmp_path / "home"))


def test_a_table_is_learnt_once_and_kept(
    store: Store, learnt: tuple[Path, Encoder, dict[str, Page]], by_words: dict[str, Page]
) -> None:
    home, teacher, first = learnt
    assert manifest(first)["meaning"] is not None
    assert manifest(first)["folder"] != manifest(by_words)["folder"]  # it is named by what is in it
    calls = teacher.calls
    assert calls > 0
    again = build(store, teacher, home)
    assert teacher.calls == calls
    assert {name: page.content for name, page in again.items()} == {name: page.content for name, page in first.items()}


def test_precise_mode_has_the_model_once_and_the_vectors_as_they_are_stored(store: Store, home: Path, model: Portable) -> None:
    pages = build_precise(store, home, lambda: model)
    told = manifest(pages)["precise"]
    assert isinstance(told, dict)
    weights = b"".join(pages[f"data/search/model/{model.name}/{at}.bin"].content for at in range(told["shards"]))  # type: ignore[misc]
    assert weights == model.weights
    folder = f"data/search/{manifest(pages)['folder']}"
    exact = b"".join(pages[f"{folder}/exact/{at}.bin"].content for at in range(told["vectorShards"]))  # type: ignore[misc]
    assert told["bytes"] == len(exact) + len(weights)
    first = json.loads(pages[f"{folder}/papers/0.json"].content)[0]["id"]
    papers = store.papers(["id", "text_hash"]).to_pylist()
    hashes, stored = store.vectors(str((store.run or {})["model"]))
    key = next(row["text_hash"] for row in papers if row["id"] == first)
    assert np.array_equal(np.frombuffer(exact, "<f2").reshape(910, 384)[0], stored[list(hashes).index(key)])


def test_a_packed_model_is_kept(store: Store, home: Path, model: Portable) -> None:
    asked = []
    first = build_precise(store, home, lambda: asked.append(1) or model)  # type: ignore[func-returns-value]
    again = build_precise(store, home, lambda: asked.append(1) or model)  # type: ignore[func-returns-value]
    assert len(asked) == 1
    assert {name: page.content for name, page in again.items()} == {name: page.content for name, page in first.items()}


def test_a_model_that_no_page_can_run_or_that_is_another_offers_no_precise_mode(
    store: Store, home: Path, model: Portable
) -> None:
    other = Portable("another/model@0123456789ab", model.told, model.weights)
    for found in (other, None):
        for kept in home.glob("cache/model-*"):
            kept.unlink()
        pages = build_precise(store, home, lambda found=found: found)  # type: ignore[misc]
        assert manifest(pages)["precise"] is None
        assert not any("/model/" in path or "/exact/" in path for path in pages)


def test_an_encoder_that_is_not_the_papers_own_teaches_nothing(store: Store, tmp_path: Path) -> None:
    other = Encoder("another/model@0123456789ab")
    assert manifest(build(store, other, tmp_path))["meaning"] is None
    assert other.calls == 0


def test_the_map_has_a_place_for_every_paper_and_keeps_it(store: Store, tmp_path: Path) -> None:
    told = paper_map.read(store, tmp_path, Silent())
    assert told is not None
    assert told.places.shape == (910, 2)
    assert sum(cluster["papers"] for cluster in told.clusters) == 910
    again = paper_map.read(store, tmp_path, Silent())
    assert again is not None
    assert [page.content for page in paper_map.files(again)] == [page.content for page in paper_map.files(told)]


def test_names_in_the_drawing_are_text(store: Store) -> None:
    broad = [{"name": "<script>&", "x": 10, "y": 10, "papers": 1}]
    told = paper_map.PaperMap(np.array([[0, 65_535]], np.uint16), np.array([0], np.uint16), [{"broad": 0}], broad, {})
    assert "&lt;script&gt;&amp;" in paper_map.drawing(told)
    assert "<script>" not in paper_map.drawing(told)


def test_without_a_home_there_is_no_map(store: Store) -> None:
    assert paper_map.read(store, None, Silent()) is None
