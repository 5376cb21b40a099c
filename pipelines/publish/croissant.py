"""The data card as Croissant metadata (MLCommons, version 1.0): what the downloads hold, for machines. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.publish.facts import Facts

_TYPES = {"text": "sc:Text", "integer": "sc:Integer", "float": "sc:Float", "date": "sc:Date"}
PAPER_FIELDS = {
    "id": ("text", "The best identifier known: arXiv, DOI, OpenReview, ACL, PMLR, else a hash of title and first author."),
    "title": ("text", "The title, as published."),
    "published": ("text", "First public appearance, to the day, month or year as far as it is known."),
    "date_precision": ("text", "How much of the date is known: day, month or year."),
    "venue": ("text", "Conference or journal and year, if known."),
    "kind": ("text", "Preprint, conference, journal, standard, book or report."),
    "licence": ("text", "The licence of the paper's text, as the source states it."),
    "cluster": ("text", "The discovered cluster that the paper is in."),
}
FINDING_FIELDS = {
    "id": ("text", "Subject and family of the finding; stable over refreshes."),
    "subject": ("text", "The theme, group of themes or cluster."),
    "kind": ("text", "What is found: rising, falling, no-trend, too-few, share or count, among others."),
    "statement": ("text", "The finding in a sentence."),
    "value": ("float", "The number: an odds ratio per year, a share or a count, as the kind says."),
    "low": ("float", "Lower end of its 95% interval, where it has one."),
    "high": ("float", "Upper end of its 95% interval, where it has one."),
    "n": ("integer", "Papers that it rests on."),
    "method": ("text", "How it was computed."),
    "run": ("text", "The refresh that computed it."),
}


def metadata(facts: Facts, files: Sequence[tuple[str, bytes, str]], url: str = "") -> dict[str, Any]:
    """Return the JSON-LD document.

    Args:
        files: the downloads it describes: (name, content, what it holds); "papers.parquet" and "trends.csv" among them.
        url: where the site will be published, ending in a slash; without it addresses are relative to the document.
    """
    formats = {"csv": "text/csv", "jsonl": "application/jsonlines", "parquet": "application/x-parquet"}
    licence = "https://creativecommons.org/publicdomain/zero/1.0/"
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "papertide",
        "description": (
            f"Metadata of {facts.counts['papers']:,} papers on deep learning, with the themes "
            f"and clusters that they were sorted into, and {facts.counts['findings']:,} findings of trend. "
            f"Refresh {facts.run['id']}, finished {facts.run['finished']}."
        ),
        "url": url or "https://papertide.invalid/",
        "version": f"{facts.run['version']}+{facts.run['id']}",
        "datePublished": str(facts.run["finished"])[:10],
        "license": licence,
        "creator": {"@type": "sc:Organization", "name": "Papertide", "url": url or "https://papertide.invalid/"},
        "citeAs": f"@misc{{papertide-{facts.run['id']}, title = {{Papertide knowledge base, refresh {facts.run['id']}}}, "
        f"year = {{{str(facts.run['finished'])[:4]}}}}}",
        "keywords": ["research trends", "deep learning", "bibliography"],
        "isLiveDataset": True,
        "distribution": [
            {
                "@type": "cr:FileObject", "@id": name, "name": name, "description": what,
                "contentUrl": f"{url}data/{name}" if url else name,
                "encodingFormat": formats[name.rsplit(".", 1)[1]], "contentSize": f"{len(content)} B",
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content, what in files
        ],
        "recordSet": [
            _records("papers", "One row a paper.", "papers.parquet", PAPER_FIELDS),
            _records("findings", "One row a finding of trend.", "trends.csv", FINDING_FIELDS),
        ],
    }  # fmt: skip


def _records(name: str, what: str, file: str, fields: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet", "@id": name, "name": name, "description": what,
        "field": [
            {
                "@type": "cr:Field", "@id": f"{name}/{field}", "name": field, "description": told, "dataType": _TYPES[kind],
                "source": {"fileObject": {"@id": file}, "extract": {"column": field}},
            }
            for field, (kind, told) in fields.items()
        ],
    }  # fmt: skip


def _context() -> dict[str, Any]:
    """The names that Croissant's format gives to its terms."""
    terms = """
    citeAs column conformsTo data:json dataType:vocab equivalentProperty examples:json extract field fileProperty fileObject
    fileSet format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace separator
    samplingRate source subField transform
    """.split()
    told: dict[str, Any] = {
        "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
    }  # fmt: skip
    for term in terms:
        name, _, kind = term.partition(":")
        if name == "conformsTo":
            continue
        if kind:
            told[name] = {"@id": f"cr:{name}", "@type": "@json" if kind == "json" else "@vocab"}
        else:
            told[name] = f"cr:{name}"
    return told
