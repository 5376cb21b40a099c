"""Terms: every source has them, and they decide which abstracts may be published."""

import pytest

from kb import terms
from pipelines.sources import SOURCES


def test_every_source_has_terms_and_no_terms_lack_a_source() -> None:
    assert set(terms.load()) == set(SOURCES)


@pytest.mark.parametrize("name", sorted(terms.load()))
def test_terms_say_what_is_allowed_kept_and_shown(name: str) -> None:
    told = terms.load()[name]
    assert all(text.endswith(".") for text in (told.allows, told.keeps, told.shows))


@pytest.mark.parametrize(
    ("licence", "is_open"),
    [
        ("CC BY 4.0", True), ("CC0", True), ("CC-BY-SA 4.0", True), ("http://creativecommons.org/licenses/by/4.0/", True),
        ("http://creativecommons.org/publicdomain/zero/1.0/", True), ("CC BY-NC-SA 3.0", False), ("CC BY-ND 4.0", False),
        ("http://creativecommons.org/licenses/by-nc-nd/4.0/", False),
        ("http://arxiv.org/licenses/nonexclusive-distrib/1.0/", False), ("", False),
    ],
)  # fmt: skip
def test_a_licence_is_open_where_everybody_may_publish_again_for_any_purpose(licence: str, is_open: bool) -> None:
    assert terms.is_open(licence) is is_open


@pytest.mark.parametrize(
    ("policy", "licence", "sources", "may"),
    [
        ("licensed", "", ["arxiv", "paperlists:icml2024"], True),
        ("licensed", "", ["paperlists:icml2024"], False),
        ("licensed", "", ["paperlists:icml2024", "starter"], False),
        ("licensed", "CC BY 4.0", ["acl_anthology"], True),
        ("all", "", ["paperlists:icml2024"], True),
        ("none", "CC0", ["arxiv"], False),
    ],
)
def test_an_abstract_is_published_where_policy_and_licence_allow_it(
    policy: str, licence: str, sources: list[str], may: bool
) -> None:
    assert terms.may_publish_abstract(policy, licence, sources) is may
