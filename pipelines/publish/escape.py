"""Papers' text is untrusted: make it harmless in Markdown and in HTML at once.

Every ASCII character that Markdown, its extensions or HTML could read as markup becomes a numeric entity. Both MkDocs
and Zensical leave entities alone, and a browser shows the character that was meant.
"""

import re
from urllib.parse import urlsplit

from markupsafe import Markup

_MARKUP = re.compile(r"[!-+\-./:-@\[-`{-~]")  # all ASCII punctuation but the comma
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def text(value: object) -> Markup:
    """Return a value as inert text for Markdown and HTML; what is marked safe already passes unchanged.

    Control characters go, bidirectional ones too: they could make a title rearrange its page.
    """
    if isinstance(value, Markup):
        return value
    return Markup(_MARKUP.sub(_entity, _HIDDEN.sub(" ", str(value))))


def link(address: str) -> Markup:
    """Return an address for an `href`, or "#" if it is no plain http or https one."""
    if urlsplit(address).scheme not in {"http", "https"} or not re.fullmatch(r"[!-~]+", address):
        return Markup("#")
    return Markup(re.sub(r"[^\w/.:-]", _entity, address, flags=re.ASCII))


def slug(name: str) -> Markup:
    """Return an id of ours (a theme's, a cluster's) for use in a path; the ids' form was checked when they were made."""
    if not re.fullmatch(r"[a-z0-9/-]+", name):
        raise ValueError(f"not an id: {name!r}")
    return Markup(name)


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
