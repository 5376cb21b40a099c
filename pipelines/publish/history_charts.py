"""Charts of history: bursts and shifts in a share's chart, the adjusted course with its forecast, timelines. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kb.trends import Series
from pipelines.publish.chart_style import FALLING, LINE, RISING, UNCLEAR, Row, Spec, styled, time_axis, tips
from pipelines.publish.charts import share_rows
from pipelines.publish.courses import Course, Coverage


def event_layers(course: Course | None, step: str) -> list[alt.Chart]:
    """Return a subject's bursts as shaded spans and its shifts as dashed lines; none if they were sought in other steps."""
    if course is None or course.step != step:
        return []
    layers = []
    if course.bursts:
        spans = [{"from": _day(one["first"]), "to": _after(one["last"]), "times": one["times"]} for one in course.bursts]
        layers.append(
            alt.Chart(alt.Data(values=spans))
            .mark_rect(color=RISING, opacity=0.16)
            .encode(x="from:T", x2="to:T", tooltip=_event_tips("burst", "times its usual share"))
        )
    if course.changes:
        steps = [{"from": _day(one["period"]), "times": one["ratio"]} for one in course.changes]
        layers.append(
            alt.Chart(alt.Data(values=steps))
            .mark_rule(color=FALLING, strokeDash=[5, 3], strokeWidth=1.5)
            .encode(x="from:T", tooltip=_event_tips("shift", "times the odds before"))
        )
    return layers


def event_note(course: Course | None, step: str) -> str:
    """Say what the layers of `event_layers` mean, "" where there are none."""
    if course is None or course.step != step:
        return ""
    bursts = ["from {} to {}".format(one["first"], one["last"]) for one in course.bursts]
    told = [f"Shaded: bursts, {'; '.join(bursts)}."] if bursts else []
    shifts = [f"{one['period']} (to {one['ratio']:.2f} times the odds)" for one in course.changes]
    return " ".join([*told, *([f"Dashed: shifts of level, {'; '.join(shifts)}."] if shifts else [])])


def course_rows(course: Course, series: Series) -> list[Row]:
    """Return rows of period, kind, share (as counted), adjusted, low, high, low50, high50: the past, then the forecast.

    `low` and `high` are the 95% interval of the adjusted share, in a forecast the 90% interval; None where nothing is known.
    """
    counted = {row["period"]: row["share"] for row in share_rows(series)}
    rows: list[Row] = [
        {
            "period": _day(period), "kind": "measured", "share": counted.get(_day(period)), "adjusted": round(share, 6),
            "low": round(low, 6), "high": round(high, 6), "low50": None, "high50": None,
        }
        for period, share, low, high in zip(course.periods, course.share, course.low, course.high, strict=True)
    ]  # fmt: skip
    rows += [
        {
            "period": _day(one["period"]), "kind": "forecast", "share": None, "adjusted": round(one["share"], 6),
            "low": round(one["low90"], 6), "high": round(one["high90"], 6), "low50": round(one["low50"], 6),
            "high50": round(one["high50"], 6),
        }
        for one in course.forecast
    ]  # fmt: skip
    return rows


