"""A clock for tests of what measures time, in the place of the module `time`."""


class Clock:
    """Goes on when somebody says so: machines are busy at times."""

    now = 0.0

    def perf_counter(self) -> float:
        """Return the time."""
        return self.now
