"""Environments for generated projects, with package versions that are known to work.

Most tests only need the packages: `overlay` gives their project those of one base
environment. Tests of the installation itself use `create` and the project's own
`scripts/setup.sh`, which install everything.
"""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
# The variable with the path of the base environment.
BASE = "COPIER_ML_BASE_ENVIRONMENT"
INDEX = "https://download.pytorch.org/whl/cpu"
# With a space, because addresses of mirrors may have one.
MIRROR = Path(sys.prefix) / "a mirror"


def create(
    project: Path,
    environ: Mapping[str, str] = os.environ,
    resolution: str | None = None,
) -> Path:
    """Install a project and all its dependencies into a new environment.

    Args:
        project: A generated repository; `.venv` is created in it.
        environ: `UV_FIND_LINKS` names a folder of wheels that holds PyTorch; without
            it, the build without CUDA comes from PyTorch's index.
        resolution: `highest` or `lowest-direct`, instead of the versions that are
            known to work. PyTorch still comes from the folder of wheels, if given.

    Returns:
        The folder of the environment's programs.
    """
    options = ["--editable", "."]
    if resolution is not None:
        options += ["--resolution", resolution]
        if "UV_FIND_LINKS" in environ:
            version = _wheels(environ)[-1].name.split("-")[1]
            override = project.with_name("torch.txt")
            override.write_text(f"torch=={version}\n")
            options += ["--override", str(override)]
    venv = project / ".venv"
    _install(venv, project, options, environ, known=resolution is None)
    take_bytecode(venv)
    return _programs(venv)


def overlay(project: Path) -> Path:
    """Create an environment that reuses the packages of the base environment.

    It takes a second or two. Python, the programs and later installs are its own.

    Args:
        project: A generated repository; `.venv` is created, with the project itself.

    Returns:
        The folder of the environment's programs.
    """
    base = base_environment()
    missing = _needs(project) - _installed(base)
    assert not missing, f"not in the base environment: {missing}; use create()"
    venv = project / ".venv"
    _uv("venv", "--quiet", "--clear", str(venv), folder=project)
    # addsitedir also reads the `.pth` files of the folder.
    line = f"import site; site.addsitedir({str(_packages(base))!r})\n"
    (_packages(venv) / "base.pth").write_text(line, "utf-8")
    _copy_programs(base, venv)
    options = ("--quiet", "--no-deps", "--python", str(venv), "--editable", ".")
    _uv("pip", "install", *options, folder=project)
    return _programs(venv)


@functools.cache
def base_environment() -> Path:
    """Return the base environment; create it if it does not exist.

    It is stored beside the packages of these tests. When the dependencies of a new
    project change, another one is created, and unused ones are deleted.
    """
    if BASE in os.environ:
        return Path(os.environ[BASE])
    import fcntl  # missing on Windows, and the demo does not need it

    from tests.helpers import EVERYTHING, render  # it imports Copier

    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch)
        render(project, **EVERYTHING)
        settings = (project / "pyproject.toml").read_bytes()
        known = f"{sys.version} {os.environ.get('UV_FIND_LINKS')}".encode()
        parts = (settings, CONSTRAINTS.read_bytes(), known)
        digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
        folder = Path(sys.prefix) / "base" / digest
        folder.mkdir(parents=True, exist_ok=True)
        venv, ready = folder / "venv", folder / "ready"
        with (folder / "making").open("w") as making:
            # The workers of a test run start at the same time.
            fcntl.flock(making, fcntl.LOCK_EX)
            if not ready.exists():
                for other in {*folder.parent.iterdir()} - {folder}:
                    _delete_unused(other)
                _install(venv, project, ["-r", "pyproject.toml"])
                ready.touch()
            using = (folder / "using").open("w")
            fcntl.flock(using, fcntl.LOCK_SH)
            _locks.append(using)
    os.environ[BASE] = str(venv)
    return venv


# Open locks protect the base environment until this process ends.
_locks: list[IO[str]] = []


def _delete_unused(folder: Path) -> None:
    """Delete a base environment that no process creates or uses."""
    import fcntl  # as above

    with (
        suppress(BlockingIOError),
        (folder / "making").open("w") as making,
        (folder / "using").open("w") as using,
    ):
        for lock in (making, using):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)


