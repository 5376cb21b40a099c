"""`kb search`, `show`, `themes`, `clusters`, `trends`, `status`: commands that read and change nothing."""

import json as jsonlib
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.errors import InvalidInput
from pipelines.cli.context import Context, day
from pipelines.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from kb.papers import Paper

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Theme = Annotated[str | None, typer.Option(metavar="ID", help="A theme, as in `kb themes`, or a group of themes.")]
_SIGNS = {"verified": "✔", "derived": "●", "assumption": "○"}


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    for function in (search, show, themes, clusters, trends, status):
        cli.command(function.__name__)(function)


def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    mode: Annotated[str, typer.Option(help="hybrid, semantic or keyword.")] = "hybrid",
    theme: Theme = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Published on or after it.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Published on or before it.")] = None,
    venue: Annotated[str | None, typer.Option(metavar="TEXT", help="The venue's name contains it.")] = None,
    n: Annotated[int, typer.Option("-n", help="How many papers.")] = 10,
    json: Json = False,
) -> None:
    """Find papers by meaning and by words."""
    from kb import search as searching  # heavy: numpy and the store

    context: Context = ctx.obj
    _known_theme(context, theme)
    filters = searching.Filters(theme=theme, since=day(since, "--since"), until=day(until, "--until"), venue=venue)
    hits = searching.search(context.store, query, context.encoder, mode=mode, filters=filters, limit=n)
    if json:
        print_json(
            [
                {
                    "id": hit.paper.id, "title": hit.paper.title, "score": hit.score, "published": hit.paper.date_text,
                    "venue": hit.paper.venue, "themes": list(hit.themes), "why": hit.why, "link": _link(hit.paper),
                }
                for hit in hits
            ]
        )  # fmt: skip
        return
    if not hits:
        say("Nothing found. Try other words, `--mode semantic`, or fewer filters.")
        return
    rows: list[list[str | tuple[str, ...]]] = [
        [str(rank), (hit.paper.title, " · ".join(filter(None, [hit.paper.date_text, hit.paper.venue, hit.paper.id]))), hit.why]
        for rank, hit in enumerate(hits, start=1)
    ]
    print_table(["#", "paper", "why"], rows, right=["#"])


def show(
    ctx: typer.Context,
    paper_id: Annotated[str, typer.Argument(help="An arXiv id, DOI, address, or an id printed by kb.")],
    json: Json = False,
) -> None:
    """Show everything known of one paper."""
    from kb.papers import to_dict
    from kb.store import quote

    context: Context = ctx.obj
    paper = context.store.paper(paper_id)
    if paper is None:
        raise InvalidInput("no such paper here", value=paper_id, cure="Find it with `kb search`, or add its source")
    condition = f"paper = {quote(paper.id)}"
    found = sorted(context.store.table("themes", where=condition).to_pylist(), key=lambda row: (-row["score"], row["theme"]))
    placed = context.store.table("placements", where=condition).to_pylist()
    labels = {row["id"]: row["label"] for row in _cluster_rows(context)}
    path = [placed[0].get("broad"), placed[0]["cluster"], placed[0].get("narrow")] if placed else []
    if json:
        cluster = {
            "id": placed[0]["cluster"], "label": labels.get(placed[0]["cluster"], ""), "strength": placed[0]["strength"],
            "weak": bool(placed[0].get("weak")), "path": [{"id": one, "label": labels.get(one, "")} for one in path if one],
        } if placed else None  # fmt: skip
        print_json({**to_dict(paper), "published": paper.date_text, "themes": found, "cluster": cluster})
        return
    titles = _titles(context, [name for row in found for name in row.get("nearest") or ()])
    say(paper.title)
    rows = [
        ["id", paper.id],
        ["also", ", ".join(paper.identifiers[1:])],
        ["authors", ", ".join(paper.authors)],
        ["published", f"{paper.date_text}{'  (withdrawn)' if paper.withdrawn else ''}"],
        ["versions", ", ".join(paper.versions)],
        ["venue", paper.venue],
        ["categories", ", ".join(paper.categories)],
        *[["theme", _theme_text(row, titles)] for row in found],
        *[["cluster", _cluster_text(row, path, labels)] for row in placed],
        ["summary", paper.summary],
        ["abstract", paper.abstract],
        ["licence", paper.licence],
        *[["link", link] for link in paper.links],
        *[["seen in", f"{record.source} as {record.source_id} ({record.seen})"] for record in paper.sources],
    ]
    print_table(["", ""], [row for row in rows if row[1]])


