"""Marks and claims: what is claimed, from what, and how to recompute it."""

from dataclasses import dataclass
from enum import StrEnum

from kb.errors import InvalidInput


class Mark(StrEnum):
    """How far a statement can be trusted."""

    VERIFIED = "verified"
    DERIVED = "derived"
    ASSUMPTION = "assumption"

    @property
    def sign(self) -> str:
        """The sign that stands beside the statement."""
        return {"verified": "✔", "derived": "●", "assumption": "○"}[self.value]

    @property
    def meaning(self) -> str:
        """What the sign says, in a sentence."""
        return {
            "verified": "Verified: checked against its source, or recomputed and within tolerance.",
            "derived": "Derived: computed from this corpus; how many papers and how to recompute it are stated.",
            "assumption": "Assumption: an editor's judgement, without data behind it.",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement with its mark and what stands behind it.

    Attributes:
        text: the statement.
        mark: how far it can be trusted.
        n: papers (or runs) it rests on; needed for a derived one.
        method: how it was computed; needed for a derived one.
        run: the refresh it was computed in; needed for a derived one.
        source: what it was checked against; needed for a verified one.
        recompute: the command that computes it again.

    Raises:
        InvalidInput: the mark claims more than is given.
    """

    text: str
    mark: Mark
    n: int | None = None
    method: str = ""
    run: str = ""
    source: str = ""
    recompute: str = "kb verify"

    def __post_init__(self) -> None:
        if self.mark is Mark.DERIVED and (self.n is None or not self.method or not self.run):
            raise InvalidInput("a derived claim needs n, method and run", value=self.text, cure="State them")
        if self.mark is Mark.VERIFIED and not self.source:
            raise InvalidInput("a verified claim needs what it was checked against", value=self.text, cure="State it")

    @property
    def basis(self) -> str:
        """What stands behind the claim, in a sentence, for a tooltip."""
        if self.mark is Mark.DERIVED:
            return f"{self.mark.meaning} n = {self.n:,}; {self.method}; run {self.run}; recompute with `{self.recompute}`."
        return f"{self.mark.meaning} {self.source}".strip()
