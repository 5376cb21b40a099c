"""`kb bench list|run|verify|compare`."""

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
def run(ctx: typer.Context, name: str, quick: Quick = False, json: Json = False) -> None:
    """Run a benchmark and keep its result in the home folder, for the site and for verify."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    context: Context = ctx.obj
    result = _run(name, quick, context.home)
    path = benchmarks.save(result, context.home)
    note(f"Kept in {path}")
    if json:
        print_json(result)
        return
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
    """Run benchmarks again and compare with the recorded results."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    context: Context = ctx.obj
    rows = []
    for one in [name] if name else sorted(benchmarks.BENCHMARKS):
        try:
            rows += compared(one, context.home, quick)
        except InvalidInput as error:
            if name:
                raise
            note(f"{one} is skipped: {error}")
    _tell(rows, json)


@bench_app.command("compare")
def compare(old: Path, new: Path, json: Json = False) -> None:
    """Compare two result files."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    before, after = benchmarks.load(old), benchmarks.load(new)
    if before["name"] != after["name"]:
        raise InvalidInput(
            "these are results of different benchmarks", value=f"{before['name']} and {after['name']}", cure="Name two of one"
        )
    _tell([{"benchmark": before["name"], **row} for row in benchmarks.compare(before, after)], json)


def compared(name: str, home: Path, quick: bool) -> list[dict[str, Any]]:
    """Run one benchmark again and return the rows of its comparison with what is recorded."""
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    benchmarks.find(name)
    old = benchmarks.recorded(name, home)
    if old is None:
        raise InvalidInput("there is no recorded result", value=name, cure=f"Make one with `kb bench run {name}`")
    return [{"benchmark": name, **row} for row in benchmarks.compare(old, _run(name, quick, home))]


def _run(name: str, quick: bool, home: Path) -> "Result":
    from pipelines import benchmarks  # heavy: NumPy and what the benchmarks measure

    benchmark = benchmarks.find(name)
    with TerminalProgress() as progress:
        advance = progress.task(name, benchmark.seeds_quick if quick else benchmark.seeds, "seeds")
        return benchmarks.run(benchmark, quick=quick, advance=advance, home=home)


def _tell(rows: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(rows)
    else:
        table = [
            [
                row["benchmark"],
                row["name"],
                f"{row['old']:.3f}",
                "-" if row["new"] is None else f"{row['new']:.3f}",
                row["unit"],
                row["verdict"],
            ]
            for row in rows
        ]
        print_table(["benchmark", "headline", "recorded", "now", "unit", "verdict"], table, right=["recorded", "now"])
    failed = [f"{row['benchmark']} {row['name']}" for row in rows if row["verdict"] in {"differs", "missing"}]
    if failed:
        raise CheckFailed(f"{len(failed)} of {len(rows)} headlines differ: {', '.join(failed)}", cure="See the table")
