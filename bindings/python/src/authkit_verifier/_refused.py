"""A refusal on its way from a request's handler to who answers, and into the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import NoCredentialsError

if TYPE_CHECKING:
    import logging

    from ._errors import AuthKitError
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


def log_refusal(logger: logging.Logger, error: AuthKitError | None) -> None:
    """Writes why a request was refused: the library's words, which are made for logs."""
    if error is None:
        return
    if error.http_status not in (400, 401, 403):
        # The token may be good.
        logger.warning("answered %s: %s", error.http_status, error)
    elif isinstance(error, NoCredentialsError):
        # Every client's first request.
        logger.debug("answered %s: %s", error.http_status, error)
    else:
        logger.info("answered %s: %s", error.http_status, error)
