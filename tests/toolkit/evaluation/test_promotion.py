"""Can a model be promoted, loaded and verified against its metadata?"""

import errno
import hashlib
import json
import re
import shutil
import subprocess
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning
import pytest
import torch
from safetensors.torch import load_file

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation import (
    Suite,
    SuiteExample,
    compare_models,
    compare_with_record,
    load_checkpoint,
    load_example_records,
    load_production,
    load_record,
    promote,
    write_suite,
)
from digit_recognizer.toolkit.evaluation.example_records import label_text
from digit_recognizer.toolkit.evaluation.model_card import write_model_card
from digit_recognizer.toolkit.evaluation.model_store import (
    GOLDEN_COUNT,
    write_production,
)
from digit_recognizer.toolkit.interface import task, training_module
from digit_recognizer.toolkit.serving import ShadowEvaluation, log_predictions, replay
from digit_recognizer.toolkit.splits import SplitRule, places
from tests.helpers.training import enter

pytestmark = pytest.mark.task_interface

DEPTH = Parameter("depth", Parameter.KEYWORD_ONLY)
TRAINING = {
    "arguments": ["fit", "--model.width=4"],
    "seed": 1,
    "commit": None,
    "resumed_from": None,
    "versions": {"python": "3.11.7"},
    "hardware": "CPU",
    "finished": True,
    "epochs": 2,
    "steps": 60,
    "seconds": 1.5,
    "examples_per_second": 1234.5,
    "metrics": {"val/loss": 2.3},
}


