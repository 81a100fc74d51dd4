"""The one error that people are meant to see without a traceback."""


class InputError(Exception):
    """What was asked for cannot be done; the message says in a line what to do."""
