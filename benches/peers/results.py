"""The figures of a run: for each verifier, algorithm and kind of tokens, one a round."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple


class Key(NamedTuple):
    """What was measured: a row of the table, and the column."""

    language: str
    name: str
    algorithm: str
    # distinct or repeat
    pattern: str


@dataclass
class Figures:
    """One a round of each."""

    # A verdict's CPU time on one thread, in µs.
    micros: list[float] = field(default_factory=list)
    # The same ÷ the reference's.
    ratios: list[float] = field(default_factory=list)
    # What two threads do at once ÷ what one does: 2 if they do not disturb each other.
    gains: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The rounds' median."""
        return median(self.ratios)

    @property
    def gain(self) -> float:
        """The rounds' median."""
        return median(self.gains)


Results = dict[Key, Figures]
