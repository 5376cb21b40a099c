"""Themes: what a paper's vector and its words say together, an editor's word before both."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb import embedding, taxonomy
from kb.embedding import Encoder
from kb.taxonomy import Taxonomy, Theme
from kb.topics.themes import SPREAD_PAPERS, THRESHOLD, Assignment, Vectors, assign
from pipelines.sources import Window
from pipelines.sources.starter import open_starter

KITES = Theme("sky/kites", "sky", "Kites", "Flying kites.", ("box kite", "kite-flying", "glass line"))
BOATS = Theme("sea/boats", "sea", "Boats", "Building boats.", ("boat", "keel"))


def leaning(*similarities: float) -> Vectors:
    """Unit vectors with these cosines to the theme of kites, and none to the theme of boats."""
    kites = np.array(similarities)
    return np.column_stack([kites, np.zeros_like(kites), np.sqrt(1 - kites**2)]).astype(np.float32)


def themes_of(
    similarity: float, title: str = "Untitled", abstract: str = "Nothing.", labels: Mapping[int, Sequence[str]] | None = None
) -> list[Assignment]:
    """What one paper gets whose vector is so near to kites and that says these words."""
    vectors = leaning(similarity)
    return assign(vectors, [title], [abstract], [KITES, BOATS], np.eye(2, 3, dtype=np.float32), labels or {})


def test_a_near_vector_and_a_cue_together_give_the_theme() -> None:
    assert [item.theme for item in themes_of(0.45, title="The box kite in strong wind")] == ["sky/kites"]


def test_a_very_near_vector_is_enough_without_a_cue() -> None:
    assert [item.theme for item in themes_of(0.7)] == ["sky/kites"]


def test_a_rather_near_vector_without_a_cue_is_not_enough() -> None:
    assert themes_of(0.45) == []


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
    assert themes_of(0.45, title=f"On {spelling}, again")[0].why.startswith("says ")


@pytest.mark.parametrize("spelling", ["lunchbox kite", "box kitesurfing", "box and kite", "boxkite"])
def test_a_cue_is_matched_as_whole_words_in_a_row(spelling: str) -> None:
    assert themes_of(0.45, title=f"On {spelling}, again") == []


def test_the_reason_names_the_cue_and_the_similarity() -> None:
    assert themes_of(0.45, title="The box kite")[0].why == "says box kite; similarity 0.45"


def test_themes_given_by_hand_replace_computed_ones() -> None:
    found = themes_of(0.7, title="The box kite", labels={0: ["sea/boats"]})
    assert found == [Assignment(0, "sea/boats", 1.0, "chosen by an editor")]


def test_an_editor_may_give_a_paper_no_theme() -> None:
    assert themes_of(0.7, title="The box kite", labels={0: []}) == []


def test_themes_given_by_hand_leave_other_papers_alone() -> None:
    vectors, words = leaning(0.7, 0.7), ["Untitled"] * 2
    found = assign(vectors, words, words, [KITES, BOATS], np.eye(2, 3, dtype=np.float32), {0: ["sea/boats"]})
    assert [(item.paper, item.theme) for item in found] == [(0, "sea/boats"), (1, "sky/kites")]


def test_a_description_that_is_near_to_every_paper_of_a_large_corpus_wins_nothing() -> None:
    near = leaning(*np.linspace(0.6, 0.7, SPREAD_PAPERS))
    words = ["Untitled"] * len(near)
    assert assign(near, words, words, [KITES, BOATS], np.eye(2, 3, dtype=np.float32), {}) == []


def test_in_a_large_corpus_a_paper_much_nearer_than_the_rest_wins() -> None:
    near = leaning(*np.linspace(0.0, 0.1, SPREAD_PAPERS), 0.9)
    words = ["Untitled"] * len(near)
    found = assign(near, words, words, [KITES, BOATS], np.eye(2, 3, dtype=np.float32), {})
    assert [(item.paper, item.theme) for item in found] == [(SPREAD_PAPERS, "sky/kites")]


said = st.text(st.sampled_from("box kite-flying glass line boats keel ")) | st.sampled_from(
    ["box kite", "keel", "boats and kite flying"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), said, said), max_size=8))
def test_assignments_are_sure_enough_and_ordered_by_paper_and_then_by_score(papers: list[tuple[float, str, str]]) -> None:
    vectors = leaning(*(similarity for similarity, _, _ in papers))
    titles, abstracts = [title for _, title, _ in papers], [abstract for _, _, abstract in papers]
    found = assign(vectors, titles, abstracts, [KITES, BOATS], np.eye(2, 3, dtype=np.float32), {})
    assert all(THRESHOLD <= item.score <= 1 for item in found)
    assert [(item.paper, -item.score) for item in found] == sorted((item.paper, -item.score) for item in found)


@settings(deadline=None)
@given(st.floats(0.2, 0.99), st.floats(0, 0.5), said, said)
def test_a_nearer_vector_never_loses_a_theme(similarity: float, more: float, title: str, abstract: str) -> None:
    def score(value: float) -> float:
        return max((item.score for item in themes_of(value, title, abstract) if item.theme == "sky/kites"), default=0.0)

    assert score(min(0.99, similarity + more)) >= score(similarity)


# With the real model and the packaged taxonomy --------------------------------------------------------------------


@pytest.fixture(scope="module")
def packaged() -> tuple[Encoder, Taxonomy, Vectors]:
    """The default model, the packaged themes, and the vectors of their descriptions."""
    encoder, curated = embedding.load("sentence-transformers/all-MiniLM-L6-v2"), taxonomy.load()
    return encoder, curated, encoder.encode([f"{theme.name}. {theme.description}" for theme in curated.themes])


def test_a_paper_about_diffusion_sampling_is_given_the_theme_of_diffusion_models(
    packaged: tuple[Encoder, Taxonomy, Vectors],
) -> None:
    encoder, curated, described = packaged
    title = "Walking back from noise in eight steps"
    abstract = (
        "Denoising diffusion models draw fine images but need hundreds of network calls for each. We fit a solver of the "
        "probability flow to a trained score network and sample in eight steps, with little loss of quality."
    )
    found = assign(encoder.encode([f"{title}. {abstract}"]), [title], [abstract], curated.themes, described, {})
    assert found[0].theme == "generative-models/diffusion"


def test_a_paper_about_knitting_is_given_no_theme(packaged: tuple[Encoder, Taxonomy, Vectors]) -> None:
    encoder, curated, described = packaged
    title = "Wool, needles and winter evenings"
    abstract = "We retell how fishing villages of the north knitted jerseys, and which stitches each family called its own."
    assert assign(encoder.encode([f"{title}. {abstract}"]), [title], [abstract], curated.themes, described, {}) == []


def test_themes_computed_for_the_starter_library_mostly_agree_with_its_editors(
    packaged: tuple[Encoder, Taxonomy, Vectors],
) -> None:
    encoder, curated, described = packaged
    papers = [paper for batch in open_starter("", {}).batches(Window(), None) for paper in batch.papers if paper.labels]
    vectors = encoder.encode([paper.text for paper in papers])
    titles, summaries = [paper.title for paper in papers], [paper.summary for paper in papers]
    found = assign(vectors, titles, summaries, curated.themes, described, {})
    agreed = {item.paper for item in found if item.theme in papers[item.paper].labels}
    assert len(agreed) >= 0.7 * len(papers)
