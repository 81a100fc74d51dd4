#!/usr/bin/env bash
# Set up a fresh clone: the environment in .venv, or where uv has it, and the commit
# hooks. Takes uv if there is one, else pip; may be run again at any time.
#
# usage: bash scripts/setup.sh [cpu|gpu]    which build of PyTorch; default cpu
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-cpu}
case $build in
    cpu | gpu) ;;
    *) echo "usage: bash scripts/setup.sh [cpu|gpu]" >&2 && exit 2 ;;
esac
index=$(sed -n '/^name = "pytorch-cpu"/,/^url/s/^url = "\(.*\)"/\1/p' pyproject.toml)

fail() {
    echo "error: $1" >&2
    exit 1
}
blocked="setup failed, for the reason above. If $index is blocked here, write the address of \
a mirror in its place in pyproject.toml, or name a folder of wheels: UV_FIND_LINKS for uv, \
PIP_FIND_LINKS for pip"

if command -v uv > /dev/null; then
    if [ "$build" = gpu ]; then
        export UV_NO_GROUP=cpu
        echo "For GPUs, before any other uv command too: export UV_NO_GROUP=cpu"
    fi
    uv sync || fail "$blocked"
    # Elsewhere by UV_PROJECT_ENVIRONMENT, or as a member of a workspace.
    venv=$(uv run --no-sync python -c "import sys; print(sys.prefix)")
    venv=${venv#"$PWD"/}
else
    venv=.venv
    # Afresh: pip would keep the build of PyTorch that is there.
    python3 -m venv --clear .venv
    # The first version that knows dependency groups.
    .venv/bin/pip install --upgrade "pip>=25.1"
    # First and from there alone, else Linux gets several gigabytes for GPUs.
    if [ "$build" = cpu ]; then
        PIP_EXTRA_INDEX_URL=$index .venv/bin/pip install --no-deps torch \
            --index-url "$index" || fail "$blocked"
    fi
    .venv/bin/pip install --editable . --group dev
fi

# What was installed, whatever was set.
cuda=$("$venv/bin/python" -c "import torch; print(torch.version.cuda or '')")
if [ "$build" = cpu ] && [ -n "$cuda" ]; then
    fail "this is PyTorch for CUDA $cuda: is $index the index for the CPU?"
fi

if ! command -v git > /dev/null; then
    echo "There is no git here, so there are no commit hooks: nox -s lint needs it, too."
elif ! folder=$(LC_ALL=C git rev-parse --show-prefix 2>&1); then
    case $folder in
        *"not a git repository"*)
            echo "Not a git repository yet: run git init, then this script again."
            ;;
        *) echo "The commit hooks are off, as git says: ${folder%%$'\n'*}" ;;
    esac
elif [ -n "$folder" ]; then
    echo "A folder of a larger repository: the commit hooks are for a whole one, and off."
elif hooks=$(git config core.hooksPath) && [ -n "$hooks" ]; then
    echo "The commit hooks are off, as git takes its hooks from $hooks (core.hooksPath):"
    echo "run nox -s lint before you commit."
else
    "$venv/bin/pre-commit" install
fi
echo "Ready. Next: source $(printf %q "$venv")/bin/activate, then nox"
