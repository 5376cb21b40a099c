"""Printing: JSON and tables to standard output, progress and notes to standard error.

Papers' text is untrusted: `plain` takes control characters out, and tables never read markup.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from kb.errors import one_line as plain

out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(text: str) -> None:
    """Print one line of result."""
    out.print(Text(plain(text)), soft_wrap=True)


def note(text: str) -> None:
    """Print one line about what is going on."""
    err.print(Text(plain(text)), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON, readable by scripts and people."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str | tuple[str, ...]]], *, right: Sequence[str] = ()) -> None:
    """Print a table; columns named in `right` are numbers; a cell that is a tuple has a line for each of its texts."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("\n".join(map(plain, (cell,) if isinstance(cell, str) else cell))) for cell in row))
    out.print(table)


class TerminalProgress:
    """Draws tasks as bars with rate and time left; plain lines every ten seconds when not at a terminal."""

    def __init__(self) -> None:
        self._bars = (
            Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                TextColumn("{task.fields[unit]}  {task.fields[rate]}"), TimeRemainingColumn(), console=err,
            )
            if err.is_terminal
            else None
        )  # fmt: skip

    def __enter__(self) -> "TerminalProgress":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()

    def note(self, text: str) -> None:
        """Print one line above the bars."""
        note(text)

    def task(self, name: str, total: int | None, unit: str) -> Callable[[int], None]:
        """Begin a task; see `pipelines.progress.Progress`."""
        started, done, said = time.monotonic(), 0, time.monotonic()
        bar = self._bars.add_task(name, total=total, unit=unit, rate="") if self._bars else None

        def advance(amount: int) -> None:
            nonlocal done, said
            done += amount
            now = time.monotonic()
            rate = f"{done / max(now - started, 1e-9):,.0f}/s"
            if self._bars and bar is not None:
                self._bars.update(bar, advance=amount, rate=rate)
            elif now - said > 10:
                said = now
                of = f" of {total:,}" if total else ""
                left = f", {(total - done) * (now - started) / max(done, 1):,.0f} s left" if total else ""
                note(f"{name}: {done:,}{of} {unit}, {rate}{left}")

        return advance