def themes(ctx: typer.Context, json: Json = False) -> None:
    """List the curated themes, with how many papers each has and how it moves."""
    context: Context = ctx.obj
    counted = set(context.store.papers(["id"], "NOT withdrawn")["id"].to_pylist())
    pairs = context.store.table("themes", ["paper", "theme"]).to_pylist()
    papers = Counter(row["theme"] for row in pairs if row["paper"] in counted)
    growth = _growth(context)
    rows: list[dict[str, Any]] = [
        {
            "id": theme.id, "name": theme.name, "group": theme.group, "papers": papers.get(theme.id, 0),
            "growth": growth.get(f"theme:{theme.id}"),
        }
        for theme in context.taxonomy.themes
    ]  # fmt: skip
    if json:
        print_json(rows)
        return
    table = [[row["id"], row["name"], f"{row['papers']:,}", _growth_text(row["growth"])] for row in rows]
    print_table(["id", "theme", "papers", "growth a year"], table, right=["papers"])


def clusters(
    ctx: typer.Context,
    level: Annotated[str, typer.Option(help="broad, middle or narrow.")] = "middle",
    history: Annotated[bool, typer.Option("--history", help="What became of each cluster, newest run first.")] = False,
    json: Json = False,
) -> None:
    """List the discovered clusters, largest first."""
    context: Context = ctx.obj
    if level not in {"broad", "middle", "narrow"}:
        raise InvalidInput("no such level of clusters", value=level, cure="Use broad, middle or narrow")
    every = _cluster_rows(context)
    labels = {row["id"]: row["label"] for row in every}
    if history:
        _history(context, level[0].replace("m", "c"), labels, json)
        return
    growth = _growth(context)
    rows = sorted((row for row in every if row.get("level", "middle") == level), key=lambda row: (-row["size"], row["id"]))
    shown = ("id", "label", "terms", "size", "exemplars", "first_run", "level", "parent")
    rows = [{**{key: row.get(key) for key in shown}, "growth": growth.get(f"cluster:{row['id']}")} for row in rows]
    if json:
        print_json(rows)
        return
    if level == "middle":
        table = [[row["id"], row["label"], f"{row['size']:,}", _growth_text(row["growth"])] for row in rows]
        print_table(["id", "cluster", "papers", "growth a year"], table, right=["papers"])
        return
    table = [[row["id"], row["label"], f"{row['size']:,}", labels.get(row["parent"] or "", "")] for row in rows]
    print_table(["id", "cluster", "papers", "part of"], table, right=["papers"])


def _cluster_rows(context: Context) -> list[dict[str, Any]]:
    """Clusters of all levels."""
    return [*context.store.table("clusters").to_pylist(), *context.store.table("cluster_levels").to_pylist()]


def _history(context: Context, letter: str, labels: dict[str, str], json: bool) -> None:
    rows = [row for row in context.store.table("cluster_history").to_pylist() if row["cluster"].startswith(letter)]
    rows.sort(key=lambda row: row["cluster"])
    rows.sort(key=lambda row: row["run"], reverse=True)
    if json:
        print_json([{**row, "label": labels.get(row["cluster"], ""), "successor": row.get("successor") or ""} for row in rows])
        return
    table = [
        [row["run"], row["cluster"], row["event"], f"{row['size']:,}",
         ", ".join(row["parents"]) or (f"now {row['successor']}" if row.get("successor") else ""), labels.get(row["cluster"], "")]
        for row in rows
    ]  # fmt: skip
    print_table(["run", "id", "became", "papers", "from", "cluster"], table, right=["papers"])


def _cluster_text(row: dict[str, Any], path: list[str], labels: dict[str, str]) -> str:
    steps = " > ".join(f"{one} {labels.get(one, '')}" for one in path if one)
    return f"{steps}  strength {row['strength']:.2f}{' (weakly placed)' if row.get('weak') else ''}"


def _theme_text(row: dict[str, Any], titles: dict[str, str]) -> str:
    like = "; ".join(titles[name] for name in row.get("nearest") or () if name in titles)
    return f"{row['theme']}  {row['score']:.2f}  {row['why']}" + (f"; like {like}" if like else "")


