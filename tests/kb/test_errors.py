"""Errors: one line, whatever they quote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import InvalidInput, KbError, SettingsError, StoreBusy, StoreError, one_line


@given(st.text(), st.text(), st.text())
def test_an_error_is_one_harmless_line(message: str, value: str, cure: str) -> None:
    text = str(KbError(message, value=value, cure=cure))
    assert text.isprintable() or all(
        character == " " or ord(character) > 127 for character in text if not character.isprintable()
    )
    assert "\n" not in text
    assert "\x1b" not in text


def test_a_long_value_is_cut() -> None:
    assert len(str(InvalidInput("too long", value="x" * 10_000_000))) < 200


def test_a_terminal_sees_no_escape_sequences() -> None:
    assert one_line("\x1b[2Jgone\u202e!") == "[2Jgone !"


@pytest.mark.parametrize(
    ("child", "parent"), [(SettingsError, InvalidInput), (InvalidInput, ValueError), (StoreBusy, StoreError)]
)
def test_the_tree_in_the_docstring_is_the_tree(child: type, parent: type) -> None:
    assert issubclass(child, parent)