@pytest.fixture(autouse=True)
def _few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw two pictures, as twenty take half a second."""
    most = "digit_recognizer.toolkit.evaluation.model_card.MAX_PICTURES"
    monkeypatch.setattr(most, 2)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint in its run folder, as the trainer saves it."""
    trainer = lightning.Trainer(accelerator="cpu", logger=False, barebones=False)
    trainer.strategy.connect(training_module()(width=4, embedding_size=6))
    path = tmp_path / "run" / "checkpoints" / "best.ckpt"
    trainer.save_checkpoint(path)
    (tmp_path / "run" / "config.yaml").write_text("model: {width: 4}\n")
    (tmp_path / "run" / "record.json").write_text(json.dumps(TRAINING))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the production model."""
    folder = tmp_path / "production"
    shutil.copytree(paths.production(), folder)
    return folder


def test_production_model_equals_the_checkpoint(
    checkpoint: Path, tmp_path: Path
) -> None:
    """Weights, metadata, configuration and golden outputs fit the checkpoint."""
    folder = tmp_path / "production"
    folder.mkdir()
    trained_on = task.load_splits()["train"].digests()
    (checkpoint.parents[1] / "trained-on.txt").write_text("\n".join(trained_on))
    write_production(checkpoint, folder)
    net, hyperparameters = load_checkpoint(checkpoint)
    assert hyperparameters["embedding_size"] == 6
    splits = task.load_splits()
    x, _ = splits["val"].batch([0, 1])
    assert torch.equal(load_production(folder)(x), net(x))
    record = load_record(folder)
    evaluation = task.evaluate(net, splits["test"])
    assert record["metrics"]["test"] == evaluation.metrics()
    assert record["data"] == {name: data.fingerprint() for name, data in splits.items()}
    assert record["model"]["width"] == 4
    assert record["training"] == TRAINING
    assert (folder / "config.yaml").read_text() == "model: {width: 4}\n"
    lines = (folder / "golden.jsonl").read_text().splitlines()
    golden = [json.loads(line) for line in lines]
    assert len(golden) == min(GOLDEN_COUNT, len(splits["test"]))
    digests = splits["test"].digests()
    rows = [digests.index(example["digest"]) for example in golden]
    x, _ = splits["test"].batch(rows)
    names = [label_text(splits["test"].labels[row]) for row in rows]
    assert [example["label"] for example in golden] == names
    outputs = torch.tensor([example["outputs"] for example in golden])
    torch.testing.assert_close(net(x), outputs, atol=1e-4, rtol=0)
    known = load_example_records(folder)
    assert {*(known.trained_on or ())} == {*trained_on}
    assert known.splits == places(splits)
    results = [known.results[digest] for digest in digests]
    assert [result.correct for result in results] == evaluation.correct.tolist()
    losses = torch.tensor([result.loss for result in results])
    torch.testing.assert_close(losses, evaluation.losses, rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", ["config.yaml", "record.json"])
def test_checkpoint_without_origin_is_not_promoted(
    name: str, checkpoint: Path, tmp_path: Path
) -> None:
    """A checkpoint that cannot be reproduced does not become the production model."""
    (checkpoint.parents[1] / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        promote(checkpoint, tmp_path / "production", even_if_worse=True)
    assert not (tmp_path / "production").exists()


def test_worse_model_is_promoted_only_on_request(
    checkpoint: Path, folder: Path
) -> None:
    """An untrained model is refused, and promoted with even_if_worse."""
    before = (folder / "record.json").read_text()
    with pytest.raises(UserError, match="best.ckpt is .*worse on "):
        promote(checkpoint, folder)
    assert (folder / "record.json").read_text() == before
    comparison = promote(checkpoint, folder, even_if_worse=True)
    assert load_record(folder)["metrics"]["test"] == comparison.new.metrics()
    everything, *_ = comparison.result.suites
    assert everything.regressions > everything.fixes
    # Now it is the production model, and has no regressions against itself.
    assert compare_models(checkpoint, folder).result.suites[0].regressions == 0


def test_promotion_can_be_reverted(checkpoint: Path, folder: Path) -> None:
    """After `git revert`, the previous model predicts the same outputs as before."""
    x, _ = task.load_splits()["test"].batch([0, 1, 2])
    before = load_production(folder)(x)
    git(folder, "init", "--quiet")
    commit(folder)
    promote(checkpoint, folder, even_if_worse=True)
    assert not torch.equal(load_production(folder)(x), before)
    commit(folder)
    git(folder, "revert", "--no-edit", "HEAD")
    assert torch.equal(load_production(folder)(x), before)


def test_shadow_evaluation_replays_logged_requests(
    checkpoint: Path, tmp_path: Path
) -> None:
    """The card shows the shadow evaluation; a promotion without logs removes it."""
    folder, log = tmp_path / "production", tmp_path / "log"
    shutil.copytree(paths.production(), folder)
    raw = task.load_splits()["test"].raw[:8]
    log_predictions(log, Path("a"), "", raw, range(8), [[]] * 8)
    data = task.load_splits()["test"].select([*range(8)])
    before = task.evaluate(load_production(folder), data).predictions
    replayed = partial(replay, [log])
    comparison = promote(checkpoint, folder, even_if_worse=True, replay=replayed)
    shadow = comparison.shadow
    assert isinstance(shadow, ShadowEvaluation) and shadow.changed
    assert shadow.before == [task.label_name(label) for label in before]
    assert f"{shadow}." in (folder / "card.md").read_text()
    assert (folder / "shadow.png").is_file()
    result = json.loads((folder / "shadow.json").read_text())
    assert result["sha256"] == load_record(folder)["sha256"]
    promote(checkpoint, folder, even_if_worse=True)
    assert not [*folder.glob("shadow.*")]


def git(folder: Path, *arguments: str) -> None:
    """Run git with a user name and an address."""
    person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    command = ["git", "-C", str(folder), *person, *arguments]
    subprocess.run(command, check=True, capture_output=True)


def commit(folder: Path) -> None:
    """Commit all files."""
    git(folder, "add", "--all")
    git(folder, "commit", "--message=Promote")


def test_models_are_compared_on_suites_from_files(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examples of a suite may be in any split but the training split."""
    data = task.load_splits()["val"]
    examples = [
        SuiteExample(digest, task.label_name(label), "one of all")
        for digest, label in zip(data.digests(), data.labels, strict=True)
    ]
    enter(tmp_path, monkeypatch, "models/production")
    write_suite(Suite("whole", 0.01, "all of a split", examples))
    comparison = compare_models(checkpoint)
    *_, whole = comparison.result.suites
    assert (whole.name, whole.size, whole.min_accuracy) == ("whole", len(data), 0.01)
    correct = task.evaluate(load_checkpoint(checkpoint)[0], data).correct
    assert whole.new == correct.double().mean()
    old = task.evaluate(load_production(), data).correct
    assert whole.regressions == (old & ~correct).sum()
    # The first suite is still the test split, as are the errors on the card.
    assert comparison.result.suites[0].size == len(task.load_splits()["test"])
    assert len(comparison.new.correct) == len(comparison.data)
    # A suite of errors can show that a model is worse, not that it is better.
    promote(checkpoint, tmp_path / "production", even_if_worse=True)
    loaded = "digit_recognizer.toolkit.evaluation.model_comparison.load_checkpoint"
    monkeypatch.setattr(loaded, lambda path: (load_production(), {}))
    *_, whole = compare_models(checkpoint, tmp_path / "production").result.suites
    assert whole.fixes > whole.regressions
    assert whole.finding == ""


