"""Clusters keep their ids over refits, and what becomes of each is told as an event."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.topics import clusters
from kb.topics.identity import Event, drift, match, needs_refit


def papers(start: int, count: int) -> list[str]:
    return [f"p{number}" for number in range(start, start + count)]


def sorted_into(*groups: list[str]) -> tuple[list[str], list[int]]:
    """Papers and their new cluster numbers, one number for each group given."""
    return [paper for group in groups for paper in group], [number for number, group in enumerate(groups) for _ in group]


def known_as(**groups: list[str]) -> dict[str, str]:
    """Paper -> cluster id of the run before: `known_as(c0001=[...], c0002=[...])`."""
    return {paper: name for name, group in groups.items() for paper in group}


def test_first_fit_bears_every_cluster_and_numbers_them_from_the_next_free_one() -> None:
    found = match({}, *sorted_into(papers(0, 5), papers(5, 3)), next_number=1)
    assert found.ids == ("c0001", "c0002")
    assert found.events == (Event("c0001", "born", (), 5), Event("c0002", "born", (), 3))


def test_clusters_whose_papers_stay_keep_their_ids_when_their_numbers_change() -> None:
    old = known_as(c0001=papers(0, 10), c0002=papers(10, 10))
    found = match(old, *sorted_into(papers(10, 10), papers(0, 10)), next_number=3)
    assert found.ids == ("c0002", "c0001")
    assert {event.event for event in found.events} == {"continued"}


def test_the_larger_half_of_a_split_keeps_the_id_and_the_other_names_its_parent() -> None:
    found = match(known_as(c0001=papers(0, 10)), *sorted_into(papers(0, 6), papers(6, 4)), next_number=2)
    assert found.ids == ("c0001", "c0002")
    assert found.events == (Event("c0001", "continued", ("c0001",), 6), Event("c0002", "split", ("c0001",), 4))


def test_a_merger_keeps_the_larger_clusters_id_and_names_both_parents() -> None:
    old = known_as(c0001=papers(0, 4), c0002=papers(4, 6))
    found = match(old, *sorted_into(papers(0, 10)), next_number=3)
    assert found.ids == ("c0002",)
    assert Event("c0002", "merged", ("c0002", "c0001"), 10) in found.events


def test_the_cluster_that_a_merger_swallowed_fades() -> None:
    old = known_as(c0001=papers(0, 4), c0002=papers(4, 6))
    found = match(old, *sorted_into(papers(0, 10)), next_number=3)
    assert Event("c0001", "faded", (), 0, successor="c0002") in found.events


def test_a_cluster_of_new_papers_is_born_without_parents() -> None:
    found = match(known_as(c0001=papers(0, 10)), *sorted_into(papers(0, 10), papers(50, 5)), next_number=2)
    assert found.events[1] == Event("c0002", "born", (), 5)


def test_a_cluster_whose_papers_are_gone_fades() -> None:
    old = known_as(c0001=papers(0, 10), c0002=papers(10, 5))
    found = match(old, *sorted_into(papers(0, 10)), next_number=3)
    assert found.events[-1] == Event("c0002", "faded", (), 0)


def test_a_small_leftover_in_a_large_new_cluster_does_not_pass_its_id_on() -> None:
    old = known_as(c0001=papers(0, 10))
    found = match(old, *sorted_into([*papers(0, 3), *papers(100, 40)]), next_number=2)
    assert found.ids == ("c0002",)


def test_without_papers_every_cluster_fades() -> None:
    found = match(known_as(c0001=papers(0, 3)), [], [], next_number=2)
    assert (found.ids, found.events) == ((), (Event("c0001", "faded", (), 0),))


@given(st.permutations(range(6)))
def test_ids_follow_the_papers_whatever_the_order_of_the_clusters(order: list[int]) -> None:
    groups = [papers(100 * number, 5 + number) for number in range(6)]
    old = known_as(**{f"c{number:04d}": group for number, group in enumerate(groups)})
    found = match(old, *sorted_into(*(groups[number] for number in order)), next_number=6)
    assert found.ids == tuple(f"c{number:04d}" for number in order)


old_and_new = st.lists(st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 4)), max_size=60)
"""For each paper its cluster before and its cluster now, None where it was not there."""


def matched(moves: list[tuple[int | None, int | None]]) -> tuple[dict[str, str], int, tuple[str, ...], tuple[Event, ...]]:
    """Old memberships, number of new clusters, and what `match` says of them."""
    old = {f"p{place}": f"c{before:04d}" for place, (before, _) in enumerate(moves) if before is not None}
    now = [(f"p{place}", after) for place, (_, after) in enumerate(moves) if after is not None]
    names = {label: number for number, label in enumerate(sorted({label for _, label in now}))}
    found = match(old, [paper for paper, _ in now], [names[label] for _, label in now], next_number=5)
    return old, len(names), found.ids, found.events


@given(old_and_new)
def test_no_two_clusters_share_an_id(moves: list[tuple[int | None, int | None]]) -> None:
    _, k, ids, _ = matched(moves)
    assert len(set(ids)) == len(ids) == k


@given(old_and_new)
def test_every_cluster_old_or_new_has_exactly_one_event(moves: list[tuple[int | None, int | None]]) -> None:
    old, _, ids, events = matched(moves)
    assert sorted(event.cluster for event in events) == sorted({*old.values(), *ids})


@given(old_and_new)
def test_an_id_is_passed_on_only_with_more_than_half_of_the_smaller_cluster(
    moves: list[tuple[int | None, int | None]],
) -> None:
    old, _, ids, _ = matched(moves)
    labels = sorted({after for _, after in moves if after is not None})
    for name, label in zip(ids, labels, strict=True):
        before = {paper for paper, cluster in old.items() if cluster == name}
        now = {f"p{place}" for place, (_, after) in enumerate(moves) if after == label}
        assert not before or 2 * len(before & now) > min(len(before), len(now))


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 1_000))
def test_a_tenth_more_papers_and_a_new_fit_keep_every_id(seed: int) -> None:
    random = np.random.default_rng(seed)
    directions = np.linalg.qr(random.normal(size=(48, 6)))[0].T
    truth = np.concatenate([np.repeat(np.arange(6), 30), random.integers(0, 6, 18)])
    noisy = directions[truth] + 0.5 * random.normal(size=(len(truth), 48)) / np.sqrt(48)
    vectors = (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)
    names = papers(0, len(truth))
    first = clusters.fit(vectors[:180], n_clusters=6).labels.tolist()
    old_ids = match({}, names[:180], first, next_number=1).ids
    old = {paper: old_ids[label] for paper, label in zip(names, first, strict=False)}
    second = clusters.fit(vectors, n_clusters=6).labels.tolist()
    new_ids = match(old, names, second, next_number=7).ids
    assert [new_ids[label] for label in second[:180]] == list(old.values())


@pytest.mark.parametrize(
    ("fitted", "now", "expected"),
    [(0, 10, True), (100, 100, False), (100, 120, False), (100, 121, True), (100, 80, False), (100, 79, True)],
)
def test_clusters_are_fitted_anew_once_a_fifth_of_the_papers_came_or_went(fitted: int, now: int, expected: bool) -> None:
    assert needs_refit(fitted, now) is expected


def test_levels_have_ids_of_their_own_letter() -> None:
    assert match({}, *sorted_into(papers(0, 3)), next_number=1, prefix="b").ids == ("b0001",)


def test_drift_is_judged_only_from_enough_papers_and_when_surely_twice_the_usual() -> None:
    assert not drift(20, 20, 0.05).drifts
    assert not drift(100, 8, 0.05).drifts
    assert drift(100, 30, 0.05).drifts


def test_drift_says_what_to_do() -> None:
    assert "fits them anew" in drift(100, 30, 0.05).sentence()
    assert drift(100, 4, 0.05).sentence().endswith("the clusters fit")
