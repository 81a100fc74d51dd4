#!/usr/bin/env bash
# Set up a fresh clone: the environment in .venv, and the commit hooks. Takes uv if
# there is one, else pip; may be run again at any time.
#
# usage: scripts/setup.sh [cpu|gpu]    which build of PyTorch; default cpu
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-cpu}
case $build in
    cpu | gpu) ;;
    *) echo "usage: scripts/setup.sh [cpu|gpu]" >&2 && exit 2 ;;
esac

if command -v uv > /dev/null; then
    uv sync --extra "$build"
else
    # Afresh: pip would keep the build of PyTorch that is there.
    python3 -m venv --clear .venv
    # The first version that knows dependency groups.
    .venv/bin/pip install --upgrade "pip>=25.1"
    # Without this, Linux gets several gigabytes for GPUs. Where a folder of wheels
    # is named, that takes the place of PyTorch's index.
    if [ "$build" = cpu ] && [ -z "${PIP_FIND_LINKS:-}" ]; then
        .venv/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
    fi
    .venv/bin/pip install --editable . --group dev
fi

if git rev-parse --git-dir > /dev/null 2>&1; then
    .venv/bin/pre-commit install
else
    echo "Not a git repository yet: run git init, then this script again."
fi
echo "Ready. Next: source .venv/bin/activate, then nox"
