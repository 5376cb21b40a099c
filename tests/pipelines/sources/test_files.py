"""A user's own papers: JSON, CSV, BibTeX and RIS as reference managers and spreadsheets write them."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError
from kb.papers import Paper
from pipelines.sources.base import Batch, Window
from pipelines.sources.files import READERS, open_files, parse_row, read_rows

BIBTEX = r"""
% exported for a test
@comment{ignore me}
@inproceedings{invented2021kites,
  title = {Kites {THAT} Learn to Fly \"Uber Hills},
  author = {Author, Ada and Builder, Ben},
  year = {2021}, month = may,
  booktitle = {Made-Up Conference on Kites},
  abstract = {We invent a study of kites.},
  doi = {10.1000/KITES.1}, keywords = {kites, wind}
}
@article{broken2022,
  title = {This entry never ends
@misc{invented2020strings,
  title = "Strings", author = "Carla {van der} Maker", year = 2020, eprint = "2001.00001", abstract = "About strings."
}
"""
RIS = """TY  - JOUR
TI  - Kites that learn
AU  - Author, Ada
AU  - Builder, Ben
PY  - 2021
DA  - 2021/05/01/
AB  - We invent a study
      of kites.
DO  - 10.1000/kites.1
JO  - Made-Up Journal
KW  - kites
KW  - wind
ER  - 

TY  - CONF
TI  - Strings
AU  - Maker, Carla
PY  - 2020
AB  - About strings.
UR  - https://arxiv.org/abs/2001.00001
ER  - 
"""
ROW = {"title": "Kites", "abstract": "We invent kites.", "year": "2021"}


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, window: Window | None = None, cursor: str | None = None, **options: object) -> list[Batch]:
    return list(open_files(str(path), options).batches(window or Window(), cursor))


def only(batches: list[Batch]) -> Paper:
    ((paper,),) = [batch.papers for batch in batches]
    return paper


def lines(*records: dict[str, object]) -> str:
    return "\n".join(json.dumps(record) for record in records)


# Formats


def test_json_lines_become_papers(tmp_path: Path) -> None:
    record = {**ROW, "authors": ["Ada Author", "Ben Builder"], "doi": "10.1000/kites.1", "url": "https://example.org/kites"}
    paper = only(read(write(tmp_path, "mine.jsonl", lines(record))))
    assert (paper.title, paper.abstract, paper.authors) == ("Kites", "We invent kites.", ("Ada Author", "Ben Builder"))
    assert (paper.published, paper.date_precision) == (date(2021, 1, 1), "year")
    assert (paper.id, paper.links) == ("doi:10.1000/kites.1", ("https://example.org/kites",))


def test_a_json_list_reads_like_json_lines(tmp_path: Path) -> None:
    assert only(read(write(tmp_path, "mine.json", json.dumps([ROW])))).title == "Kites"


def test_csv_with_a_byte_order_mark_quotes_and_line_breaks_in_cells(tmp_path: Path) -> None:
    content = '\ufefftitle,abstract,authors,date\n"Kites, again","We invent\nkites.","Author, Ada; Builder, Ben",2021-05-03\n'
    paper = only(read(write(tmp_path, "mine.csv", content)))
    assert (paper.title, paper.abstract) == ("Kites, again", "We invent kites.")
    assert (paper.authors, paper.published) == (("Ada Author", "Ben Builder"), date(2021, 5, 3))


def test_tabs_separate_the_cells_of_a_tsv_file(tmp_path: Path) -> None:
    assert (
        only(read(write(tmp_path, "mine.tsv", "title\tabstract\tyear\nKites\tWe invent, well, kites.\t2021\n"))).title == "Kites"
    )


def test_bibtex_entries_lose_their_latex_and_a_broken_one_is_counted(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "mine.bib", BIBTEX))
    kites, strings = batch.papers
    assert (kites.title, kites.authors) == ("Kites THAT Learn to Fly Über Hills", ("Ada Author", "Ben Builder"))
    assert (kites.published, kites.date_precision, kites.venue) == (date(2021, 5, 1), "month", "Made-Up Conference on Kites")
    assert (kites.id, kites.keywords) == ("doi:10.1000/kites.1", ("kites", "wind"))
    assert (strings.id, strings.authors) == ("arxiv:2001.00001", ("Carla van der Maker",))
    assert batch.rejected == {"not a readable BibTeX entry": 1}


def test_ris_records_become_papers(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "mine.ris", RIS))
    kites, strings = batch.papers
    assert (kites.authors, kites.published) == (("Ada Author", "Ben Builder"), date(2021, 5, 1))
    assert (kites.id, kites.venue, kites.keywords) == ("doi:10.1000/kites.1", "Made-Up Journal", ("kites", "wind"))
    assert strings.id == "arxiv:2001.00001"


def test_formulas_in_bibtex_stay_as_they_were_written(tmp_path: Path) -> None:
    content = r"@misc{k, title={Kites in $O(n^2)$}, year=2020, abstract={About \'etudes of $\alpha$ kites.}}".replace(
        "\\\\", "\\"
    )
    paper = only(read(write(tmp_path, "mine.bib", content)))
    assert (paper.title, paper.abstract) == ("Kites in $O(n^2)$", r"About études of $\alpha$ kites.")


@pytest.mark.parametrize("name", ["mine.jsonl.gz", "mine.bib.gz"])
def test_a_packed_file_reads_like_a_plain_one(tmp_path: Path, name: str) -> None:
    plain = write(tmp_path, name.removesuffix(".gz"), BIBTEX if "bib" in name else lines(ROW))
    packed = write(tmp_path / "packed", name, gzip.compress(plain.read_bytes()))
    assert [paper.id for paper in read(packed)[0].papers] == [paper.id for paper in read(plain)[0].papers]


def test_a_folder_s_files_are_read_one_batch_each(tmp_path: Path) -> None:
    write(tmp_path, "a/one.jsonl", lines(ROW))
    write(tmp_path, "b.csv", "title,abstract,year\nStrings,About strings.,2020\n")
    write(tmp_path, "notes.txt", "no papers")
    assert [batch.papers[0].title for batch in read(tmp_path)] == ["Kites", "Strings"]


# Columns


def test_columns_are_found_by_their_usual_names_in_any_spelling(tmp_path: Path) -> None:
    paper = only(read(write(tmp_path, "mine.csv", "Paper_Title,ABSTRACT,Publication Year\nKites,We invent kites.,2021\n")))
    assert (paper.title, paper.published.year) == ("Kites", 2021)


def test_columns_with_other_names_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.csv", "Name,Words,When\nKites,We invent kites.,2021\n")
    paper = only(read(path, columns={"title": "Name", "abstract": "Words", "published": "When"}))
    assert (paper.title, paper.published.year) == ("Kites", 2021)


def test_a_told_column_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.csv", "Name,Words\nKites,We invent kites.\n")
    with pytest.raises(SettingsError, match=r"mine.csv has no column Title.*Name, Words"):
        read(path, columns={"title": "Title"})


def test_a_field_that_papers_do_not_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown field"):
        read(write(tmp_path, "mine.csv", "a\n1\n"), columns={"colour": "a"})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ada Author; Ben Builder", ("Ada Author", "Ben Builder")),
        ("Author, Ada and Builder, Ben", ("Ada Author", "Ben Builder")),
        ("Ada Author, Ben Builder", ("Ada Author", "Ben Builder")),
        ("Author, Ada", ("Ada Author",)),
        ("Ada Author", ("Ada Author",)),
        ([{"name": "Ada Author"}], ("Ada Author",)),
    ],
)
def test_authors_are_separated_as_people_write_them(text: object, names: tuple[str, ...]) -> None:
    assert parse_row({**ROW, "authors": text}, {}, "mine.csv", "2").authors == names


# What is wrong is told with its place


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"abstract": "a", "year": "2021"}, "no title"),
        ({"title": "Kites", "year": "2021"}, "no abstract"),
        ({"title": "Kites", "abstract": "a"}, "no date"),
        ({"title": "Kites", "abstract": "a", "year": "soon"}, "unreadable date in the field published: soon"),
        ({"title": "Kites", "abstract": "a", "year": "2999"}, "date in the future"),
    ],
)
def test_a_record_that_lacks_something_is_counted_with_file_line_and_field(
    tmp_path: Path, record: dict[str, object], reason: str
) -> None:
    (batch,) = read(write(tmp_path, "mine.jsonl", lines(ROW, record)))
    assert (len(batch.papers), batch.rejected) == (1, {reason: 1})
    assert batch.examples == [f"mine.jsonl:2: {reason}"]


@pytest.mark.parametrize("line", ["{", "[1]", "7", "null"])
def test_a_line_that_is_no_json_object_is_counted_and_the_rest_is_read(tmp_path: Path, line: str) -> None:
    (batch,) = read(write(tmp_path, "mine.jsonl", f"{line}\n{lines(ROW)}"))
    assert (len(batch.papers), batch.examples) == (1, ["mine.jsonl:1: not a JSON object"])


@pytest.mark.parametrize("content", ["{", '{"title": "Kites"}', "null"])
def test_a_file_that_is_no_json_list_is_counted(tmp_path: Path, content: str) -> None:
    (batch,) = read(write(tmp_path, "mine.json", content))
    assert batch.rejected.total() == 1


def test_a_row_with_more_cells_than_the_first_line_names_is_counted(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "mine.csv", "title,abstract,year\nKites,a,2021,extra\nStrings,b,2020\n"))
    assert batch.examples == ["mine.csv:2: 4 fields where the first line names 3"]
    assert [paper.title for paper in batch.papers] == ["Strings"]


def test_text_in_another_encoding_is_told_with_its_byte(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "mine.csv", "title,abstract\nÜber,Öl\n".encode("latin-1")))
    assert batch.examples == ["mine.csv: not UTF-8 text (byte 15)"]


def test_a_packed_file_that_ends_too_early_is_counted(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "mine.jsonl.gz", gzip.compress(lines(ROW).encode())[:-10]))
    assert next(iter(batch.rejected)).startswith("damaged or cut off")


def test_a_second_record_of_the_same_id_is_counted(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "mine.jsonl", lines({**ROW, "id": "k1"}, {**ROW, "id": "k1"})))
    assert (len(batch.papers), batch.rejected) == (1, {"duplicate id in the file": 1})


def test_no_file_and_no_known_kind_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no file there"):
        open_files(str(tmp_path / "none.csv"), {})
    with pytest.raises(InvalidInput, match="no papers there"):
        open_files(str(write(tmp_path, "mine.docx", "x")), {})
    with pytest.raises(InvalidInput, match="needs a file"):
        open_files("", {})


# What was read


def test_reading_twice_yields_nothing_and_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.jsonl", lines(ROW))
    (batch,) = read(path)
    assert read(path, cursor=batch.cursor) == []
    write(tmp_path, "mine.jsonl", lines(ROW, {**ROW, "title": "Strings"}))
    assert len(read(path, cursor=batch.cursor)[0].papers) == 2


def test_only_papers_of_the_window_are_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.jsonl", lines(ROW, {**ROW, "title": "Strings", "year": "2015"}))
    assert only(read(path, Window(since=date(2020, 1, 1)))).title == "Kites"


def test_a_limit_takes_the_first_and_raising_it_takes_more(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.jsonl", lines(*({**ROW, "title": f"Kites {number}"} for number in range(5))))
    (first,) = read(path, Window(limit=2))
    (more,) = read(path, Window(limit=4), first.cursor)
    assert [len(first.papers), len(more.papers)] == [2, 4]


# Anything


@hypothesis_settings(deadline=None, max_examples=60)
@given(kind=st.sampled_from(sorted(READERS)), content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_any_bytes_give_records_or_a_reason(kind: str, content: bytes) -> None:
    batch = Batch()
    for where, row in read_rows(f"mine{kind}", content, batch):
        assert where.isdecimal()
        try:
            parse_row(row, {}, f"mine{kind}", where)
        except InvalidInput as error:
            assert "\n" not in error.message


@hypothesis_settings(deadline=None, max_examples=60)
@given(content=st.text(alphabet='@{}=,"\\ tiaue-%\n', max_size=200))
def test_anything_like_bibtex_gives_records_or_a_reason(content: str) -> None:
    assert all(isinstance(row, dict) for _, row in read_rows("mine.bib", content.encode(), Batch()))


@hypothesis_settings(deadline=None, max_examples=60)
@given(
    content=st.lists(st.sampled_from(["TY  - JOUR", "ER  - ", "TI  - a", "AU  - ", "PY", "  more", "XX  - y", ""]), max_size=12)
)
def test_anything_like_ris_gives_records_or_a_reason(content: list[str]) -> None:
    assert all(isinstance(row, dict) for _, row in read_rows("mine.ris", "\n".join(content).encode(), Batch()))
