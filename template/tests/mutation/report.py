"""The report of mutation testing: caught and missed faults, and false alarms."""

from collections.abc import Sequence

from .runner import Outcome


def draw_report(outcomes: Sequence[Outcome]) -> str:
    """Return the 2 x 2 table, missed faults and false alarms as Markdown."""
    caught, missed, false, passed, rest = [], [], [], [], []
    for one in outcomes:
        if one.failed_test and one.applied and one.change.kind:
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
    lines += [""]
    if missed:
        lines += ["| missed | kind of test that would catch it |", "|---|---|"]
        lines += [f"| {_cell(one.change.name)} | {one.change.kind} |" for one in missed]
        lines += [""]
    if false:
        lines += ["| false alarm | test |", "|---|---|"]
        lines += [f"| {one.change.name} | {one.failed_test} |" for one in false]
        lines += [""]
    if rest:
        lines += ["Not applicable, as no test reaches such a place:", ""]
        lines += [f"- {one.change.name}" for one in rest] + [""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
