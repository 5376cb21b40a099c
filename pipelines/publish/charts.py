"""Charts: one Altair specification each, drawn as SVG for light and for dark pages.

Pure: records in, a specification or SVG text out. A period that the corpus does not cover is a gap in the line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import vl_convert

from kb.trends import Corpus, Finding, Series, wilson
from kb.trends.series import stretches

Spec = dict[str, Any]
Scheme = Literal["light", "dark"]
WIDTH, HEIGHT = 480, 190
"""Small enough that the text stays readable when the drawing is scaled to a phone."""
FONT = "Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one scheme; each pair was chosen to keep a contrast of at least 3 to 1 with its background."""

    ink: str
    faint: str
    line: str
    rising: str
    falling: str


PALETTES: Mapping[Scheme, Palette] = {
    "light": Palette(ink="#333333", faint="#dddddd", line="#3949ab", rising="#00796b", falling="#b23c17"),
    "dark": Palette(ink="#d5d8e0", faint="#3b4252", line="#9fa8da", rising="#4db6ac", falling="#ff8a65"),
}


def share_chart(series: Series, palette: Palette) -> Spec | None:
    """The subject's share of the corpus over time with its 95% Wilson interval; None without two covered periods."""
    rows = share_rows(series)
    if len(rows) < 2:
        return None
    # a sparse month's interval may reach far above every share; it is cut, lest the line lie flat on the axis
    highest = min(max(row["high"] for row in rows), 3 * max(row["share"] for row in rows) or 1)
    rows = [{**row, "high": min(row["high"], highest)} for row in rows]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("period:T", title=None, axis=alt.Axis(format="%Y", tickCount="year", grid=False, labelFlush=False)),
        detail="stretch:N",
    )
    scale = alt.Scale(domain=[0, highest], nice=True)
    band = base.mark_area(opacity=0.25, color=palette.line).encode(
        y=alt.Y("low:Q", title="share of papers", axis=alt.Axis(format="~%", tickCount=5), scale=scale), y2="high:Q"
    )
    line = base.mark_line(color=palette.line, strokeWidth=2).encode(y="share:Q")
    points = base.mark_point(color=palette.line, filled=True, size=18).encode(y="share:Q")
    return _styled(alt.layer(band, line, points), palette)


def share_rows(series: Series) -> list[dict[str, Any]]:
    """Return the covered periods as rows: period, count, total, share, low, high, and the unbroken stretch it is in."""
    low, high = wilson(series.count, series.total)
    rows = []
    for number, (first, last) in enumerate(stretches(series.corpus)):
        for place in range(first, last + 1):
            count, total = int(series.count[place]), int(series.total[place])
            rows.append(
                {
                    "period": _day(series.corpus, place), "count": count, "total": total, "share": round(count / total, 6),
                    "low": round(float(low[place]), 6), "high": round(float(high[place]), 6), "stretch": number,
                }
            )  # fmt: skip
    return rows


def count_chart(series: Series, palette: Palette) -> Spec | None:
    """How many works of each year a reading list holds; None for an empty one."""
    rows: list[dict[str, Any]] = [
        {"year": period, "works": int(count)} for period, count in zip(series.corpus.periods, series.count, strict=True)
    ]
    if not any(row["works"] for row in rows):
        return None
    most = max(row["works"] for row in rows)
    ticks = list(range(0, most + 1, max(1, most // 5)))
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(color=palette.line)
        .encode(
            x=alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("works:Q", title="works on the list", axis=alt.Axis(values=ticks, format="d")),
        )
    )
    return _styled(bars, palette)


def growth_chart(findings: Sequence[tuple[str, Finding]], palette: Palette) -> Spec | None:
    """Growth a year of several subjects with 95% intervals, on a logarithmic axis; None without any."""
    rows: list[dict[str, Any]] = [
        {
            "name": name, "kind": finding.kind, "growth": finding.value,
            "low": max(finding.low, 0.2), "high": min(finding.high, 5.0),
        }
        for name, finding in findings
        if finding.low is not None and finding.high is not None
    ]  # fmt: skip
    if not rows:
        return None
    low, high = min(min(row["low"] for row in rows), 0.8), max(max(row["high"] for row in rows), 1.25)
    order = [row["name"] for row in sorted(rows, key=lambda row: (-row["growth"], row["name"]))]
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=["rising", "falling", "no-trend"], range=[palette.rising, palette.falling, palette.ink]),
        legend=alt.Legend(orient="top", labelExpr="datum.value == 'no-trend' ? 'no clear trend' : datum.value"),
    )
    x = alt.X(
        "low:Q",
        title="change a year of the odds that a paper is about it",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(
            values=[tick for tick in (0.25, 0.5, 0.7, 0.85, 1, 1.25, 1.5, 2, 3, 4) if low <= tick <= high],
            labelExpr="datum.value == 1 ? '0' : (datum.value > 1 ? '+' : '−') + format(abs(datum.value - 1), '.0%')",
            labelOverlap=True,
        ),
    )
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=230)))
    none = alt.Chart(alt.Data(values=[{"x": 1}])).mark_rule(color=palette.ink, strokeDash=[4, 3]).encode(x="x:Q")
    span = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q", color=colour)
    dot = base.mark_point(filled=True, size=45, opacity=1).encode(x="growth:Q", color=colour)
    return _styled(alt.layer(none, span, dot), palette, height=max(80, 16 * len(rows)))


def bar_chart(rows: Sequence[Mapping[str, Any]], label: str, value: str, title: str, palette: Palette) -> Spec:
    """Arms of a benchmark with their intervals: rows hold `label`, `value`, `low`, `high`."""
    data = [{"name": row[label], "value": row[value], "low": row["low"], "high": row["high"]} for row in rows]
    base = alt.Chart(alt.Data(values=data)).encode(y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=240)))
    x = alt.X("low:Q", title=title, scale=alt.Scale(zero=False))
    span = base.mark_rule(strokeWidth=2, color=palette.line).encode(x=x, x2="high:Q")
    dot = base.mark_point(filled=True, size=60, opacity=1, color=palette.line).encode(x="value:Q")
    return _styled(alt.layer(span, dot), palette, height=max(60, 28 * len(data)))


def to_svg(spec: Spec) -> str:
    """Draw a specification as SVG, without a browser."""
    return str(vl_convert.vegalite_to_svg(spec))


def _styled(chart: alt.Chart | alt.LayerChart, palette: Palette, *, height: int = HEIGHT) -> Spec:
    axis = {
        "labelColor": palette.ink, "titleColor": palette.ink, "gridColor": palette.faint, "domainColor": palette.faint,
        "tickColor": palette.faint, "labelFont": FONT, "titleFont": FONT, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal",
    }  # fmt: skip
    legend = {"labelColor": palette.ink, "titleColor": palette.ink, "labelFont": FONT, "labelFontSize": 12}
    spec: Spec = (
        chart.properties(width=WIDTH, height=height, background="transparent", autosize={"type": "fit-x", "contains": "padding"})
        .configure(axis=axis, legend=legend, view={"stroke": None})
        .to_dict()
    )
    return spec


def _day(corpus: Corpus, place: int) -> str:
    period = corpus.periods[place]
    return f"{period}-01" if corpus.step == "month" else f"{period}-01-01"
