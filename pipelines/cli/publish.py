"""`kb site build`, `kb site serve` and `kb export`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kb.errors import InvalidInput, StoreError
from pipelines.cli.context import Context
from pipelines.cli.output import TerminalProgress, note, print_json, say

site_app = typer.Typer(help="Build and show the site.", no_args_is_help=True)
Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the built site.")]
_PUBLIC = Path("public")


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.add_typer(site_app, name="site")
    cli.command("export")(export)


@site_app.command()
def build(
    ctx: typer.Context, out: Out = _PUBLIC, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Build the static site of this knowledge base."""
    from pipelines.benchmarks import published  # heavy: templates, charts, the store
    from pipelines.publish import build_site

    context: Context = ctx.obj
    with TerminalProgress() as progress:
        summary = build_site(context.store, context.taxonomy, published(context.home), out.absolute(), progress)
    if json:
        print_json(summary.to_dict())
    else:
        say(f"Built {summary.out} from {summary.run}: {summary.generated} generated files.")
        say(f"Open {summary.out}/index.html, or run `kb site serve --out {out}`.")


@site_app.command()
def serve(out: Out = _PUBLIC, port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000) -> None:
    """Show a built site on this machine (and on no other)."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    if not (out / "index.html").is_file():
        raise InvalidInput("there is no built site", value=out, cure="Run `kb site build` first, or name it with --out")
    handler = partial(SimpleHTTPRequestHandler, directory=str(out))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise InvalidInput(f"cannot listen: {error.strerror}", value=port, cure="Choose another --port") from None
    say(f"http://127.0.0.1:{server.server_port}/ shows {out}. Stop with Ctrl+C.")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        note("stopped")
    finally:
        server.server_close()


def export(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="papers|trends", help="What to write.")],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="csv, parquet, jsonl or bibtex.")] = "jsonl",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: standard output.")] = None,
) -> None:
    """Write papers or findings as data."""
    from pipelines.publish import export as exporting

    context: Context = ctx.obj
    readers = {"papers": exporting.papers, "trends": exporting.trends}
    if what not in readers:
        raise InvalidInput("unknown thing to export", value=what, cure=f"One of {', '.join(readers)}")
    content = exporting.write(readers[what](context.store), form)
    if out is None:
        sys.stdout.buffer.write(content)
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror}", cure="Choose another --out") from None
    note(f"Wrote {out}: {len(content):,} bytes")
