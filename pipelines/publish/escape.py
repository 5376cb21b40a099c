"""Papers' text is untrusted: make it harmless in Markdown and in HTML at once.

Every ASCII character that Markdown, its extensions or HTML could read as markup becomes a numeric entity. Both MkDocs
and Zensical leave entities alone, and a browser shows the character that was meant. Formulas become MathML of known
elements and attributes only, whose text is made harmless in the same way.
"""

import html
import re
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markupsafe import Markup

_MARKUP = re.compile(r"[!-+\-./:-@\[-`{-~]")  # all ASCII punctuation but the comma
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]")
_FORMULA = re.compile(r"(?<!\\)\$\$?([^$]{1,200}?)(?<!\\)\$\$?")
_ELEMENTS = frozenset(
    """
    math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts mprescripts
    none mtable mtr mtd mphantom mpadded mstyle
    """.split()
)
_ATTRIBUTES = {
    "mathvariant": r"[a-z-]+", "stretchy": r"true|false", "fence": r"true|false", "separator": r"true|false", "form": r"[a-z]+",
    "accent": r"true|false", "movablelimits": r"true|false", "displaystyle": r"true|false", "linethickness": r"[\d.]+(?:px|em)?",
    "width": r"-?[\d.]+em", "minsize": r"[\d.]+(?:em|%)", "maxsize": r"[\d.]+(?:em|%)",
    "lspace": r"[\d.]+em", "rspace": r"[\d.]+em",
}  # fmt: skip


def text(value: object) -> Markup:
    """Return a value as inert text for Markdown and HTML; what is marked safe already passes unchanged.

    Control characters go, bidirectional ones too: they could make a title rearrange its page.
    """
    if isinstance(value, Markup):
        return value
    return Markup(_MARKUP.sub(_entity, plain(str(value))))


def plain(value: str) -> str:
    """Return text without control characters, for data files and feeds that do their own quoting."""
    return _HIDDEN.sub(" ", value)


def formulas(value: str) -> Markup:
    r"""Return text whose formulas between dollar signs are MathML; one that cannot be read stays as it was written.

    >>> str(formulas("An $n^2$ bound"))
    'An <math><mrow><msup><mi>n</mi><mn>2</mn></msup></mrow></math> bound'
    """
    if "$" not in value:
        return text(value)
    parts, end = [], 0
    for match in _FORMULA.finditer(value):
        drawn = _mathml(match[1])
        if drawn:
            parts += [text(value[end : match.start()]), drawn]
            end = match.end()
    return Markup("").join([*parts, text(value[end:])])


def link(address: str) -> Markup:
    """Return an address for an `href`, or "#" if it is no plain http or https one."""
    try:
        known = urlsplit(address).scheme in {"http", "https"}
    except ValueError:
        known = False
    if not known or not re.fullmatch(r"[!-~]+", address):
        return Markup("#")
    return Markup(re.sub(r"[^\w/.:-]", _entity, address, flags=re.ASCII))


def slug(name: str) -> Markup:
    """Return an id of ours (a theme's, a cluster's) for use in a path; the ids' form was checked when they were made."""
    if not re.fullmatch(r"[a-z0-9/-]+", name):
        raise ValueError(f"not an id: {name!r}")
    return Markup(name)


def _mathml(latex: str) -> Markup:
    """Return a formula as MathML, or nothing if it cannot be read."""
    if not re.search(r"[A-Za-z0-9\\]", latex) or (latex != latex.strip() and "\\" not in latex):
        return Markup("")  # "$ 5 and $ 6" are prices
    try:
        return _inert(convert_to_element(plain(latex)), 0)
    except Exception:  # the converter raises IndexError, KeyError and its own kinds on malformed input
        return Markup("")


def _inert(element: Element, depth: int) -> Markup:
    if element.tag not in _ELEMENTS or depth > 40:
        raise ValueError(element.tag)
    told = "".join(
        f' {name}="{value}"'
        for name, value in sorted(element.attrib.items())
        if name in _ATTRIBUTES and re.fullmatch(_ATTRIBUTES[name], value)
    )
    inside = Markup("").join([_letters(element.text or ""), *(_inert(child, depth + 1) for child in element)])
    return Markup(f"<{element.tag}{told}>{inside}</{element.tag}>")


def _letters(value: str) -> Markup:
    """Return a token of MathML; latex2mathml writes some characters as entities already."""
    return text(html.unescape(value))


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
