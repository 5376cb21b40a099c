"""The ACL Anthology's XML: folders, files and addresses of it, and what each entry tells."""

import gzip
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from kb.papers import Paper
from pipelines.sources.acl_anthology import open_acl_anthology, parse_paper
from pipelines.sources.base import Batch, Source, Window, parse_xml
from pipelines.sources.http import ATTEMPTS


def entry(number: int, inside: str = "", *, url: str = "", abstract: str | None = "We invent a study.") -> str:
    """A paper of a volume, as the Anthology writes it, made up for a test."""
    told = f"<abstract>{abstract}</abstract>" if abstract is not None else ""
    return f"""
    <paper id="{number}">
      <title>Invented <fixed-case>S</fixed-case>tudy {number}</title>
      <author><first>Ada</first><last>Author</last></author>
      <author id="ben-builder"><first>Ben</first><last>Builder</last><variant script="hani"><last>x</last></variant></author>
      <pages>1-8</pages>
      {told}
      {f'<url hash="df716d18">{url}</url>' if url else ""}
      <bibkey>author-builder-{number}</bibkey>
      {inside}
    </paper>"""


def collection(
    name: str, *entries: str, volume: str = "main", venue: str = "acl", year: str = "2022", month: str = "May"
) -> bytes:
    """A collection of one volume."""
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<collection id="{name}">
  <volume id="{volume}" ingest-date="2022-05-15" type="proceedings">
    <meta>
      <booktitle>Proceedings of a Made-Up Meeting</booktitle>
      <editor><first>Edda</first><last>Editor</last></editor>
      <month>{month}</month><year>{year}</year>
      <url hash="698a5d93">{name}-{volume}</url>
      {f"<venue>{venue}</venue>" if venue else ""}
    </meta>
    <frontmatter><url hash="eb6cc2a4">{name}-{volume}.0</url><bibkey>made-up-2022</bibkey></frontmatter>
    {"".join(entries)}
  </volume>
