"""Two results side by side: does a re-run hold (verify), and which of two is faster or better (compare)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.benchmarks.harness import Result

MACHINE = ("processor", "flags", "threads", "device")
"""What must agree for two speeds to be comparable; virtual machines tell the flags of their processor, not its name."""


def same_machine(one: Result, other: Result) -> bool:
    """Return whether two results come from the same kind of machine, so that their speeds should agree."""
    return not difference_of_machines(one, other)


def difference_of_machines(one: Result, other: Result) -> list[str]:
    """Return what sets the machines of two results apart, as "threads: 2 and 4"; nothing for the same kind of machine."""
    pairs = ((key, one["environment"].get(key, "unknown"), other["environment"].get(key, "unknown")) for key in MACHINE)
    return [f"{key}: {first or 'none'} and {second or 'none'}" for key, first, second in pairs if first != second]


def verdicts(old: Result, new: Result) -> list[dict[str, Any]]:
    """Hold a re-run against a record.

    Quality must agree within its absolute tolerance, sizes and speeds (ratios between arms) within their factor. A speed
    belongs to a machine: on another processor, or with another number of threads, it is shown and not judged. Where a
    machine was so unsteady that this alone may explain the difference, nobody can tell.

    Returns:
        A row per headline of the old record: name, old, new, unit, tolerance, verdict ("same", "differs", "missing",
        "other machine" or "cannot tell").
    """
    fresh = {headline["name"]: headline for headline in new["headlines"]}
    alike = same_machine(old, new)
    unsteady = 1 + math.hypot(unsteadiness(old), unsteadiness(new))
    rows = []
    for headline in old["headlines"]:
        found = fresh.get(headline["name"])
        rows.append(
            {
                "name": headline["name"], "old": headline["value"], "new": found["value"] if found else None,
                "unit": headline["unit"], "tolerance": headline["tolerance"],
                "verdict": _verdict(headline, found, alike, unsteady),
            }
        )  # fmt: skip
    return rows


def _verdict(old: Mapping[str, Any], new: Mapping[str, Any] | None, alike: bool, unsteady: float) -> str:
    if new is None:
        return "missing"
    if old["kind"] == "speed" and not alike:
        return "other machine"
    if old["kind"] == "quality":
        return "same" if abs(old["value"] - new["value"]) <= old["tolerance"] else "differs"
    ratio = max(old["value"], new["value"]) / max(min(old["value"], new["value"]), 1e-12)
    if ratio <= old["tolerance"]:
        return "same"
    return "cannot tell" if old["kind"] == "speed" and ratio <= old["tolerance"] * unsteady else "differs"


def compare(first: Result, second: Result) -> list[dict[str, Any]]:
    """Say what changed from the first result to the second, and whether the intervals allow to say so.

    Headlines of quality by their difference, headlines of size and speed by their quotient, then the seconds of every arm
    that both timed. Intervals of the two results are joined by the square-and-add rule (Zou and Donner, Statistics in
    Medicine 27, 2008), on logarithms for quotients; those of seconds are widened by how unsteady the two machines were.

    Returns:
        Rows of name, first, second, unit, change, low, high, verdict: "higher" or "lower" for headlines, "faster" or
        "slower" for seconds (the change is then how many times as fast), "same" for equal values without spread, else
        "cannot tell".
    """
    fresh = {headline["name"]: headline for headline in second["headlines"]}
    rows = []
    for old in first["headlines"]:
        if (new := fresh.get(old["name"])) is not None:
            quotient = old["kind"] != "quality" and min(old["low"], new["low"]) > 0
            rows.append(_row(old, new, old["unit"], quotient, ("lower", "higher"), 0.0))
    unsteady = math.hypot(unsteadiness(first), unsteadiness(second))
    timed = {row["arm"]: row for row in second.get("timings", ())}
    for old in first.get("timings", ()):
        if (new := timed.get(old["arm"])) is not None:
            rows.append(_row({"name": f"seconds of {old['arm']}", **new}, old, "s", True, ("slower", "faster"), unsteady))
            rows[-1]["first"], rows[-1]["second"] = old["value"], new["value"]
    return rows


def _row(
    old: Mapping[str, Any], new: Mapping[str, Any], unit: str, quotient: bool, words: Sequence[str], unsteady: float
) -> dict[str, Any]:
    def scale(value: float) -> float:
        return math.log(value) if quotient else value

    def back(value: float) -> float:
        return round(math.exp(value) if quotient else value, 6)

    change = scale(new["value"]) - scale(old["value"])
    below = math.hypot(scale(new["value"]) - scale(new["low"]), scale(old["high"]) - scale(old["value"]), unsteady)
    above = math.hypot(scale(new["high"]) - scale(new["value"]), scale(old["value"]) - scale(old["low"]), unsteady)
    low, high = change - below, change + above
    verdict = "same" if low == high == 0 else words[1] if low > 0 else words[0] if high < 0 else "cannot tell"
    return {
        "name": old["name"], "first": old["value"], "second": new["value"], "unit": unit,
        "change": back(change), "low": back(low), "high": back(high), "verdict": verdict,
    }  # fmt: skip


def unsteadiness(result: Result) -> float:
    """Return by which share a result's speeds may be off; 0 for results from before that was measured."""
    return float(result.get("machine", {}).get("unsteadiness", 0.0))
