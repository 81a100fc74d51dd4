"""The one error that people are meant to see without a traceback."""


class UserError(Exception):
    """What was asked for cannot be done; the message says in a line what to do."""


def require(condition: bool, message: str) -> None:
    """Raise an `UserError` unless a condition is met."""
    if not condition:
        raise UserError(message)
