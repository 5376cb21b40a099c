"""The curated themes: groups and leaves, read from `kb/data/taxonomy.toml` or a file of the user's own."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from kb.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Group:
    """A group of themes."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Theme:
    """A leaf of the taxonomy.

    Attributes:
        id: "group/leaf".
        group: the group's id.
        description: what its papers study, in our words; papers are compared with it by meaning.
        cues: phrases that speak for the theme, in lower case, matched as whole words.
        pitfalls: what goes wrong in practice; an editor's judgement.
        standards: names of standards that touch it (see `Standard`).
        benchmarks: names of the mini-benchmarks that test its claims.
    """

    id: str
    group: str
    name: str
    description: str
    cues: tuple[str, ...]
    pitfalls: tuple[str, ...] = ()
    standards: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard, framework or law, and what it asks for, in our words."""

    id: str
    name: str
    publisher: str
    year: int
    url: str
    asks: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All groups and themes, in the file's order."""

    groups: tuple[Group, ...]
    themes: tuple[Theme, ...]
    standards: tuple[Standard, ...] = ()

    def theme(self, name: str) -> Theme | None:
        """Return the theme of that id, or None."""
        return next((theme for theme in self.themes if theme.id == name), None)

    def in_group(self, group: str) -> tuple[Theme, ...]:
        """Return a group's themes."""
        return tuple(theme for theme in self.themes if theme.group == group)


_ID = re.compile(r"[a-z0-9][a-z0-9.-]*")
_GROUP = {"id": str, "name": str, "description": str, "themes": list}
_THEME = {
    "id": str, "name": str, "description": str, "cues": list, "pitfalls": list, "standards": list, "benchmarks": list,
}  # fmt: skip
_STANDARD = {"id": str, "name": str, "publisher": str, "year": int, "url": str, "asks": str}


def load(path: Path | None = None, extra: Path | None = None) -> Taxonomy:
    """Read a taxonomy.

    Args:
        path: a file of the user's own; None for the packaged one.
        extra: a file of the user's own whose themes are added; a group that is there already needs only its id there.

    Raises:
        SettingsError: a file cannot be read, is not TOML, or an entry lacks something; the message names it.
    """
    where = str(path) if path else "the packaged taxonomy"
    standards = tuple(
        Standard(**_checked(entry, _STANDARD, "standards.toml"))
        for entry in tomllib.loads(_packaged("standards.toml"))["standards"]
    )
    groups: dict[str, Group] = {}
    themes: list[Theme] = []
    text = _text(path, where, "taxonomy") if path else _packaged("taxonomy.toml")
    _add(_content(text, where), where, groups, themes, adding=False)
    if extra:
        where = str(extra)
        _add(_content(_text(extra, where, "extra"), where), where, groups, themes, adding=True)
    _no_twins([theme.id for theme in themes], where)
    known = {standard.id for standard in standards}
    for theme in themes:
        if not theme.cues:
            raise SettingsError(f"{where}: theme {theme.id} has no cues", cure="Give it at least one phrase")
        if unknown := set(theme.standards) - known:
            raise SettingsError(
                f"{where}: theme {theme.id} names an unknown standard", value=min(unknown), cure="See standards.toml"
            )
    if not themes:
        raise SettingsError(f"{where} has no themes", cure="Write [[groups]] with [[groups.themes]] under it")
    return Taxonomy(tuple(groups.values()), tuple(themes), standards)


def _add(content: Mapping[str, Any], where: str, groups: dict[str, Group], themes: list[Theme], *, adding: bool) -> None:
    seen: list[str] = []
    for entry in content.get("groups", []):
        known = adding and isinstance(entry, dict) and entry.get("id") in groups
        group = _checked(entry, _GROUP, where, optional=("name", "description") if known else ())
        if not known:
            groups[group["id"]] = Group(group["id"], group["name"], group["description"])
        seen.append(group["id"])
        leaves = [_checked(leaf, _THEME, where, optional=("pitfalls", "standards", "benchmarks")) for leaf in group["themes"]]
        themes += [_theme(leaf, group["id"]) for leaf in leaves]
    _no_twins(seen, where)


def _text(path: Path, where: str, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"cannot read the taxonomy {where}: {error.strerror}", cure=f"Check topics.{setting} in kb.toml"
        ) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{where} is not valid TOML: {error}", cure="Save it as UTF-8") from None


def _content(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where} is not valid TOML: {error}", cure="Mend that line") from None


def _theme(leaf: Mapping[str, Any], group: str) -> Theme:
    lists = {key: tuple(leaf.get(key, ())) for key in ("pitfalls", "standards", "benchmarks")}
    cues = tuple(str(cue).lower() for cue in leaf["cues"])
    return Theme(f"{group}/{leaf['id']}", group, leaf["name"], leaf["description"], cues, **lists)


def _packaged(name: str) -> str:
    return (files("kb") / "data" / name).read_text(encoding="utf-8")


def _checked(entry: Any, shape: Mapping[str, type], where: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise SettingsError(f"{where}: an entry is no table", value=entry, cure="Write it under [[groups]]")
    name = entry.get("id", "without an id")
    if isinstance(name, str) and "id" in entry and not _ID.fullmatch(name):
        raise SettingsError(f"{where}: an id has other characters than a-z, 0-9, - and .", value=name, cure="Rename it")
    for key, kind in shape.items():
        if key not in entry and key not in optional:
            raise SettingsError(f"{where}: entry {name} lacks {key}", cure="Add it")
        if key in entry and not isinstance(entry[key], kind):
            raise SettingsError(f"{where}: {key} of entry {name} must be {kind.__name__}", value=entry[key], cure="Mend its type")
    if extra := set(entry) - set(shape):
        raise SettingsError(f"{where}: entry {name} has an unknown key", value=min(extra), cure=f"Known: {', '.join(shape)}")
    return entry


def _no_twins(names: list[str], where: str) -> None:
    twins = {name for name in names if names.count(name) > 1}
    if twins:
        raise SettingsError(f"{where}: two entries have the same id", value=min(twins), cure="Rename one")
