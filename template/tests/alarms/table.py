"""The table of the bench: how often the tests were right."""

from collections.abc import Sequence

from .bench import Outcome


def draw(outcomes: Sequence[Outcome]) -> str:
    """Return the table, what was missed and what was a false alarm, as Markdown."""
    caught, missed, false, smooth, rest = [], [], [], [], []
    for one in outcomes:
        if one.alarm and one.fired and one.trial.kind:
            caught.append(one)
        elif one.alarm:
            # Nothing was wrong, or the fault was not even made.
            false.append(one)
        elif not one.fired:
            rest.append(one)
        elif one.trial.kind:
            missed.append(one)
        else:
            smooth.append(one)
    lines = [
        "| | tests are red | tests are green |",
        "|---|---|---|",
        f"| **something is broken** | caught bugs: {len(caught)} | "
        f"missed alarms: {len(missed)} |",
        f"| **nothing is broken** | false alarms: {len(false)} | "
        f"smooth sailing: {len(smooth)} |",
        "",
    ]
    for level in ("run time", "source"):
        heard = sum(one.trial.level == level for one in caught)
        every = heard + sum(one.trial.level == level for one in missed)
        if every:
            share = f"{heard} of {every} faults ({heard / every:.0%})"
            lines += [f"- {level}: {share} that apply here are caught"]
    lines += [""]
    if missed:
        lines += ["| missed | kind of test that would catch it |", "|---|---|"]
        lines += [f"| {_cell(one.trial.name)} | {one.trial.kind} |" for one in missed]
        lines += [""]
    if false:
        lines += ["| false alarm | test |", "|---|---|"]
        lines += [f"| {one.trial.name} | {one.alarm} |" for one in false]
        lines += [""]
    if rest:
        lines += ["Not applicable, as the tests reach nothing of the kind:", ""]
        lines += [f"- {one.trial.name}" for one in rest] + [""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
