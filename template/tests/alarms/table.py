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
    if caught or missed:
        share = len(caught) / (len(caught) + len(missed))
        lines += [f"{share:.0%} of the faults that apply here are caught.", ""]
    if missed:
        lines += ["| missed | kind of test that would catch it |", "|---|---|"]
        lines += [f"| {one.trial.name} | {one.trial.kind} |" for one in missed]
        lines += [""]
    if false:
        lines += ["| false alarm | test |", "|---|---|"]
        lines += [f"| {one.trial.name} | {one.alarm} |" for one in false]
        lines += [""]
    if rest:
        names = "; ".join(one.trial.name for one in rest)
        lines += [f"Not applicable, as nothing of the kind happens here: {names}.", ""]
    return "\n".join(lines)
