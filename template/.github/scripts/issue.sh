#!/usr/bin/env bash
# Keeps one issue for each cause that no change made: opened when there is something to do,
# brought up to date while there is, closed when nothing is left. It needs jq, gh, GH_TOKEN.
#
# usage: issue.sh red FOLDER       a scheduled workflow is red; the results of its jobs are
#                                  in NEEDS, a folder log-JOB has log.txt for some of them
#        issue.sh template FOLDER  a version of the template is out, says check.json
set -euo pipefail

kind=$1 folder=$2
lines=40 # of a log

if [ "$kind" = red ]; then
    title="$GITHUB_WORKFLOW is red"
    export start=$title
    run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
    # A job that takes too long is cancelled, and nobody should have to wait for that either.
    todo=$(jq --raw-output \
        'to_entries[] | select(.value.result | IN("failure", "cancelled")).key' <<< "$NEEDS")
    done=$(jq --raw-output 'any(.result == "success")' <<< "$NEEDS")
    end="Green again: $run"
else
    latest=$(jq --slurp --raw-output \
        'first.latest_version // error("check.json names no version")' "$folder/check.json")
    current=$(jq --exit-status --raw-output .current_version "$folder/check.json")
    export start="The template has a new version"
    title="$start: $latest"
    todo=$(jq --raw-output 'select(.update_available).latest_version' "$folder/check.json")
    done=true end="This repository has version $current."
fi
number=$(gh issue list --state open --author "app/github-actions" --limit 1000 --json number,title \
    --jq 'map(select(.title | startswith(env.start))) | first.number // empty')

if [ -z "$todo" ]; then
    if [ -n "$number" ] && [ "$done" = true ]; then
        gh issue close "$number" --comment "$end"
    fi
    exit
fi

mkdir -p "$folder"
if [ "$kind" = red ]; then
    echo "Seen last in $run. This text is kept up to date, and the issue is closed, by"
    echo "the next runs."
    for job in $todo; do
        echo
        echo "## $job"
        echo
        log="$folder/log-$job/log.txt"
        # A single artefact is unpacked without a folder of its name.
        [ -s "$log" ] || [ "$(wc --words <<< "$todo")" -gt 1 ] || log="$folder/log.txt"
        if [ -s "$log" ]; then
            echo "The last lines of what it printed:"
            echo
            # Without colours, and indented: so nothing in it is taken for Markdown.
            tail --lines="$lines" "$log" | sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/^/    /' |
                tr --delete '\r' | cut --characters=-300
        else
            echo "It printed nothing before it failed: the link above shows the reason."
        fi
    done
else
    cat << END
Version $latest is out; this repository has $current. On a branch, with everything
committed:

    uvx copier update --defaults

Then read \`git diff\`, run \`nox\`, and commit. Files that are yours alone are not touched;
\`CONTRIBUTING.md\` says which, and what to do with conflicts.
END
fi > "$folder/body.md"
if [ -n "$number" ]; then
    gh issue edit "$number" --title "$title" --body-file "$folder/body.md"
else
    gh issue create --title "$title" --body-file "$folder/body.md"
fi
