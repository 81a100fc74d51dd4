"""The error whose message is for the user, without a traceback."""

import errno


class UserError(Exception):
    """A command cannot be done as requested; the message says in a line what to do."""


def require(condition: bool, message: str) -> None:
    """Raise a `UserError` unless a condition is met."""
    if not condition:
        raise UserError(message)


def full_disk(error: BaseException) -> str | None:
    """Return what to do if the system can write no more, unless it is another error."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if not isinstance(error, OSError) or error.errno not in full:
        return None
    return f"{error.strerror}: free some space, or raise the limit"
