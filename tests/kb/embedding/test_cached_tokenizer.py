"""A tokenizer that remembers words gives the numbers of the one that does not, for any text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb.embedding import cached_tokenizer
from kb.embedding.cached_tokenizer import CachedTokenizer, cacheable
from kb.embedding.tokens import rust_tokenizer
from kb.embedding.weights import locate

SOURCE = (Path(locate("sentence-transformers/all-MiniLM-L6-v2")[0]) / "tokenizer.json").read_text(encoding="utf-8")
MOST = 16
PIECES = st.sampled_from(
    ["badger", "Badgers", "self-attention,", "(e.g.", "x^2", "naïve", "́", "[MASK]", "[mask]", "[SEP]x", "##ing", "日本", " ",
     "\t", "\x0b", "\xa0", "​", "\x85", "🧠", "İ", "a" * 120, "don't", "'", "3.14"]
)  # fmt: skip


@pytest.fixture(scope="module")
def cached() -> CachedTokenizer:
    return CachedTokenizer(SOURCE, MOST)


@pytest.fixture(scope="module")
def rust() -> Any:
    return rust_tokenizer(SOURCE, MOST)


def same(cached: CachedTokenizer, rust: Any, texts: list[str]) -> None:
    numbers, lengths = cached(texts)
    expected = [encoding.ids for encoding in rust.encode_batch(texts)]
    assert lengths.tolist() == [len(row) for row in expected]
    assert numbers.tolist() == [number for row in expected for number in row]


@given(texts=st.lists(st.text(max_size=60), max_size=4))
@example(texts=["", " ", "́ " * 40 + "badgers", "one " * 40, "x" * 400])
def test_any_text_has_the_numbers_that_tokenizers_gives_it(cached: CachedTokenizer, rust: Any, texts: list[str]) -> None:
    same(cached, rust, texts)


@given(pieces=st.lists(PIECES, max_size=12), between=st.sampled_from(["", " ", "  "]))
def test_words_marks_and_odd_signs_mixed_in_any_way(cached: CachedTokenizer, rust: Any, pieces: list[str], between: str) -> None:
    same(cached, rust, [between.join(pieces)])


def test_what_is_remembered_stays_within_bounds(rust: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_tokenizer, "REMEMBERED", 20)
    cached = CachedTokenizer(SOURCE, MOST)
    for start in range(0, 300, 10):
        same(cached, rust, [f"word{number} again" for number in range(start, start + 10)])
    assert len(cached._parts) + len(cached._parts._older) < 80


def test_words_of_a_model_that_keeps_capitals_stay_apart() -> None:
    told = json.loads(SOURCE)
    told["normalizer"]["lowercase"] = False
    source = json.dumps(told)
    same(CachedTokenizer(source, MOST), rust_tokenizer(source, MOST), ["Badger badger BADGER"])


def test_no_texts_have_no_numbers(cached: CachedTokenizer) -> None:
    numbers, lengths = cached([])
    assert (numbers.dtype, len(numbers), len(lengths)) == (np.int32, 0, 0)


@pytest.mark.parametrize(
    ("part", "kind"), [("normalizer", {"type": "NFC"}), ("pre_tokenizer", {"type": "Metaspace"}), ("normalizer", None)]
)
def test_a_tokenizer_that_treats_words_otherwise_is_not_cached(part: str, kind: dict[str, str] | None) -> None:
    assert cacheable(SOURCE)
    assert not cacheable(json.dumps(json.loads(SOURCE) | {part: kind}))