</collection>
""".encode()


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read(location: Path, window: Window | None = None, cursor: str | None = None, **options: object) -> list[Batch]:
    return list(open_acl_anthology(str(location), options).batches(window or Window(), cursor))


def one(tmp_path: Path, content: bytes) -> Paper:
    (batch,) = read(write(tmp_path, "2022.acl.xml", content))
    (paper,) = batch.papers
    return paper


def online(wire: Any, **options: object) -> Source:
    told = {"base_url": f"{wire.url}/xml", "venues": ["acl"], "years": [2022], "delay_seconds": 0.0}
    return open_acl_anthology("", {**told, **options})


# An entry


def test_an_entry_becomes_a_paper(tmp_path: Path) -> None:
    content = collection("2022.acl", entry(7, "<doi>10.18653/v1/2022.ACL-main.7</doi>", url="2022.acl-main.7"))
    paper = one(tmp_path, content)
    assert (paper.title, paper.abstract) == ("Invented Study 7", "We invent a study.")
    assert paper.authors == ("Ada Author", "Ben Builder")
    assert set(paper.identifiers) == {"acl:2022.acl-main.7", "doi:10.18653/v1/2022.acl-main.7"}
    assert (paper.venue, paper.kind, paper.licence) == ("ACL 2022", "conference", "CC BY 4.0")
    assert (paper.published, paper.date_precision) == (date(2022, 5, 1), "month")
    assert paper.links == ("https://aclanthology.org/2022.acl-main.7/",)


def test_markup_is_flattened_and_formulas_keep_their_dollars(tmp_path: Path) -> None:
    abstract = (
        "A <i>nested <b>b<fixed-case>E</fixed-case>rt</b></i> of <tex-math>O(n^2)</tex-math>, see <url>https://x.org</url>."
    )
    assert one(tmp_path, collection("2022.acl", entry(1, abstract=abstract))).abstract == (
        "A nested bErt of $O(n^2)$, see https://x.org."
    )


@pytest.mark.parametrize(
    ("name", "volume", "number", "identifier"),
    [
        ("2022.acl", "main", 12, "acl:2022.acl-main.12"),
        ("P19", "1", 7, "acl:P19-1007"),
        ("W18", "05", 3, "acl:W18-0503"),
        ("D19", "1", 3, "acl:D19-1003"),
        ("D19", "50", 3, "acl:D19-5003"),
    ],
)
def test_without_an_address_the_id_follows_from_the_era_s_rule(name: str, volume: str, number: int, identifier: str) -> None:
    root = parse_xml(collection(name, entry(number), volume=volume))
    (found,), (paper,) = root.iter("volume"), root.iter("paper")
    assert parse_paper(name, found, paper).id == identifier


def test_findings_are_findings_of_their_conference(tmp_path: Path) -> None:
    content = collection("2022.findings", entry(1), volume="emnlp", venue="findings")
    assert one(tmp_path, content).venue == "EMNLP 2022 Findings"


def test_a_journal_is_a_journal(tmp_path: Path) -> None:
    paper = one(tmp_path, collection("2022.tacl", entry(1), volume="1", venue="tacl"))
    assert (paper.venue, paper.kind) == ("TACL 2022", "journal")


def test_an_old_collection_without_venue_has_the_venue_of_its_letter(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "N12.xml", collection("N12", entry(1), volume="1", venue="", year="2012")))
    assert (batch.papers[0].venue, batch.papers[0].licence) == ("NAACL 2012", "CC BY-NC-SA 3.0")


@pytest.mark.parametrize(
    ("month", "day", "precision"),
    [("July", date(2022, 7, 1), "month"), ("June 28-30", date(2022, 6, 1), "month"), ("Aug–Sep", date(2022, 8, 1), "month"),
     ("", date(2022, 1, 1), "year"), ("13", date(2022, 1, 1), "year")],
)  # fmt: skip
def test_a_volume_is_dated_to_its_month_where_one_can_be_read(tmp_path: Path, month: str, day: date, precision: str) -> None:
    paper = one(tmp_path, collection("2022.acl", entry(1), month=month))
    assert (paper.published, paper.date_precision) == (day, precision)


@pytest.mark.parametrize(
    "notice", ['<retracted date="2022-05-06">Fault.</retracted>', '<removed date="2022-05-06">Fault.</removed>']
)
def test_a_retracted_paper_is_kept_and_flagged(tmp_path: Path, notice: str) -> None:
    assert one(tmp_path, collection("2022.acl", entry(1, notice))).withdrawn


def test_an_entry_without_abstract_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "2022.acl.xml", collection("2022.acl", entry(1, abstract=None), entry(2))))
    assert (len(batch.papers), batch.rejected) == (1, {"no abstract": 1})
    assert batch.examples == ["2022.acl.xml:main.1: no abstract"]


# Folders and files


def test_a_checkout_s_collections_are_read_one_batch_each(tmp_path: Path) -> None:
    write(tmp_path, "data/xml/2022.acl.xml", collection("2022.acl", entry(1), entry(2)))
    write(tmp_path, "data/xml/P19.xml.gz", gzip.compress(collection("P19", entry(1), volume="1", year="2019")))
    write(tmp_path, "data/xml/schema.rnc", b"start = collection")
    assert [len(batch.papers) for batch in read(tmp_path)] == [2, 1]


def test_venues_and_years_choose_collections_of_both_eras(tmp_path: Path) -> None:
    for name in ("2022.acl", "2021.acl", "2022.naacl", "P19", "N19"):
        write(tmp_path, f"{name}.xml", collection(name, entry(1), volume="1", venue="acl"))
    chosen = read(tmp_path, venues=["acl"], years=[2019, 2022])
    assert [batch.papers[0].sources[0].source_id for batch in chosen] == ["2022.acl-1.1", "P19-1001"]


def test_no_folder_and_no_collection_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no ACL Anthology there"):
        open_acl_anthology(str(tmp_path / "none"), {})
    with pytest.raises(InvalidInput, match="no collection"):
        open_acl_anthology(str(tmp_path), {})


@pytest.mark.parametrize("content", [b"", b"<collection", b"not XML", b"\xff\xfe", collection("2022.acl", entry(1))[:-30]])
def test_a_file_that_is_no_whole_xml_is_counted(tmp_path: Path, content: bytes) -> None:
    (batch,) = read(write(tmp_path, "2022.acl.xml", content))
    assert next(iter(batch.rejected)).startswith("not a whole XML file")


def test_xml_that_declares_entities_is_not_read(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE c [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><collection id="2022.acl">&b;</collection>'
    (batch,) = read(write(tmp_path, "2022.acl.xml", bomb))
    assert batch.rejected == {"XML that declares entities is not read": 1}


def test_reading_twice_yields_nothing_and_a_changed_collection_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "2022.acl.xml", collection("2022.acl", entry(1)))
    (batch,) = read(path)
    assert read(path, cursor=batch.cursor) == []
    write(tmp_path, "2022.acl.xml", collection("2022.acl", entry(1), entry(2)))
    assert len(read(path, cursor=batch.cursor)[0].papers) == 2


def test_window_and_limit_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "2022.acl.xml", collection("2022.acl", *(entry(number) for number in range(1, 6))))
    assert read(path, Window(until=date(2021, 12, 31)))[0].papers == []
    assert len(read(path, Window(limit=2))[0].papers) == 2


# Over HTTP


def test_a_collection_comes_from_the_repository(wire: Any) -> None:
    wire.then(collection("2022.acl", entry(1)))
    (batch,) = online(wire).batches(Window(), None)
    assert len(batch.papers) == 1
    assert [asked.path for asked in wire.asked] == ["/xml/2022.acl.xml"]


def test_a_stop_after_one_collection_keeps_it_and_the_next_run_goes_on(wire: Any) -> None:
    wire.then(collection("2022.acl", entry(1)))
    for _ in range(ATTEMPTS):
        wire.then(b"", 500)
    source = online(wire, years=[2022, 2023])
    stream = source.batches(Window(), None)
    first = next(stream)
    with pytest.raises(SourceUnreachable):
        next(stream)
    wire.then(collection("2022.acl", entry(1)))
    wire.then(collection("2023.acl", entry(1), entry(2), year="2023"))
    (second,) = source.batches(Window(), first.cursor)
    assert len(second.papers) == 2


def test_a_year_in_which_a_venue_did_not_meet_is_counted_and_the_others_are_read(wire: Any) -> None:
    wire.then(b"", 404)
    wire.then(collection("2023.acl", entry(1), year="2023"))
    first, second = online(wire, years=[2022, 2023]).batches(Window(), None)
    assert first.rejected == {"the Anthology has no such collection": 1}
    assert len(second.papers) == 1


def test_a_busy_server_is_asked_again_after_the_pause_it_names(wire: Any, clock: Any) -> None:
    wire.then(b"", 503, {"Retry-After": "7"})
    wire.then(collection("2022.acl", entry(1)))
    (batch,) = online(wire).batches(Window(), None)
    assert len(batch.papers) == 1
    assert 7.0 in clock.slept


def test_over_http_venues_and_years_are_needed() -> None:
    with pytest.raises(SettingsError, match="venues and years"):
        open_acl_anthology("", {"venues": ["acl"]})


# Anything


@hypothesis_settings(deadline=None, max_examples=80)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='<>/paper volume title="1&;', max_size=200).map(str.encode)))
def test_any_bytes_give_a_tree_or_a_reason(content: bytes) -> None:
    try:
        root = parse_xml(content)
    except InvalidInput as error:
        assert error.message
    else:
        assert root.tag


@hypothesis_settings(deadline=None, max_examples=60)
@given(inside=st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="<>&"), max_size=40))
def test_any_text_inside_an_entry_gives_a_paper_or_a_reason(inside: str) -> None:
    root = parse_xml(collection("2022.acl", entry(1, abstract=inside), month="May"))
    try:
        assert parse_paper("2022.acl", next(root.iter("volume")), next(root.iter("paper"))).id == "acl:2022.acl-main.1"
    except InvalidInput as error:
        assert error.message == "no abstract"


def test_what_was_kept_is_parsed_to_the_same_papers(wire: Any, read_twice: Any) -> None:
    wire.then(collection("2022.acl", entry(1)))
    told = {"base_url": f"{wire.url}/xml", "venues": ["acl"], "years": [2022], "delay_seconds": 0.0}
    assert len(read_twice(lambda network: open_acl_anthology("", told, network))) == 1
