"""A model for OpenVINO in int8: converted, quantized with the shipped texts, kept in the user's cache folder.

Weights and activations are rounded to 8 bits after training, with scales that NNCF finds on calibration texts (the
starter library's), after SmoothQuant has moved outliers of activations into the weights (Xiao et al., arXiv:2211.10438).
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from kb.embedding.tokens import rust_tokenizer
from kb.embedding.weights import locate
from kb.errors import ModelError

CALIBRATION = 256
"""Texts that scales are found with."""
FORM = 2
"""Raise it when models are quantized in another way, so that kept ones are made anew."""


def shipped_texts() -> list[str]:
    """Return the starter library's works as texts: titles and summaries in our words, of the field's language."""
    lines = (files("kb.data") / "starter.jsonl").read_text(encoding="utf-8").splitlines()
    works = [json.loads(line) for line in lines if line.strip()]
    return [f"{work['title']}. {work['summary']}" for work in works]


def calibration(count: int) -> list[int]:
    """Return which of `count` shipped texts the scales are found with, ascending."""
    return sorted(int(number) for number in np.random.default_rng(0).choice(count, min(CALIBRATION, count), replace=False))


def folder_of(weights: str) -> Path:
    """Return where the int8 form of some weights is kept; other versions of OpenVINO and NNCF make another."""
    cache = Path(platformdirs.user_cache_dir("papertide", appauthor=False))
    return cache / "int8" / f"{weights[:16]}-{FORM}-openvino-{version('openvino')}-nncf-{version('nncf')}"


def prepared(model: str) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a model's int8 form and what is known of it, made now if it is not there.

    Returns:
        The folder (`model.xml` in int8 and `plain.xml` with weights in half precision, a `.bin` each; `tokenizer.json`,
        `about.json`), and `about.json` as a dict: weights, max_tokens, dimensions, pad (the filler's number), prompts.

    Raises:
        ModelError: the model cannot be had, or cannot be converted.
    """
    try:
        version("openvino"), version("nncf")
    except PackageNotFoundError as error:
        raise ModelError(f"{error.name} is not installed", cure="pip install openvino nncf, or use the torch engine") from None
    _, checked = locate(model)
    loaded = None
    if checked is None:  # only its weights tell whether a model is the one that was converted before
        from kb.embedding.loading import load_model  # heavy: torch

        loaded, checked = load_model(model)
    folder = folder_of(checked)
    if not (folder / "about.json").is_file():
        _make(model, loaded, checked, folder)
    about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    return folder, about


def _make(model: str, loaded: Any, weights: str, folder: Path) -> None:
    """Convert and quantize, then move the whole folder into its place, so that no other process sees half of it."""
    from kb.embedding.loading import load_model, prompt_of  # heavy: torch

    loaded = loaded or load_model(model)[0]
    tokenizer: Any = getattr(loaded, "tokenizer", None)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or tokenizer.padding_side != "right" or not _pools_plainly(loaded):
        raise ModelError(f"{model} cannot be run in int8", cure='Set engine = "torch" in [embedding]')
    about: dict[str, Any] = {
        "model": model, "weights": weights, "max_tokens": int(loaded.max_seq_length or tokenizer.model_max_length),
        "dimensions": int(loaded.get_embedding_dimension() or 0), "pad": int(tokenizer.pad_token_id or 0),
        "prompts": {side: prompt_of(loaded, side, {}) for side in ("document", "query")},
    }  # fmt: skip
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
    except OSError as error:
        raise ModelError(
            f"cannot write to {folder.parent}: {error.strerror}", cure="Set XDG_CACHE_HOME to a folder that can be written"
        ) from None
    try:
        _convert(loaded, backend.to_str(), min(256, about["max_tokens"]), about["pad"], work / "model.xml")
        (work / "tokenizer.json").write_text(backend.to_str(), encoding="utf-8")
        (work / "about.json").write_text(json.dumps(about, sort_keys=True), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # what is there was not finished: its `about.json` is missing
        work.rename(folder)
    except ModelError:
        raise
    except Exception as error:  # converters raise many kinds; every one means that this model has no int8 form
        told = str(error).strip().splitlines()
        raise ModelError(
            f"cannot convert {model} to int8: {told[0] if told else type(error).__name__}",
            cure='Set engine = "torch" in [embedding]',
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _pools_plainly(model: Any) -> bool:
    return all(getattr(module, "include_prompt", True) for module in model)


def _convert(model: Any, tokenizer_json: str, max_tokens: int, filler: int, target: Path) -> None:
    import torch

    with silent():
        import nncf
        import openvino

    wanted = set(model.tokenizer.model_input_names)

    class Exported(torch.nn.Module):
        """The model from token numbers and mask to vectors."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if "token_type_ids" in wanted:
                features["token_type_ids"] = torch.zeros_like(input_ids)
            vectors: torch.Tensor = self.model(features)["sentence_embedding"]
            return vectors

    example = {name: torch.ones(2, 16, dtype=torch.int64) for name in ("input_ids", "attention_mask")}
    with silent(), torch.no_grad():
        converted = openvino.convert_model(Exported().eval(), example_input=example)
        openvino.save_model(converted, target.with_name("plain.xml"), compress_to_fp16=True)
        tokenizer, texts = rust_tokenizer(tokenizer_json, max_tokens), shipped_texts()
        chosen = [np.array([tokenizer.encode(texts[number]).ids], np.int64) for number in calibration(len(texts))]
        quantized = nncf.quantize(
            converted,
            nncf.Dataset(chosen, lambda ids: {"input_ids": ids, "attention_mask": np.ones_like(ids)}),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=CALIBRATION,
        )
        openvino.save_model(quantized, target, compress_to_fp16=False)


@contextmanager
def silent() -> Iterator[None]:
    """Keep OpenVINO's tools from phoning home, and from writing to the terminal."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # they then use their own stub of it
    held, level = sys.stdout, logging.root.manager.disable
    try:
        logging.disable(logging.WARNING)
        with warnings.catch_warnings(), Path(os.devnull).open("w") as nowhere:
            warnings.simplefilter("ignore")
            sys.stdout = nowhere
            yield
    finally:
        sys.stdout = held
        logging.disable(level)