def write_examples(folder: Path, text: str) -> None:
    """Write other records of examples; none, as an older version, if it is empty."""
    (folder / "examples.csv").write_text(text)
    known_hash = hashlib.sha256(text.encode()).hexdigest()
    record = load_record(folder) | {"examples": known_hash}
    if not text:
        del record["examples"]
    (folder / "record.json").write_text(json.dumps(record))


@pytest.fixture
def other_architecture(folder: Path) -> Path:
    """The folder of a production model that does not fit `model.py`."""
    record = load_record(folder)
    record["model"]["width"] = 3
    (folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="does not fit the network"):
        load_production(folder)
    return folder


def test_other_architecture_is_compared_by_its_record(
    checkpoint: Path, other_architecture: Path
) -> None:
    """The recorded results give the same verdict as the model itself."""
    expected = compare_models(checkpoint)
    comparison = compare_models(checkpoint, other_architecture)
    assert comparison.old is None
    assert comparison.result.rows() == expected.result.rows()
    assert comparison.result.verdict == "regress"
    text = write_model_card(comparison, other_architecture / "card").read_text()
    assert "- the production model does not fit the network in model.py" in text
    with pytest.raises(UserError, match="(worse|below minimum) on "):
        promote(checkpoint, other_architecture)
    promote(checkpoint, other_architecture, even_if_worse=True)
    load_production(other_architecture)


def test_examples_without_recorded_result_are_left_out(
    checkpoint: Path, other_architecture: Path
) -> None:
    """New examples and those with another label cannot be compared by the record."""
    lines = (other_architecture / "examples.csv").read_text().splitlines()
    one, other, *_ = [line for line in lines if ",test," in line]
    lines.remove(one)
    digest, split, label, *rest = other.split(",")
    lines[lines.index(other)] = ",".join([digest, split, f"{label}!", *rest])
    write_examples(other_architecture, "\n".join(lines))
    comparison = compare_models(checkpoint, other_architecture)
    assert comparison.notes[-1].startswith("left out: 2 examples without a recorded")
    digests = comparison.data.digests()
    assert len(digests) == len(task.load_splits()["test"]) - 2
    assert digest not in digests


@pytest.mark.parametrize(
    "recorded", ["", "digest,split,label,correct,loss\n0123,test,1,1,0.5\n"]
)
def test_minima_count_without_recorded_results(
    recorded: str, checkpoint: Path, other_architecture: Path
) -> None:
    """Without results, or with those of other data, the comparison says so."""
    write_examples(other_architecture, recorded)
    comparison = compare_models(checkpoint, other_architecture)
    assert comparison.old_correct is None
    assert comparison.notes[-1].startswith("no result of it is recorded for these")
    assert len(comparison.data) == len(task.load_splits()["test"])


def test_examples_that_a_model_was_trained_on_are_left_out(
    checkpoint: Path, folder: Path
) -> None:
    """No example of the training data of one of the models counts for the verdict."""
    path = folder / "examples.csv"
    assert compare_models(checkpoint, folder).notes == [
        "whether the new model was trained on some of these examples is not recorded"
    ]
    test = task.load_splits()["test"].digests()
    text = path.read_text()
    for digest in test[:7]:
        text = re.sub(rf"{digest},test,.*", f"{digest},train,,,", text)
    write_examples(folder, text)
    new = [*task.load_splits()["train"].digests(), *test[5:10]]
    (checkpoint.parents[1] / "trained-on.txt").write_text("\n".join(new))
    comparison = compare_models(checkpoint, folder)
    assert comparison.notes == [
        "left out: 7 examples that the production model was trained on",
        "left out: 5 examples that the new model was trained on",
    ]
    assert comparison.data.digests() == test[10:]
    everything, *_ = comparison.result.suites
    assert everything.size == len(test) - 10
    old = task.evaluate(load_production(folder), comparison.data)
    assert comparison.old is not None
    assert torch.equal(comparison.old.losses, old.losses)
    (checkpoint.parents[1] / "trained-on.txt").write_text("\n".join(test))
    with pytest.raises(UserError, match="no example of the test split is left"):
        compare_models(checkpoint, folder)


