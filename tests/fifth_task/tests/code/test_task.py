"""Are examples from files equal to those in the data?"""

from pathlib import Path

import pytest
import torch

from digit_recognizer.__main__ import main
from digit_recognizer.data import load_splits
from digit_recognizer.prediction import predict
from digit_recognizer.task import read_examples, suites, write_example
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation import load_production


def test_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    """A strip that is written and read again keeps all gray levels."""
    strip = load_splits()["val"].raw[0]
    write_example(strip, tmp_path / "strip.png")
    assert torch.equal(read_examples(tmp_path / "strip.png")[0], strip)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A file that is not a picture is rejected with a clear message."""
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UserError, match="text.png is not a picture"):
        read_examples(tmp_path / "text.png")


@pytest.mark.ml_test_score("monitor.2")
def test_unlikely_picture_gets_an_answer_and_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A strip outside the expected ranges gets a prediction and a warning."""
    strip = load_splits()["val"].raw[0]
    write_example(strip[:, :8], short := tmp_path / "short.png")
    write_example(strip, usual := tmp_path / "usual.png")
    assert main(["predict", str(short), str(usual)]) == 0
    printed = capsys.readouterr()
    answers = predict(load_production(), [strip[:, :8], strip])
    assert printed.out == f"{short}: {answers[0]}\n{usual}: {answers[1]}\n"
    expected = f"warning: {short}: length is 1, expected from 2 to 6\n"
    assert printed.err == expected


def test_each_length_is_a_suite() -> None:
    """Each length has a suite with the rows of its examples."""
    data = load_splits()["test"]
    found = suites(data)
    assert [*found] == [f"length {length}" for length in range(2, 7)]
    assert sorted(sum(found.values(), [])) == [*range(len(data))]
    assert {data.raw[row].shape[1] for row in found["length 3"]} == {24}
