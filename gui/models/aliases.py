"""The aliases' table: which names a client may ask for, and who serves them, best first."""

from __future__ import annotations

from gui.desk import AliasView, CandidateView
from gui.models.value_table import Cell, Column, ValueTable


class AliasesModel(ValueTable[AliasView]):
    """Aliases in the order of the settings file."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Alias", lambda a: Cell(a.name)),
                Column("Answers to", lambda a: Cell(", ".join(a.match) or "its own name only")),
                Column("Served by, best first", _candidates_cell),
            ),
            key=lambda a: a.name,
        )


def _candidates_cell(alias: AliasView) -> Cell:
    if not alias.candidates:
        return Cell("nobody yet", tone="danger", icon="warn")
    return Cell(",  then ".join(candidate_text(c) for c in alias.candidates))


def candidate_text(candidate: CandidateView) -> str:
    """Returns a candidate as one line."""
    return f"{candidate.provider} / {candidate.model}"
