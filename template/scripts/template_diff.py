"""Show which managed files of this repository are not those of the template, and how.

Updates merge such differences and never undo them. None is wrong; but each is a place
where an update can end in a conflict, and some were forgotten. --check needs no
template: it compares the code that no answer changes with digests of the release.
"""

import argparse
import difflib
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

ANSWERS = Path(".copier-answers.yml")
DIGESTS = Path(__file__).with_name("digests.txt")  # of a release, by the template


class Failure(Exception):
    """What cannot be done, in a sentence for people."""


def main(arguments: list[str]) -> int:
    """Print the differences, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="nox -s template-diff --", description=__doc__
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="of which to show the difference"
    )
    parser.add_argument(
        "--template", help="a clone of it, where its address cannot be reached"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare with digests, without the template",
    )
    options = parser.parse_args(arguments)
    if options.check and (options.files or options.template):
        parser.error("--check takes neither files nor a template")
    try:
        if options.check:
            return check(read("_commit"), read("practices"))
        template, version = options.template or read("_src_path"), read("_commit")
        with tempfile.TemporaryDirectory() as folder:
            pristine = Path(folder, "pristine")
            render(template, version, pristine)
            names = different_files(pristine)
            for name in options.files:
                if name not in names:
                    raise Failure(f"{name} is no managed file that differs")
            count = len(managed(pristine))
            print(f"{len(names)} of {count} managed files differ from {version}")
            for name in names:
                show(name, pristine, whole=not options.files or name in options.files)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    return 0


def check(version: str, practices: str) -> int:
    """Say whether the code of the template is as released; return the exit status."""
    if not DIGESTS.is_file():
        raise Failure(f"{DIGESTS.name} is missing beside this script: restore it")
    packages = [path.parts[1] for path in Path().glob("src/*/toolkit/interface.py")]
    if len(packages) != 1:
        raise Failure("there must be one src/*/toolkit/interface.py")
    edited, released = [], set()
    for line in DIGESTS.read_text("utf-8").splitlines():
        digest, size, name = line.split(maxsplit=2)
        if size == "all" and practices != "all":
            continue
        path = Path(name.replace("*", packages[0]))
        released.add(path)
        if not path.is_file() or path.is_symlink():
            edited.append(f"{path.as_posix()}  missing")
        elif hashlib.sha256(_as_released(path, packages[0])).hexdigest() != digest:
            edited.append(f"{path.as_posix()}  edited")
    for folder in (f"src/{packages[0]}/toolkit", "tests/helpers", "tests/mutation"):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and path not in released:
                edited.append(f"{path.as_posix()}  added")
    same = f"managed code is byte for byte that of template {version}"
    if not edited:
        print(f"{same}: {len(released)} files")
        return 0
    print(f"{same}, but for these of {len(released)} files:")
    print("\n".join(edited))
    return 1


def _as_released(path: Path, package: str) -> bytes:
    """Return the content of a file, with the name of any package in its imports."""
    imported = rb"\b(from|import) " + package.encode() + rb"\b"
    content = path.read_bytes().replace(b"\r\n", b"\n")  # as git may have made them
    if path.parts[0] == "tests":
        content = re.sub(imported, rb"\1 PACKAGE", content)
    return content


def read(name: str) -> str:
    """Return what Copier wrote down about itself."""
    text = ANSWERS.read_text("utf-8") if ANSWERS.is_file() else ""
    found = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
    if not found:
        raise Failure(
            f"{ANSWERS} says no {name}: run this in the root of a project of a template"
        )
    return found[1].strip("'\"")


def render(template: str, version: str, folder: Path) -> None:
    """Make the project anew, as it was with these answers in this version."""
    if shutil.which("copier"):
        copier = ["copier"]
    elif shutil.which("uvx"):
        copier = ["uvx", "copier"]
    else:
        raise Failure("this needs uv: https://docs.astral.sh/uv/")
    options = ["--quiet", "--defaults", "--overwrite", f"--vcs-ref={version}"]
    options.append(f"--data-file={ANSWERS}")
    done = subprocess.run(
        [*copier, "copy", *options, template, str(folder)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Failure(
            f"cannot make {version} of {template} ({reason}). With a clone at hand: "
            "nox -s template-diff -- --template FOLDER"
        )


def managed(pristine: Path) -> list[str]:
    """Return the files that updates refresh, from the table of CONTRIBUTING.md."""
    text = (pristine / "CONTRIBUTING.md").read_text("utf-8")
    zones = {}
    for zone, row in re.findall(r"^\| (managed|starter) \| (.*) \|$", text, re.M):
        for path in re.findall(r"`([^`]+)`", re.sub(r" except `[^`]+`", "", row)):
            zones[path] = zone
    found = []
    for path in sorted(pristine.rglob("*")):
        name = path.relative_to(pristine).as_posix()
        folders = [f"{folder}/" for folder in PurePosixPath(name).parents]
        named = next((part for part in (name, *folders) if part in zones), None)
        if path.is_file() and named and zones[named] == "managed":
            found.append(name)
    return found


def different_files(pristine: Path) -> list[str]:
    """Return the managed files that are gone or have another content here."""
    return [
        name
        for name in managed(pristine)
        if not Path(name).is_file()
        or Path(name).read_bytes() != (pristine / name).read_bytes()
    ]


def show(name: str, pristine: Path, *, whole: bool) -> None:
    """Print how a file differs: in a line, or wholly."""
    before = (pristine / name).read_text("utf-8").splitlines()
    if not Path(name).is_file():
        print(f"\n{name}  deleted")
        return
    after = Path(name).read_text("utf-8").splitlines()
    names = (f"{name} (template)", f"{name} (here)")
    lines = [*difflib.unified_diff(before, after, *names, lineterm="")]
    added, removed = (
        sum(line.startswith(sign) for line in lines[2:]) for sign in ("+", "-")
    )
    print(f"\n{name}  {added} lines added, {removed} removed")
    if whole:
        print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
