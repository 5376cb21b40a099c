"""Several GPUs: each has a copy of the model and embeds its share of the texts."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from kb.embedding import Encoder, Vectors
from kb.embedding.packed_engine import GpuEncoder
from kb.embedding.torch_engine import TorchEncoder


def on_all_devices(model: str, device: str, **told: Any) -> Encoder:
    """Load a model with torch: on every GPU for the device "auto" (on the CPU where there is none), else on the one named."""
    count = torch.cuda.device_count() if device in ("auto", "cuda") else 0
    if count < 2:
        return _on(device, model, **told)
    return SeveralDevices([_on(f"cuda:{number}", model, **told) for number in range(count)])


def _on(device: str, model: str, **told: Any) -> Encoder:
    plain = TorchEncoder(model, device=device, **told)
    return GpuEncoder(plain) if torch.device(plain.device).type == "cuda" else plain


class SeveralDevices:
    """Embeds on several devices at once; see `kb.embedding.Encoder`. Each text's vector is as one device gives it."""

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        first = encoders[0]
        self.key, self.model, self.weights = first.key, first.model, first.weights
        self.engine, self.precision, self.dimensions, self.device = first.engine, first.precision, first.dimensions, first.device
        self._encoders = list(encoders)
        self._workers = ThreadPoolExecutor(len(encoders))

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (len(texts), dimensions) in the texts' order."""
        found = np.empty((len(texts), self.dimensions), np.float32)
        by_length = np.argsort([-len(text) for text in texts], kind="stable")

        def share(number: int) -> None:
            chosen = by_length[number :: len(self._encoders)]  # every device gets long and short texts alike
            if len(chosen):
                found[chosen] = self._encoders[number].encode([texts[place] for place in chosen])

        list(self._workers.map(share, range(len(self._encoders))))
        return found

    def encode_query(self, text: str) -> Vectors:
        """Return the unit-length vector (dimensions,) of a query."""
        return self._encoders[0].encode_query(text)
