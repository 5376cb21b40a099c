"""What sources allow: their terms, in `kb/data/sources.toml`, and which abstracts may be published."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_OPEN = re.compile(
    r"(cc0|public domain|cc[ -]by(?:[ -]sa)?(?![ -]n[cd])\b|(?:licenses/by(?:-sa)?|publicdomain/zero)/)", re.IGNORECASE
)
"""Licences under which everybody may publish a text again, for any purpose: CC0, CC BY and CC BY-SA, by name or address."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One source's terms.

    Attributes:
        title: its name; url: where the terms are.
        licence: of all its metadata, abstracts included; empty where that differs by paper.
        allows, keeps, shows: in a sentence each, what the terms allow, what we keep, what we show.
    """

    title: str
    url: str
    licence: str
    allows: str
    keeps: str
    shows: str


@cache
def load() -> Mapping[str, Terms]:
    """Return the terms of every source by its name."""
    told = tomllib.loads(files("kb").joinpath("data", "sources.toml").read_text(encoding="utf-8"))
    return {name: Terms(**entry) for name, entry in told.items()}


def is_open(licence: str) -> bool:
    """Whether a licence lets everybody publish a text again.

    >>> is_open("CC BY 4.0"), is_open("http://creativecommons.org/licenses/by-nc-sa/4.0/"), is_open("")
    (True, False, False)
    """
    return _OPEN.search(licence) is not None


def may_publish_abstract(policy: str, licence: str, sources: Sequence[str]) -> bool:
    """Whether a paper's abstract may be published.

    Args:
        policy: the setting `publish_abstracts`: "licensed", "all" or "none".
        licence: the paper's own, as its source states it.
        sources: the names of the records that it was made from. Merging takes the abstract from arXiv where arXiv has one.
    """
    if policy != "licensed":
        return policy == "all"
    known = load()
    names = {source.split(":", 1)[0] for source in sources}
    return is_open(licence) or any(is_open(known[name].licence) for name in names if name in known and name != "starter")
