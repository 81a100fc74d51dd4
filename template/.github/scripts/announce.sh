#!/usr/bin/env bash
# Keeps one issue for the newest version of the template: opened when one is out, brought up
# to date when another follows, closed when the repository has it.
#
# usage: announce.sh FOLDER    holds check.json, from Copier; needs jq, gh and GH_TOKEN
set -euo pipefail

folder=$1
start="The template has a new version"
latest=$(jq --raw-output .latest_version "$folder/check.json")
current=$(jq --raw-output .current_version "$folder/check.json")
number=$(gh issue list --state open --author "app/github-actions" --limit 1000 \
    --json number,title --jq ".[] | select(.title | startswith(\"$start\")).number")

if [ "$(jq .update_available "$folder/check.json")" = false ]; then
    if [ -n "$number" ]; then
        gh issue close "$number" --comment "This repository has version $current."
    fi
    exit
fi

cat > "$folder/body.md" << END
Version $latest is out; this repository has $current. On a branch, with everything
committed:

    uvx copier update --defaults

Then read \`git diff\`, run \`nox\`, and commit. Files that are yours alone are not touched;
\`CONTRIBUTING.md\` says which, and what to do with conflicts.
END
title="$start: $latest"
if [ -n "$number" ]; then
    gh issue edit "$number" --title "$title" --body-file "$folder/body.md"
else
    gh issue create --title "$title" --body-file "$folder/body.md"
fi
