#!/usr/bin/env bash
# Commits what is staged, and opens a pull request for it. There is one for each branch: what
# is newer takes the place of what nobody has merged yet.
#
# usage: pull-request.sh BRANCH TITLE BODY-FILE    needs gh and GH_TOKEN
set -euo pipefail

branch=$1 title=$2 body=$3
bot="github-actions[bot]"

git switch --quiet --force-create "$branch"
git -c user.name="$bot" -c user.email="$bot@users.noreply.github.com" \
    commit --quiet --message="$title"
gh auth setup-git
git push --quiet --force origin "$branch"
number=$(gh pr list --head "$branch" --state open --json number --jq '.[].number')
if [ -n "$number" ]; then
    gh pr edit "$number" --title "$title" --body-file "$body"
else
    gh pr create --head "$branch" --base "$GITHUB_REF_NAME" --title "$title" \
        --body-file "$body"
fi
