"""`kb site build`, `kb site serve` and `kb export`."""

import json as jsonlib
import sys
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from kb.errors import InvalidInput, KbError, StoreError
from pipelines.cli.context import Context
from pipelines.cli.output import TerminalProgress, note, print_json, say

if TYPE_CHECKING:
    from pipelines.publish import SiteSummary

site_app = typer.Typer(help="Build and show the site.", no_args_is_help=True)
Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the built site.")]
Url = Annotated[
    str, typer.Option(metavar="URL", envvar="KB_SITE_URL", help="Where it will be published: for canonical links and previews.")
]
_PUBLIC = Path("public")


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.add_typer(site_app, name="site")
    cli.command("export")(export)


@site_app.command()
def build(
    ctx: typer.Context,
    out: Out = _PUBLIC,
    url: Url = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Build the static site of this knowledge base."""
    summary = _build(ctx.obj, out, url)
    if json:
        print_json(summary.to_dict())
    else:
        say(f"Built {summary.out} from {summary.run}: {summary.generated:,} generated files, {summary.changed:,} files changed.")
        say(f"Open {summary.out}/index.html, or run `kb site serve --out {out}`.")


def _build(context: Context, out: Path, url: str) -> "SiteSummary":
    from pipelines.benchmarks import published  # heavy: templates, charts, the store
    from pipelines.publish import build_site

    with TerminalProgress() as progress:
        return build_site(
            context.store, context.taxonomy, published(context.home), out.absolute(), progress, url,
            context.settings.publish_abstracts, context.encoder, context.home, context.portable,
        )  # fmt: skip


@site_app.command()
def serve(
    ctx: typer.Context,
    out: Out = _PUBLIC,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
) -> None:
    """Show the site on this machine (and on no other); build it again after each refresh and each change of its sources."""
    from pipelines.publish.serving import open_server, watch

    given: Context = ctx.obj
    fresh = partial(Context, given.given_home, given.as_of)  # a store shows the run it was opened at
    if not (out / "index.html").is_file():
        try:
            _build(fresh(), out, "")
        except StoreError:
            raise InvalidInput(
                "there is no built site", value=out, cure="Run `kb site build` first, or name it with --out"
            ) from None
    server = open_server(out.absolute(), port)
    say(f"http://127.0.0.1:{server.server_port}/ shows {out}. Stop with Ctrl+C.")
    sys.stdout.flush()
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        for reason in watch(lambda: fresh().store):
            note(f"{reason}: building again")
            try:
                _build(fresh(), out, "")
            except KbError as error:
                note(f"not built: {error}")
            else:
                note("built; reload the page")
    except KeyboardInterrupt:
        note("stopped")
    finally:
        server.shutdown()
        server.server_close()


def export(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="papers|trends|croissant", help="What to write.")],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="csv, parquet, jsonl or bibtex.")] = "jsonl",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: standard output.")] = None,
) -> None:
    """Write papers or findings as data, or the data card of the site's downloads as Croissant metadata (JSON)."""
    from pipelines.publish import croissant_of
    from pipelines.publish import export as exporting

    context: Context = ctx.obj
    readers = {"papers": exporting.papers, "trends": exporting.trends}
    if what == "croissant":
        card = croissant_of(context.store, context.taxonomy, abstracts=context.settings.publish_abstracts)
        content = (jsonlib.dumps(card, indent=1, ensure_ascii=False) + "\n").encode()
    elif what in readers:
        content = exporting.write(readers[what](context.store), form)
    else:
        raise InvalidInput("unknown thing to export", value=what, cure=f"One of {', '.join([*readers, 'croissant'])}")
    if out is None:
        sys.stdout.buffer.write(content)
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror}", cure="Choose another --out") from None
    note(f"Wrote {out}: {len(content):,} bytes")
