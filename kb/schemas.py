"""The tables of the store, and their columns.

records          one row per source record, as it came (normalised); papers are made from these
cursors          how far each source has been read
papers           one row per work
vectors_<model>  one row per distinct text: content-addressed, so a merge or rename never embeds again
themes           paper -> theme, with probability and reason
clusters         one row per cluster of the middle level, which trends and pages use; `parent` is its broad one
cluster_levels   the same for broad clusters, and for narrow ones, whose `parent` is a middle one
placements       paper -> cluster, with strength, its broad and narrow clusters, whether it is weakly placed, and the
                 run that placed it
cluster_history  what became of each cluster of every level in each fit; `successor`: where an old link leads
findings         statements of trend
series           counts by subject, period and source ("" is all of them), with what the corpus covers
coverage         one row per source: from when to when it is there, and its gaps
trends           one row per subject: adjusted share with interval, bursts, change points, nowcast, forecast
backtests        one row per forecasting model: how it did on the past
runs             one row per finished refresh, written last: that row is the commit
"""

from collections.abc import Mapping

import pyarrow as pa

_TEXTS = pa.list_(pa.string())
_NUMBERS = pa.list_(pa.float64())
_SOURCE = pa.struct([(name, pa.string()) for name in ("source", "source_id", "seen", "url", "licence")])
_CLUSTERS = pa.schema(
    [("id", pa.string()), ("label", pa.string()), ("terms", _TEXTS), ("size", pa.int32()), ("exemplars", _TEXTS),
     ("centroid", pa.list_(pa.float32())), ("mean", pa.list_(pa.float32())), ("first_run", pa.string()),
     ("level", pa.string()), ("parent", pa.string()), ("found_label", pa.string()), ("weak_below", pa.float32())]
)  # fmt: skip
SCHEMAS: Mapping[str, pa.Schema] = {
    "records": pa.schema(
        [("key", pa.string()), ("digest", pa.string()), ("identifiers", _TEXTS), ("title_key", pa.string()),
         ("families", _TEXTS), ("sketch", pa.binary()), ("json", pa.large_string())]
    ),
    "cursors": pa.schema([("key", pa.string()), ("cursor", pa.large_string())]),
    "papers": pa.schema(
        [("id", pa.string()), ("title", pa.string()), ("abstract", pa.string()), ("authors", _TEXTS),
         ("published", pa.date32()), ("date_precision", pa.string()), ("updated", pa.date32()), ("categories", _TEXTS),
         ("venue", pa.string()), ("kind", pa.string()), ("licence", pa.string()), ("links", _TEXTS),
         ("identifiers", _TEXTS), ("keywords", _TEXTS), ("summary", pa.string()), ("labels", _TEXTS),
         ("withdrawn", pa.bool_()), ("sources", pa.list_(_SOURCE)), ("text_hash", pa.string()), ("digest", pa.string()),
         ("versions", _TEXTS)]
    ),
    "themes": pa.schema([("paper", pa.string()), ("theme", pa.string()), ("score", pa.float32()), ("why", pa.string()),
                         ("phrases", _TEXTS), ("nearest", _TEXTS)]),
    "clusters": _CLUSTERS,
    "cluster_levels": _CLUSTERS,
    "placements": pa.schema(
        [("paper", pa.string()), ("cluster", pa.string()), ("strength", pa.float32()), ("broad", pa.string()),
         ("narrow", pa.string()), ("weak", pa.bool_()), ("placed", pa.string())]
    ),
    "cluster_history": pa.schema(
        [("run", pa.string()), ("cluster", pa.string()), ("event", pa.string()), ("parents", _TEXTS), ("size", pa.int32()),
         ("successor", pa.string())]
    ),
    "findings": pa.schema(
        [("id", pa.string()), ("subject", pa.string()), ("kind", pa.string()), ("statement", pa.string()),
         ("value", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("q", pa.float64()), ("n", pa.int64()),
         ("method", pa.string()), ("run", pa.string()), ("mark", pa.string()), ("first", pa.string()), ("last", pa.string())]
    ),
    "series": pa.schema(
        [("subject", pa.string()), ("step", pa.string()), ("period", pa.string()), ("source", pa.string()),
         ("count", pa.int32()), ("total", pa.int32()), ("state", pa.string())]
    ),
    "coverage": pa.schema(
        [("step", pa.string()), ("source", pa.string()), ("first", pa.string()), ("last", pa.string()), ("papers", pa.int32()),
         ("gaps", _TEXTS), ("starts", pa.bool_()), ("ends", pa.bool_())]
    ),
    "trends": pa.schema(
        [("subject", pa.string()), ("step", pa.string()), ("periods", _TEXTS), ("share", _NUMBERS), ("low", _NUMBERS),
         ("high", _NUMBERS),
         ("bursts", pa.list_(pa.struct([("first", pa.string()), ("last", pa.string()), ("times", pa.float64()),
                                        ("weight", pa.float64()), ("open", pa.bool_())]))),
         ("changes", pa.list_(pa.struct([("period", pa.string()), ("ratio", pa.float64())]))),
         ("youth", pa.float64()), ("coherence", pa.float64()), ("emerging", pa.bool_()),
         ("nowcast", pa.struct([("period", pa.string()), ("day", pa.int32()), ("count", pa.int32()), ("expected", pa.float64()),
                                ("low", pa.float64()), ("high", pa.float64()), ("total", pa.int32()),
                                ("total_expected", pa.float64())])),
         ("forecast_model", pa.string()),
         ("forecast", pa.list_(pa.struct([("period", pa.string()), *((name, pa.float64()) for name in
                                          ("share", "low50", "high50", "low90", "high90"))])))]
    ),
    "backtests": pa.schema(
        [("step", pa.string()), ("model", pa.string()), ("error", pa.float64()), ("ratio", pa.float64()),
         ("ratio_chosen_on", pa.float64()), ("coverage50", pa.float64()), ("coverage90", pa.float64()), ("n", pa.int32()),
         ("used", pa.bool_())]
    ),
    "runs": pa.schema(
        [("id", pa.string()), ("finished", pa.string()), ("fingerprint", pa.string()), ("model", pa.string()),
         ("weights", pa.string()), ("version", pa.string()), ("settings", pa.string()), ("tables", pa.string()),
         ("counts", pa.string()), ("sources", pa.string())]
    ),
}  # fmt: skip
DERIVED = (
    "papers",
    "themes",
    "clusters",
    "cluster_levels",
    "placements",
    "cluster_history",
    "findings",
    "series",
    "coverage",
    "trends",
    "backtests",
)
