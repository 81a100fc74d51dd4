"""The model card: what a model is, how well it does, and its new errors.

Markdown with pictures beside it, for the people who decide whether a model is used.
"""

import shlex
import shutil
from pathlib import Path

from ..figures import as_markdown, draw_examples, save_figure
from .evaluation_set import TEST_SPLIT
from .model_comparison import ModelComparison
from .significance import SuiteResult

MAX_PICTURES = 20
SHADOW_PICTURE = "shadow.png"


def write_model_card(comparison: ModelComparison, folder: Path) -> Path:
    """Write `card.md` and its pictures into a folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    result = comparison.result
    parts = [
        "# Model card",
        f"**{result.verdict}**: {result.reason}.",
        "## Compared with the production model so far",
        _about_the_data(comparison),
        as_markdown(result.rows()),
        _explanation(result.suites[0]),
        as_markdown(_metrics(comparison)),
        *_shadow(comparison, folder),
        "## Training",
        as_markdown(_training(comparison)),
        *_curves(comparison, folder),
        *_errors(comparison, folder),
    ]
    path = folder / "card.md"
    path.write_text("\n\n".join(parts) + "\n", "utf-8")
    return path


def _explanation(everything: SuiteResult) -> str:
    """Explain the columns of the table."""
    text = (
        "*regressions*: examples that only the old model predicts correctly; *fixes*: "
        "only the new one."
    )
    if everything.new_error is not None:
        decides = "errors" if everything.decides == "error" else "correct predictions"
        text += f" *error*: its mean; the {decides} decide."
    if everything.groups is not None:
        text += " Examples of a group depend on each other, so groups are compared."
    return text


def _about_the_data(comparison: ModelComparison) -> str:
    data, left_out = comparison.data, comparison.left_out
    text = f"On {len(data)} examples, fingerprint `{data.fingerprint()[:12]}`"
    if left_out:
        text = f"On {len(data)} of {len(data) + left_out} examples"
    if not comparison.in_use:
        text += ". There is no production model to compare with."
    elif TEST_SPLIT not in comparison.changed_splits:
        text += ", the same as at the last promotion."
    else:
        text += ": **these data have changed since the last promotion**"
        if comparison.old is not None:
            text += ", and both models are evaluated on the new ones"
        text += "."
    return "\n".join([text, *(f"- {note}" for note in comparison.notes)])


def _metrics(comparison: ModelComparison) -> list[list[str]]:
    new = comparison.new.metrics()
    old = {} if comparison.old is None else comparison.old.metrics()
    rows = [["metric", "old", "new"]]
    for name, value in new.items():
        rows.append([name, f"{old[name]:.4f}" if name in old else "", f"{value:.4f}"])
    return rows


def _shadow(comparison: ModelComparison, folder: Path) -> list[str]:
    """Show which requests the new model answers differently."""
    (folder / SHADOW_PICTURE).unlink(missing_ok=True)
    return comparison.shadow.section(folder) if comparison.shadow else []


def _training(comparison: ModelComparison) -> list[list[str]]:
    facts = comparison.training
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


def _curves(comparison: ModelComparison, folder: Path) -> list[str]:
    curves = comparison.run / "curves.png"
    if not curves.is_file():
        return []
    shutil.copyfile(curves, folder / "curves.png")
    return ["![Loss and accuracy by epoch](curves.png)"]


def _errors(comparison: ModelComparison, folder: Path) -> list[str]:
    """Draw the errors that the old model did not make, the highest loss first."""
    new, old = comparison.new, comparison.old_correct
    wrong = ~new.correct if old is None else ~new.correct & old  # (N,)
    rows = [row for row in new.losses.argsort(descending=True).tolist() if wrong[row]]
    parts = ["## New errors"]
    path = folder / "errors.png"
    path.unlink(missing_ok=True)
    if not rows:
        return [*parts, "None: the old model makes each of these errors, too."]
    shown = rows[:MAX_PICTURES]
    save_figure(draw_examples(new, comparison.data, shown), path)
    what = f"{len(rows)} examples, of which these have the highest loss:"
    return [*parts, what, "![Examples with label and prediction](errors.png)"]
