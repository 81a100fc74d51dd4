"""Environments for generated projects, from versions that are known to work."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
# Names a file that knows the environment before, for tests that make many.
BYTECODE = "LAST_ENVIRONMENT"
INDEX = "https://download.pytorch.org/whl/cpu"
# A space, as addresses of mirrors may have one.
MIRROR = Path(sys.prefix) / "a mirror"


def create(
    project: Path,
    environ: Mapping[str, str] = os.environ,
    resolution: str | None = None,
) -> Path:
    """Give a project an environment of its own, in seconds.

    Args:
        project: A generated repository; gets `.venv`.
        environ: `UV_FIND_LINKS` names a folder of wheels that holds PyTorch; without
            it, the build without CUDA comes from PyTorch's index.
        resolution: `highest` or `lowest-direct`, instead of the versions that are
            known to work. A folder of wheels decides about PyTorch even then.

    Returns:
        The folder of the environment's programs.
    """
    venv = project / ".venv"
    uv = (sys.executable, "-m", "uv")
    options = ["--group", "dev", "--no-sources"]
    environ = dict(environ)
    if resolution is None:
        options += ["--constraint", str(CONSTRAINTS)]
        environ["UV_EXCLUDE_NEWER"] = "2100-01-01"  # these are known to work already
    else:
        options += ["--resolution", resolution]
        if "UV_FIND_LINKS" in environ:
            version = _wheels(environ)[-1].name.split("-")[1]
            override = project.with_name("torch.txt")
            override.write_text(f"torch=={version}\n")
            options += ["--override", str(override)]
    if "UV_FIND_LINKS" not in environ:
        options += ["--torch-backend", "cpu"]
    options += ["--python", str(venv), "--editable", "."]
    for command in (
        ["venv", "--quiet", "--clear", str(venv)],
        ["pip", "install", *options],
    ):
        subprocess.run([*uv, *command], cwd=project, env=environ, check=True)
    take_bytecode(venv)
    return venv / ("Scripts" if os.name == "nt" else "bin")


def take_bytecode(venv: Path) -> None:
    """Take what Python compiled in the environment before: a dozen seconds each.

    Python itself looks whether it still fits the source.
    """
    if BYTECODE not in os.environ:
        return
    last = Path(os.environ[BYTECODE])
    if last.exists():
        before = Path(last.read_text("utf-8"))
        for compiled in before.glob("lib/*/site-packages/**/__pycache__"):
            ours = venv / compiled.relative_to(before)
            if ours.parent.is_dir() and not ours.exists():
                shutil.copytree(compiled, ours, copy_function=os.link)
    last.write_text(str(venv), "utf-8")


def activated(
    programs: Path, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables as they are after `source .venv/bin/activate`."""
    path = str(programs) + os.pathsep + environ["PATH"]
    return {**environ, "VIRTUAL_ENV": str(programs.parent), "PATH": path}


def hold_versions(project: Path) -> None:
    """Let uv take the versions that are known to work, also without a lock."""
    lines = CONSTRAINTS.read_text("utf-8").splitlines()
    versions = [line for line in lines if not line.startswith("#")]
    held = f"constraint-dependencies = {json.dumps(versions, indent=4)}\n"
    _replace_setting(project, 'exclude-newer = "7 days"\n', held)


def use_mirror(project: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Let a folder of wheels take the place of PyTorch's index, as a mirror does.

    It is the same index for all projects: uv keeps PyTorch once for each address.

    Args:
        project: A generated repository; its settings get the address.
        environ: The variables that uv will see. Unless `UV_FIND_LINKS` names a folder
            of wheels, PyTorch's own index is used.
    """
    if "UV_FIND_LINKS" not in environ:
        return
    wheels = _wheels(environ)
    links = [f'<a href="{wheel.as_uri()}">{wheel.name}</a>' for wheel in wheels]
    _write(MIRROR / "torch" / "index.html", "\n".join(links))
    _write(MIRROR / "index.html", '<a href="torch/">torch</a>')
    _replace_setting(project, INDEX, MIRROR.as_uri())


def _write(file: Path, text: str) -> None:
    """Write a file in one step: other processes may be reading it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text, "utf-8")
    draft.replace(file)


def _wheels(environ: Mapping[str, str]) -> list[Path]:
    """Return the builds of PyTorch in the folder of wheels, the newest last."""
    return sorted(Path(environ["UV_FIND_LINKS"]).glob("torch-*.whl"))


def _replace_setting(project: Path, old: str, new: str) -> None:
    settings = project / "pyproject.toml"
    text = settings.read_text("utf-8")
    assert text.count(old) == 1
    settings.write_text(text.replace(old, new), "utf-8")
