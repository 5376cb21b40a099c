"""The tokenizer in the page makes the same words and pieces as the one in Python."""

import json
import random
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.embedding import wordpiece
from kb.settings import DEFAULT_MODEL
from pipelines.sources.starter import library

SCRIPTS = Path(__file__).parents[3] / "site" / "docs" / "assets" / "search"
IN_NODE = """
import { readFileSync } from "node:fs";
const { pieces, words } = await import(process.argv[1]);
const { texts, vocabulary } = JSON.parse(readFileSync(0, "utf8"));
const numbers = new Map(vocabulary.map((piece, at) => [piece, at]));
console.log(JSON.stringify(texts.map((text) => [words(text), pieces(text, numbers)])));
"""


def in_node(texts: list[str], tokenizer: wordpiece.WordPieces) -> list[tuple[list[str], list[int]]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine: apt-get install nodejs")
    told = json.dumps({"texts": texts, "vocabulary": tokenizer.vocabulary})
    command = [node, "--input-type=module", "--eval", IN_NODE, str(SCRIPTS / "wordpiece.js")]
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
    return [(words, numbers) for words, numbers in json.loads(done.stdout)]


def titles() -> list[str]:
    """The starter library's 910 titles, and 4,090 made by joining halves of two of them."""
    known = [work.title for work in library()]
    chance = random.Random(0)
    halves = [title.split() for title in known]
    made = [
        " ".join([*one[: len(one) // 2], *other[len(other) // 2 :]])
        for one, other in ((chance.choice(halves), chance.choice(halves)) for _ in range(5_000 - len(known)))
    ]
    return known + made


def odd_strings() -> list[str]:
    """A thousand strings of characters that Unicode had assigned by version 3.2, from every script and plane."""
    old = unicodedata.ucd_3_2_0
    assigned = [chr(at) for at in range(0x110000) if old.category(chr(at)) not in {"Cn", "Cs"}]
    signs = [letter for letter in assigned if old.category(letter)[0] in "MPSZC"]
    chance = random.Random(0)
    return [
        "".join(chance.choice(chance.choice((assigned, signs, list("aB ß-'İΣéǅﬁ")))) for _ in range(chance.randint(0, 40)))
        for _ in range(1_000)
    ]


@pytest.fixture(scope="module")
def tokenizer() -> wordpiece.WordPieces:
    found = wordpiece.load(DEFAULT_MODEL)
    assert found is not None
    return found


@pytest.mark.parametrize("texts", [titles(), odd_strings()], ids=["5,000 titles", "1,000 odd strings"])
def test_the_page_cuts_texts_as_python_does(texts: list[str], tokenizer: wordpiece.WordPieces) -> None:
    found = in_node(texts, tokenizer)
    expected = [(tokenizer.words(text), numbers) for text, numbers in zip(texts, tokenizer.pieces(texts), strict=True)]
    assert len(found) == len(texts)
    assert [(text, one, other) for text, one, other in zip(texts, found, expected, strict=True) if one != other] == []


def test_pieces_are_those_that_the_model_was_given(tokenizer: wordpiece.WordPieces) -> None:
    from transformers import AutoTokenizer

    from kb.embedding.weights import locate

    theirs = AutoTokenizer.from_pretrained(locate(DEFAULT_MODEL)[0])
    some = titles()[:200]
    assert tokenizer.pieces(some) == theirs(some, add_special_tokens=False)["input_ids"]


@given(text=st.text(st.characters(max_codepoint=0x7F), max_size=60))
def test_plain_texts_have_the_words_that_tokenizers_finds(tokenizer: wordpiece.WordPieces, text: str) -> None:
    rust = tokenizer._tokenizer
    normal = rust.normalizer.normalize_str(text)
    assert tokenizer.words(text) == [word for word, _ in rust.pre_tokenizer.pre_tokenize_str(normal)]


def test_a_model_without_such_a_tokenizer_has_none(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "BPE"}, "normalizer": null, "pre_tokenizer": null}')
    assert wordpiece.load(str(tmp_path)) is None
    assert wordpiece.load("somebody/a-model-on-the-hub") is None
