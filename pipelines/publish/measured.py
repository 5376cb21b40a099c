"""Results of mini-benchmarks as the site shows them: one page for each benchmark and kind of machine. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from pipelines.publish.facts import Facts, PaperLine

Result = Mapping[str, Any]


def foremost(results: Sequence[Result]) -> list[Result]:
    """Return the first result of every benchmark, the one that the index and the themes show."""
    found: dict[str, Result] = {}
    for result in results:
        found.setdefault(result["name"], result)
    return list(found.values())


def key(result: Result, results: Sequence[Result]) -> str:
    """Return the name of a result's page and file: the benchmark's, with the kind of machine where it is not the first."""
    first = any(result is one for one in foremost(results))
    return str(result["name"] if first else f"{result['name']}-{result['hardware']}")


def others(result: Result, results: Sequence[Result]) -> list[Result]:
    """Return the results of the same benchmark on other kinds of machines."""
    return [one for one in results if one["name"] == result["name"] and one is not result]


def of_theme(theme: Any, results: Sequence[Result]) -> list[Result]:
    """Return the benchmarks that speak to a theme, by their own word or by the taxonomy's."""
    return [one for one in foremost(results) if one["name"] in theme.benchmarks or theme.id in one.get("themes", ())]


def mark(result: Result, headline: Mapping[str, Any]) -> tuple[str, str]:
    """Return the mark of a headline and what it rests on: verified if a re-run has confirmed it."""
    confirmed = result.get("confirmed")
    if confirmed is None or headline["name"] not in confirmed["headlines"]:
        return "derived", headline["basis"]
    runs = "quick re-run" if confirmed["quick"] else "re-run"
    return "verified", f"{headline['basis']} A {runs} on {confirmed['date']} ({confirmed['hardware']}) was within tolerance."


def duration(seconds: float) -> str:
    """Return seconds in words: "12 seconds", "3 minutes"."""
    return f"{max(2, round(seconds))} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"


def papers(result: Result, facts: Facts) -> list[tuple[PaperLine, str]]:
    """Return the landmark works that a result speaks to, with what each reported; those not in this corpus are left out."""
    told = ((facts.lines.get(paper["id"]), paper["reported"]) for paper in result.get("papers", ()))
    return [(line, reported) for line, reported in told if line is not None]


def themes(result: Result, facts: Facts) -> list[Any]:
    """Return the themes that a result speaks to, in the taxonomy's order."""
    return [theme for theme in facts.taxonomy.themes if any(one is result for one in of_theme(theme, [result]))]


def machine_rows(result: Result) -> Iterator[tuple[str, str]]:
    """Yield what is known of the machine and the run, as (name, value)."""
    yield from result["environment"].items()
    told = result.get("machine", {})
    if "peak_megabytes" in told:
        yield "most memory held", f"{told['peak_megabytes']:,.0f} MB"
    if told.get("gpu_megabytes") is not None:
        yield "most memory held on the GPU", f"{told['gpu_megabytes']:,.0f} MB"
    if told.get("joules") is not None:
        yield "energy of the processor", f"{told['joules']:,.0f} J"
    if told.get("gpu_joules") is not None:
        yield "energy of the GPU", f"{told['gpu_joules']:,.0f} J"
    if "unsteadiness" in told:
        if told.get("clock") == "processor":
            yield "times are", "what the processor worked, on one thread; on a GPU, time of day"
        before, after = told["noise_before"], told["noise_after"]
        yield "a fixed matrix product", f"{before['milliseconds']} ms before, {after['milliseconds']} ms after"
        yield "speeds may be off by", f"{told['unsteadiness']:.1%}"
    yield "the run took", duration(result["seconds"])


def schema() -> str:
    """Return the schema of such a file."""
    return (files("kb") / "data" / "benchmark-result.schema.json").read_text(encoding="utf-8")


def raw(result: Result) -> str:
    """Return the result as a file to download."""
    return json.dumps({name: value for name, value in result.items() if name != "confirmed"}, indent=1, ensure_ascii=False) + "\n"
