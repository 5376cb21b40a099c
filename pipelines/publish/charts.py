"""Charts: one Altair specification each, drawn as SVG into the page and interactively by the same specification.

Pure: records in, a specification or SVG text out. A period that the corpus does not cover is a gap in the line. How charts
look is in `chart_style`, what bursts, shifts and forecasts look like in `history_charts`.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kb.trends import Corpus, Finding, Series, wilson
from kb.trends.series import stretches
from pipelines.publish.chart_style import (
    DASHES,
    FALLING,
    FONT,
    INK,
    LINE,
    RISING,
    SERIES,
    UNCLEAR,
    Row,
    Spec,
    axis_style,
    styled,
    time_axis,
    tips,
)  # fmt: skip

SOURCES = len(SERIES) - 1
"""Strata that the chart by source names; the others are one line."""


def number(value: float) -> str:
    """Return a number of a chart in words: four digits, large ones whole.

    >>> [number(value) for value in (0.12345, 15.53, 39523.4)]
    ['0.1235', '15.53', '39,523']
    """
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def share_chart(series: Series, events: Sequence[alt.Chart] = ()) -> Spec | None:
    """The subject's share of the corpus over time with its 95% Wilson interval; None without two covered periods.

    Args:
        events: layers to draw below it, such as `history_charts.event_layers` gives.
    """
    rows = share_rows(series)
    if len(rows) < 2:
        return None
    # a sparse month's interval may reach far above every share; it is cut, lest the line lie flat on the axis
    highest = min(max(row["high"] for row in rows), 3 * max(row["share"] for row in rows) or 1)
    shown = [{**row, "top": min(row["high"], highest)} for row in rows]
    base = alt.Chart(alt.Data(values=shown)).encode(x=time_axis([row["period"] for row in rows]), detail="stretch:N")
    scale = alt.Scale(domain=[0, highest], nice=True)
    band = base.mark_area(opacity=0.22, color=LINE).encode(
        y=alt.Y("low:Q", title="share of papers", axis=alt.Axis(format="~%", tickCount=5), scale=scale), y2="top:Q"
    )
    line = base.mark_line(color=LINE, strokeWidth=2).encode(y="share:Q")
    few = len(rows) <= 40 or any(first == last for first, last in stretches(series.corpus))
    points = base.mark_point(color=LINE, filled=True, size=22 if len(rows) <= 40 else 8).encode(
        y="share:Q",
        tooltip=tips(period="period", share="share:.2%", low="95% from:.2%", high="to:.2%", count="papers", total="of"),
    )
    return styled(alt.layer(*events, band, line, points if few else points.encode(opacity=alt.value(0))))


def share_rows(series: Series) -> list[Row]:
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


def source_chart(series: Series) -> Spec | None:
    """The subject's share within each of the largest sources; None where there is only one."""
    rows = source_rows(series)
    names = list(dict.fromkeys(row["source"] for row in rows))
    if len(names) < 2:
        return None
    colour = alt.Color(
        "source:N", title=None, scale=alt.Scale(domain=names, range=list(SERIES)), legend=alt.Legend(orient="top", columns=3)
    )
    dash = alt.StrokeDash("source:N", title=None, legend=None, scale=alt.Scale(domain=names, range=list(DASHES)))
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=time_axis([row["period"] for row in rows]), color=colour, detail="stretch:N",
        y=alt.Y("share:Q", title="share of that source's papers", axis=alt.Axis(format="~%", tickCount=5)),
    )  # fmt: skip
    points = base.mark_point(filled=True, size=22, opacity=1).encode(
        tooltip=tips(source="source", period="period", share="share:.2%", count="papers", total="of")
    )
    return styled(alt.layer(base.mark_line(strokeWidth=2).encode(strokeDash=dash), points))


