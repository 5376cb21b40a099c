"""An embedding model packed for the page of search, which runs it in plain JavaScript (`site/docs/assets/search/bert.js`).

Only what that code can run is packed: a plain BERT (Devlin et al., "BERT", NAACL 2019) with an uncased tokenizer, mean or
first-token pooling, and weights that half precision holds. Half precision changes a question's vector by a cosine of about 1e-6.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kb.embedding import plain_key, vector_key, wordpiece
from kb.embedding.tokens import width
from kb.embedding.weights import locate
from kb.errors import StoreError
from kb.settings import Settings

SHARD_BYTES = 1_000_000
"""Small enough that a slow line shows progress, and that little is lost when it breaks."""
MOST_BYTES = 150_000_000
"""Larger models are too much for a page."""
FORM = 1
"""Raise it when models are packed in another way, so that kept ones are packed anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Portable:
    """A packed model.

    Attributes:
        key: names the vectors that its questions can be compared with, as if made in full precision; see `vector_key`.
        told: what the page must know: "width", "layers", "heads", "inner" (width of the feed-forward layer), "epsilon" (of the
            layer norms), "pieces" (rows of the vocabulary), "positions" (most word pieces of a text, the marks included),
            "pooling" ("mean" or "cls"), "dimensions" (numbers of a vector that are kept), "begin" and "end" (numbers of the
            marks), "prompt" (goes before every question).
        weights: float16, little-endian; embeddings of pieces and positions (that of token type 0 is in the latter), their layer
            norm, then for each layer: query, key and value as one, output, layer norm, inner, outer, layer norm. A linear
            layer is its matrix (outputs, inputs), then its bias; a norm is its scale, then its shift.
    """

    key: str
    told: Mapping[str, Any]
    weights: bytes

    @property
    def name(self) -> str:
        """Name this very content: equal models have equal names."""
        return hashlib.sha256(json.dumps(dict(self.told), sort_keys=True).encode() + self.weights).hexdigest()[:16]

    def shards(self) -> Iterator[bytes]:
        """Yield the weights in pieces of `SHARD_BYTES`."""
        yield from (self.weights[start : start + SHARD_BYTES] for start in range(0, len(self.weights), SHARD_BYTES))

    def serves(self, key: str) -> bool:
        """Return whether its questions can be compared with vectors of this key; those of the int8 engine are near enough."""
        return plain_key(key) == self.key

    def save(self, path: Path) -> None:
        """Keep it in a file.

        Raises:
            StoreError: it cannot be written.
        """
        about = json.dumps({"form": FORM, "key": self.key, "told": dict(self.told)})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                np.savez(file, about=np.array(about), weights=np.frombuffer(self.weights, np.uint8))
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}", cure="Check who owns the folder") from None


def load(path: Path) -> Portable | None:
    """Return a packed model from its file, or None where there is none that can be read."""
    try:
        with np.load(path) as kept:
            about = json.loads(str(kept["about"]))
            return Portable(about["key"], about["told"], kept["weights"].tobytes()) if about["form"] == FORM else None
    except (OSError, ValueError, KeyError):
        return None


def pack(told: Settings) -> Portable | None:
    """Pack the embedding model of a knowledge base, or return None where the page cannot run it.

    Raises:
        ModelError: the model cannot be had.
    """
    if wordpiece.load(told.model) is None or not _says_bert(Path(locate(told.model)[0])):
        return None  # known without loading it, which takes seconds
    from kb.embedding.loading import load_model, prompt_of  # heavy: torch
    from kb.embedding.packed import packable

    model, weights = load_model(told.model)
    marks = _marks(model)
    if marks is None or not packable(model) or model[1].pooling_mode not in ("mean", "cls"):
        return None
    bert, config = model[0].auto_model, model[0].auto_model.config
    positions = min(told.max_tokens, int(model.max_seq_length or told.max_tokens), int(config.max_position_embeddings))
    if config.hidden_size % 4 or config.intermediate_size % 4:  # the page computes four outputs at a time
        return None
    with np.errstate(over="ignore"):  # what half precision cannot hold becomes infinite, and is seen below
        content = np.concatenate([part.ravel() for part in _parts(bert, positions)]).astype("<f2")
    if content.nbytes > MOST_BYTES or not np.isfinite(content).all():
        return None
    shape = {
        "width": int(config.hidden_size), "layers": int(config.num_hidden_layers), "heads": int(config.num_attention_heads),
        "inner": int(config.intermediate_size), "epsilon": float(config.layer_norm_eps), "pieces": int(config.vocab_size),
        "positions": positions, "pooling": str(model[1].pooling_mode),
        "dimensions": width(int(model.get_embedding_dimension() or 0), told.model, told.dimensions),
        "begin": marks[0], "end": marks[1], "prompt": prompt_of(model, "query", told.prompts or {}),
    }  # fmt: skip
    key = vector_key(told.model, weights, "fp32", told.max_tokens, told.dimensions, told.prompts or None)
    return Portable(key, shape, content.tobytes())


def _says_bert(folder: Path) -> bool:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "bert"


def _marks(model: Any) -> tuple[int, int] | None:
    """Return the numbers of the marks that the tokenizer puts around a text, or None where it does anything else."""
    backend = getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)
    if backend is None:
        return None
    backend = type(backend).from_str(backend.to_str())  # the model's own goes on padding
    backend.no_padding()
    around, bare = backend.encode("a").ids, backend.encode("a", add_special_tokens=False).ids
    return (around[0], around[-1]) if around[1:-1] == bare and len(bare) == 1 else None


def _parts(bert: Any, positions: int) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    """Yield the weights in the order of `Portable.weights`, in float32."""
    held = {name: tensor.detach().float().numpy() for name, tensor in bert.state_dict().items()}
    yield held["embeddings.word_embeddings.weight"]
    yield held["embeddings.position_embeddings.weight"][:positions] + held["embeddings.token_type_embeddings.weight"][0]
    own = ["attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"]
    yield from (held[f"embeddings.LayerNorm.{kind}"] for kind in ("weight", "bias"))
    for number in range(bert.config.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        for kind in ("weight", "bias"):
            yield from (held[f"{layer}.attention.self.{name}.{kind}"] for name in ("query", "key", "value"))
        yield from (held[f"{layer}.{name}.{kind}"] for name in own for kind in ("weight", "bias"))