def take_bytecode(venv: Path) -> None:
    """Link the bytecode of the base environment, which saves a dozen seconds.

    Python itself checks that it matches the source.
    """
    if BASE not in os.environ:
        return
    base = Path(os.environ[BASE])
    for compiled in base.glob("lib/*/site-packages/**/__pycache__/*.pyc"):
        ours = venv / compiled.relative_to(base)
        if ours.parent.parent.is_dir() and not ours.exists():
            ours.parent.mkdir(exist_ok=True)
            try:
                os.link(compiled, ours)
            except OSError:  # two file systems
                shutil.copy2(compiled, ours)


def _install(
    venv: Path,
    project: Path,
    options: Sequence[str],
    environ: Mapping[str, str] = os.environ,
    *,
    known: bool = True,
) -> None:
    """Create an environment with the dev tools of a project and given options.

    Args:
        venv: Folder of the environment.
        project: Working directory of the command.
        options: Options of `uv pip install`.
        environ: Environment variables of uv.
        known: Install the versions that are known to work, however new they are.
    """
    options = ["--no-sources", "--group", "dev", *options]
    environ = dict(environ)
    if known:
        options += ["--constraint", str(CONSTRAINTS)]
        environ["UV_EXCLUDE_NEWER"] = "2100-01-01"
    if "UV_FIND_LINKS" not in environ:
        options += ["--torch-backend", "cpu"]
    _uv("venv", "--quiet", "--clear", str(venv), folder=project, environ=environ)
    install = ("pip", "install", "--python", str(venv))
    _uv(*install, *options, folder=project, environ=environ)


def _uv(*arguments: str, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
    command = [sys.executable, "-m", "uv", *arguments]
    subprocess.run(command, cwd=folder, env=environ, check=True)


def _programs(venv: Path) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin")


def _packages(venv: Path) -> Path:
    (folder,) = venv.glob("lib/*/site-packages")
    return folder


def _copy_programs(base: Path, venv: Path) -> None:
    """Copy the programs of one environment, to run with the Python of another."""
    # The path of Python is in the first line or, if that cannot hold it, the second.
    first = re.compile(rb"#!(/bin/sh\n'''exec' )?[^\n]*\n(?(1)' '''\n)")
    python = str(base / "bin" / "python").encode()
    start = f"""#!/bin/sh
'''exec' "{venv / 'bin' / 'python'}" "$0" "$@"
' '''
""".encode()
    for program in (base / "bin").iterdir():
        content = program.read_bytes()
        found = first.match(content)
        if found and python in found[0]:
            copy = venv / "bin" / program.name
            copy.write_bytes(start + content[found.end() :])
            copy.chmod(0o755)


def _needs(project: Path) -> set[str]:
    """Return the names of the packages that a project and its dev group require."""
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    groups: Mapping[str, list[Any]] = settings["dependency-groups"]

    def lines(group: str) -> Iterator[str]:
        for line in groups[group]:
            if isinstance(line, str):
                yield line
            else:
                yield from lines(line["include-group"])

    needed = [*settings["project"]["dependencies"], *lines("dev")]
    return {canonicalize_name(Requirement(line).name) for line in needed}


def _installed(venv: Path) -> set[str]:
    folders = _packages(venv).glob("*.dist-info")
    return {canonicalize_name(folder.name.split("-")[0]) for folder in folders}


def activated(
    programs: Path, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment variables after `source .venv/bin/activate`."""
    path = str(programs) + os.pathsep + environ["PATH"]
    return {**environ, "VIRTUAL_ENV": str(programs.parent), "PATH": path}


def hold_versions(project: Path) -> None:
    """Constrain uv to the versions that are known to work, without a lock."""
    lines = CONSTRAINTS.read_text("utf-8").splitlines()
    versions = [line for line in lines if not line.startswith("#")]
    held = f"constraint-dependencies = {json.dumps(versions, indent=4)}\n"
    _replace_setting(project, 'exclude-newer = "7 days"\n', held)


def use_mirror(project: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Replace PyTorch's index in a project by a folder of wheels, as a mirror.

    All projects use the same address: uv caches PyTorch once for each address.

    Args:
        project: A generated repository; the address is written to its settings.
        environ: Environment variables of uv. Unless `UV_FIND_LINKS` names a folder
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
    """Write a file atomically: other processes may be reading it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text, "utf-8")
    draft.replace(file)


def _wheels(environ: Mapping[str, str]) -> list[Path]:
    """Return the PyTorch wheels in the folder of wheels, the newest last."""
    return sorted(Path(environ["UV_FIND_LINKS"]).glob("torch-*.whl"))


def _replace_setting(project: Path, old: str, new: str) -> None:
    settings = project / "pyproject.toml"
    text = settings.read_text("utf-8")
    assert text.count(old) == 1
    settings.write_text(text.replace(old, new), "utf-8")
