"""The `kb` command: it parses, calls a plain function, prints. The only room with print, colour and exit codes.

Exit codes: 0 done, 1 a check failed, 2 bad use or input, 3 a source could not be reached.
"""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from kb.errors import CheckFailed, KbError, SourceUnreachable, one_line
from pipelines.cli import bench, check, publish, read, write
from pipelines.cli.context import Context

cli = typer.Typer(
    name="kb",
    help="What is rising in deep learning, how surely, and which papers show it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"papertide {version('papertide')}")
        raise typer.Exit


@cli.callback()
def _root(
    ctx: typer.Context,
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The knowledge base's folder. Default: the nearest kb.toml's.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="RUN", help="Read the state after an earlier refresh.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    ctx.obj = Context(home, as_of)


for _module in (write, read, publish, check):
    _module.register(cli)
cli.add_typer(bench.bench_app, name="bench")


def app(arguments: list[str] | None = None) -> None:
    """Run the command; every error that a user can mend is one line on standard error."""
    gc.set_threshold(50_000)  # collecting garbage while torch is imported costs a second and finds nothing
    try:
        code = cli(args=arguments, standalone_mode=False)
    except KbError as error:
        _stop(str(error), 1 if isinstance(error, CheckFailed) else 3 if isinstance(error, SourceUnreachable) else 2)
    except BrokenPipeError:  # the reader of our output (head, less) left
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        message = getattr(error, "format_message", None)  # typer's own usage errors
        if message is None:
            raise
        _stop(f"{message()} (see `kb --help`)" if message() else "see `kb --help`", 2)
    else:
        sys.exit(code if isinstance(code, int) else 0)
    finally:
        gc.freeze()  # or else Python takes torch's modules apart, object by object, for more than a second


def _stop(message: str, code: int) -> None:
    typer.echo(f"kb: {one_line(message)}", err=True)
    sys.exit(code)
