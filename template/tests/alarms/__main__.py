"""How good is the alarm? Break things one at a time, and see what the tests say.

A test suite is a classifier of changes: it should be red for a mistake, and green for
what does not matter. So it is measured like one. Each change is made in a process and a
copy of its own, in which the fast tests run until the first fails.
"""

import argparse
import random
import sys
from pathlib import Path

from .bench import HANGS, Bench, Outcome
from .source_faults import draw_source_trials, source_trials
from .table import draw
from .trials import NOTHING, all_trials

RESULT = Path("build", "alarms.md")


def main() -> int:
    """Measure, print the table, and keep it in build/."""
    parser = argparse.ArgumentParser(
        prog="nox -s alarms --", description=str(__doc__).partition("\n")[0]
    )
    add = parser.add_argument
    add("--sample", type=int, metavar="N", help="make N of the changes only")
    add("--seed", type=int, default=0, help="of what is drawn; another, other changes")
    add("--source", type=int, default=40, metavar="N", help="draw N in your source")
    add("--only", action="append", metavar="TEXT", help="those with this in their name")
    add("--jobs", type=int, default=2, help="changes at a time, each in a process")
    add("--list", action="store_true", help="say what can be changed, and end")
    add("tests", nargs="*", help="files and folders; by default all fast tests")
    options = parser.parse_args()
    every = all_trials()
    nothing = every.pop(NOTHING)
    chance = random.Random(options.seed)  # noqa: S311 -- nothing secret
    if options.only:
        trials = [
            one
            for one in (*every.values(), *source_trials())
            if any(text in one.name for text in options.only)
        ]
    else:
        trials = [*every.values(), *draw_source_trials(options.source, chance)]
    if not trials:
        parser.error("no change is called so: see --list")
    if options.sample is not None:
        size = max(1, min(options.sample, len(trials)))
        trials = chance.sample(trials, size)
    if options.list:
        print("\n".join(trial.name for trial in trials))
        return 0
    bench = Bench(max(1, options.jobs), options.tests)
    (healthy,) = bench.run([nothing])
    print(healthy, flush=True)
    if healthy.alarm:
        print("error: mend that first, then see what else is heard", file=sys.stderr)
        return 1
    bench.limit = HANGS * healthy.seconds + 60
    outcomes: list[Outcome] = []
    for outcome in bench.run(trials):
        outcomes.append(outcome)
        print(f"{len(outcomes):3} of {len(trials)}  {outcome}", flush=True)
    text = draw(outcomes)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    print("\n" + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