def course_chart(course: Course, series: Series) -> Spec | None:
    """The share adjusted for sources with its interval, the counted shares as points, and the forecast's 50% and 90% fans."""
    rows = course_rows(course, series)
    past = [row for row in rows if row["kind"] == "measured"]
    if len(past) < 2:
        return None
    # as in the share's chart, a sparse period's interval is cut lest the line lie flat
    highest = max(min(max(row["high"] for row in rows), 3 * max(row["adjusted"] for row in rows)), 1e-6)
    cut = [{**row, "high": min(row["high"], highest)} for row in rows]
    measured = alt.Chart(alt.Data(values=[row for row in cut if row["kind"] == "measured"]))
    y = alt.Y(
        "low:Q", title="adjusted share", axis=alt.Axis(format="~%", tickCount=5), scale=alt.Scale(domain=[0, highest], nice=True)
    )
    x = time_axis([row["period"] for row in rows])
    layers: list[alt.Chart] = [
        *event_layers(course, course.step),
        measured.mark_area(opacity=0.22, color=LINE).encode(x=x, y=y, y2="high:Q"),
        measured.mark_line(color=LINE, strokeWidth=2).encode(x=x, y="adjusted:Q"),
        measured.transform_filter("isValid(datum.share)")
        .mark_point(color=LINE, filled=False, size=18, strokeWidth=1, opacity=0.8, clip=True)
        .encode(
            x=x,
            y="share:Q",
            tooltip=tips(period="period", share="as counted:.2%", adjusted="adjusted:.2%", low="95% from:.2%", high="to:.2%"),
        ),
    ]
    ahead = [row for row in cut if row["kind"] == "forecast"]
    if ahead:
        last = {**past[-1], "low": past[-1]["adjusted"], "high": past[-1]["adjusted"]}
        joined = [{**last, "low50": last["adjusted"], "high50": last["adjusted"]}, *ahead]
        fan = alt.Chart(alt.Data(values=joined)).encode(x=x)
        layers += [
            fan.mark_area(opacity=0.16, color=UNCLEAR).encode(y="low:Q", y2="high:Q"),
            fan.mark_area(opacity=0.3, color=UNCLEAR).encode(y="low50:Q", y2="high50:Q"),
            fan.mark_line(color=UNCLEAR, strokeWidth=2, strokeDash=[4, 3]).encode(
                y="adjusted:Q", tooltip=tips(period="period", adjusted="expected:.2%", low="90% from:.2%", high="to:.2%")
            ),
        ]
    return styled(alt.layer(*layers))


def burst_rows(courses: Mapping[str, Course], names: Mapping[str, str]) -> list[Row]:
    """Return the bursts of all subjects as rows of name, first, last, times, lasts; the newest first."""
    rows = [
        {
            "name": names[subject], "first": one["first"], "last": one["last"], "times": round(one["times"], 3),
            "lasts": one["open"],
        }
        for subject, course in courses.items()
        for one in course.bursts
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["last"], row["first"], row["name"]), reverse=True)


def burst_chart(rows: Sequence[Mapping[str, Any]]) -> Spec | None:
    """Bursts as bars in time, a row a subject; None without any."""
    if not rows:
        return None
    data = [{**row, "from": _day(row["first"]), "to": _after(row["last"])} for row in rows]
    names = list(dict.fromkeys(row["name"] for row in rows))
    bars = (
        alt.Chart(alt.Data(values=data))
        .mark_bar(color=RISING, height=9)
        .encode(
            y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=230)),
            x=time_axis([row[end] for row in data for end in ("from", "to")], "from"),
            x2="to:T",
            opacity=alt.Opacity("times:Q", legend=None, scale=alt.Scale(domain=[1, 4], range=[0.35, 1], clamp=True)),
            tooltip=tips(name="subject", first="from", last="to", times="times its usual share:.1f"),
        )
    )
    return styled(bars, height=max(60, 19 * len(names)))


def coverage_chart(rows: Sequence[Coverage]) -> Spec | None:
    """What the corpus holds of each source, year by year; years that lack it are holes. None without any."""
    years = [
        {"source": row.source, "from": f"{year}-01-01", "to": f"{year + 1}-01-01"}
        for row in rows
        for year in range(int(row.first), int(row.last) + 1)
        if str(year) not in row.gaps
    ]
    if not years:
        return None
    names = list(dict.fromkeys(row.source for row in rows))
    bars = (
        alt.Chart(alt.Data(values=years))
        .mark_bar(color=LINE, height=9)
        .encode(
            y=alt.Y("source:N", sort=names, title=None, axis=alt.Axis(labelLimit=230)),
            x=time_axis([row["from"] for row in years], "from"),
            x2="to:T",
        )
    )
    return styled(bars, height=max(60, 17 * len(names)))


def _event_tips(what: str, times: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("from:T", title=f"{what} from", format="%Y-%m"),
        alt.Tooltip("times:Q", title=times, format=".2f"),
    ]


def _day(period: str) -> str:
    return f"{period}-01-01"[:10]


def _after(period: str) -> str:
    """Return the first day after a period."""
    if len(period) == 4:
        return f"{int(period) + 1}-01-01"
    year, month = int(period[:4]), int(period[5:7])
    return f"{year + month // 12}-{month % 12 + 1:02d}-01"
