"""The torch engine: sentence-transformers loads the model, we batch.

Batches hold texts of like length up to a budget of tokens, so that little is padding (on 400 real abstracts and two
cores: a third faster than fixed batches of 32, the same vectors). Products are computed in fp16 on a GPU, in bf16 on
a CPU that has the instructions (half as fast again; mean cosine to fp32 0.99998), in fp32 otherwise.
"""

import hashlib
import logging
import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch

from kb.embedding import Vectors
from kb.embedding.weights import PACKAGED, locate
from kb.errors import ModelError

TOKEN_BUDGET = {"cpu": 4_096, "cuda": 131_072}


class TorchEncoder:
    """Embeds with torch; see `kb.embedding.Encoder`."""

    def __init__(self, model: str, *, max_tokens: int = 256, device: str = "auto") -> None:
        self.model = model
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self.precision = _precision(self.device)
        self._model, self.weights = _load(model, self.device)
        self._model.max_seq_length = min(max_tokens, self._model.max_seq_length or max_tokens)
        if self.precision == "fp16":
            self._model.half()
        self.key = f"{model}@{self.weights[:12]}"
        self._budget = TOKEN_BUDGET[self.device]

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (len(texts), dimensions) in the texts' order."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        prompt = self._model.prompts.get("document", "") if self._model.prompts else ""
        rows = self._model.tokenizer(
            [prompt + text for text in texts], truncation=True, max_length=self._model.max_seq_length, padding=False
        )
        lengths = np.array([len(row) for row in rows["input_ids"]])
        order = np.argsort(-lengths, kind="stable")
        found: list[Vectors] = []
        start = 0
        while start < len(order):
            size = max(1, self._budget // int(lengths[order[start]]))
            chosen = order[start : start + size]
            try:
                found.append(self._forward({name: [column[i] for i in chosen] for name, column in rows.items()}))
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                torch.cuda.empty_cache()
                self._budget //= 2
                continue
            start += size
        vectors = np.concatenate(found)
        result = np.empty_like(vectors)
        result[order] = vectors
        return result

    def encode_query(self, text: str) -> Vectors:
        """Return the unit-length vector (dimensions,) of a query, with the model's query prompt if it has one."""
        with torch.inference_mode():
            vector = self._model.encode_query(text, show_progress_bar=False, normalize_embeddings=True)
        return np.asarray(vector, np.float32)

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def _forward(self, rows: dict[str, list[list[int]]]) -> Vectors:
        features = self._model.tokenizer.pad(rows, return_tensors="pt")
        on_device = {name: values.to(self.device) for name, values in features.items()}
        with torch.inference_mode(), self._autocast():
            vectors = self._model(on_device)["sentence_embedding"].float()
            return torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast("cpu", torch.bfloat16) if self.precision == "bf16" else nullcontext()


def _precision(device: str) -> str:
    if device == "cuda":
        return "fp16"
    return "bf16" if torch.cpu.get_capabilities().get("avx512_bf16") else "fp32"


def _load(model: str, device: str) -> tuple[Any, str]:
    where, checked = locate(model)
    # transformers reports its progress on standard error; ours is shown by the command
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    if checked:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer  # after the environment is set: it reads it on import
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = SentenceTransformer(where, device=device)
    except Exception as error:  # the hub raises many kinds; every one means that there is no model to work with
        known = ", ".join(PACKAGED)
        raise ModelError(
            f"cannot load the embedding model {model}: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            cure=f"Check its name and the network, or use the packaged one ({known})",
        ) from error
    return loaded.eval(), checked or _weights_sha256(loaded)


def _weights_sha256(model: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
