"""Identifiers of papers: parse, normalise, compare. Pure text in, text out.

arXiv identifiers by era:

    math/0701142, cs.LG/0701001v2   to March 2007: archive (subject class dropped), YYMM and a 3-digit number
    0704.0001                       April 2007 to December 2014: YYMM and 4 digits
    1501.00001, 2006.11239v2        from January 2015: YYMM and 5 digits

Some copies of arXiv's metadata went through a spreadsheet that read identifiers as numbers: `1801.02850` became
`1801.0285`, `1502.06434` became `1502.0643400000001`. Since each era fixes the number
of digits, `restore_digits` can tell and mend it.

The canonical form is `arxiv:2006.11239`, without the version. Others: `doi:10.1038/nature14539` (lower case),
`openreview:rygGQyrFvH`, `acl:2021.acl-long.24` (also the old `acl:P18-1001`), `pmlr:v25/liu12a`, and, where a work
bears no identifier, `title:` with a hash of its normalised title and its first author's family name.
"""

import hashlib
import re
import unicodedata
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs, unquote, urlsplit

_ARXIV = re.compile(
    r"(?:^|(?:arxiv:|arxiv\.org/(?:abs|pdf|html)/))\s*"
    r"(?P<id>(?:[a-z][a-z-]+(?:\.[A-Za-z-]{2,})?/\d{7}|\d{4}\.\d{4,5}))(?P<version>v\d+)?(?:\.pdf)?(?![\w.])",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?:^|doi:\s*|doi\.org/|/chapter/|/doi/)\s*(10\.\d{4,9}/\S+)", re.IGNORECASE)
_ACL = re.compile(r"aclanthology\.org/(?P<id>[A-Z]\d{2}-\d{4,5}|\d{4}\.[a-z0-9_]+-[a-z0-9_]+\.\d+)", re.IGNORECASE)
_PMLR = re.compile(r"proceedings\.mlr\.press/v(?P<volume>\d+)/(?P<key>[\w-]+?)(?:\.html|\.pdf|/|$)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


def arxiv_id(text: str) -> str | None:
    """Return the canonical arXiv id in an id, an `arXiv:` citation or an arxiv.org address, else None.

    >>> arxiv_id("https://arxiv.org/abs/2006.11239v2"), arxiv_id("cs.LG/0701001v2"), arxiv_id("10.1145/3292500")
    ('arxiv:2006.11239', 'arxiv:cs/0701001', None)
    """
    found = _ARXIV.search(text.strip())
    if not found:
        return None
    identifier = found["id"].lower()
    if "/" in identifier:
        archive, number = identifier.split("/")
        identifier = f"{archive.split('.')[0]}/{number}"
    elif len(identifier) != 5 + _digits(identifier):
        return None
    return f"arxiv:{identifier}" if arxiv_month(f"arxiv:{identifier}") else None


def _digits(number: str) -> int:
    return 5 if number[:4] >= "1501" else 4


def restore_digits(number: str) -> str:
    """Return an arXiv number that was once read as a decimal as it was before; anything else unchanged.

    >>> restore_digits("1801.0285"), restore_digits("1502.0643400000001"), restore_digits("2006.11239")
    ('1801.02850', '1502.06434', '2006.11239')
    """
    whole, _, decimals = number.partition(".")
    if not (whole.isdecimal() and decimals.isdecimal() and len(whole) in (3, 4)):
        return number
    digits = _digits(whole.zfill(4))
    if len(whole) == 4 and len(decimals) == digits:
        return number
    return f"{Decimal(number):.{digits}f}".zfill(5 + digits)


def arxiv_month(identifier: str) -> date | None:
    """Return the first day of the month that a canonical arXiv id names, or None if it names none.

    >>> arxiv_month("arxiv:2006.11239"), arxiv_month("arxiv:math/9912001"), arxiv_month("arxiv:1713.00001")
    (datetime.date(2020, 6, 1), datetime.date(1999, 12, 1), None)
    """
    number = identifier.removeprefix("arxiv:").split("/")[-1]
    if not identifier.startswith("arxiv:") or not number[:4].isdigit():
        return None
    year, month = int(number[:2]), int(number[2:4])
    if not 1 <= month <= 12:
        return None
    return date(1900 + year if year >= 91 else 2000 + year, month, 1)


def doi(text: str) -> str | None:
    """Return the canonical DOI in a DOI or a resolver's address, else None.

    arXiv's own DOIs (10.48550/arXiv.2006.11239) are arXiv ids.

    >>> doi("https://doi.org/10.1038/NATURE14539"), doi("10.48550/arXiv.2006.11239")
    ('doi:10.1038/nature14539', 'arxiv:2006.11239')
    """
    found = _DOI.search(unquote(text.strip()))
    if not found:
        return None
    name = found[1].rstrip(".,;)").lower()
    if name.startswith("10.48550/arxiv."):
        return arxiv_id(name.removeprefix("10.48550/arxiv."))
    return f"doi:{name}"


def openreview_id(text: str) -> str | None:
    """Return the canonical OpenReview forum id in an address, else None."""
    parts = urlsplit(text.strip())
    if not parts.netloc.endswith("openreview.net"):
        return None
    forum = parse_qs(parts.query).get("id", [""])[0]
    return f"openreview:{forum}" if re.fullmatch(r"[\w-]{4,}", forum) else None


def acl_id(text: str) -> str | None:
    """Return the canonical ACL Anthology id in an address, else None."""
    found = _ACL.search(text)
    return f"acl:{found['id']}" if found else None


def pmlr_id(text: str) -> str | None:
    """Return the canonical PMLR id (volume and key) in an address, else None."""
    found = _PMLR.search(text)
    return f"pmlr:v{found['volume']}/{found['key'].lower()}" if found else None


def identifiers_in(text: str) -> tuple[str, ...]:
    """Return every canonical identifier that an address or id names, best first (see `PREFERENCE`)."""
    found = (read(text) for read in (arxiv_id, doi, openreview_id, acl_id, pmlr_id))
    return tuple(dict.fromkeys(i for i in found if i))


PREFERENCE = ("arxiv", "doi", "openreview", "acl", "pmlr", "title")


def preference(identifier: str) -> tuple[int, str]:
    """Return a sort key: the identifier that names a work sorts first (arXiv, then DOI, ... then title)."""
    scheme = identifier.split(":", 1)[0]
    return (PREFERENCE.index(scheme) if scheme in PREFERENCE else len(PREFERENCE), identifier)


def parse(text: str) -> str:
    """Return the canonical identifier that a person typed, or the text itself, stripped, when it has none."""
    text = text.strip()
    if text.split(":", 1)[0] in PREFERENCE[2:]:
        return text
    return next(iter(identifiers_in(text)), text)


def fold(text: str) -> str:
    """Return `text` without accents and case, for comparing names and titles."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def title_key(title: str) -> str:
    """Return a title reduced to its letters and digits: accents, case, punctuation and LaTeX marks do not count.

    >>> title_key("Über-Nets: {BERT} for $n$-grams!")
    'uber nets bert for n grams'
    """
    return " ".join(_WORD.findall(fold(title)))


def family_name(author: str) -> str:
    """Return the folded family name of "Given Family" or "Family, Given"."""
    name = author.split(",")[0] if "," in author else author
    words = _WORD.findall(fold(name))
    return words[-1] if words else ""


def title_id(title: str, first_author: str) -> str:
    """Return the identifier of a work that bears none: a hash of its title and first author's family name."""
    key = f"{title_key(title)}\n{family_name(first_author)}"
    return f"title:{hashlib.sha256(key.encode()).hexdigest()[:16]}"
