"""The errors that Papertide raises on purpose.

    KbError                     anything a user can mend; the command prints it on one line
    ├── InvalidInput            a value, file or record that cannot be used (also a ValueError)
    │   └── SettingsError       kb.toml or the environment says something impossible
    ├── SourceUnreachable       a source did not answer, even after polite retries
    ├── StoreError              the knowledge base cannot be read or written
    │   └── StoreBusy           another refresh holds the lock
    ├── ModelError              an embedding model is missing or is not the one it claims to be
    └── CheckFailed             a verification found a difference

Every error carries what was wrong, the offending value and the cure.
"""

import unicodedata

_SHOWN = 120  # characters of an offending value; a 10 MB abstract must not fill a terminal


def one_line(text: str) -> str:
    """Return `text` on one line, with control and direction-changing characters shown as spaces.

    Error messages quote untrusted text, and a terminal obeys escape sequences.
    """
    shown = "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text)
    return " ".join(shown.split())


class KbError(Exception):
    """An error that a user can mend.

    Args:
        message: what is wrong and where.
        value: the offending value, quoted (shortened) in the message.
        cure: what to do next, as a sentence.
    """

    def __init__(self, message: str, *, value: object = None, cure: str = "") -> None:
        self.message = message
        self.value = value
        self.cure = cure
        super().__init__(message)

    def __str__(self) -> str:
        text = self.message
        if self.value is not None:
            shown = one_line(str(self.value)[: _SHOWN * 2])
            text += f": {shown[:_SHOWN]}…" if len(shown) > _SHOWN else f": {shown}"
        return one_line(f"{text}. {self.cure}" if self.cure else text)


class InvalidInput(KbError, ValueError):
    """A value, file or record that cannot be used."""


class SettingsError(InvalidInput):
    """kb.toml or an environment variable says something impossible."""


class SourceUnreachable(KbError):
    """A source did not answer; what was stored stays, and the next run resumes."""


class StoreError(KbError):
    """The knowledge base cannot be read or written."""


class StoreBusy(StoreError):
    """Another refresh is writing to the same knowledge base."""


class ModelError(KbError):
    """An embedding model is missing or is not the one it claims to be."""


class CheckFailed(KbError):
    """A verification found a difference."""
