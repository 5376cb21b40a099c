"""Themes: what a paper's vector and its words say together, an editor's word before both."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb import embedding, taxonomy
from kb.embedding import Encoder
from kb.taxonomy import Theme
from kb.topics.themes import (
    PLAIN,
    THRESHOLD,
    WITNESSES,
    Assignment,
    Described,
    Labelled,
    Vectors,
    assign,
    fit,
    packaged_model,
    witnesses,
)  # fmt: skip

KITES = Theme("sky/kites", "sky", "Kites", "Flying kites.", ("box kite", "kite-flying", "glass line"))
BOATS = Theme("sea/boats", "sea", "Boats", "Building boats.", ("boat", "keel"))


MODEL = packaged_model()
NOTHING = Labelled((), np.zeros((0, 3), np.float32), np.zeros((0, 2), np.bool_))


def leaning(*similarities: float) -> Vectors:
    """Unit vectors with these cosines to the theme of kites, and none to the theme of boats."""
    kites = np.array(similarities)
    return np.column_stack([kites, np.zeros_like(kites), np.sqrt(1 - kites**2)]).astype(np.float32)


def described() -> Described:
    """Kites and boats along two axes, their phrases near them."""
    axes = np.eye(2, 3, dtype=np.float32)
    return Described([KITES, BOATS], axes, [np.repeat(axes[:1] * 0.6, 3, axis=0), np.repeat(axes[1:] * 0.6, 2, axis=0)])


def themes_of(
    similarity: float, title: str = "Untitled", abstract: str = "Nothing.", labels: Mapping[int, Sequence[str]] | None = None
) -> list[Assignment]:
    """What one paper gets whose vector is so near to kites and that says these words."""
    return assign(leaning(similarity), [title], [abstract], described(), NOTHING, MODEL, labels or {})


def test_a_near_vector_and_a_cue_together_give_the_theme() -> None:
    assert [item.theme for item in themes_of(0.5, title="The box kite in strong wind")] == ["sky/kites"]


def test_a_very_near_vector_is_enough_without_a_cue() -> None:
    assert [item.theme for item in themes_of(0.97)] == ["sky/kites"]


def test_a_rather_near_vector_without_a_cue_is_not_enough() -> None:
    assert themes_of(0.4) == []


def test_a_paper_about_something_else_gets_none() -> None:
    assert themes_of(0.05, title="A history of knitting", abstract="Of needles and wool.") == []


def test_a_phrase_does_not_save_a_paper_whose_vector_is_about_something_else() -> None:
    assert themes_of(0.05, title="The box kite", abstract="Kite flying with a glass line and a box kite.") == []


def test_a_cue_in_the_title_counts_more_than_in_the_abstract() -> None:
    (title,) = themes_of(0.5, title="The box kite")
    (abstract,) = themes_of(0.5, abstract="The box kite.")
    assert title.score > abstract.score


def test_two_different_cues_count_more_than_one_said_twice() -> None:
    (two,) = themes_of(0.5, abstract="A box kite on a glass line.")
    (twice,) = themes_of(0.5, abstract="A box kite and a box kite.")
    assert two.score > twice.score


@pytest.mark.parametrize(
    "spelling", ["box kite", "Box kites", "BOX-KITE", "box‐kites", "kite flying", "kite-flying", "glass lines"]
)
def test_a_cue_is_found_in_plural_with_a_hyphen_and_in_any_case(spelling: str) -> None:
    assert themes_of(0.5, title=f"On {spelling}, again")[0].why.startswith("says ")


@pytest.mark.parametrize("spelling", ["lunchbox kite", "box kitesurfing", "box and kite", "boxkite"])
def test_a_cue_is_matched_as_whole_words_in_a_row(spelling: str) -> None:
    assert themes_of(0.3, title=f"On {spelling}, again") == []


def test_the_reason_names_the_cue_and_the_similarity() -> None:
    assert themes_of(0.5, title="The box kite")[0].why == "says box kite; similarity 0.50; no labelled works yet"


def test_themes_given_by_hand_replace_computed_ones() -> None:
    found = themes_of(0.7, title="The box kite", labels={0: ["sea/boats"]})
    assert found == [Assignment(0, "sea/boats", 1.0, "chosen by an editor")]


def test_an_editor_may_give_a_paper_no_theme() -> None:
    assert themes_of(0.7, title="The box kite", labels={0: []}) == []


def test_themes_given_by_hand_leave_other_papers_alone() -> None:
    found = assign(leaning(0.7, 0.97), ["Untitled"] * 2, ["Nothing"] * 2, described(), NOTHING, MODEL, {0: ["sea/boats"]})
    assert [(item.paper, item.theme) for item in found] == [(0, "sea/boats"), (1, "sky/kites")]


def test_works_with_a_theme_by_hand_speak_for_papers_near_them_and_are_named() -> None:
    works = leaning(*([0.5] * 6))
    works[:, 1] = 0.3
    works /= np.linalg.norm(works, axis=1, keepdims=True)
    flags = np.array([[True, False]] * 6)
    labelled = Labelled(tuple(f"w{number}" for number in range(6)), works, flags)
    (found,) = assign(works[:1], ["On box kites"], ["Nothing."], described(), labelled, MODEL, {})
    assert (found.theme, len(found.nearest), set(found.nearest) <= set(labelled.ids)) == ("sky/kites", 3, True)
    assert found.phrases == ("box kite",)


def test_a_work_has_no_vote_on_itself() -> None:
    vectors = leaning(0.9, 0.1)
    labelled = Labelled(("w0", "w1"), vectors, np.array([[True, False], [False, False]]))
    zeros = np.zeros((1, 2), np.float32)
    alone = witnesses(vectors[:1], zeros, zeros, described(), labelled, np.array([0]))
    voted = witnesses(vectors[:1], zeros, zeros, described(), labelled)
    assert alone[0, 0, PLAIN] < voted[0, 0, PLAIN]


def test_a_fit_learns_which_witness_to_trust() -> None:
    random = np.random.default_rng(0)
    truth = random.random((400, 3)) < 0.3
    seen = random.normal(size=(400, 3, WITNESSES)).astype(np.float32)
    seen[..., 0] = truth + 0.1 * random.normal(size=truth.shape)
    weights, _ = fit(seen, truth).full
    assert np.argmax(np.abs(weights)) == 0


said = st.text(st.sampled_from("box kite-flying glass line boats keel ")) | st.sampled_from(
    ["box kite", "keel", "boats and kite flying"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), said, said), max_size=8))
def test_assignments_are_sure_enough_and_ordered_by_paper_and_then_by_score(papers: list[tuple[float, str, str]]) -> None:
    vectors = leaning(*(similarity for similarity, _, _ in papers))
    titles, abstracts = [title for _, title, _ in papers], [abstract for _, _, abstract in papers]
    found = assign(vectors, titles, abstracts, described(), NOTHING, MODEL, {})
    assert all(THRESHOLD <= item.score <= 1 for item in found)
    assert [(item.paper, -item.score) for item in found] == sorted((item.paper, -item.score) for item in found)


# With the real model and the packaged taxonomy --------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The default model."""
    return embedding.load("sentence-transformers/all-MiniLM-L6-v2")


