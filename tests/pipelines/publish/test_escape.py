"""Untrusted text stays text: in Markdown, in HTML, in an address."""

import html
import re

import markdown
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from pipelines.publish import escape

HOSTILE = [
    "<script>alert(1)</script>", "[click](javascript:alert(1))", "![x](http://evil.example/p.png)", "# heading", "| a | b |",
    "{{ config }}", "{% raw %}", "`code`", "**bold**", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "- item", "1. item", "***",
    "$x_1$", "[TOC]", "!!! danger", "text { .class onclick=alert(1) }", "https://evil.example", "www.evil.example", "a\n\n# b",
]  # fmt: skip


def rendered(text: str) -> str:
    return markdown.markdown(
        str(escape.text(text)), extensions=["tables", "attr_list", "md_in_html", "admonition", "toc", "pymdownx.superfences"]
    )


def test_every_hostile_text_becomes_one_paragraph_that_reads_as_it_was_written() -> None:
    for text in HOSTILE:
        page = rendered(text)
        assert page.startswith("<p>")
        assert page.count("<") == 2, text
        assert html.unescape(page[3:-4]).split() == text.split()


@given(st.text())
def test_no_text_whatever_makes_an_element(text: str) -> None:
    assert rendered(f"word {text}").count("<") == 2


def test_bidirectional_and_control_characters_go() -> None:
    assert escape.text("a\u202eb\x1b[0m\u2066c") == "a b &#91;0m c"


def test_what_is_marked_safe_passes() -> None:
    assert escape.text(Markup("<b>bold</b>")) == "<b>bold</b>"


def test_only_http_addresses_are_linked() -> None:
    for address in ("javascript:alert(1)", "data:text/html,x", "http://a.example/ b", 'https://a.example/"onclick="x', "//a", ""):
        assert '"' not in escape.link(address)
        assert escape.link(address) == "#" or escape.link(address).startswith("https://a.example/")
    assert escape.link("javascript:alert(1)") == "#"


def test_an_address_keeps_its_meaning() -> None:
    address = "https://openreview.net/forum?id=rJzIBfZAb&noteId=1"
    assert html.unescape(str(escape.link(address))) == address


def test_a_formula_becomes_mathml_and_the_text_around_it_stays_text() -> None:
    drawn = str(escape.formulas("A <b> bound of $n^2$"))
    assert "<math" in drawn
    assert "<msup>" in drawn
    assert "<b>" not in drawn


def test_prices_are_no_formula() -> None:
    assert "<math" not in escape.formulas("from $5 to $ 6 a month")


PIECES = [*"\\{}^_&$<>\"'= abx12/", "\\frac", "\\href{javascript:x}", "\\text", "\\left", "\\begin{matrix}", "\\class", "\\style"]


@settings(deadline=None)  # a formula may take long on a busy machine
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_whatever_a_formula_says_it_makes_mathml_and_nothing_else(text: str) -> None:
    drawn = str(escape.formulas(f"${text}$ {text}"))
    for tag in re.findall(r"<[^>]*>", drawn):
        assert re.fullmatch(r"</?m\w+|<none|</none", tag.split()[0].rstrip(">"))
        assert set(re.findall(r'([\w-]+)="', tag)) <= set(escape._ATTRIBUTES)
    assert ">" not in re.sub(r"<[^<>]*>", "", drawn)
