"""What frameworks of risk management ask, and what answers it here: `kb/data/controls.toml`, in our own words."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from kb.errors import SettingsError
from kb.evidence import Mark

State = Literal["done", "partly", "not done", "not ours"]
STATES = ("done", "partly", "not done", "not ours")


@dataclass(frozen=True, slots=True)
class Control:
    """One row: the framework's own number, what it asks (our paraphrase), how far that is met, our mark, and by what."""

    ref: str
    asks: str
    state: State
    mark: Mark
    here: str


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework with its rows in sections (name, rows)."""

    id: str
    name: str
    url: str
    about: str
    sections: tuple[tuple[str, tuple[Control, ...]], ...]

    def count(self, state: State) -> int:
        """Return how many rows are in a state."""
        return sum(row.state == state for _, rows in self.sections for row in rows)


def load() -> tuple[Framework, ...]:
    """Read the frameworks.

    Raises:
        SettingsError: a row has an unknown state or mark.
    """
    content = tomllib.loads((files("kb") / "data" / "controls.toml").read_text(encoding="utf-8"))
    return tuple(
        Framework(
            told["id"], told["name"], told["url"], told["about"],
            tuple((part["name"], tuple(_control(*row) for row in part["rows"])) for part in told["sections"]),
        )
        for told in content["frameworks"]
    )  # fmt: skip


def _control(ref: str, asks: str, state: State, mark: str, here: str) -> Control:
    if state not in STATES or mark not in set(Mark):
        raise SettingsError(f"controls.toml: row {ref} has an unknown state or mark", value=f"{state}, {mark}", cure="Mend it")
    return Control(ref, asks, state, Mark(mark), here)
