"""The torch engine: sentence-transformers loads the model, we batch.

Batches hold texts of like length up to a budget of tokens, so that little is padding (on 400 real abstracts and two
cores: a third faster than fixed batches of 32, the same vectors). Products are computed in half precision on a GPU, in
bf16 on a CPU that has the instructions (half as fast again; mean cosine to fp32 0.99998), in fp32 otherwise. On a GPU
kernels are queued, the next texts are tokenized meanwhile, and vectors come back through pinned memory; models that are
plain BERT are faster still without padding (`kb.embedding.packed_engine`).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kb.embedding import Vectors
from kb.embedding.loading import load_model, prompt_of
from kb.embedding.tokens import Rows, pad, rust_tokenizer, tokenize, width

TOKEN_BUDGET = {"cpu": 4_096, "cuda": 131_072}
PART = 4_096
"""Texts that are tokenized and sorted together."""


class TorchEncoder:
    """Embeds with torch; see `kb.embedding.Encoder`."""

    engine = "torch"

    def __init__(
        self, model: str, *, max_tokens: int = 256, device: str = "auto", dimensions: int | None = None,
        prompts: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.model = model
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self._kind = torch.device(self.device).type
        self.network, self.weights = load_model(model, self.device)
        self.network.max_seq_length = min(max_tokens, self.network.max_seq_length or max_tokens)
        self.dimensions = width(int(self.network.get_embedding_dimension() or 0), model, dimensions)
        self._prompts = {side: prompt_of(self.network, side, prompts or {}) for side in ("document", "query")}
        self.precision = _precision(self.network, self._kind)
        if self._kind == "cuda":
            self.network.to(torch.float16 if self.precision == "fp16" else torch.bfloat16)
        elif next(self.network.parameters()).dtype == torch.float16:  # processors compute in it slowly, if at all
            self.network.float()
        self.key = f"{model}@{self.weights[:12]}"
        self._budget = TOKEN_BUDGET[self._kind]
        self.tokenizer = self._fast_tokenizer()
        self.prompt = self._prompts["document"]

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (len(texts), dimensions) in the texts' order."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        if self.tokenizer is None:
            return self._encode_plainly(texts)
        buffer = torch.empty((len(texts), self.dimensions), dtype=torch.float32, pin_memory=self._kind == "cuda")
        orders = []
        for start in range(0, len(texts), PART):
            part = [self.prompt + text for text in texts[start : start + PART]]
            orders.append(start + self._encode_part(part, buffer[start : start + PART]))
        if self._kind == "cuda":
            torch.cuda.synchronize(self.device)
        result = np.empty((len(texts), self.dimensions), np.float32)
        result[np.concatenate(orders)] = buffer.numpy()
        return result

    def encode_query(self, text: str) -> Vectors:
        """Return the unit-length vector (dimensions,) of a query, with the model's query prompt if it has one."""
        with torch.inference_mode():
            vector = self.network.encode_query(
                text, prompt=self._prompts["query"], show_progress_bar=False, normalize_embeddings=True,
                truncate_dim=self.dimensions,
            )  # fmt: skip
        return np.asarray(vector, np.float32)

    def _encode_part(self, texts: list[str], buffer: torch.Tensor) -> NDArray[np.int64]:
        """Queue the batches of some texts, longest first; return the order in which their vectors come to lie in the buffer."""
        rows, lengths = tokenize(self.tokenizer, texts)
        order = np.argsort(-lengths, kind="stable")
        start = 0
        while start < len(order):
            size = max(1, self._budget // max(1, int(lengths[order[start]])))
            chosen = order[start : start + size]
            try:
                vectors = self._forward([rows[number] for number in chosen])
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                torch.cuda.empty_cache()
                self._budget //= 2
                continue
            buffer[start : start + len(chosen)].copy_(vectors, non_blocking=True)
            start += size
        return order

    def _forward(self, rows: Rows) -> torch.Tensor:
        """Return the vectors of one batch, on the device."""
        with torch.inference_mode(), self._autocast():
            return torch.nn.functional.normalize(self._padded(rows)[:, : self.dimensions].float(), dim=1)

    def _padded(self, rows: Rows) -> torch.Tensor:
        tokenizer = self.network.tokenizer
        ids, mask = pad(rows, max(map(len, rows)), tokenizer.pad_token_id or 0, tokenizer.padding_side)
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        if "token_type_ids" in tokenizer.model_input_names:
            features["token_type_ids"] = torch.zeros_like(features["input_ids"])
        on_device = {name: self._sent(values) for name, values in features.items()}
        vectors: torch.Tensor = self.network(on_device, task="document")["sentence_embedding"]
        return vectors

    def _sent(self, values: torch.Tensor) -> torch.Tensor:
        return values.pin_memory().to(self.device, non_blocking=True) if self._kind == "cuda" else values

    def _autocast(self) -> AbstractContextManager[object]:
        on = self._kind == "cpu" and self.precision == "bf16"
        return torch.autocast("cpu", torch.bfloat16) if on else nullcontext()

    def _fast_tokenizer(self) -> Any:
        """Return the Rust tokenizer, or None where sentence-transformers must prepare texts in its own way."""
        tokenizer = getattr(self.network, "tokenizer", None)
        backend = getattr(tokenizer, "backend_tokenizer", None)
        pools_prompt = all(getattr(module, "include_prompt", True) for module in self.network)
        if backend is None or not (pools_prompt or not self.prompt):
            return None
        return rust_tokenizer(backend.to_str(), int(self.network.max_seq_length))

    def _encode_plainly(self, texts: list[str]) -> Vectors:
        with torch.inference_mode(), self._autocast():
            vectors = self.network.encode_document(
                texts, prompt=self.prompt, batch_size=32, show_progress_bar=False, normalize_embeddings=True,
                truncate_dim=self.dimensions,
            )  # fmt: skip
        return np.asarray(vectors, np.float32)


def _precision(model: Any, kind: str) -> str:
    """Return what products are computed in: a model that was saved in bf16 may overflow fp16."""
    saved = next(model.parameters()).dtype
    if kind == "cuda":
        return "bf16" if saved == torch.bfloat16 else "fp16"
    if saved == torch.bfloat16 or torch.cpu.get_capabilities().get("avx512_bf16"):
        return "bf16"
    return "fp32"
