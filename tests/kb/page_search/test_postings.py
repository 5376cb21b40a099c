"""The index of words weighs papers as BM25 does, and its shards can be read back."""

import math

import numpy as np
import pytest

from kb.page_search.postings import K1, TITLE_WEIGHT, B, Postings, build, leb128, singular, terms

TITLES = ["Pruning of networks", "Quantization", "A study"]
BODIES = ["we prune networks", "we quantize weights and networks", "of weights"]
STOP = frozenset({"of", "we", "and", "a"})


def read(index: Postings) -> dict[str, dict[int, float]]:
    """Read all shards: term -> place -> level, as `readShard` in lexical.js does."""
    found: dict[str, dict[int, float]] = {}
    for shard in index.shards:
        at, name = 0, b""

        def number(shard: bytes = shard) -> int:
            nonlocal at
            value = shift = 0
            while True:
                byte = shard[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        while at < len(shard):
            shared, rest = number(), number()
            name = name[:shared] + shard[at : at + rest]
            at += rest
            places = np.cumsum([number() for _ in range(number())]).tolist()
            top, halves = shard[at], len(places) // 2 + len(places) % 2 if len(places) > 1 else 0
            parts = [half + 1 for byte in shard[at + 1 : at + 1 + halves] for half in (byte & 15, byte >> 4)] or [16]
            found[name.decode()] = {place: top * part / 16 for place, part in zip(places, parts, strict=False)}
            at += 1 + halves
    return found


@pytest.fixture
def index() -> Postings:
    return build(TITLES, BODIES, lambda text: text.lower().split(), STOP)


def test_every_term_is_found_in_its_papers_and_stop_words_are_not(index: Postings) -> None:
    found = read(index)
    assert found["network"].keys() == {0, 1}
    assert found["weight"].keys() == {1, 2}
    assert not STOP & found.keys()


def test_weights_are_those_of_bm25_with_titles_counted_twice(index: Postings) -> None:
    lengths = [2 * TITLE_WEIGHT + 2, TITLE_WEIGHT + 3, TITLE_WEIGHT + 1]
    counts = {0: TITLE_WEIGHT + 1, 1: 1}
    rarity = math.log1p((3 - 2 + 0.5) / (2 + 0.5))
    for place, count in counts.items():
        norm = K1 * (1 - B + B * lengths[place] / (sum(lengths) / 3))
        expected = rarity * count * (K1 + 1) / (count + norm)
        assert read(index)["network"][place] * index.step == pytest.approx(expected, rel=1 / 16, abs=index.step)


def test_a_weight_is_a_sixteenth_of_the_terms_largest_off_at_most() -> None:
    random = np.random.default_rng(0)
    bodies = [" ".join(["common"] * int(random.integers(1, 9)) + ["filler"] * int(random.integers(0, 60))) for _ in range(201)]
    index = build([""] * 201, bodies, str.split, frozenset())
    lengths = np.array([len(body.split()) for body in bodies])
    counts = np.array([body.split().count("common") for body in bodies])
    norm = K1 * (1 - B + B * lengths / lengths.mean())
    exact = math.log1p(0.5 / 201.5) * counts * (K1 + 1) / (counts + norm)
    found = np.array([read(index)["common"][place] for place in range(201)]) * index.step
    assert np.abs(found - exact).max() <= exact.max() / 32 + index.step


def test_terms_stand_in_order_over_the_shards_whose_first_terms_are_told() -> None:
    words = [f"word{number}é" for number in range(3_000)]
    index = build(words, words, str.split, frozenset())
    assert len(index.shards) > 3
    assert list(read(index)) == sorted(words)
    assert list(index.first_terms) == sorted(index.first_terms)


def test_no_papers_make_an_empty_index() -> None:
    assert build([], [], str.split, frozenset()) == Postings((), (), pytest.approx(1 / 255))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("networks", "network"),
        ("studies", "study"),
        ("loss", "loss"),
        ("bus", "bus"),
        ("gas", "gas"),
        ("shoes", "shoes"),
        ("gans", "gan"),
    ],
)
def test_plurals_become_singulars(word: str, expected: str) -> None:
    assert singular(word) == expected


def test_punctuation_is_no_term() -> None:
    assert terms(["low", "-", "rank", "∑", "2"], frozenset()) == ["low", "rank", "2"]


@pytest.mark.parametrize("number", [0, 127, 128, 300, 2**31, 2**40])
def test_numbers_come_back_from_leb128(number: int) -> None:
    value = sum((byte & 127) << 7 * at for at, byte in enumerate(leb128(np.array([number]))))
    assert value == number
