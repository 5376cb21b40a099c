"""Words and word pieces of a text, as BERT's tokenizer makes them; the browser makes the same (`assets/search/wordpiece.js`).

Devlin et al., "BERT: pre-training of deep bidirectional transformers for language understanding", NAACL 2019: text is cut at
white space and punctuation, freed of accents and capitals, and each word is cut into the longest pieces that a vocabulary has.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.embedding.tokens import PLAIN_WORDS, cuts_as_bert
from kb.embedding.weights import locate

PORTION = 2_048
"""Texts at a time: what the tokenizer tells of a text beside its numbers takes ten times their memory."""
LONGEST_WORD = 100
"""Characters; a longer word is one unknown piece, as in BERT."""


@dataclass(frozen=True, slots=True, eq=False)
class WordPieces:
    """An uncased BERT tokenizer.

    Attributes:
        vocabulary: the pieces by their number; those that go on a word begin with "##".
    """

    vocabulary: tuple[str, ...]
    _tokenizer: Any

    def words(self, text: str) -> list[str]:
        """Return a text's words and punctuation marks, without capitals and accents."""
        if text.isascii() and text.isprintable():  # most are, and then this is the same, at ten times the speed
            return PLAIN_WORDS(text.lower())
        normal = self._tokenizer.normalizer.normalize_str(text)
        return [word for word, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(normal)]

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the numbers of each text's pieces, without the marks of beginning and end."""
        portions = (texts[at : at + PORTION] for at in range(0, len(texts), PORTION))
        return [
            found.ids
            for portion in portions
            for found in self._tokenizer.encode_batch_fast(list(portion), add_special_tokens=False)
        ]


def load(model: str) -> WordPieces | None:
    """Return an embedding model's tokenizer, or None where it is no uncased BERT tokenizer or lies in no local folder."""
    from tokenizers import Tokenizer  # heavy: a tenth of a second that `kb --help` need not wait for

    path = Path(locate(model)[0]) / "tokenizer.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not cuts_as_bert(told) or not told["normalizer"]["lowercase"]:
        return None
    tokenizer = Tokenizer.from_str(json.dumps(told | {"added_tokens": [], "post_processor": None}))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    numbered = sorted(tokenizer.get_vocab().items(), key=lambda pair: int(pair[1]))
    return WordPieces(tuple(piece for piece, _ in numbered), tokenizer)