def source_rows(series: Series, least: int = 40) -> list[Row]:
    """Return rows of source, period, count, total, share: the largest strata, the others pooled, periods of at least `least`."""
    corpus = series.corpus
    # an arXiv epoch is a stratum of its own when growth is judged; a reader sees one source
    families = [re.sub(r" from \d{4}-\d{2}$", "", name) for name in corpus.strata]
    size = {name: int(sum(corpus.totals[:, at].sum() for at, own in enumerate(families) if own == name)) for name in families}
    largest = sorted((name for name in size if name != "other"), key=lambda name: (-size[name], name))[:SOURCES]
    rows: list[Row] = []
    for name in [*largest, "all others"]:
        columns = [at for at, own in enumerate(families) if (own == name if name in largest else own not in largest)]
        count, total = series.counts[:, columns].sum(axis=1), corpus.totals[:, columns].sum(axis=1)
        stretch = 0
        for place, whole in enumerate(total):
            if whole < least or (not corpus.complete and place == len(total) - 1):
                stretch += 1
                continue
            share = round(int(count[place]) / int(whole), 6)
            rows.append(
                {
                    "source": name, "period": _day(corpus, place), "count": int(count[place]), "total": int(whole),
                    "share": share,
                    "stretch": f"{name} {stretch}",
                }
            )  # fmt: skip
    return rows


def count_chart(series: Series) -> Spec | None:
    """How many works of each year a reading list holds; None for an empty one."""
    rows: list[Row] = count_rows(series)
    if not any(row["works"] for row in rows):
        return None
    most = max(row["works"] for row in rows)
    ticks = list(range(0, most + 1, max(1, most // 5)))
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(color=LINE)
        .encode(
            x=alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("works:Q", title="works on the list", axis=alt.Axis(values=ticks, format="d")),
            tooltip=tips(year="year", works="works"),
        )
    )
    return styled(bars)


def count_rows(series: Series) -> list[Row]:
    """Return the works of each year."""
    return [{"year": period, "works": int(count)} for period, count in zip(series.corpus.periods, series.count, strict=True)]


def growth_rows(findings: Sequence[tuple[str, Finding]]) -> list[Row]:
    """Return the growth findings that have an interval as rows: name, kind, growth, low, high (odds ratios a year), papers."""
    return [
        {"name": name, "kind": it.kind, "growth": it.value, "low": it.low, "high": it.high, "papers": it.n, "q": it.q}
        for name, it in findings
        if it.low is not None and it.high is not None and it.kind in {"rising", "falling", "no-trend"}
    ]


def growth_chart(findings: Sequence[tuple[str, Finding]]) -> Spec | None:
    """Growth a year of several subjects with 95% intervals, on a logarithmic axis; None without any."""
    rows = [{**row, "from": max(row["low"], 0.2), "to": min(row["high"], 5.0)} for row in growth_rows(findings)]
    if not rows:
        return None
    low, high = min(min(row["from"] for row in rows), 0.8), max(max(row["to"] for row in rows), 1.25)
    order = [row["name"] for row in sorted(rows, key=lambda row: (-row["growth"], row["name"]))]
    said = "datum.value == 'no-trend' ? 'no clear trend' : datum.value"
    domain, hues = ["rising", "falling", "no-trend"], [RISING, FALLING, UNCLEAR]
    colour = alt.Color(
        "kind:N", title=None, scale=alt.Scale(domain=domain, range=hues), legend=alt.Legend(orient="top", labelExpr=said)
    )
    shape = alt.Shape(
        "kind:N", title=None, scale=alt.Scale(domain=domain, range=["triangle-up", "triangle-down", "circle"]),
        legend=alt.Legend(orient="top", labelExpr=said),
    )  # fmt: skip
    x = alt.X(
        "from:Q",
        title="change a year of the odds that a paper is about it",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(
            values=[tick for tick in (0.25, 0.5, 0.7, 0.85, 1, 1.25, 1.5, 2, 3, 4) if low <= tick <= high],
            labelExpr="datum.value == 1 ? '0' : (datum.value > 1 ? '+' : '−') + format(abs(datum.value - 1), '.0%')",
            labelOverlap=True,
        ),
    )
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=230)))
    none = alt.Chart(alt.Data(values=[{"x": 1}])).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="x:Q")
    span = base.mark_rule(strokeWidth=2).encode(x=x, x2="to:Q", color=colour)
    dot = base.mark_point(filled=True, size=60, opacity=1).encode(
        x="growth:Q", color=colour, shape=shape,
        tooltip=tips(name="subject", growth="odds a year:.2f", low="95% from:.2f", high="to:.2f", papers="papers"),
    )  # fmt: skip
    return styled(alt.layer(none, span, dot), height=max(80, 19 * len(rows)))


