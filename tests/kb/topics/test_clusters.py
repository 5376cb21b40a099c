"""Clusters: groups that are there are found, every paper is placed, and the same papers give the same clusters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from kb.topics import clusters, consensus
from kb.topics.clusters import Labels, Vectors, fit


def unit(vectors: np.ndarray) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def planted(sizes: list[int], *, spread: float = 0.5, seed: int = 0) -> tuple[Vectors, Labels]:
    """Papers around one direction per group, and which group each belongs to."""
    random = np.random.default_rng(seed)
    directions = unit(random.normal(size=(len(sizes), 48)))
    truth = np.repeat(np.arange(len(sizes)), sizes)
    noise = random.normal(size=(len(truth), 48)) / np.sqrt(48)
    return unit(directions[truth] + spread * noise), truth


def scattered(papers: int, seed: int = 0) -> Vectors:
    """Papers that have nothing to do with each other."""
    return unit(np.random.default_rng(seed).normal(size=(papers, 16)))


@pytest.fixture(scope="module")
def five_groups() -> tuple[Vectors, Labels, clusters.Clustering]:
    vectors, truth = planted([60, 50, 40, 30, 20])
    return vectors, truth, fit(vectors, n_clusters=5)


def test_planted_groups_are_found(five_groups: tuple[Vectors, Labels, clusters.Clustering]) -> None:
    _, truth, found = five_groups
    assert adjusted_rand_score(truth, found.labels) == 1.0


def test_larger_clusters_come_first(five_groups: tuple[Vectors, Labels, clusters.Clustering]) -> None:
    assert np.bincount(five_groups[2].labels).tolist() == [60, 50, 40, 30, 20]


def test_strength_is_the_cosine_with_the_clusters_own_centroid(
    five_groups: tuple[Vectors, Labels, clusters.Clustering],
) -> None:
    vectors, _, found = five_groups
    centred = clusters.center(vectors, found.mean)
    cosines = (centred * found.centroids[found.labels]).sum(axis=1)
    assert found.strength == pytest.approx(np.clip(cosines, 0, 1), abs=1e-5)


def test_centroids_have_unit_length(five_groups: tuple[Vectors, Labels, clusters.Clustering]) -> None:
    assert np.linalg.norm(five_groups[2].centroids, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_papers_of_a_group_are_assigned_to_it_without_a_new_fit() -> None:
    vectors, truth = planted([60, 50, 40])
    known = np.arange(len(vectors)) % 2 == 0
    found = fit(vectors[known], n_clusters=3)
    labels, _ = clusters.assign(clusters.center(vectors[~known], found.mean), found.centroids)
    assert adjusted_rand_score(truth[~known], labels) == 1.0


def test_same_papers_give_the_same_clusters_to_the_last_bit() -> None:
    vectors = scattered(120)
    one, other = fit(vectors), fit(vectors)
    assert one.labels.tobytes() == other.labels.tobytes()
    assert one.strength.tobytes() == other.strength.tobytes()
    assert one.centroids.tobytes() == other.centroids.tobytes()


def test_fitting_leaves_the_vectors_as_they_were() -> None:
    vectors = scattered(40)
    before = vectors.copy()
    fit(vectors)
    assert np.array_equal(vectors, before)


def test_groups_that_are_plain_do_not_depend_on_the_seed() -> None:
    vectors, _ = planted([40, 30, 20])
    assert fit(vectors, n_clusters=3, seed=1).labels.tolist() == fit(vectors, n_clusters=3, seed=2).labels.tolist()


@settings(deadline=None, max_examples=10)
@given(papers=st.integers(1, 60), wanted=st.none() | st.integers(1, 12), seed=st.integers(0, 1_000))
def test_every_paper_is_placed_and_no_cluster_is_empty(papers: int, wanted: int | None, seed: int) -> None:
    found = fit(scattered(papers, seed), n_clusters=wanted)
    k = len(found.centroids)
    assert k == min(papers, wanted) if wanted else 1 <= k <= papers
    assert found.labels.shape == found.strength.shape == (papers,)
    assert set(found.labels.tolist()) == set(range(k))
    assert np.all((found.strength >= 0) & (found.strength <= 1))


def test_papers_beyond_the_sample_are_placed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "SAMPLE", 80)
    vectors, truth = planted([150, 100, 50])
    assert adjusted_rand_score(truth, fit(vectors, n_clusters=3).labels) == 1.0


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered:RuntimeWarning")  # scikit-learn: no variance
@pytest.mark.parametrize("papers", [2, 10, 50])
def test_identical_papers_are_placed_like_any_others(papers: int) -> None:
    found = fit(np.repeat(scattered(1), papers, axis=0))
    assert set(found.labels.tolist()) == set(range(len(found.centroids)))
    assert np.all(np.isfinite(found.centroids))


def test_identical_papers_among_others_stay_together() -> None:
    crowd, others = np.repeat(scattered(1), 20, axis=0), scattered(20, seed=1)
    labels = fit(np.concatenate([crowd, others]), n_clusters=4).labels
    assert len(set(labels[:20].tolist())) == 1


def test_fewer_papers_than_clusters_get_a_cluster_each() -> None:
    assert sorted(fit(scattered(3), n_clusters=10).labels.tolist()) == [0, 1, 2]


def test_one_paper_is_one_cluster() -> None:
    assert fit(scattered(1)).labels.tolist() == [0]


def test_what_all_papers_share_is_taken_out_before_they_are_compared() -> None:
    shared = np.full(16, 2.0)
    vectors = unit(scattered(200) + shared)
    centred = clusters.center(vectors, vectors.mean(axis=0))
    assert (vectors @ vectors.T).mean() > 0.9
    assert abs((centred @ centred.T).mean()) < 0.05


@given(st.integers(1, 1_000_000))
def test_more_papers_never_mean_fewer_clusters(papers: int) -> None:
    assert 1 <= clusters.number_of_clusters(papers) <= clusters.number_of_clusters(papers + 1)


@pytest.mark.parametrize(("papers", "expected"), [(1, 1), (100, 5), (2_500, 17), (80_000, 60)])
def test_number_of_clusters_grows_slower_than_the_corpus(papers: int, expected: int) -> None:
    assert clusters.number_of_clusters(papers) == expected


def test_words_have_a_say_where_vectors_tell_nothing() -> None:
    vectors, truth = unit(np.random.default_rng(0).normal(size=(240, 384))), np.repeat(range(5), 48)
    words = ["glacier ice valley", "beehive honey swarm", "violin bow string", "copper kettle lid", "harbour crane ship"]
    texts = [f"{words[group]} number{number % 7}" for number, group in enumerate(truth)]
    with_words, without = (adjusted_rand_score(truth, fit(vectors, told, n_clusters=5).labels) for told in (texts, None))
    assert without < 0.1
    assert with_words > 0.9


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = scattered(200)
    several = clusters.fit_tree(vectors)
    monkeypatch.setattr(consensus.os, "cpu_count", lambda: 1)
    alone = clusters.fit_tree(vectors)
    for level in ("broad", "middle", "narrow"):
        assert getattr(several, level).labels.tobytes() == getattr(alone, level).labels.tobytes()


@pytest.fixture(scope="module")
def tree() -> tuple[Vectors, clusters.Tree]:
    vectors, _ = planted([40] * 12, spread=0.8)
    return vectors, clusters.fit_tree(vectors)


def test_levels_are_nested_and_finer_downwards(tree: tuple[Vectors, clusters.Tree]) -> None:
    _, found = tree
    assert len(found.broad.centroids) <= len(found.middle.centroids) < len(found.narrow.centroids)
    assert np.array_equal(found.middle.parents[found.middle.labels], found.broad.labels)
    assert np.array_equal(found.narrow.parents[found.narrow.labels], found.middle.labels)


def test_new_papers_are_placed_in_clusters_that_exist_and_old_ones_stay(tree: tuple[Vectors, clusters.Tree]) -> None:
    vectors, known = tree
    more = np.concatenate([vectors, vectors[::7]])
    before = [np.append(getattr(known, level).labels, [-1] * len(vectors[::7])) for level in ("middle", "narrow")]
    placed = clusters.place(more, known, *before)
    assert np.array_equal(placed.middle.labels[: len(vectors)], known.middle.labels)
    assert np.array_equal(placed.narrow.parents[placed.narrow.labels], placed.middle.labels)


def test_a_refit_keeps_nested_levels_and_nearly_every_paper(tree: tuple[Vectors, clusters.Tree]) -> None:
    vectors, known = tree
    again = clusters.refit_tree(vectors, known)
    assert np.array_equal(again.middle.parents[again.middle.labels], again.broad.labels)
    assert np.array_equal(again.narrow.parents[again.narrow.labels], again.middle.labels)
    assert adjusted_rand_score(known.middle.labels, again.middle.labels) > 0.9


def test_a_refit_splits_a_cluster_when_growth_has_earned_another() -> None:
    vectors, truth = planted([60, 60, 60, 60], seed=3)
    crowded = np.minimum(truth, 2)  # two groups in one cluster
    again = clusters.refit(vectors, crowded, growth=2.3)
    assert adjusted_rand_score(truth, again.labels) == 1.0


def test_about_one_in_twenty_papers_counts_as_weakly_placed_at_the_fit(tree: tuple[Vectors, clusters.Tree]) -> None:
    _, known = tree
    weak = known.middle.strength < clusters.weak_below(known.middle)[known.middle.labels]
    assert 0 < weak.mean() <= 0.08
