"""Results on disk: one JSON file for each benchmark and kind of machine, and what a re-run has confirmed of them.

`kb/data/benchmark-result.schema.json` describes a result (JSON Schema 2020-12).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import jsonschema

from kb.errors import InvalidInput, StoreError
from pipelines.benchmarks import machine
from pipelines.benchmarks.comparison import same_machine, unsteadiness
from pipelines.benchmarks.harness import Result

FOLDER = "benchmarks"
"""Where results lie in a home folder."""
CONFIRMED = "confirmed.json"
"""Which headlines a re-run has confirmed, by result; beside the results."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a result."""
    told: dict[str, Any] = json.loads((files("kb") / "data" / "benchmark-result.schema.json").read_text(encoding="utf-8"))
    return told


def save(result: Result, home: Path) -> Path:
    """Keep a result in the home folder, where the site and `verify` find it; return the file."""
    path = home / FOLDER / f"{result['name']}--{_hardware(result)}.json"
    _write(path, result)
    return path


def load(path: Path | Traversable) -> Result:
    """Read a result.

    Raises:
        InvalidInput: the file cannot be read or is no result.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read the result: {error}", value=path, cure="Make one with `kb bench run`") from None
    wrong = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema()).iter_errors(result))
    if wrong is not None:
        place = f" at {wrong.json_path}" if wrong.path else ""
        told = f"this file is no benchmark result: {wrong.message[:120]}{place}"
        raise InvalidInput(told, value=path, cure="Make one with `kb bench run`")
    return dict(result)


def recorded(name: str, home: Path, like: Result | None = None) -> Result | None:
    """Return the result of a benchmark to compare with, None if there is none.

    Args:
        home: its results go before those that ship with Papertide.
        like: one of the same kind of machine as this result goes before all others.
    """
    found = _all(name, home)
    alike = [result for result in found if like is not None and same_machine(result, like)]
    return next(iter(alike or found), None)


def published(names: Iterable[str], home: Path) -> list[Result]:
    """Return the results that the site shows, in order of name, the one that `recorded` prefers first.

    Each tells under "confirmed" what a re-run has confirmed of it: the date, the kind of machine and the headlines; None
    where none has.
    """
    notes = _confirmations(files("pipelines.benchmarks") / "results") | _confirmations(home / FOLDER)
    results = [result for name in sorted(names) for result in _all(name, home)]
    return [{**result, "hardware": _hardware(result), "confirmed": notes.get(_digest(result))} for result in results]


def confirm(old: Result, new: Result, rows: Iterable[Mapping[str, Any]], home: Path) -> None:
    """Note in the home folder which headlines of `old` the re-run `new` has confirmed; `rows` are `verdicts(old, new)`."""
    notes = _confirmations(home / FOLDER)
    notes[_digest(old)] = {
        "name": old["name"],
        "date": new["environment"]["date"],
        "hardware": _hardware(new),
        "quick": new["quick"],
        "headlines": [row["name"] for row in rows if row["verdict"] == "same"],
    }
    _write(home / FOLDER / CONFIRMED, dict(sorted(notes.items(), key=lambda item: (item[1]["name"], item[0]))))


def _all(name: str, home: Path) -> list[Result]:
    """A result for each kind of machine: the home folder's, then those shipped for other machines.

    Within a folder full runs go first, of these those without a GPU (what most readers have), the ablest processor's (one without
    bf16 units says little about bf16), and of these the one whose machine was the steadiest.
    """
    found: dict[str, Result] = {}
    for folder in (home / FOLDER, files("pipelines.benchmarks") / "results"):
        results = (load(path) for path in _candidates(folder, name))
        for result in sorted(results, key=_order):
            if result["name"] == name:
                found.setdefault(_hardware(result), result)
    return list(found.values())


def _order(result: Result) -> tuple[bool, bool, int, float]:
    environment = result["environment"]
    return result["quick"], environment.get("device", "cpu") != "cpu", machine.ability(environment), unsteadiness(result)


def _candidates(folder: Path | Traversable, name: str) -> Iterator[Path | Traversable]:
    if folder.is_dir():
        told = sorted(folder.iterdir(), key=lambda path: path.name)
        yield from (path for path in told if path.name == f"{name}.json" or path.name.startswith(f"{name}--"))


def _confirmations(folder: Path | Traversable) -> dict[str, Any]:
    path = folder / CONFIRMED
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(
            f"cannot read what was confirmed: {error}", value=path, cure="Delete it, run `kb bench verify`"
        ) from None
    return dict(told)


def _digest(result: Result) -> str:
    return hashlib.sha256(json.dumps(result, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _hardware(result: Result) -> str:
    return str(result.get("hardware") or machine.hardware(result["environment"]))


def _write(path: Path, content: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", cure="Choose another --home") from None