def bar_rows(rows: Sequence[Mapping[str, Any]], label: str, value: str) -> list[Row]:
    """Return a benchmark's arms as rows of name, value, low, high."""
    return [{"name": row[label], "value": row[value], "low": row["low"], "high": row["high"]} for row in rows]


def bar_chart(rows: Sequence[Mapping[str, Any]], label: str, value: str, title: str) -> Spec:
    """Arms of a benchmark with their intervals: rows hold `label`, `value`, `low`, `high`."""
    data = bar_rows(rows, label, value)
    base = alt.Chart(alt.Data(values=data)).encode(y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=240)))
    x = alt.X("low:Q", title=title, scale=alt.Scale(zero=False))
    span = base.mark_rule(strokeWidth=2, color=LINE).encode(x=x, x2="high:Q")
    dot = base.mark_point(filled=True, size=60, opacity=1, color=LINE).encode(
        x="value:Q", tooltip=tips(name="arm", value="value:.4g", low="95% from:.4g", high="to:.4g")
    )
    return styled(alt.layer(span, dot), height=max(60, 28 * len(data)))


def works_chart(counts: Sequence[tuple[str, int]]) -> Spec | None:
    """How many works a reading list has on each of several subjects; None for an empty one."""
    rows = [{"name": name, "works": count} for name, count in counts]
    if not rows:
        return None
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=230)),
        x=alt.X("works:Q", title="works on the list", axis=alt.Axis(format="d", tickCount=5)),
    )
    bars = base.mark_bar(color=LINE).encode(tooltip=tips(name="group", works="works"))
    return styled(bars, height=24 * len(rows))


def card(title: str, subtitle: str, foot: str, series: Series | None) -> Spec:
    """The picture that stands beside a shared link, 1200 by 630: what the page is about, what it found, and its line."""
    rows = share_rows(series) if series is not None else []
    data = alt.Data(values=rows if len(rows) > 1 else [{"period": "2000-01-01", "share": 0, "stretch": 0}])
    line = alt.Chart(data).encode(
        x=alt.X(
            "period:T", title=None, axis=alt.Axis(format="%Y", tickCount="year", labelOverlap=True) if len(rows) > 1 else None
        ),
        y=alt.Y("share:Q", title=None, axis=alt.Axis(format="~%", tickCount=4) if len(rows) > 1 else None),
        detail="stretch:N",
    )
    drawn = line.mark_line(color=LINE, strokeWidth=5) if len(rows) > 1 else line.mark_point(opacity=0)
    heading = alt.TitleParams(
        text=title, subtitle=[*textwrap.wrap(subtitle, 74)[:3], foot], anchor="start", fontSize=54, subtitleFontSize=27,
        offset=28, font=FONT,
        subtitleFont=FONT, color=INK, subtitleColor=INK, subtitlePadding=16, subtitleLineHeight=38, limit=1080,
    )  # fmt: skip
    spec: Spec = (
        drawn.properties(
            width=1200,
            height=630,
            background="#ffffff",
            title=heading,
            padding={"left": 60, "right": 60, "top": 56, "bottom": 48},
            autosize={"type": "fit", "contains": "padding"},
        )
        .configure(axis={**axis_style(), "labelFontSize": 24, "grid": False}, view={"stroke": None}, aria=False)
        .to_dict()
    )
    return spec


def sparkline(series: Series, width: int = 96, height: int = 22) -> str:
    """Return a share over the years as a tiny SVG: a line per unbroken stretch. Empty without two years."""
    rows = share_rows(series)
    if len(rows) < 2:
        return ""
    first, last = (int(rows[place]["period"][:4]) for place in (0, -1))
    most = max(row["share"] for row in rows) or 1
    paths: dict[int, list[str]] = {}
    for row in rows:
        x = 2 + (width - 4) * (int(row["period"][:4]) - first) / max(1, last - first)
        paths.setdefault(row["stretch"], []).append(f"{x:.1f},{height - 2 - (height - 4) * row['share'] / most:.1f}")
    drawn = "".join(f'<path d="M{"L".join(points if len(points) > 1 else points * 2)}"/>' for points in paths.values())
    return f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">{drawn}</svg>'


def _day(corpus: Corpus, place: int) -> str:
    period = corpus.periods[place]
    return f"{period}-01" if corpus.step == "month" else f"{period}-01-01"
