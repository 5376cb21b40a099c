"""The files of the search and of the map, made from the store."""

import json
from pathlib import Path

import numpy as np
import pytest

from kb import settings, taxonomy
from kb.store import Store
from pipelines.progress import Silent
from pipelines.publish import paper_map, search_index
from pipelines.publish.pages import Page


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


def test_a_table_is_learnt_once_and_kept(store: Store, encoder: Encoder, by_words: dict[str, Page], tmp_path: Path) -> None:
    first = build(store, encoder, tmp_path)
    assert manifest(first)["meaning"] is not None
    assert manifest(first)["folder"] != manifest(by_words)["folder"]  # it is named by what is in it
    calls = encoder.calls
    assert calls > 0
    again = build(store, encoder, tmp_path)
    assert encoder.calls == calls
    assert {name: page.content for name, page in again.items()} == {name: page.content for name, page in first.items()}


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
