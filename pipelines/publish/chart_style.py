"""How every chart looks, and how a specification becomes a drawing.

Colours are CSS variables with a fallback, so that one drawing serves light and dark pages and stands alone as a file.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import vl_convert

Spec = dict[str, Any]
Row = dict[str, Any]
WIDTH, HEIGHT = 460, 200
"""Small enough that the text stays readable when the drawing is scaled to a phone."""
FONT = "Helvetica, Arial, sans-serif"
INK, FAINT = "var(--tide-ink, #37414f)", "var(--tide-faint, #dfe3ea)"
LINE = "var(--tide-line, #2f4bb5)"
RISING, FALLING, UNCLEAR = "var(--tide-rising, #00695c)", "var(--tide-falling, #a83a12)", "var(--tide-unclear, #5f6b7a)"
SERIES = tuple(f"var(--tide-c{n}, {hue})" for n, hue in enumerate(("#0b5cad", "#a34700", "#00705a", "#9c3d78", "#4a4f57"), 1))
"""After Okabe and Ito, darkened until each keeps 4.5 to 1 against white; dashes tell them apart without colour."""
YEARS_LABELLED = 10
"""So many years find room below a chart."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])


def to_svg(spec: Spec) -> str:
    """Draw a specification as SVG, without a browser."""
    svg = str(vl_convert.vegalite_to_svg(spec))
    svg = re.sub(r'<path class="(?:foreground|background)"[^>]* d="(?:M0,0h0v0h0Z)?"[^>]*/>', "", svg)  # empty frames
    return re.sub(r' (?:role|aria-hidden|aria-roledescription|pointer-events)="[^"]*"', "", svg)  # the page labels the drawing


def to_png(spec: Spec) -> bytes:
    """Draw a specification as a picture in the colours of light pages."""
    plain = re.sub(r"var\(--[a-z0-9-]+, (#[0-9a-f]{6})\)", r"\1", json.dumps(spec))
    return bytes(vl_convert.vegalite_to_png(plain))


def library() -> str:
    """Return the script that draws specifications in the browser: Vega, Vega-Lite and vega-embed as vl-convert carries them."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def time_axis(days: Sequence[str], field: str = "period") -> alt.X:
    """Return an axis of time for a field of days as text: a tick a year, or every few years where there are many."""
    years = int(max(days)[:4]) - int(min(days)[:4]) + 1
    ticks = alt.TimeIntervalStep(interval="year", step=-(-years // YEARS_LABELLED))
    axis = alt.Axis(format="%Y", tickCount=ticks, grid=False, labelFlush=False, labelOverlap=True, labelSeparation=6)
    return alt.X(f"{field}:T", title=None, axis=axis)


def tips(**fields: str) -> list[alt.Tooltip]:
    """Return tooltips: field = "title" or "title:format"."""
    found = []
    for field, told in fields.items():
        title, _, form = told.partition(":")
        kind = "T" if field == "period" else "Q" if form or field in {"count", "total", "papers", "works"} else "N"
        more = {"format": form} if form else {"format": "%Y-%m"} if kind == "T" else {}
        found.append(alt.Tooltip(f"{field}:{kind}", title=title, **more))
    return found


def axis_style() -> dict[str, Any]:
    """Return how axes look."""
    return {
        "labelColor": INK, "titleColor": INK, "gridColor": FAINT, "domainColor": FAINT, "tickColor": FAINT, "labelFont": FONT,
        "titleFont": FONT, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
    }  # fmt: skip


def styled(chart: alt.Chart | alt.LayerChart, *, height: int = HEIGHT) -> Spec:
    """Return a chart's specification in this site's size and style."""
    legend = {"labelColor": INK, "titleColor": INK, "labelFont": FONT, "labelFontSize": 12, "symbolStrokeWidth": 2}
    spec: Spec = (
        chart.properties(width=WIDTH, height=height, background="transparent", autosize={"type": "fit-x", "contains": "padding"})
        .configure(axis=axis_style(), legend=legend, view={"stroke": None}, aria=False)
        .to_dict()
    )
    return spec
