"""Are settings read, and mistakes in them named?"""

from pathlib import Path

import pytest

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation.significance import Settings, load_settings


def test_settings_are_optional(tmp_path: Path) -> None:
    """Each setting has a default, and an empty file gives all defaults."""
    path = tmp_path / "comparison.yaml"
    for text in ("", "# Nothing yet.\n", "---\n", "--- # nothing\nnull\n"):
        path.write_text(text)
        assert load_settings(path) == Settings("report", 0.05, {})
    path.write_text("min_accuracy: {all: 0.9}\n")
    assert load_settings(path) == Settings("report", 0.05, {"all": 0.9})


def test_missing_settings_are_an_error(tmp_path: Path) -> None:
    """A missing file is an error, as models would be compared without thresholds."""
    path = tmp_path / "comparison.yaml"
    assert load_settings(path) == Settings()  # there are no configurations at all
    (tmp_path / "default.yaml").touch()
    with pytest.raises(UserError, match=r"comparison.yaml is missing: .*git checkout"):
        load_settings(path)


@pytest.mark.parametrize(
    "text",
    [
        "mode: enforced",
        "chance: 5",
        "min_accuracy: {all: 95}",
        "flors: {all: 1}",
        "min_accuracy: [",
    ],
)
def test_invalid_settings_are_named(text: str, tmp_path: Path) -> None:
    """An invalid setting is reported in one line with the file."""
    path = tmp_path / "comparison.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"comparison.yaml: .") as error:
        load_settings(path)
    assert "\n" not in str(error.value)
