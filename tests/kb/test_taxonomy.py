"""The taxonomy: the packaged one is whole, and a user's own is checked."""

from pathlib import Path

import pytest

from kb import taxonomy
from kb.errors import SettingsError

LEAF = 'id = "a"\nname = "A"\ndescription = "About a."\ncues = ["a"]\n'
GROUP = f'[[groups]]\nid = "g"\nname = "G"\ndescription = "About g."\n[[groups.themes]]\n{LEAF}'


def load(tmp_path: Path, text: str) -> taxonomy.Taxonomy:
    path = tmp_path / "taxonomy.toml"
    path.write_text(text, encoding="utf-8")
    return taxonomy.load(path)


def test_the_packaged_taxonomy_has_seven_groups_of_at_least_four_themes() -> None:
    told = taxonomy.load()
    assert len(told.groups) == 7
    assert all(len(told.in_group(group.id)) >= 4 for group in told.groups)


def test_every_packaged_theme_has_a_description_cues_and_pitfalls() -> None:
    for theme in taxonomy.load().themes:
        assert len(theme.description.split()) >= 15
        assert len(theme.cues) >= 5
        assert theme.pitfalls


def test_every_packaged_group_of_governance_refers_to_a_standard() -> None:
    assert any(theme.standards for theme in taxonomy.load().in_group("governance"))


def test_a_theme_is_named_by_its_group_and_leaf(tmp_path: Path) -> None:
    assert load(tmp_path, GROUP).theme("g/a") is not None
    assert load(tmp_path, GROUP).theme("g/b") is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[[groups]", "not valid TOML"),
        ("", "no themes"),
        (GROUP.replace('description = "About a."\n', ""), "lacks description"),
        (GROUP.replace('cues = ["a"]', "cues = []"), "no cues"),
        (GROUP.replace('cues = ["a"]', 'cues = "a"'), "must be list"),
        (GROUP + "colour = 3\n", "colour"),
        (GROUP + f"[[groups.themes]]\n{LEAF}", "same id"),
        (GROUP + 'standards = ["iso-0"]\n', "iso-0"),
        (GROUP.replace('id = "a"', 'id = "../a"'), "other characters"),
    ],
)
def test_what_is_wrong_with_a_users_own_is_named(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(SettingsError, match=part):
        load(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml"):
        taxonomy.load(tmp_path / "none.toml")


def test_a_file_of_ones_own_adds_themes_to_a_group_that_is_there_and_new_groups(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        [[groups]]
        id = "data"
        [[groups.themes]]
        id = "beehives"
        name = "Beehives"
        description = "Watching bees with sensors."
        cues = ["beehive"]
        """,
        encoding="utf-8",
    )
    told = taxonomy.load(extra=path)
    assert told.theme("data/beehives") is not None
    assert len(told.themes) == len(taxonomy.load().themes) + 1
    assert len(told.groups) == len(taxonomy.load().groups)


def test_an_added_theme_with_a_known_id_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    leaf = 'id = "privacy"\nname = "P"\ndescription = "D"\ncues = ["p"]\n'
    path.write_text(f'[[groups]]\nid = "data"\n[[groups.themes]]\n{leaf}', encoding="utf-8")
    with pytest.raises(SettingsError, match="same id"):
        taxonomy.load(extra=path)
