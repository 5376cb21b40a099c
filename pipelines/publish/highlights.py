"""Facts -> the findings that pages tell first. Pure."""

from kb.trends import Finding, rank
from pipelines.publish.facts import Facts

TOLD = 6
"""Subjects of a kind that the first page names."""


def headlines(facts: Facts) -> dict[str, list[Finding]]:
    """What the first page tells: themes and clusters that rise or fall, surest first, and those that do neither."""
    ranked = rank([topic.growth for topic in facts.topics.values() if topic.growth and not topic.subject.startswith("group:")])
    themes = [finding for finding in ranked if finding.subject.startswith("theme:")]
    clusters = [finding for finding in ranked if finding.subject.startswith("cluster:")]
    return {
        "rising": [finding for finding in themes if finding.kind == "rising"][:TOLD],
        "falling": [finding for finding in themes if finding.kind == "falling"][:TOLD],
        "unclear": [finding for finding in themes if finding.kind == "no-trend"],
        "few": [finding for finding in themes if finding.kind == "too-few"],
        "rising_clusters": [finding for finding in clusters if finding.kind == "rising"][:TOLD],
        "falling_clusters": [finding for finding in clusters if finding.kind == "falling"][:TOLD],
    }


def events(facts: Facts) -> dict[str, list[Finding]]:
    """What the page of trends tells: emerging, bursting and shifting subjects, and the unfinished month."""
    order = {subject: place for place, subject in enumerate(facts.topics)}
    told = [finding for topic in facts.topics.values() for finding in topic.told if not topic.subject.startswith("group:")]
    found = {kind: rank([finding for finding in told if finding.kind == kind]) for kind in ("emerging", "burst", "change")}
    now = [finding for finding in told if finding.kind == "nowcast" and finding.subject.startswith("theme:")]
    return {**found, "nowcast": sorted(now, key=lambda finding: (-finding.value, order[finding.subject]))[:TOLD]}
