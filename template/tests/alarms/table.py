"""The table of the bench: how often the tests were right."""

from collections.abc import Sequence

from .bench import Outcome


def draw(outcomes: Sequence[Outcome]) -> str:
    """Return the table, what was missed and what was a false alarm, as Markdown."""
    applied = [one for one in outcomes if one.fired and one.trial]
    count = {
        (harmful, red): [
            one
            for one in applied
            if one.trial and one.trial.harmful == harmful and bool(one.alarm) == red
        ]
        for harmful in (True, False)
        for red in (True, False)
    }
    caught, missed = count[True, True], count[True, False]
    false, smooth = count[False, True], count[False, False]
    # It failed, but not because of the fault.
    false += [one for one in outcomes if one.trial and not one.fired and one.alarm]
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
        lines += [
            f"| {one.trial.name} | {one.trial.kind} |" for one in missed if one.trial
        ]
        lines += [""]
    if false:
        lines += ["| false alarm | test |", "|---|---|"]
        lines += [f"| {one.trial.name} | {one.alarm} |" for one in false if one.trial]
        lines += [""]
    rest = [one for one in outcomes if one.trial and not one.fired and not one.alarm]
    if rest:
        names = "; ".join(one.trial.name for one in rest if one.trial)
        lines += [f"Not applicable, as nothing of the kind happens here: {names}.", ""]
    return "\n".join(lines)
