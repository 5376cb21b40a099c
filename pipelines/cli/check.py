"""`kb verify` and `kb doctor`: is what is stored true, and is this machine ready."""

import json as jsonlib
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kb.errors import CheckFailed, KbError
from pipelines.cli.bench import compared
from pipelines.cli.context import Context
from pipelines.cli.output import TerminalProgress, note, print_json, print_table, say

PUBLIC = Path("public")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command("verify")(verify)
    cli.command("doctor")(doctor)


def verify(
    ctx: typer.Context,
    site: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The built site to check; default: public, if it is of this knowledge base."),
    ] = None,
    json: Json = False,
) -> None:
    """Recompute every derived number, in the store and on the built site; name what differs and exit with 1."""
    from pipelines import benchmarks  # heavy, all: the store, torch, charts
    from pipelines.publish.verify import verify_site
    from pipelines.refresh.verify import verify_store

    context: Context = ctx.obj
    with TerminalProgress() as progress:
        checks = verify_store(context.store, context.taxonomy, context.encoder, progress)
        place = site or _own_site(context)
        if place is not None:
            shown = benchmarks.published(context.home)
            abstracts = context.settings.publish_abstracts
            told = (abstracts, context.encoder, context.home, context.portable)
            checks.append(verify_site(context.store, context.taxonomy, shown, place.absolute(), progress, *told))
    if place is None:
        note("no built site of this knowledge base at public/; name one with --site")
    for name in sorted(benchmarks.BENCHMARKS):
        if benchmarks.recorded(name, context.home) is None:
            continue
        rows = compared(name, context.home, quick=True)
        wrong = [
            f"{row['name']}: recorded {row['old']:g}, now {row['new']}"
            for row in rows
            if row["verdict"] in {"differs", "missing"}
        ]
        skipped = sum(row["verdict"] in {"other machine", "cannot tell"} for row in rows)
        checks.append({"check": f"benchmark {name}", "checked": len(rows) - skipped, "wrong": wrong})
    if json:
        print_json(checks)
    else:
        table = [[check["check"], f"{check['checked']:,}", f"{len(check['wrong']):,}"] for check in checks]
        print_table(["check", "numbers", "wrong"], table, right=["numbers", "wrong"])
        for check in checks:
            for line in check["wrong"][:20]:
                say(f"✘ {check['check']}: {line}")
    failed = [check["check"] for check in checks if check["wrong"]]
    if failed:
        raise CheckFailed(f"wrong: {', '.join(failed)}", cure="`kb refresh` makes derived numbers anew; see the lines above")


def _own_site(context: Context) -> Path | None:
    """Return where `kb site build` puts a site by default, if the one there shows a run of this knowledge base."""
    marker = PUBLIC / "papertide.json"
    try:
        about = jsonlib.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = any((run["id"], run["finished"]) == (about.get("run"), about.get("finished")) for run in context.store.runs())
    return PUBLIC if ours else None


def doctor(ctx: typer.Context, json: Json = False) -> None:
    """Check this machine and this knowledge base, and say what to do about each problem."""
    context: Context = ctx.obj
    rows = [_attempt("python", lambda: f"{sys.version.split()[0]}, {os.cpu_count()} cores")]
    rows.append(_attempt("home", lambda: _home(context.home)))
    rows.append(_attempt("settings", lambda: f"{len(context.settings.sources)} sources, model {context.settings.model}"))
    rows.append(_attempt("themes", lambda: f"{len(context.taxonomy.themes)} themes in {len(context.taxonomy.groups)} groups"))
    rows.append(_attempt("model", lambda: _model(context)))
    rows.append(_attempt("store", lambda: _store(context)))
    if json:
        print_json(rows)
    else:
        print_table(["", "check", "found"], [["ok" if row["ok"] else "no", row["check"], row["found"]] for row in rows])
    failed = [row["check"] for row in rows if not row["ok"]]
    if failed:
        raise CheckFailed(f"not ready: {', '.join(failed)}", cure="See what was found above")


def _attempt(name: str, look: Any) -> dict[str, Any]:
    try:
        return {"check": name, "ok": True, "found": look()}
    except KbError as error:
        return {"check": name, "ok": False, "found": str(error)}


def _home(home: Path) -> str:
    place = home
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        raise KbError(f"{home} cannot be written", cure="Choose another --home")
    return f"{home}, {shutil.disk_usage(place).free / 1e9:.0f} GB free"


def _model(context: Context) -> str:
    encoder = context.encoder()
    vector = encoder.encode(["a short text"])
    return f"{encoder.key}, {vector.shape[1]} dimensions, {encoder.engine} in {encoder.precision}"


def _store(context: Context) -> str:
    if not (context.home / "store").exists() and "://" not in context.settings.store_uri:
        return "empty: `kb refresh` fills it"
    store = context.store
    return f"{store.count('papers'):,} papers, last run {(store.run or {}).get('id')}"
