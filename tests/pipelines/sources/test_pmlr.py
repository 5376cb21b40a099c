"""PMLR's volumes: the index that names them, and a bibliography with abstracts for each."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.files import read_rows
from pipelines.sources.http import ATTEMPTS
from pipelines.sources.pmlr import open_pmlr, parse_entry, parse_index

INDEX = b"""<html><body><ul class="proceedings-list">
<li><a href="v235"><b>Volume 235</b></a> Proceedings of ICML 2024</li>
<li><a href="/v238/"><b>Volume 238</b></a> Proceedings of
 AISTATS 2024</li>
<li><a href="v119"><b>Volume 119</b></a> Proceedings of ICML 2020</li>
</ul><a href="/faq.html">FAQ</a></body></html>"""


def entry(
    number: int, *, booktitle: str = "Proceedings of the 41st International Conference on Machine Learning", **told: str
) -> str:
    """An entry as a volume's bibliography has it, made up for a test."""
    fields = {
        "title": f"Invented {{S}}tudy {number}", "author": r"Author, Ada and Bu\'{i}lder, Ben", "booktitle": booktitle,
        "pages": "1--11", "year": "2024", "editor": "Editor, Edda", "volume": "235",
        "series": "Proceedings of Machine Learning Research", "month": "21--27 Jul", "publisher": "PMLR",
        "pdf": f"https://raw.githubusercontent.com/mlresearch/v235/main/assets/author24{number}/author24{number}.pdf",
        "url": f"https://proceedings.mlr.press/v235/author24{number}.html", "abstract": f"We invent study {number}.", **told,
    }  # fmt: skip
    inside = ",\n".join(f"  {name} = \t {{{value}}}" for name, value in fields.items() if value)
    return f"@InProceedings{{pmlr-v235-author24{number},\n{inside}\n}}\n"


def online(wire: Any, location: str = "v235", **options: object) -> Source:
    return open_pmlr(location, {"base_url": wire.url, "delay_seconds": 0.0, **options})


def read(source: Source, window: Window | None = None, cursor: str | None = None) -> list[Batch]:
    return list(source.batches(window or Window(), cursor))


def numbers(batches: list[Batch]) -> list[int]:
    return [int(paper.title.rsplit(" ", 1)[1]) for batch in batches for paper in batch.papers]


def test_an_entry_becomes_a_paper(wire: Any) -> None:
    wire.then(entry(7).encode())
    ((paper,),) = [batch.papers for batch in read(online(wire))]
    assert (paper.id, paper.title, paper.abstract) == ("pmlr:v235/author247", "Invented Study 7", "We invent study 7.")
    assert paper.authors == ("Ada Author", "Ben Buílder")
    assert (paper.venue, paper.kind) == ("ICML 2024", "conference")
    assert (paper.published, paper.date_precision) == (date(2024, 7, 1), "month")
    assert paper.links == ("https://proceedings.mlr.press/v235/author247.html",)


@pytest.mark.parametrize(
    ("booktitle", "venue"),
    [
        ("Proceedings of The 27th International Conference on Artificial Intelligence and Statistics", "AISTATS 2024"),
        ("Proceedings of the 15th Asian Conference on Machine Learning", "ACML 2024"),
        ("Proceedings of The 8th Conference on Robot Learning", "CoRL 2024"),
        ("Proceedings of a Workshop on Kites", "Proceedings of a Workshop on Kites 2024"),
    ],
)
def test_a_volume_s_venue_has_the_name_that_people_use(wire: Any, booktitle: str, venue: str) -> None:
    wire.then(entry(1, booktitle=booktitle).encode())
    assert read(online(wire))[0].papers[0].venue == venue


def test_a_preface_without_abstract_is_counted_and_the_rest_is_read(wire: Any) -> None:
    wire.then((entry(1, abstract="") + entry(2)).encode())
    (batch,) = read(online(wire))
    assert (numbers([batch]), batch.rejected) == ([2], {"no abstract": 1})


def test_a_broken_entry_is_counted_and_the_rest_is_read(wire: Any) -> None:
    wire.then((entry(1) + "@InProceedings{broken, title = {never ends\n" + entry(2)).encode())
    (batch,) = read(online(wire))
    assert (numbers([batch]), batch.rejected.total()) == ([1, 2], 1)


def test_volumes_are_asked_for_by_number_one_request_each(wire: Any) -> None:
    wire.reply = lambda asked: entry(1).encode()
    read(online(wire, "v235, 119"))
    assert [asked.path for asked in wire.asked] == [f"/{volume}/assets/bib/bibliography.bib" for volume in ("v235", "v119")]


def test_venues_and_years_are_found_in_the_index(wire: Any) -> None:
    wire.reply = lambda asked: INDEX if asked.path == "/" else entry(1).encode()
    read(online(wire, "", venues=["icml"], years=[2020, 2024]))
    assert [asked.path.split("/")[1] for asked in wire.asked] == ["", "v119", "v235"]


def test_a_venue_and_year_that_the_index_lacks_is_an_error(wire: Any) -> None:
    wire.reply = lambda _: INDEX
    with pytest.raises(InvalidInput, match="no such volume: ICML 1999"):
        read(online(wire, "", venues=["icml"], years=[1999]))


def test_the_index_names_volumes() -> None:
    assert parse_index(INDEX)[:2] == [
        ("v235", "Volume 235 Proceedings of ICML 2024"),
        ("v238", "Volume 238 Proceedings of AISTATS 2024"),
    ]


def test_a_volume_without_bibliography_is_counted(wire: Any) -> None:
    wire.then(status=404)
    (batch,) = read(online(wire))
    assert batch.rejected == {"the volume has no bibliography": 1}


def test_a_stop_after_one_volume_goes_on_with_the_next(wire: Any) -> None:
    wire.then(entry(1).encode())
    for _ in range(ATTEMPTS):
        wire.then(status=503)
    stream = online(wire, "v119,v235").batches(Window(), None)
    first = next(stream)
    with pytest.raises(SourceUnreachable):
        next(stream)
    wire.reply = lambda asked: entry(1 if "v119" in asked.path else 2).encode()
    assert numbers(read(online(wire, "v119,v235"), cursor=first.cursor)) == [2]


def test_window_and_limit_are_kept(wire: Any) -> None:
    wire.reply = lambda _: "".join(entry(number) for number in range(5)).encode()
    assert numbers(read(online(wire), Window(limit=2))) == [0, 1]
    assert numbers(read(online(wire), Window(since=date(2025, 1, 1)))) == []


@pytest.mark.parametrize("location", ["", "volume one", "v12345"])
def test_without_a_volume_or_venue_there_is_nothing_to_ask(location: str) -> None:
    with pytest.raises(SettingsError):
        open_pmlr(location, {})


@hypothesis_settings(deadline=None, max_examples=60)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet="@InProceedings{}=,year 2024title\n", max_size=200).map(str.encode)))
def test_any_bytes_give_papers_or_a_reason(content: bytes) -> None:
    parse_index(content)
    for _, row in read_rows("v1.bib", content, Batch()):
        with pytest.raises(InvalidInput):
            parse_entry(row)
