"""Which engine is fastest on this machine: a test of about two seconds at first use, remembered in the user's cache folder.

Int8 is taken where it is faster by a fifth and its vectors agree with the model's own; what cannot be converted is not.
"""

import hashlib
import json
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import platformdirs

from kb.embedding import Encoder, load
from kb.embedding.int8 import shipped_texts
from kb.embedding.weights import locate
from kb.errors import ModelError

TEXTS = 64
ROUNDS = 2
FASTER = 1.2
LEAST_COSINE = 0.99
"""The least mean cosine to torch's vectors at which int8 is taken."""
MOST_PARAMETERS = 1_000_000_000
"""Larger models stay with torch: converting needs several times their size in memory."""


def fastest(model: str, *, max_tokens: int = 256) -> str:
    """Return "openvino" or "torch".

    Raises:
        ModelError: the model cannot be had at all.
    """
    import torch

    if torch.cuda.is_available():
        return "torch"
    weights = locate(model)[1]
    if weights is None:
        from kb.embedding.loading import load_model  # heavy: sentence-transformers

        loaded, weights = load_model(model)
        if sum(values.numel() for values in loaded.parameters()) > MOST_PARAMETERS:
            return "torch"
        del loaded
    path = _place(weights)
    if not path.is_file():
        _remember(path, _tested(model, max_tokens))
    return str(json.loads(path.read_text(encoding="utf-8"))["engine"])


def _tested(model: str, max_tokens: int) -> dict[str, object]:
    plain = load(model, max_tokens=max_tokens, engine="torch")
    try:
        speed, cosine = _measured(plain, load(model, max_tokens=max_tokens, engine="openvino"))
    except ModelError as error:
        return {"engine": "torch", "why": str(error)}
    chosen = "openvino" if speed["openvino"] >= FASTER * speed["torch"] and cosine >= LEAST_COSINE else "torch"
    return {"engine": chosen, "texts_per_second": speed, "cosine": cosine}


def _measured(plain: Encoder, quick: Encoder) -> tuple[dict[str, float], float]:
    """Return (texts a second by engine, mean cosine between them), from a few shipped texts, in turn."""
    texts = shipped_texts()[:TEXTS]
    vectors = [encoder.encode(texts[:8]) for encoder in (plain, quick)]  # the first call prepares what later ones use
    seconds: dict[str, list[float]] = {plain.engine: [], quick.engine: []}
    for _ in range(ROUNDS):
        vectors = []
        for encoder in (plain, quick):
            start = time.perf_counter()
            vectors.append(encoder.encode(texts))
            seconds[encoder.engine].append(time.perf_counter() - start)
    speed = {engine: round(len(texts) / min(times), 1) for engine, times in seconds.items()}
    return speed, float(np.einsum("ij,ij->i", *vectors).mean())


def _place(weights: str) -> Path:
    """Return the file that remembers the choice; another processor or other versions have another."""
    machine = [platform.machine(), platform.processor(), str(os.cpu_count()), _flags()]
    for package in ("torch", "openvino", "nncf"):
        try:
            machine.append(version(package))
        except PackageNotFoundError:
            machine.append("")
    name = hashlib.sha256(" ".join([weights, *machine]).encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("papertide", appauthor=False)) / "engines" / f"{name}.json"


def _flags() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return next((line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))), "")


def _remember(path: Path, choice: dict[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(choice, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise ModelError(
            f"cannot write {path}: {error.strerror}", cure='Set XDG_CACHE_HOME, or engine = "torch" in [embedding]'
        ) from None
