"""Counts -> findings: share, growth, and how surely."""

from kb.trends.corpus import corpora, is_reading_list, subjects
from kb.trends.findings import Finding, differences, from_dict, percent, rank
from kb.trends.forecast import Backtest
from kb.trends.measures import Measures, measure
from kb.trends.series import Corpus, Series, build_series
from kb.trends.share import wilson

__all__ = [
    "Backtest", "Corpus", "Finding", "Measures", "Series", "build_series", "corpora", "differences", "from_dict",
    "is_reading_list", "measure", "percent", "rank", "subjects", "wilson",
]  # fmt: skip
