"""`kb init` and `kb refresh`."""

from typing import Annotated

import typer

from kb.errors import InvalidInput, SourceUnreachable, StoreError
from kb.settings import TEMPLATE
from pipelines.cli.context import Context, day
from pipelines.cli.output import TerminalProgress, print_json, say


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command("init")(init)
    cli.command("refresh")(refresh)


def init(ctx: typer.Context) -> None:
    """Write a commented kb.toml into the home folder."""
    context: Context = ctx.obj
    from pathlib import Path

    home = context.home if context.given_home else Path.cwd()
    path = home / "kb.toml"
    if path.exists():
        raise InvalidInput(f"{path} exists already", cure="Edit it, or name another folder with --home")
    try:
        home.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATE, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", cure="Choose another folder with --home") from None
    say(f"Wrote {path}. Next: edit it if you like, then `kb refresh`.")


def refresh(
    ctx: typer.Context,
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=LOCATION]", help="Read this source (may be repeated). Default: those in kb.toml."),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Only papers first published on or after it.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Only papers first published on or before it.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="At most the first N papers of each source.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Parse again what the sources sent before; ask none.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Read the sources, embed what is new, sort it into themes and clusters, measure the trends."""
    context: Context = ctx.obj
    if limit is not None and limit < 1:
        raise InvalidInput("--limit must be at least 1", value=limit, cure="Leave it out to take everything")
    from pipelines.refresh import refresh as run  # heavy: the store, torch and scikit-learn
    from pipelines.sources import Window

    window = Window(since=day(since, "--since"), until=day(until, "--until"), limit=limit)
    if window.since and window.until and window.since > window.until:
        raise InvalidInput("--since is after --until", value=f"{since} > {until}", cure="Swap them")
    with TerminalProgress() as progress:
        summary = run(context.settings, source or [], window, progress, again=replay)
    if json:
        print_json(summary.to_dict())
    else:
        say(summary.sentence())
    if summary.unreachable:
        raise SourceUnreachable(
            f"not reached: {'; '.join(summary.unreachable)}", cure="What was stored stays; run it again to go on"
        )
