"""The model card: what a model is, how it does, and what it gets wrong.

Markdown with pictures beside it, for the people who decide whether a model is used.
"""

import shlex
import shutil
from pathlib import Path

from ..figures import as_markdown, draw_examples, save
from .evaluation_set import JUDGED
from .model_comparison import Judgement

MAX_PICTURES = 20
TRIAL_PICTURE = "trial.png"


def write_card(judgement: Judgement, folder: Path) -> Path:
    """Write the card of a model that was judged.

    Args:
        judgement: What was found.
        folder: Gets `card.md` and its pictures.

    Returns:
        The path of the card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    comparison = judgement.comparison
    parts = [
        "# Model card",
        f"**{comparison.verdict}**: {comparison.reason}.",
        "## Compared with the model in use so far",
        _about_the_data(judgement),
        as_markdown(comparison.rows()),
        "*lost*: examples that only the old model predicts right; *won*: only the new.",
        as_markdown(_metrics(judgement)),
        *_trial(judgement, folder),
        "## Training",
        as_markdown(_training(judgement)),
        *_curves(judgement, folder),
        *_errors(judgement, folder),
    ]
    path = folder / "card.md"
    path.write_text("\n\n".join(parts) + "\n", "utf-8")
    return path


def _about_the_data(judgement: Judgement) -> str:
    data = judgement.data
    text = f"On {len(data)} examples, fingerprint `{data.fingerprint()[:12]}`"
    if judgement.old is None:
        return f"{text}. There is no model of this kind to compare with."
    if JUDGED in judgement.changed:
        return (
            f"{text}: **these data have changed since the last promotion**, and both "
            "models are judged on what they are now."
        )
    return f"{text}, the same as at the last promotion."


def _metrics(judgement: Judgement) -> list[list[str]]:
    new = judgement.new.metrics()
    old = {} if judgement.old is None else judgement.old.metrics()
    rows = [["metric", "old", "new"]]
    for name, value in new.items():
        rows.append([name, f"{old[name]:.4f}" if name in old else "", f"{value:.4f}"])
    return rows


def _trial(judgement: Judgement, folder: Path) -> list[str]:
    """Show what users would be told otherwise: is it better?"""
    (folder / TRIAL_PICTURE).unlink(missing_ok=True)
    return judgement.trial.section(folder) if judgement.trial else []


def _training(judgement: Judgement) -> list[list[str]]:
    facts = judgement.training
    began = facts["resumed_from"]
    versions = [f"{name} {version}" for name, version in facts["versions"].items()]
    took = f"{facts['epochs']:,} epochs, {facts['steps']:,} steps, {facts['seconds']:,}"
    return [
        ["training", "value"],
        ["command", f"`{shlex.join(facts['arguments'])}`"],
        *([["resumed from", f"`{began}`"]] if began else []),
        ["seed", str(facts["seed"])],
        ["commit", f"`{facts['commit']}`" if facts["commit"] else "none: not in git"],
        ["hardware", facts["hardware"]],
        ["versions", ", ".join(versions)],
        ["took", f"{took} seconds: {facts['examples_per_second']:,} examples a second"],
    ]


def _curves(judgement: Judgement, folder: Path) -> list[str]:
    curves = judgement.run / "curves.png"
    if not curves.is_file():
        return []
    shutil.copyfile(curves, folder / "curves.png")
    return ["![Loss and accuracy by epoch](curves.png)"]


def _errors(judgement: Judgement, folder: Path) -> list[str]:
    """Draw the worst errors that are new: those that users will meet first."""
    new, old = judgement.new, judgement.old
    wrong = ~new.correct if old is None else ~new.correct & old.correct  # (N,)
    rows = [row for row in new.losses.argsort(descending=True).tolist() if wrong[row]]
    parts = ["## New errors"]
    path = folder / "errors.png"
    path.unlink(missing_ok=True)
    if not rows:
        return [*parts, "None: what is wrong now was wrong before."]
    shown = rows[:MAX_PICTURES]
    save(draw_examples(new, judgement.data, shown), path)
    what = f"{len(rows)} examples, of which these have the highest loss:"
    return [*parts, what, "![Examples with label and prediction](errors.png)"]
