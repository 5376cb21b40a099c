"""A cluster is named by the words that set it apart, and its name is harmless wherever it is shown."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.topics.labels import (
    NAMED_BY,
    STOP_WORDS,
    TERMS,
    ClusterLabel,
    count_terms,
    exemplars,
    label_clusters,
    name_clusters,
    noun_phrases,
)

HARMLESS = re.compile(r"[a-z0-9-]+( [a-z0-9-]+)?")


def label(*groups: list[str]) -> list[ClusterLabel]:
    """Name clusters that are given as groups of texts."""
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return label_clusters(count_terms([text for group in groups for text in group]), numbers, len(groups))


def test_planted_words_name_their_cluster() -> None:
    filler = ["walnut", "copper", "meadow", "lantern", "violin"]
    glaciers = [f"A {word} view of melting glaciers" for word in filler]
    bees = [f"A {word} view of pollinating bees" for word in filler]
    first, second = label(glaciers, bees)
    assert "glaciers" in first.name
    assert "bees" in second.name


def test_words_that_all_clusters_use_name_none_of_them() -> None:
    found = label(["harbour cranes lifting crates"] * 6, ["harbour ferries carrying tourists"] * 6)
    assert "harbour" not in {term for item in found for term in item.terms[:1]}


def test_a_name_is_made_of_the_strongest_terms() -> None:
    found = label(["glaciers melting slowly", "bright lanterns, copper kettles, walnut tables"])[0]
    assert found.name == " · ".join(found.terms[:NAMED_BY])
    assert NAMED_BY < len(found.terms) <= TERMS


def test_singular_and_plural_of_a_word_are_not_both_listed() -> None:
    terms = label(["glacier glaciers melting", "glaciers glacier"] * 4)[0].terms
    assert sum("glacier" in term for term in terms) == 1


def test_a_rare_word_does_not_name_a_large_cluster() -> None:
    many = [f"glaciers melting in valley {number}" for number in range(60)]
    assert "quokka" not in " ".join(label([*many, "a quokka"], ["bees pollinate orchards"] * 20)[0].terms)


@pytest.mark.parametrize("text", ["the and of", "We propose a novel method", "", "123 4567", "數據"])
def test_nothing_but_stop_words_is_unnamed(text: str) -> None:
    assert label([text, text]) == [ClusterLabel("unnamed", ())]


def test_a_cluster_of_stop_words_beside_a_telling_one_is_unnamed() -> None:
    assert [item.name == "unnamed" for item in label(["glaciers melt"] * 3, ["we propose a method"] * 3)] == [False, True]


def test_without_papers_there_is_nothing_to_name() -> None:
    assert label_clusters(count_terms([]), np.zeros(0, np.int64), 0) == []


def test_markup_in_a_title_leaves_only_its_letters_in_the_name() -> None:
    found = label(['<script>alert("glaciers")</script>', "<img src=x onerror=alert('glaciers')>"])[0]
    assert found.terms
    assert all(HARMLESS.fullmatch(term) for term in found.terms)


hostile = st.text(st.sampled_from("aBz09-_ <>&\"'`\\/$\n\x1b\u202e\u0130ſKé漢[]()*|;{}%#"), max_size=40) | st.text(max_size=40)


@settings(deadline=None)
@given(st.lists(hostile, min_size=1, max_size=8))
def test_terms_hold_harmless_characters_only(texts: list[str]) -> None:
    found = label(texts, ["melting glaciers"])
    assert all(HARMLESS.fullmatch(term) for item in found for term in item.terms)


some_words = st.lists(st.sampled_from(["glacier", "glaciers", "bee", "bees", "melting", "the", "copper-coil", "coil"]))


@settings(deadline=None)
@given(st.lists(some_words))
def test_no_two_terms_of_a_cluster_share_a_word(lists: list[list[str]]) -> None:
    for item in label([" ".join(words) for words in lists], ["lanterns"]):
        words = [word for term in item.terms for word in {part.rstrip("s") for part in re.split("[ -]", term)}]
        assert len(words) == len(set(words))


@settings(deadline=None)
@given(st.lists(st.sampled_from([*sorted(STOP_WORDS)[::20], "glacier", "bee"]), min_size=1, max_size=12))
def test_no_stop_word_is_part_of_a_name(words: list[str]) -> None:
    for item in label([" ".join(words)], ["lanterns"]):
        assert not STOP_WORDS & {word for term in item.terms for word in term.split()}


def test_exemplars_are_the_members_nearest_to_the_centroid() -> None:
    angles = np.radians([0, 40, 10, 90, 95, 25])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    found = exemplars(vectors, np.array([0, 0, 0, 1, 1, 0]), np.eye(2, dtype=np.float32), count=3)
    assert [places.tolist() for places in found] == [[0, 2, 5], [3, 4]]


def named(*groups: list[str], taken: tuple[str, ...] = ()) -> dict[int, str]:
    """Name clusters, given as groups of titles, in an embedding where every phrase is as near."""
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    axes = np.ones((len(groups), 4), np.float32) / 2
    titles = [title for group in groups for title in group]
    return name_clusters(
        titles, numbers, axes, lambda texts: np.ones((len(texts), 4), np.float32) / 2, np.zeros(4, np.float32),
        range(len(groups)), taken,
    )  # fmt: skip


ADAPTERS = ["Low-Rank Adapters for Fine-Tuning", "Rethinking Low-Rank Adapters", "Low-Rank Adapters via Pruning"]
GRASPING = ["Robotic Grasping in Clutter", "Learning Robotic Grasping", "Robotic Grasping: A Survey"]


def test_a_name_is_a_phrase_that_stands_in_titles() -> None:
    assert named(ADAPTERS, GRASPING) == {0: "low-rank adapters", 1: "robotic grasping"}


def test_no_two_clusters_bear_one_name_and_a_name_in_use_is_not_given_again() -> None:
    names = named(ADAPTERS, ADAPTERS, GRASPING, taken=("Robotic Grasping",))
    assert len(set(names.values())) == len(names)
    assert "robotic grasping" not in names.values()


@pytest.mark.parametrize(
    ("title", "phrase"),
    [("Towards Low-Rank Adapters for Fine-Tuning: A Study", "low-rank adapters for fine-tuning"),
     ("Training GANs with Limited Data", "GANs"), ("Learning Deep Features", "deep features"),
     ("Quality of Sleep", "quality of sleep")],
)  # fmt: skip
def test_noun_phrases_are_cut_at_function_words_and_verbs(title: str, phrase: str) -> None:
    assert phrase in noun_phrases(title)


@given(st.text())
def test_a_phrase_holds_nothing_but_words(title: str) -> None:
    assert all(re.fullmatch(r"[^\W_]+(?:[ -][^\W_]+)*", phrase) for phrase in noun_phrases(title))
