"""Counts -> findings: share, growth, and how surely."""

from kb.trends.findings import Finding, compute, differences, from_dict, percent, rank
from kb.trends.series import Corpus, Series, build_all, build_corpus
from kb.trends.share import wilson

__all__ = [
    "Corpus", "Finding", "Series", "build_all", "build_corpus", "compute", "differences", "from_dict", "percent", "rank",
    "wilson",
]  # fmt: skip
