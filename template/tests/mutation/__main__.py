"""Mutation testing: inject faults one at a time, and count those that tests catch.

A test suite is a classifier of changes: it should fail for a fault and pass for a
healthy change, so it is evaluated like a classifier. Each change is made in a separate
process and copy of the repository, where the fast tests run until the first failure. A
healthy edit may make baselines old: it is accepted as you would accept it, by `fit`,
`promote` and `update-curve`, and then the tests and three recipes should pass.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from .changes import ACCEPTED, EDIT, NOTHING, all_changes
from .mutants import draw_mutants, mutants
from .runner import HANG, HANGS, Outcome, Runner

RESULT = Path("build", "mutation.md")


def main() -> int:
    """Test the selected changes, print the report, and write it into build/."""
    parser = argparse.ArgumentParser(
        prog="nox -s mutation --", description=str(__doc__).partition("\n")[0]
    )
    add = parser.add_argument
    add("--sample", type=int, metavar="N", help="test a random sample of N changes")
    add("--seed", type=int, default=0, help="random seed of the sample")
    add(
        "--source",
        type=int,
        default=30,
        metavar="N",
        help="number of mutants of your source to sample",
    )
    add(
        "--edits",
        type=int,
        default=6,
        metavar="N",
        help="number of healthy edits to sample; all of them: --only healthy:",
    )
    add(
        "--only",
        action="append",
        metavar="TEXT",
        help="test only changes with this text in their name",
    )
    add(
        "--accepted",
        action="store_true",
        help="train, promote and record a new curve for each fault that is caught, and "
        "test again: accepting should not hide it",
    )
    add("--jobs", type=int, default=2, help="number of changes to test in parallel")
    add("--list", action="store_true", help="list the changes and stop")
    add("tests", nargs="*", help="files and folders of tests; default: all fast tests")
    options = parser.parse_args()
    every = all_changes()
    nothing, accepted = every.pop(NOTHING), every.pop(ACCEPTED)
    generator = random.Random(options.seed)  # noqa: S311 -- nothing secret
    if options.only:
        changes = [
            one
            for one in (*every.values(), *mutants())
            if any(text in one.name for text in options.only)
        ]
    else:
        changes = [one for one in every.values() if one.level != EDIT]
        changes += draw_mutants(options.source, generator)
        edits = [one for one in every.values() if one.level == EDIT]
        changes += generator.sample(edits, max(0, min(options.edits, len(edits))))
    if not changes:
        parser.error("no change has such a name: see --list")
    if options.sample is not None:
        size = max(1, min(options.sample, len(changes)))
        changes = generator.sample(changes, size)
    if options.list:
        print("\n".join(change.name for change in changes))
        return 0
    runner = Runner(max(1, options.jobs), options.tests, accept=options.accepted)
    (healthy,) = runner.run([nothing])
    print(healthy, flush=True)
    if healthy.failed_test:
        print("error: tests fail without any change: fix them first", file=sys.stderr)
        return 1
    runner.limit = HANGS * healthy.seconds + 60
    if options.accepted or any(one.level == EDIT for one in changes):
        (healthy,) = runner.run([accepted])
        print(healthy, flush=True)
        if healthy.failed_test == HANG:
            runner.accept = False
            changes = [one for one in changes if one.level != EDIT]
            print("training takes too long here to accept changes: none is accepted")
        elif healthy.failed_test:
            print("error: without any change this fails, too", file=sys.stderr)
            return 1
        runner.accept_limit = runner.limit + HANGS * healthy.seconds
    outcomes: list[Outcome] = []
    for outcome in runner.run(changes):
        outcomes.append(outcome)
        print(f"{len(outcomes):3} of {len(changes)}  {outcome}", flush=True)
    text = draw_report(outcomes)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    print("\n" + text)
    return 0


def draw_report(outcomes: Sequence[Outcome]) -> str:
    """Return the 2 x 2 table, missed faults and false alarms as Markdown."""
    caught, missed, false, passed, rest = [], [], [], [], []
    for one in outcomes:
        if (one.failed_test or one.before) and one.applied and one.change.kind:
            caught.append(one)
        elif one.failed_test:
            # A healthy change, or a fault that was not applied.
            false.append(one)
        elif not one.applied:
            rest.append(one)
        elif one.change.kind:
            missed.append(one)
        else:
            passed.append(one)
    lines = [
        "| | tests fail | tests pass |",
        "|---|---|---|",
        f"| **a fault** | caught bugs: {len(caught)} | "
        f"missed alarms: {len(missed)} |",
        f"| **a healthy change** | false alarms: {len(false)} | "
        f"no alarm: {len(passed)} |",
        "",
    ]
    for level in ("run time", "source"):
        count = sum(one.change.level == level for one in caught)
        every = count + sum(one.change.level == level for one in missed)
        if every:
            found = f"{count} of {every} ({count / every:.0%})"
            what = "faults" if level == "run time" else "mutants"
            lines += [f"- {what}: {found} of those that apply here are caught"]
    hidden = [one for one in caught if not one.failed_test]
    if any(one.before for one in caught):
        count = len(caught) - len(hidden)
        lines += [f"- accepted: {count} of {len(caught)} that are caught stay red"]
    lines += [""]
    if hidden:
        lines += ["| hidden by accepting | caught before by |", "|---|---|"]
        lines += [f"| {_cell(one.change.name)} | {one.before} |" for one in hidden]
        lines += [""]
    if missed:
        lines += ["| missed | kind of test that would catch it |", "|---|---|"]
        lines += [f"| {_cell(one.change.name)} | {one.change.kind} |" for one in missed]
        lines += [""]
    if false:
        lines += ["| false alarm | test |", "|---|---|"]
        lines += [f"| {one.change.name} | {one.failed_test} |" for one in false]
        lines += [""]
    edits = [one for one in passed if one.change.level == EDIT]
    if edits:
        lines += ["| healthy edit | red until it was accepted |", "|---|---|"]
        lines += [f"| {one.change.name} | {one.before or 'nothing'} |" for one in edits]
        lines += [""]
    if rest:
        lines += ["Not applicable, as no test reaches such a place:", ""]
        lines += [f"- {one.change.name}" for one in rest] + [""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
