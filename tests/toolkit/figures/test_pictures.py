"""Are pictures read as people see them, and drawn without empty space?"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digit_recognizer.toolkit import interface
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.figures import draw_with_titles, read_gray_picture

# Projects from 0.1.0 have no task.py.
load_splits = pytest.importorskip("digit_recognizer.task").load_splits

# A line of five pixels: a gray one and a white one.
LEVELS = np.array([[0, 100, 255, 0, 0]], dtype=np.uint8)


def transparent(path: Path, ink: int) -> None:
    """Write the line in ink of a gray level on a transparent ground."""
    picture = np.stack([LEVELS * 0 + ink] * 3 + [LEVELS], axis=-1)  # (1, 5, 4)
    Image.fromarray(picture.astype(np.uint8), mode="RGBA").save(path)


def turned(path: Path) -> None:
    """Write the line upright, with the mark of a camera that was turned."""
    picture = Image.fromarray(LEVELS.T)
    mark = picture.getexif()
    mark[0x0112] = 8  # the orientation: the right side is at the top
    picture.save(path, exif=mark)


FILES: dict[str, tuple[Callable[[Path], None], bool]] = {
    "usual.png": (lambda path: Image.fromarray(LEVELS).save(path), False),
    "inverted.png": (lambda path: Image.fromarray(255 - LEVELS).save(path), True),
    "colour.png": (
        lambda path: Image.fromarray(LEVELS).convert("RGB").save(path),
        False,
    ),
    "white ink.png": (lambda path: transparent(path, 255), False),
    "black ink.png": (lambda path: transparent(path, 0), True),
    "16 bits.png": (
        lambda path: Image.fromarray(LEVELS.astype(np.uint16) * 257).save(path),
        False,
    ),
    "turned.png": (turned, False),
}


@pytest.mark.parametrize("name", FILES)
def test_pictures_are_read_as_people_see_them(name: str, tmp_path: Path) -> None:
    """The same line comes from files of different kinds."""
    write, invert = FILES[name]
    write(path := tmp_path / name)
    found = read_gray_picture(path, invert=invert)
    assert np.asarray(found).tolist() == LEVELS.tolist()


def huge(path: Path) -> None:
    """Write a file that declares more pixels than fit into memory."""
    Image.new("L", (1, 1)).save(path)
    content = bytearray(path.read_bytes())
    # The header of the file, with a checksum: width and height come first.
    content[16:24] = struct.pack(">II", 20_000, 20_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)


def several(path: Path) -> None:
    """Write a file with two pictures."""
    first, second = Image.new("L", (5, 1)), Image.fromarray(LEVELS)
    first.save(path, save_all=True, append_images=[second])


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "none.png": (lambda path: None, "no file"),
    "folder": (Path.mkdir, "is a folder"),
    "text.png": (lambda path: path.write_text("no picture"), "is not a picture"),
    "huge.png": (huge, "has too many pixels"),
    "two.tiff": (several, "holds 2 pictures"),
    "float.tiff": (
        lambda path: Image.fromarray(LEVELS.astype(np.float32)).save(path),
        "more than 16 bits",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    """What is no single picture that can be read is an error of one line."""
    write, message = REFUSED[name]
    write(path := tmp_path / name)
    with pytest.raises(UserError, match=message):
        read_gray_picture(path)


def test_wide_pictures_take_less_height(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of a figure are as high as their pictures, and never higher than others."""
    data = load_splits()["val"]
    titles = {row: "title" for row in range(10)}

    def draw(axes: object, data: object, row: int) -> None:
        axes.imshow(np.zeros((8, 80)))  # type: ignore[attr-defined]

    usual = draw_with_titles(data, titles).get_size_inches()
    monkeypatch.setattr(interface.import_module(interface.TASK), "draw_example", draw)
    wide = draw_with_titles(data, titles).get_size_inches()
    assert wide[0] == usual[0]
    assert wide[1] < usual[1] / 2
