#!/usr/bin/env bash
# Keeps one issue for a workflow that runs on a schedule: opened when it is red, brought up
# to date while it stays red, closed when it is green again.
#
# usage: report.sh FOLDER    needs gh, jq, GH_TOKEN and, in NEEDS, the results of the jobs;
#                            FOLDER holds a folder log-JOB with log.txt for some of them
set -euo pipefail

folder=$1
title="$GITHUB_WORKFLOW is red"
run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
lines=40

# A job that takes too long is cancelled, and nobody should have to wait for that either.
red=$(jq --raw-output 'to_entries[] | select(.value.result | IN("failure", "cancelled")).key' \
    <<< "$NEEDS")
ran=$(jq --raw-output 'any(.result == "success")' <<< "$NEEDS")
number=$(gh issue list --state open --author "app/github-actions" --limit 1000 \
    --json number,title --jq ".[] | select(.title == \"$title\").number")

if [ -z "$red" ]; then
    if [ -n "$number" ] && [ "$ran" = true ]; then
        gh issue close "$number" --comment "Green again: $run"
    fi
    exit
fi

mkdir -p "$folder"
{
    echo "Seen last in $run. This text is kept up to date, and the issue is closed, by"
    echo "the next runs."
    for job in $red; do
        echo
        echo "## $job"
        echo
        log="$folder/log-$job/log.txt"
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
} > "$folder/body.md"
if [ -n "$number" ]; then
    gh issue edit "$number" --body-file "$folder/body.md"
else
    gh issue create --title "$title" --body-file "$folder/body.md"
fi
