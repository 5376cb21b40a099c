"""How long work tells what it is doing; the command draws it, everything else only reports.

A step calls `progress.task(...)`, then the returned `advance(n)` as work is done, and `progress.note(...)` for the
one-line facts that a person should see.
"""

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """What a step reports to."""

    def task(self, name: str, total: int | None, unit: str) -> Callable[[int], None]:
        """Begin a piece of work of `total` units (None: unknown); return the function that advances it."""
        ...

    def note(self, text: str) -> None:
        """Say one line."""
        ...


class Silent:
    """Reports to nobody (tests, library use)."""

    def task(self, name: str, total: int | None, unit: str) -> Callable[[int], None]:
        """Return a function that ignores its argument."""
        return lambda amount: None

    def note(self, text: str) -> None:
        """Do nothing."""
