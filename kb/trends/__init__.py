"""Counts -> findings: share, growth, and how surely."""

from kb.trends.corpus import corpora, findings_of, is_reading_list, subjects
from kb.trends.findings import Finding, differences, from_dict, percent, rank
from kb.trends.series import Corpus, Series, build_series
from kb.trends.share import wilson

__all__ = [
    "Corpus", "Finding", "Series", "build_series", "corpora", "differences", "findings_of", "from_dict", "is_reading_list",
    "percent", "rank", "subjects", "wilson",
]  # fmt: skip