def found_by(encoder: Encoder, leaves: Sequence[Theme], title: str, abstract: str) -> list[Assignment]:
    """What a paper gets of these themes, none of which has labelled works."""
    none = Labelled((), np.zeros((0, 384), np.float32), np.zeros((0, len(leaves)), np.bool_))
    vectors = encoder.encode([f"{title}. {abstract}"])
    return assign(vectors, [title], [abstract], Described.by(encoder.encode, leaves), none, MODEL, {})


def test_a_paper_about_diffusion_sampling_is_given_the_theme_of_diffusion_models(encoder: Encoder) -> None:
    abstract = (
        "Denoising diffusion models draw fine images but need hundreds of network calls for each. We fit a solver of the "
        "probability flow to a trained score network and sample in eight steps, with little loss of quality."
    )
    found = found_by(encoder, taxonomy.load().themes, "Walking back from noise in eight steps", abstract)
    assert found[0].theme == "generative-models/diffusion"


def test_a_paper_about_knitting_is_given_no_theme(encoder: Encoder) -> None:
    abstract = "We retell how fishing villages of the north knitted jerseys, and which stitches each family called its own."
    assert found_by(encoder, taxonomy.load().themes, "Wool, needles and winter evenings", abstract) == []


def test_a_theme_added_by_a_user_is_given_without_any_labelled_work(encoder: Encoder) -> None:
    bees = Theme("mine/bees", "mine", "Bees and beehives", "Watching bees and beehives with sensors.", ("beehive", "honey bee"))
    abstract = "Microphones in a beehive tell a network when a colony of honey bees is about to swarm."
    found = found_by(encoder, [*taxonomy.load().themes, bees], "Listening to a beehive", abstract)
    assert found[0].theme == "mine/bees"
