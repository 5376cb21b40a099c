"""A map keeps like papers together, and keeps old papers where they were."""

from pathlib import Path

import numpy as np
import pytest

from kb.topics import layout
from kb.topics.layout import LEAST, Layout, arrange, quality

CENTRES = np.eye(24, dtype=np.float32)[:4] * 3


def papers(count: int, seed: int) -> np.ndarray:
    """Unit vectors about four subjects in turn."""
    drawn = np.random.default_rng(seed).normal(scale=0.5, size=(count, 24)) + CENTRES[np.arange(count) % 4]
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


KEYS, VECTORS = [f"k{number}" for number in range(200)], papers(200, 0)


@pytest.fixture(scope="module")
def drawn() -> Layout:
    found = arrange(KEYS, VECTORS)
    assert found is not None
    return found


def test_papers_of_one_subject_lie_together(drawn: Layout) -> None:
    nearest = ((drawn.places[:, None] - drawn.places[None]) ** 2).sum(axis=2) + np.eye(200) * 1e9
    assert np.mean(nearest.argmin(axis=1) % 4 == np.arange(200) % 4) > 0.95


def test_the_same_papers_give_the_same_map(drawn: Layout) -> None:
    again = arrange(KEYS, VECTORS)
    assert again is not None
    assert again.places.tobytes() == drawn.places.tobytes()


def test_papers_of_one_text_stand_at_one_place_at_once_and_later() -> None:
    keys = [*KEYS[:-2], "k0", "k1"]
    first = arrange(keys, VECTORS)
    assert first is not None
    assert np.array_equal(first.places[-2:], first.places[:2])
    later = arrange(keys, VECTORS, first)
    assert later is not None
    assert later.places.tobytes() == first.places.tobytes()


def test_old_papers_stay_and_new_ones_are_put_amid_those_like_them(drawn: Layout) -> None:
    new = papers(40, 1)
    grown = arrange([*[f"n{number}" for number in range(40)], *KEYS], np.concatenate([new, VECTORS]), drawn)
    assert grown is not None
    assert np.array_equal(grown.places[40:], drawn.places)
    gaps = ((grown.places[:40, None] - drawn.places[None]) ** 2).sum(axis=2)
    assert np.mean(gaps.argmin(axis=1) % 4 == np.arange(40) % 4) > 0.9


def test_a_paper_that_is_gone_leaves_the_others_where_they_are(drawn: Layout) -> None:
    fewer = arrange(KEYS[10:], VECTORS[10:], drawn)
    assert fewer is not None
    assert np.array_equal(fewer.places, drawn.places[10:])


def test_a_look_at_fewer_papers_takes_nobodys_place_away(drawn: Layout) -> None:
    fewer = arrange(KEYS[10:], VECTORS[10:], drawn)
    assert fewer is not None
    kept = layout.united(fewer, drawn, set(KEYS))
    again = arrange(KEYS, VECTORS, kept)
    assert again is not None
    assert np.array_equal(again.places, drawn.places)


def test_of_a_removed_paper_nothing_is_kept(drawn: Layout) -> None:
    fewer = arrange(KEYS[10:], VECTORS[10:], drawn)
    assert fewer is not None
    assert set(layout.united(fewer, drawn, set(KEYS[10:])).keys) == set(KEYS[10:])


def test_a_map_that_has_doubled_is_drawn_anew(drawn: Layout) -> None:
    keys = [f"m{number}" for number in range(410)]
    grown = arrange([*KEYS, *keys], np.concatenate([VECTORS, papers(410, 2)]), drawn)
    assert grown is not None
    assert grown.drawn == 610


def test_papers_beyond_those_that_are_drawn_stand_amid_those_like_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SKELETON", 150)
    found = arrange(KEYS, VECTORS)
    assert found is not None
    nearest = ((found.places[:, None] - found.places[None]) ** 2).sum(axis=2) + np.eye(200) * 1e9
    assert np.mean(nearest.argmin(axis=1) % 4 == np.arange(200) % 4) > 0.95


def test_too_few_papers_make_no_map() -> None:
    assert arrange(KEYS[: LEAST - 1], VECTORS[: LEAST - 1]) is None


def test_quality_is_high_for_a_true_map_and_low_for_places_drawn_by_chance(drawn: Layout) -> None:
    true = quality(VECTORS, drawn.places)
    chance = quality(VECTORS, np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32))
    assert true["trustworthiness"] > 0.8 > 0.6 > chance["trustworthiness"]
    assert true["kept"] > 2 * chance["kept"]


def test_a_map_comes_back_from_its_file_and_a_broken_file_is_none(drawn: Layout, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "map.npz"
    layout.save(drawn, path)
    found = layout.load(path)
    assert found is not None
    assert (found.keys, found.drawn, found.places.tobytes()) == (drawn.keys, drawn.drawn, drawn.places.tobytes())
    path.write_bytes(b"torn")
    assert layout.load(path) is None
