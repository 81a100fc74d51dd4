"""Teams and rooms (subpackages) of the toolkit import only public names."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT, render
from tests.markdown import code_blocks
from tests.releases import RELEASES, Release
from tests.rooms import MAY_IMPORT, MODULES, facades, imports, inside, outside
from tests.zones import Zone

pytestmark = pytest.mark.one_version

PACKAGE = "digit_recognizer"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project."""
    path = tmp_path_factory.mktemp("rooms") / "project"
    render(path)
    return path


@pytest.fixture(scope="module")
def toolkit(project: Path) -> Path:
    """The toolkit of the project."""
    return project / "src" / PACKAGE / "toolkit"


def _sources(project: Path, zone_of: Zone) -> Iterator[tuple[str, str | None, str]]:
    """Yield name, place and Python source of the team's files."""
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        if name.startswith(".git/") or path.suffix not in (".py", ".ipynb"):
            continue
        if zone_of(name) != "starter":
            continue
        text = path.read_text("utf-8")
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
            text = "\n".join(line for cell in code for line in cell.split("\n"))
            text = "\n".join(x for x in text.split("\n") if not x.startswith("%"))
        in_package = path.parent == project / "src" / PACKAGE
        yield name, "" if in_package else None, text


def test_starter_files_import_public_names(
    project: Path, toolkit: Path, zone_of: Zone
) -> None:
    """Starter files import only public names of the toolkit."""
    public = facades(toolkit)
    wrong = {
        name: found
        for name, place, text in _sources(project, zone_of)
        if (found := outside(text, place, PACKAGE, public))
    }
    assert wrong == {}


def test_rooms_import_rooms_below(toolkit: Path) -> None:
    """Rooms import only lower rooms, through their facades, without cycles."""
    public = facades(toolkit)
    wrong: dict[str, list[str]] = {}
    for path in sorted(toolkit.rglob("*.py")):
        place = ".".join(path.relative_to(toolkit).with_suffix("").parts)
        if place != "__init__":
            found = inside(path.read_text("utf-8"), place, PACKAGE, public)
            wrong |= {place: found} if found else {}
    assert wrong == {}


def test_rooms_have_an_order() -> None:
    """The import rules list each room after all that it may import."""
    known: list[str] = []
    for room, below in MAY_IMPORT.items():
        assert set(below) <= set(known), room
        known.append(room)


def test_diagram_shows_the_rooms() -> None:
    """The diagram in CONTRIBUTING.md shows all rooms and their allowed imports."""
    (picture,) = code_blocks(ROOT / "CONTRIBUTING.md", "mermaid")
    arrows = re.findall(r"^ +(\w+) --> (\w+)$", picture, re.MULTILINE)
    rooms = {*MAY_IMPORT} - {*MODULES}
    assert {*re.findall(r"\w+", picture)} - {"flowchart", "TD"} == rooms
    for room in rooms:
        reached = {room}
        for _ in rooms:
            reached |= {below for above, below in arrows if above in reached}
        assert {*MAY_IMPORT[room]} - {*MODULES} <= reached
    assert all(below in MAY_IMPORT[above] for above, below in arrows)


def test_facade_exports_its_imports(toolkit: Path) -> None:
    """Each room has a facade whose `__all__` lists exactly its imports."""
    public = facades(toolkit)
    assert {*public} == {*MAY_IMPORT} - {*MODULES}
    assert {path.stem for path in toolkit.glob("*.py")} == {*MODULES, "__init__"}
    for room, names in public.items():
        tree = ast.parse((toolkit / room / "__init__.py").read_text("utf-8"))
        taken = [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]
        assert sorted(names) == sorted(taken), room


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("from .toolkit.run_records import newest_checkpoint", []),
        ("from .toolkit import run_records", []),
        ("from .toolkit.errors import UserError", []),
        (
            "from .toolkit.run_records.folders import new_run_dir",
            ["line 1: new_run_dir"],
        ),
        (
            "def f():\n    from .toolkit.run_records import fit_command",
            ["line 2: fit_command"],
        ),
        ("from .toolkit import paths", ["line 1: paths"]),
        ("from . import toolkit", ["line 1: toolkit"]),
        ("from digit_recognizer import toolkit", ["line 1: toolkit"]),
        ("import digit_recognizer.toolkit.run_records as runs", []),
        ("from .data import load_splits", []),
        ("from digit_recognizer.toolkit.paths import root", ["line 1: root"]),
        (
            "import digit_recognizer.toolkit.run_records.folders",
            ["line 1: run_records.folders"],
        ),
    ],
)
def test_import_past_a_facade_is_detected(
    line: str, wrong: list[str], toolkit: Path
) -> None:
    """An import of a non-public name in a team's file is detected."""
    found = outside(line, "", PACKAGE, facades(toolkit))
    assert [sentence.partition(" is not ")[0] for sentence in found] == wrong


@pytest.mark.parametrize(
    ("place", "line", "wrong"),
    [
        ("serving.shadow", "from ..evaluation import SHADOW_RESULT", []),
        ("run_records.commands", "from .folders import VARIABLE", []),
        ("evaluation.commands", "from ..serving import replay", []),
        ("run_records.folders", "from ..errors import UserError", []),
        ("serving.commands", "from ..evaluation.commands import compare", []),
        ("serving.shadow", "from ..evaluation.commands import compare", ["not public"]),
        ("evaluation.promotion", "from ..serving import replay", ["not above"]),
        ("run_records.folders", "from .. import training", ["not above"]),
        ("analysis.slices", "from ..serving import log", ["not above"]),
        ("serving.shadow", "from ..evaluation.suites import parse", ["not public"]),
        ("serving.shadow", "from ..evaluation import parse", ["not public"]),
        ("figures.reports", "from ...data import load_splits", ["of the task"]),
        ("figures.reports", "from ... import task", ["of the task"]),
        ("figures.reports", "import digit_recognizer.data", ["of the task"]),
    ],
)
def test_forbidden_import_is_detected(
    place: str, line: str, wrong: list[str], toolkit: Path
) -> None:
    """A forbidden import in a module of the toolkit is detected."""
    found = inside(line, place, PACKAGE, facades(toolkit))
    assert len(found) == len(wrong)
    assert all(part in sentence for part, sentence in zip(wrong, found, strict=True))


@pytest.mark.parametrize(
    "release", RELEASES, ids=[release.version for release in RELEASES]
)
def test_names_in_released_files_exist(
    release: Release, project: Path, toolkit: Path, zone_of: Zone, tmp_path: Path
) -> None:
    """The toolkit and helpers still have the names that released files import."""
    render(tmp_path / "old", version=release.tag)
    public = facades(toolkit)
    missing = []
    for name, place, text in _sources(tmp_path / "old", zone_of):
        used = [*imports(text, place, PACKAGE)]
        if used and (found := outside(text, place, PACKAGE, public)):
            missing.append((name, found))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module:
                if node.module.startswith("tests.helpers."):
                    helper = project / f"{node.module.replace('.', '/')}.py"
                    there = _defined(helper)
                    lost = [a.name for a in node.names if a.name not in there]
                    missing += [(name, lost)] if lost else []
    assert missing == []


def _defined(path: Path) -> set[str]:
    """Return the names at the top level of a module."""
    if not path.is_file():
        return set()
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {ast.unparse(target) for target in targets}
            case ast.AnnAssign(target=target):
                names.add(ast.unparse(target))
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
    return names
