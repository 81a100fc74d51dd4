"""The error whose message is for the user, without a traceback."""

import errno

# The system can write no more.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UserError(Exception):
    """A command cannot be done as requested; the message says in a line what to do."""


def require(condition: bool, message: str) -> None:
    """Raise a `UserError` unless a condition is met."""
    if not condition:
        raise UserError(message)
