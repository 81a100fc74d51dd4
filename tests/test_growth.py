"""A project lives: its data grow and change, and nothing healthy is called broken."""

import re

import pytest

from tests.environment import overlay
from tests.projects import Project

pytestmark = pytest.mark.environment

LOADED = "    return digits.images.astype(np.uint8), digits.target.astype(np.int64)\n"
# What `load_raw` of next month returns, from the images and labels of today.
DATA = {
    "one more": """\
    more = images[:1].copy()
    more[0, 4, 4] = (more[0, 4, 4] + 1) % 17
    return np.concatenate([images, more]), np.append(labels, labels[0])
""",
    "many more, corrected labels, other order": """\
    rng = np.random.default_rng(0)
    more = images[:200].copy()
    more[:, 4, 4] = (more[:, 4, 4] + 1) % 17
    corrected = labels.copy()
    corrected[::180] = (corrected[::180] + 1) % 10
    order = rng.permutation(len(images) + 200)
    every = np.concatenate([images, more])
    return every[order], np.concatenate([corrected, labels[:200]])[order]
""",
    "fewer": """\
    kept = np.arange(len(images)) % 10 != 4  # no example of a suite
    return images[kept], labels[kept]
""",
    "copies, with the same and with other labels": """\
    other = np.append(labels[:3], (labels[3:6] + 1) % 10)
    return np.concatenate([images, images[:6]]), np.concatenate([labels, other])
""",
    "another type, in lists of memory of another order": """\
    return np.asfortranarray(images.astype(np.int64)), labels
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new project with a finished training."""
    project = Project(tmp_path_factory.mktemp("growth") / "project", {})
    overlay(project.path)
    project.run(f"python -m {project.package} fit")
    return project


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            name,
            marks=[] if name.startswith("many") else pytest.mark.night,
            id=name,
        )
        for name in DATA
    ],
)
def test_changed_data_leave_the_project_green(data: str, project: Project) -> None:
    """No example moves, tests of data and model pass, and the verdict is the same."""
    changed = (
        "    images = digits.images.astype(np.uint8)\n"
        f"    labels = digits.target.astype(np.int64)\n{DATA[data]}"
    )
    before = verdict(project)
    with project.sabotaged("data.py", LOADED, changed):
        counted = project.run(f"python -m {project.package} splits")
        assert re.search(r"Since the last promotion: 0 moved, ", counted)
        # A training with other data has another curve: nox -s update-curve accepts it.
        project.run("pytest -q --deselect=tests/training/test_curve.py")
        assert verdict(project) == before == "keep"


@pytest.mark.parametrize(
    ("only", "least"),
    [
        pytest.param(["BatchNorm behind"], 1, id="one"),
        pytest.param([""], 40, id="all", marks=pytest.mark.night),
    ],
)
def test_healthy_edits_leave_the_project_green(
    only: list[str], least: int, project: Project
) -> None:
    """Tests, training, comparison and recipes pass after documented commands."""
    chosen = " ".join(f'--only "healthy: {name}"' for name in only)
    project.run(f"nox -s mutation -- {chosen}")
    table = (project.path / "build" / "mutation.md").read_text()
    (passed,) = re.findall(r"\| false alarms: 0 \| no alarm: (\d+) \|", table)
    assert int(passed) >= least, table
    assert "Not applicable" not in table


@pytest.mark.night
def test_accepted_faults_stay_red(project: Project) -> None:
    """The table counts the faults that a promotion and a new curve do not hide."""
    # Without the check of gradients, only the curve catches how they are clipped.
    steps, end = "tests/training/test_steps.py", 'recomputed."""\n'
    exempt = (
        f'{end}\n    exempt = {{"test_gradients_are_those_of_the_formula": "a try"}}\n'
    )
    faults = "--only 'it is a hundredth' --only 'clipped to next to nothing'"
    with project.broken(steps, end, exempt):
        project.run(f"nox -s mutation -- --accepted {faults}")
    table = (project.path / "build" / "mutation.md").read_text()
    assert "caught bugs: 2 | missed alarms: 0" in table
    assert "- accepted: 1 of 2 that are caught stay red" in table
    assert re.search(
        r"\| hidden by accepting \|.*\n.*\n\| gradients: they are clipped", table
    )


def verdict(project: Project) -> str:
    """Compare the newest run with the production model."""
    output = project.run(f"python -m {project.package} compare")
    (found,) = re.findall(r"^(keep|promote|regress): ", output, re.MULTILINE)
    return str(found)
