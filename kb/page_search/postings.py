"""An inverted index for BM25 that a browser reads a few kilobytes of per question: texts in, shards out. Pure.

Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009. A posting holds the finished weight of a
term in a paper (Lù, "BM25S: orders of magnitude faster lexical search via eager sparse scoring", 2024), so that the browser only
adds up. Terms stand in order over the shards: a question needs the shards of its terms, and words that begin alike lie together.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
TITLE_WEIGHT = 2
"""A word in the title counts as often as this in the abstract."""
SHARD_BYTES = 6_000
LEVELS, PARTS = 255, 16
"""A term's largest weight is one of so many levels; its weights are so many parts of that."""
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Postings:
    """The index.

    Attributes:
        first_terms: the first term of every shard.
        shards: each a run of terms: bytes shared with the term before, length of the rest, the rest in UTF-8, number of papers,
            gaps between their places, the largest weight in one byte and, where there are several papers, half a byte h each,
            the low half first, which stands for (h + 1) / 16 of it. The other numbers are LEB128.
        step: what a weight of 1 is worth.
    """

    first_terms: tuple[str, ...]
    shards: tuple[bytes, ...]
    step: float


def terms(words: Iterable[str], stop_words: frozenset[str]) -> list[str]:
    """Return the terms of a text's words in order: no punctuation, no stop words, plurals as singulars."""
    return [singular(word) for word in words if word not in stop_words and _LETTER_OR_DIGIT.search(word)]


def singular(word: str) -> str:
    """Return a word's singular by Harman's "S" stemmer (JASIS 42, 1991); a name for words that belong together, not a word.

    >>> [singular(word) for word in ("networks", "studies", "classes", "bus", "loss")]
    ['network', 'study', 'classe', 'bus', 'loss']
    """
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word if word.endswith(("eies", "aies")) else f"{word[:-3]}y"
    if word.endswith("es"):
        return word if word.endswith(("aes", "oes", "ees")) else word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


def build(
    titles: Sequence[str], bodies: Sequence[str], words: Callable[[str], list[str]], stop_words: frozenset[str]
) -> Postings:
    """Index texts; a text's place is its number in the index.

    Args:
        titles, bodies: one each per text.
        words: the tokenizer.
    """
    found: dict[str, array[int]] = {}  # place, count, place, count, ...: eight bytes a posting where a list takes ten times that
    lengths = np.zeros(max(1, len(titles)))
    for place, (title, body) in enumerate(zip(titles, bodies, strict=True)):
        counts = Counter(terms(words(body), stop_words))
        for term in terms(words(title), stop_words):
            counts[term] += TITLE_WEIGHT
        lengths[place] = counts.total()
        for term, count in counts.items():
            found.setdefault(term, array("I")).extend((place, count))
    norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-9))
    pairs = {term: np.frombuffer(one, np.uint32).astype(np.int64).reshape(-1, 2) for term, one in found.items()}
    weights = {term: _weights(one, norm, len(titles)) for term, one in pairs.items()}
    step = max((float(one.max()) for one in weights.values()), default=1.0) / LEVELS
    return _shards({term: one[:, 0] for term, one in pairs.items()}, weights, step)


def _weights(found: NDArray[np.int64], norm: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    places, counts = found[:, 0], found[:, 1]
    rarity = np.log1p((size - len(found) + 0.5) / (len(found) + 0.5))
    return np.asarray(rarity * counts * (K1 + 1) / (counts + norm[places]))


def _shards(places: dict[str, NDArray[np.int64]], weights: dict[str, NDArray[np.float64]], step: float) -> Postings:
    firsts: list[str] = []
    shards: list[bytes] = []
    current, before = bytearray(), b""
    for term in sorted(places):  # by code points, which is the order of their UTF-8 too
        name = term.encode()
        if not current:
            firsts.append(term)
        shared = _shared(name, before)
        gaps = np.diff(places[term], prepend=0)
        current += leb128(np.array([shared, len(name) - shared])) + name[shared:] + leb128(np.array([len(gaps)]))
        current += leb128(gaps) + _packed(weights[term], step)
        before = name
        if len(current) >= SHARD_BYTES:
            shards.append(bytes(current))
            current, before = bytearray(), b""
    if current:
        shards.append(bytes(current))
    return Postings(tuple(firsts), tuple(shards), step)


def _packed(weights: NDArray[np.float64], step: float) -> bytes:
    """Return one term's weights as a shard has them."""
    top = weights.max()
    level = bytes([int(np.clip(np.rint(top / step), 1, LEVELS))])
    if len(weights) == 1:
        return level
    parts = np.clip(np.rint(weights / top * PARTS) - 1, 0, PARTS - 1).astype(np.uint8)
    even = np.pad(parts, (0, len(parts) % 2))
    return level + bytes(even[0::2] | even[1::2] << 4)


def _shared(one: bytes, other: bytes) -> int:
    """Return with how many equal bytes two names begin."""
    different = (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    return next(different, min(len(one), len(other)))


def leb128(numbers: NDArray[np.int64]) -> bytes:
    """Return numbers as LEB128: seven bits a byte, lowest first, the highest bit set on all bytes of a number but its last.

    >>> leb128(np.array([5, 300])).hex()
    '05ac02'
    """
    groups = (numbers[:, None] >> np.arange(0, 63, 7)) & 127
    used = np.maximum(1, (numbers[:, None] >> np.arange(0, 63, 7) > 0).sum(axis=1))
    at = np.arange(groups.shape[1])
    groups |= np.where(at < used[:, None] - 1, 128, 0)
    return bytes(groups[at < used[:, None]].astype(np.uint8))
