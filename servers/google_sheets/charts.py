"""Charts of a range: https://developers.google.com/workspace/sheets/api/samples/charts"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
KINDS = {kind: kind.upper() for kind in ("column", "bar", "line", "area", "scatter", "pie")}


def chart_of(kind: str, title: str | None, grid: Json) -> Json:
    """Return the ChartSpec of a GridRange: labels in its first column, names of series in its first row."""
    labels, *series = [_column(grid, index) for index in range(grid["startColumnIndex"], grid["endColumnIndex"])]
    spec: Json = {"title": title} if title else {}
    if kind == "PIE":
        without_header = [_below_header(source) for source in (labels, series[0])]
        pie = {"domain": without_header[0], "series": without_header[1], "legendPosition": "RIGHT_LEGEND"}
        return {**spec, "pieChart": pie}
    axis = "BOTTOM_AXIS" if kind == "BAR" else "LEFT_AXIS"  # the axis of values; bars lie
    basic = {
        "chartType": kind,
        "legendPosition": "BOTTOM_LEGEND",
        "headerCount": 1,
        "domains": [{"domain": labels}],
        "series": [{"series": source, "targetAxis": axis} for source in series],
    }
    return {**spec, "basicChart": basic}


def _column(grid: Json, index: int) -> Json:
    source = {**grid, "startColumnIndex": index, "endColumnIndex": index + 1}
    return {"sourceRange": {"sources": [source]}}


def _below_header(data: Json) -> Json:
    """Return a column without its first row: a pie has no headerCount."""
    (source,) = data["sourceRange"]["sources"]
    return {"sourceRange": {"sources": [{**source, "startRowIndex": source["startRowIndex"] + 1}]}}
