"""`kb bench list|run|verify|compare`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.errors import CheckFailed, InvalidInput
from pipelines.cli.context import Context
from pipelines.cli.output import TerminalProgress, note, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.benchmarks import Result

bench_app = typer.Typer(help="Mini-benchmarks that anyone can run again.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer seeds.")]
WRONG = {"differs", "missing"}


@bench_app.command("list")
def list_(json: Json = False) -> None:
    """Name the benchmarks."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    rows = [
        {"name": one.name, "question": one.question, "seconds_quick": one.seconds_quick} for one in benchmarks.BENCHMARKS.values()
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        say(f"{row['name']} (about {row['seconds_quick']} s with --quick): {row['question']}")


@bench_app.command("run")
def run(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One of `kb bench list`.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All of them, one after another.")] = False,
    quick: Quick = False,
    json: Json = False,
) -> None:
    """Run benchmarks and keep their results in the home folder, for the site and for verify."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    context: Context = ctx.obj
    if (name is None) != all_:
        raise InvalidInput("say either a benchmark's name or --all", value=name, cure="`kb bench list` names them")
    results = []
    for one in [name] if name else sorted(benchmarks.BENCHMARKS):
        try:
            result = _run(one, quick, context.home)
        except InvalidInput as error:
            if name:
                raise
            note(f"{one} is skipped: {error}")
            continue
        note(f"Kept in {benchmarks.save(result, context.home)}")
        results.append(result)
        if not json:
            _show(result)
    if json:
        print_json(results[0] if name else results)


def _show(result: "Result") -> None:
    for headline in result["headlines"]:
        say(headline["text"])
    columns = ["arm", *(column["title"] for column in result["columns"])]
    print_table(columns, [[row["arm"], *row["cells"]] for row in result["table"]], right=columns[1:])


@bench_app.command("verify")
def verify(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Default: all.")] = None,
    quick: Quick = False,
    json: Json = False,
) -> None:
    """Run benchmarks again, compare with the recorded results, and note for the site what was confirmed."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    context: Context = ctx.obj
    rows = []
    for one in [name] if name else sorted(benchmarks.BENCHMARKS):
        try:
            rows += compared(one, context.home, quick, confirm=True)
        except InvalidInput as error:
            if name:
                raise
            note(f"{one} is skipped: {error}")
    _tell(rows, json)
    failed = [f"{row['benchmark']} {row['name']}" for row in rows if row["verdict"] in WRONG]
    if failed:
        raise CheckFailed(f"{len(failed)} of {len(rows)} headlines differ: {', '.join(failed)}", cure="See the table")


@bench_app.command("compare")
def compare(old: Path, new: Path, json: Json = False) -> None:
    """Say what is faster or slower, higher or lower in the second of two result files, or that nobody can tell."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    first, second = benchmarks.load(old), benchmarks.load(new)
    if first["name"] != second["name"]:
        raise InvalidInput(
            "these are results of different benchmarks", value=f"{first['name']} and {second['name']}", cure="Name two of one"
        )
    rows = benchmarks.compare(first, second)
    if apart := benchmarks.difference_of_machines(first, second):
        note(f"Two kinds of machines: seconds and speeds compare these, not the software alone ({'; '.join(apart)})")
    if json:
        print_json(rows)
        return
    columns = ["what", "first", "second", "unit", "change", "95% interval", "verdict"]
    print_table(
        columns,
        [
            [row["name"], *_numbers(row["first"], row["second"]), row["unit"], *_numbers(row["change"]),
             " to ".join(_numbers(row["low"], row["high"])), row["verdict"]]
            for row in rows
        ],
        right=["first", "second", "change", "95% interval"],
    )  # fmt: skip


def compared(name: str, home: Path, quick: bool, *, confirm: bool = False) -> list[dict[str, Any]]:
    """Run one benchmark again and return the rows of its comparison with what is recorded for this kind of machine."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    benchmarks.find(name)
    if benchmarks.recorded(name, home) is None:
        raise InvalidInput("there is no recorded result", value=name, cure=f"Make one with `kb bench run {name}`")
    new = _run(name, quick, home)
    old = benchmarks.recorded(name, home, like=new)
    assert old is not None  # looked up before the run, too
    rows = benchmarks.verdicts(old, new)
    if confirm:
        benchmarks.confirm(old, new, rows, home)
    return [{"benchmark": name, **row} for row in rows]


def _run(name: str, quick: bool, home: Path) -> "Result":
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    benchmark = benchmarks.find(name)
    with TerminalProgress() as progress:
        advance = progress.task(name, benchmark.seeds_quick if quick else benchmark.seeds, "seeds")
        return benchmarks.run(benchmark, quick=quick, advance=advance, home=home)


def _tell(rows: Iterable[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(list(rows))
        return
    columns = ["benchmark", "headline", "recorded", "now", "unit", "verdict"]
    table = [
        [row["benchmark"], row["name"], *_numbers(row["old"], row["new"]), row["unit"], row["verdict"]] for row in rows
    ]  # fmt: skip
    print_table(columns, table, right=["recorded", "now"])


def _numbers(*values: float | None) -> list[str]:
    return ["-" if value is None else f"{value:.3f}" for value in values]
