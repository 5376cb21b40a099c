"""The OpenVINO engine: int8 on a CPU, without torch; a query alone is not rounded to int8.

Texts are sorted by length, so that little is padding, and lie in batches of a few shapes, since every new shape costs
OpenVINO a preparation. One stream a core: each works on a batch of its own, so no core waits for another within a layer.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors
from kb.embedding.int8 import prepared, silent
from kb.embedding.tokens import pad, rust_tokenizer, tokenize, unit, width
from kb.errors import ModelError

TOKEN_BUDGET = 1_024
STEP = 16
"""Lengths are rounded up to multiples of this."""
_LOADING = Lock()


class OpenVinoEncoder:
    """Embeds with OpenVINO in int8; see `kb.embedding.Encoder`."""

    engine = "openvino"
    precision = "int8"
    device = "cpu"

    def __init__(
        self, model: str, *, max_tokens: int = 256, dimensions: int | None = None, prompts: Mapping[str, str] | None = None
    ) -> None:
        folder, about = prepared(model)
        self.model = model
        self.weights = str(about["weights"])
        self.key = f"{model}@{self.weights[:12]}+int8"
        self.dimensions = width(int(about["dimensions"]), model, dimensions)
        own = about["prompts"]
        self._prompts = {**own, **(prompts or {})}
        self._pad = int(about["pad"])
        tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
        self._tokenizer = rust_tokenizer(tokenizer, min(max_tokens, int(about["max_tokens"])))
        self._folder = folder
        self._asking = Lock()

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (len(texts), dimensions) in the texts' order."""
        return self._encode([self._prompts.get("document", "") + text for text in texts])

    def encode_query(self, text: str) -> Vectors:
        """Return the unit-length vector (dimensions,) of a query, with the model's query prompt if it has one.

        It is not rounded to int8: one text gains nothing, and more of the documents found are those that the model itself finds.
        """
        rows, lengths = tokenize(self._tokenizer, [self._prompts.get("query", "") + text])
        inputs = dict(enumerate(pad(rows, int(lengths[0]), self._pad)))
        with self._asking:
            (vectors,) = self._for_query.infer(inputs).values()
            vector: Vectors = unit(vectors[:, : self.dimensions])[0]
        return vector

    @cached_property
    def _for_query(self) -> Any:
        """Loaded when first needed, as the other is: who searches embeds no documents, and who embeds them does not search."""
        return _requests(self._folder / "plain.xml")[0]

    @cached_property
    def _for_documents(self) -> tuple[ThreadPoolExecutor, SimpleQueue[Any]]:
        requests = _requests(self._folder / "model.xml")
        idle: SimpleQueue[Any] = SimpleQueue()
        for request in requests:
            idle.put(request)
        return ThreadPoolExecutor(len(requests)), idle

    def _encode(self, texts: list[str]) -> Vectors:
        found = np.empty((len(texts), self.dimensions), np.float32)
        if not texts:
            return found
        rows, lengths = tokenize(self._tokenizer, texts)
        with self._asking:
            workers, idle = self._for_documents

        def run(batch: tuple[int, NDArray[np.int64]]) -> None:
            length, chosen = batch
            request = idle.get()
            try:
                inputs = dict(enumerate(pad([rows[number] for number in chosen], length, self._pad)))
                (vectors,) = request.infer(inputs, share_inputs=True).values()
                found[chosen] = vectors[:, : self.dimensions]
            finally:
                idle.put(request)

        list(workers.map(run, _batches(lengths)))  # OpenVINO lets go of the interpreter while it computes
        return unit(found)


def _batches(lengths: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield (length to pad to, which rows), longest first."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        length = -(-int(lengths[order[start]]) // STEP) * STEP
        chosen = order[start : start + max(1, TOKEN_BUDGET // length)]
        yield length, chosen
        start += len(chosen)


def _requests(path: Path) -> list[Any]:
    """Load a model and return what runs it, one for each core."""
    with silent():
        import openvino
        import openvino.properties as properties
        import openvino.properties.hint as hints
    cores = _cores()
    told = {
        properties.num_streams(): cores, properties.inference_num_threads(): cores, hints.inference_precision(): "f32",
        hints.enable_cpu_pinning(): False,
    }  # fmt: skip
    with _LOADING:
        try:
            compiled = openvino.Core().compile_model(path, "CPU", told)
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO cannot load {path}: {str(error).splitlines()[0]}", cure="Delete that folder: it is made anew"
            ) from None
        requests = [compiled.create_infer_request() for _ in range(cores)]
        # The first two calls must not come from two threads at once: OpenVINO's binding then waits for the interpreter's lock
        # in one of them and for its own in the other, for ever.
        requests[0].infer([np.ones((1, STEP), np.int64)] * len(compiled.inputs))
    return requests


def _cores() -> int:
    """Return how many cores to use: what OMP_NUM_THREADS says, as torch does, else all that this process may run on."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