def _titles(context: Context, names: list[str]) -> dict[str, str]:
    """Titles of works by id: this knowledge base's, else the starter library's."""
    titles = {name: paper.title for name, paper in context.store.get_papers(names).items()}
    if set(names) - set(titles):
        from pipelines.sources.starter import library  # heavy: reads 910 works, and seldom needed

        titles |= {work.id: work.title for work in library() if work.id in names}
    return titles


def trends(
    ctx: typer.Context,
    rising: Annotated[bool, typer.Option("--rising", help="Only what rises.")] = False,
    falling: Annotated[bool, typer.Option("--falling", help="Only what falls.")] = False,
    theme: Theme = None,
    json: Json = False,
) -> None:
    """Print the findings: what rises, what falls, and how surely."""
    from kb.trends import from_dict, rank

    context: Context = ctx.obj
    _known_theme(context, theme)
    rows = context.store.table("findings").to_pylist()
    wanted = {kind for kind, chosen in (("rising", rising), ("falling", falling)) if chosen}
    if wanted:
        rows = [row for row in rows if row["kind"] in wanted]
    if theme:
        prefixes = (f"theme:{theme}", f"group:{theme}")
        rows = [row for row in rows if row["subject"] in prefixes or row["subject"].startswith(f"theme:{theme}/")]
    findings = [finding.to_dict() for finding in rank([from_dict(row) for row in rows])]
    if json:
        print_json(findings)
        return
    for finding in findings:
        say(f"{_SIGNS[finding['mark']]} {finding['statement']}")
    if not findings:
        say("No finding of that kind. `kb trends` alone prints all of them.")
    if any(finding["kind"] == "count" for finding in findings):
        say("A reading list chosen by editors is no census: no trend follows from it. Add papers: `kb refresh --source arxiv`.")


def status(ctx: typer.Context, json: Json = False) -> None:
    """Say what is there: papers, vectors, themes, clusters, runs."""
    context: Context = ctx.obj
    store = context.store
    run = store.run or {}
    themes_seen = set(store.table("themes", ["theme"])["theme"].to_pylist())
    facts: dict[str, Any] = {
        "home": str(context.home),
        "papers": store.count("papers"),
        "vectors": len(store.embedded(str(run["model"]))),
        "themes": len(themes_seen),
        "clusters": store.count("clusters"),
        "findings": store.count("findings"),
        "runs": len(store.runs()),
        "run": run["id"],
        "finished": run["finished"],
        "model": run["model"],
        "vectors_made_by": store.vectors_made_by(str(run["model"])).get("counts", {}),
        "drift": jsonlib.loads(str(run["settings"])).get("drift", {}),
        "sources": jsonlib.loads(str(run["sources"])),
    }
    if json:
        print_json(facts)
        return
    made_by = ", ".join(f"{name} ({count:,})" for name, count in sorted(facts["vectors_made_by"].items()))
    sentence = facts["drift"].get("sentence", "")
    shown = {**facts, "sources": ", ".join(facts["sources"]), "drift": sentence, "vectors_made_by": made_by}
    print_table(["", ""], [[name, f"{value:,}" if isinstance(value, int) else str(value)] for name, value in shown.items()])


def _growth(context: Context) -> dict[str, dict[str, Any]]:
    """Return subject -> its growth finding's numbers."""
    kinds = {"rising", "falling", "no-trend"}
    rows = context.store.table("findings").to_pylist()
    keys = ("kind", "value", "low", "high", "q", "n")
    return {row["subject"]: {key: row[key] for key in keys} for row in rows if row["kind"] in kinds}


def _growth_text(growth: dict[str, Any] | None) -> str:
    if growth is None:
        return "too few papers"
    arrow = {"rising": "▲", "falling": "▼"}.get(growth["kind"], "·")
    return f"{arrow} {growth['value'] - 1:+.0%} ({growth['low'] - 1:+.0%} to {growth['high'] - 1:+.0%})"


def _known_theme(context: Context, theme: str | None) -> None:
    if theme is None:
        return
    known = {leaf.id for leaf in context.taxonomy.themes} | {group.id for group in context.taxonomy.groups}
    if theme not in known:
        raise InvalidInput("no such theme", value=theme, cure="`kb themes` lists them")


def _link(paper: "Paper") -> str:
    return paper.links[0] if paper.links else ""
