"""Comparing two engines: equal vectors are found equal, and each kind of difference shows in its own figure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.embedding import Vectors
from kb.embedding.equality import compare, overlap, reciprocal_rank


def random_units(seed: int, count: int = 40) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_an_engine_equals_itself() -> None:
    texts, titles = random_units(0), random_units(1)
    found = compare((texts, titles), (texts, titles))
    assert (found.mean_cosine, found.worst_cosine, found.overlap) == pytest.approx((1, 1, 1), abs=1e-6)
    assert found.mrr == found.mrr_reference


def test_one_wrong_vector_shows_in_the_worst_cosine() -> None:
    texts = random_units(0)
    wrong = texts.copy()
    wrong[7] = -wrong[7]
    found = compare((texts, texts), (wrong, wrong))
    assert found.worst_cosine == pytest.approx(-1, abs=1e-6)
    assert found.mean_cosine == pytest.approx(1 - 2 / 40, abs=1e-6)


def test_turning_all_vectors_alike_changes_cosines_and_no_neighbours() -> None:
    texts = random_units(0)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(16, 16)))
    turned = (texts @ turn).astype(np.float32)
    assert compare((texts, texts), (turned, turned)).mean_cosine < 0.9
    assert overlap(texts, turned) == 1


def test_vectors_that_have_nothing_in_common_share_neighbours_by_chance_only() -> None:
    assert overlap(random_units(0, 400), random_units(1, 400)) < 0.1


def test_a_title_that_comes_second_counts_half() -> None:
    answers = np.eye(3, dtype=np.float32)
    questions = answers[[0, 1, 1]]
    assert reciprocal_rank(questions, answers) == pytest.approx((1 + 1 + 1 / 3) / 3)


def test_a_tie_counts_against_the_engine() -> None:
    same = np.tile(np.eye(4, dtype=np.float32)[:1], (4, 1))
    assert reciprocal_rank(same, same) == pytest.approx(1 / 4)


@given(seed=st.integers(0, 99), count=st.integers(2, 30))
def test_overlap_lies_between_nothing_and_all_and_does_not_mind_the_order_of_engines(seed: int, count: int) -> None:
    one, other = random_units(seed, count), random_units(seed + 1, count)
    assert 0 <= overlap(one, other) <= 1
    assert overlap(one, other) == overlap(other, one)
