"""A refusal on its way from a request's handler to who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._response import Decision


class Refused(Exception):
    """Ends the handling of a request that may not go on.

    Attributes:
        decision: What to answer: its `status`, `headers` and `body`.
    """

    decision: Decision

    def __init__(self, decision: Decision) -> None:
        super().__init__(str(decision.error))
        self.decision = decision