def test_many_training_examples_are_known_by_their_rule(
    checkpoint: Path, folder: Path
) -> None:
    """Without digests, the recorded rule tells what a model was trained on."""
    path = folder / "examples.csv"
    text = path.read_text()
    write_examples(folder, re.sub(r"\w+,train,.*\n", "", text))
    assert "production model was trained" not in str(
        compare_models(checkpoint, folder).notes
    )
    record = load_record(folder)
    record["training"]["split_rule"]["salt"] = "another"
    record["training"]["data"]["train"] = "other data"
    (folder / "record.json").write_text(json.dumps(record))
    left_out, *_ = compare_models(checkpoint, folder).notes
    rule = SplitRule("another", record["training"]["split_rule"]["fractions"])
    test = task.load_splits()["test"].digests()
    count = sum(rule.split_of(digest) == "train" for digest in test)
    assert 0.4 * len(test) < count < 0.8 * len(test)
    found = re.match(r"left out: (\d+) examples that the production", left_out)
    assert found and int(found[1]) >= count  # and some in suites of other splits


@pytest.mark.parametrize("fails", ["write_model_card", "write_production"])
def test_failed_promotion_changes_nothing(
    fails: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a file cannot be written, the production model is as it was."""
    folder = tmp_path / "models" / "production"
    shutil.copytree(paths.production(), folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"digit_recognizer.toolkit.evaluation.promotion.{fails}", full)
        with pytest.raises(UserError, match="is as it was.*No space left"):
            promote(checkpoint, folder, even_if_worse=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["production"]
    (folder / "notes.md").write_text("ours")
    promote(checkpoint, folder, even_if_worse=True)
    assert (folder / "notes.md").read_text() == "ours"
    assert [path.name for path in folder.parent.iterdir()] == ["production"]


def test_ctrl_c_in_a_promotion_changes_nothing(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Ctrl-C comes while the folders are exchanged, the old one comes back."""
    folder = tmp_path / "models" / "production"
    shutil.copytree(paths.production(), folder)
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            promote(checkpoint, folder, even_if_worse=True)
    assert load_record(folder) == load_record()
    assert [path.name for path in folder.parent.iterdir()] == ["production"]


def test_example_of_training_and_test_is_recorded_once(
    checkpoint: Path, tmp_path: Path
) -> None:
    """Training data count as such, and a digest that is there twice counts once."""
    folder, splits = tmp_path / "production", task.load_splits()
    test = splits["test"].digests()
    digests = [*splits["train"].digests(), *test[:5], *test[:5]]
    (checkpoint.parents[1] / "trained-on.txt").write_text("\n".join(digests))
    promote(checkpoint, folder, even_if_worse=True)
    known = load_example_records(folder)
    assert {*(known.trained_on or ())} == {*digests}
    assert known.results.keys() == {*test[5:], *splits["val"].digests()}


def test_minima_count_on_examples_that_are_not_compared(
    checkpoint: Path,
    other_architecture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A suite of examples without recorded results keeps its minimum accuracy."""
    data = task.load_splits()["val"]
    wrong = ~task.evaluate(load_checkpoint(checkpoint)[0], data).correct
    rows = wrong.nonzero().flatten()[:3].tolist()
    examples = [
        SuiteExample(data.digests()[row], task.label_name(data.labels[row]), "new")
        for row in rows
    ]
    text = (other_architecture / "examples.csv").read_text()
    for example in examples:
        text = re.sub(rf"{example.digest},.*\n", "", text)
    write_examples(other_architecture, text)
    enter(tmp_path / "work", monkeypatch, "models/production")
    write_suite(Suite("fresh", 0.5, "failures of last week", examples))
    comparison = compare_models(checkpoint, other_architecture)
    assert comparison.notes[-1] == "not compared: fresh, with no example left"
    *_, fresh = comparison.result.suites
    assert (fresh.name, fresh.finding, fresh.new) == ("fresh", "below minimum", 0)
    assert "fresh (0.0%, at least 50.0% required)" in comparison.result.reason


def test_an_edit_of_the_records_is_noticed(folder: Path) -> None:
    """Records of examples with another value are refused, with other line ends not."""
    path = folder / "examples.csv"
    expected, text = load_example_records(folder), path.read_text()
    path.write_text(text, newline="\r\n")
    assert load_example_records(folder) == expected
    path.write_text(text.replace(",test,", ",val,", 1))
    with pytest.raises(UserError, match="is not the file of its record.json"):
        load_example_records(folder)


def test_layers_may_share_a_weight(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that two layers share, or of another memory layout, are written."""
    net, hyperparameters = load_checkpoint(checkpoint)
    first = next(part for part in net.parameters() if part.ndim > 1)
    first.data = first.data.transpose(0, 1).contiguous().transpose(0, 1)
    net.twin = net.head
    store = "digit_recognizer.toolkit.evaluation.model_store.load_checkpoint"
    monkeypatch.setattr(store, lambda path: (net, hyperparameters))
    write_production(checkpoint, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    assert torch.equal(weights["twin.weight"], weights["head.weight"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", "damaged", "is not the file of its record.json"),
        ("model.safetensors", None, "model.safetensors is missing"),
        (
            "model.safetensors",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0123\n",
            "is a pointer of Git LFS: .*git lfs pull",
        ),
        ("examples.csv", "<<<<<<< ours", "examples.csv is not the file of its"),
        ("examples.csv", None, "examples.csv is not the file of its record.json"),
        ("record.json", "<<<<<<< ours", "is not a record of a model"),
        ("record.json", "{}", "is not a record of a model"),
    ],
)
def test_damaged_production_model_is_not_replaced(
    name: str, content: str | None, message: str, checkpoint: Path, folder: Path
) -> None:
    """A damaged production model is an error: the comparison would be missing."""
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(UserError, match=message):
        promote(checkpoint, folder, even_if_worse=True)
    assert not (folder / "shadow.json").exists()
    assert (folder / name).exists() == (content is not None)


def test_changed_data_are_named(checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    """Both models are evaluated on the current data, and the card says so."""
    assert compare_models(checkpoint, folder).changed_splits == []
    record = load_record(folder)
    record["data"]["test"] = "that of last month"
    (folder / "record.json").write_text(json.dumps(record))
    comparison = compare_models(checkpoint, folder)
    assert comparison.changed_splits == ["test"]
    assert (
        comparison.result.suites[0].old == load_record()["metrics"]["test"]["accuracy"]
    )
    card = write_model_card(comparison, tmp_path).read_text()
    assert "have changed since the last promotion" in card


def test_card_shows_regressions(checkpoint: Path, tmp_path: Path) -> None:
    """The card shows regressions with a picture, and the curves of the run."""
    (checkpoint.parents[1] / "curves.png").write_bytes(b"curves")
    comparison = compare_models(checkpoint)
    card = write_model_card(comparison, tmp_path / "card")
    text = card.read_text()
    assert f"{comparison.result.suites[0].regressions} examples" in text
    assert "| command | `fit --model.width=4` |" in text
    assert "2 epochs, 60 steps, 1.5 seconds: 1,234.5 examples a second |" in text
    for name in ("curves.png", "errors.png"):
        assert f"]({name})" in text
        assert (card.parent / name).stat().st_size > 0


def test_card_of_an_equal_model_shows_no_errors(
    checkpoint: Path, tmp_path: Path
) -> None:
    """Without regressions, the picture of an earlier comparison is removed."""
    write_model_card(compare_models(checkpoint), tmp_path / "card")
    promote(checkpoint, tmp_path / "production", even_if_worse=True)
    equal = compare_models(checkpoint, tmp_path / "production")
    text = write_model_card(equal, tmp_path / "card").read_text()
    assert "None: the old model makes each of these errors, too." in text
    assert not (tmp_path / "card" / "errors.png").exists()


def test_model_with_nan_loss_is_not_compared(checkpoint: Path) -> None:
    """A checkpoint with nan in its weights is an error."""
    content = torch.load(checkpoint, weights_only=True)
    content["state_dict"]["net.head.bias"] *= torch.nan
    torch.save(content, checkpoint)
    with pytest.raises(UserError, match=r"best.ckpt cannot be used: its \w+ is nan"):
        compare_models(checkpoint)


def test_unfinished_training_is_promoted_only_on_request(
    checkpoint: Path, tmp_path: Path
) -> None:
    """A training that stopped early is promoted only with even_if_worse."""
    path = checkpoint.parents[1] / "record.json"
    path.write_text(json.dumps(TRAINING | {"finished": False}))
    with pytest.raises(UserError, match="stopped early, after 60 steps: train again"):
        promote(checkpoint, tmp_path / "production")
    promote(checkpoint, tmp_path / "production", even_if_worse=True)


def test_weights_with_wrong_checksum_are_refused(tmp_path: Path) -> None:
    """A single changed bit in the weights is an error."""
    shutil.copytree(paths.production(), tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UserError, match=r"is not the file of its record.json"):
        load_production(tmp_path)


@pytest.mark.parametrize("name", ["record.json", "model.safetensors"])
def test_missing_production_files_are_named(name: str, tmp_path: Path) -> None:
    """The message says how to get the file."""
    shutil.copytree(paths.production(), tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=r"promote a checkpoint|git checkout"):
        load_production(tmp_path)


class Code:
    """Runs code when it is unpickled without restrictions."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        """Return a function to call, and its arguments."""
        return (Path.touch, (self.mark,))


def test_checkpoint_with_code_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    """The code in the pickle does not run."""
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, "more": Code(mark := tmp_path / "mark")}, checkpoint)
    with pytest.raises(UserError, match="best.ckpt is not a checkpoint"):
        load_checkpoint(checkpoint)
    assert not mark.exists()


def test_checkpoint_of_another_network_is_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options and weights that do not fit are named; bugs in the network are raised."""
    content = torch.load(checkpoint, weights_only=True)
    with monkeypatch.context() as patch:
        options = (*signature(task.Network).parameters.values(), DEPTH)
        patch.setattr(task.Network, "__signature__", Signature(options), raising=False)
        with pytest.raises(UserError, match=r"best.ckpt was trained without model.de"):
            load_checkpoint(checkpoint)
    weights = {"net.strange": torch.ones(1)}
    torch.save({**content, "state_dict": weights}, checkpoint)
    with pytest.raises(UserError, match="best.ckpt does not fit the network"):
        load_checkpoint(checkpoint)

    @wraps(task.Network.__init__)
    def mistake(*arguments: object, **options: object) -> None:
        raise AttributeError("no attribute hidden_size")

    torch.save(content, checkpoint)
    monkeypatch.setattr(task.Network, "__init__", mistake)
    with pytest.raises(AttributeError, match="hidden_size"):
        load_checkpoint(checkpoint)


def test_invalid_checkpoint_file_is_named(tmp_path: Path) -> None:
    """A text file and a missing file are errors that name the file."""
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    for name in ("text.ckpt", "nowhere.ckpt"):
        with pytest.raises(UserError, match=name):
            load_checkpoint(tmp_path / name)


def test_results_are_compared_with_the_record() -> None:
    """Other losses are wrong; lost, new and relabelled examples are only noted."""
    data = task.load_splits()["test"]
    evaluation = task.evaluate(load_production(), data)
    assert compare_with_record(data, evaluation, 1e-3) == ("", "")
    losses = evaluation.losses.clone()
    losses[3] += 1
    changed: Any = SimpleNamespace(losses=losses, correct=evaluation.correct)
    wrong, _ = compare_with_record(data, changed, 1e-3)
    assert wrong.startswith(f"1 of {len(data)} losses are not those recorded, such as ")
    assert data.digests()[3] in wrong
    changed.losses = evaluation.losses
    changed.correct = evaluation.correct.clone()
    # One more is correct, and one less.
    changed.correct[evaluation.correct.long().argmin()] = True
    changed.correct[evaluation.correct.long().argmax()] = False
    wrong, _ = compare_with_record(data, changed, 1e-3)
    assert wrong == "2 predictions differ in correctness"
    # One is gone, one is new, and one has another label.
    raw, labels = data.raw[1:].clone(), data.labels[1:].clone()
    raw[0] = raw[0].flip(0)
    labels[1] = labels[labels != labels[1]][0]
    other = task.make_examples(raw, labels)
    evaluation = task.evaluate(load_production(), other)
    note = "1 new, 2 gone, 1 with another label"  # the flipped one is another
    assert compare_with_record(other, evaluation, 1e-3) == ("", note)
    few = other.select([0])
    wrong, _ = compare_with_record(few, task.evaluate(load_production(), few), 1e-3)
    assert wrong == "no example with a recorded result is left: promote"
