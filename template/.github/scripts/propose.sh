#!/usr/bin/env bash
# Proposes a new model as a pull request: there is one, and what is newer takes the place of
# what nobody has merged yet.
#
# usage: propose.sh FOLDER    what `nox -s compare` left; needs jq, gh and GH_TOKEN
set -euo pipefail

folder=$1 branch=retrain
bot="github-actions[bot]"
title="Promote a new model: $(jq --raw-output .reason "$folder/verdict.json")"
files="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/blob/$branch/models/production"

rm -rf models/production
mkdir -p models
cp -R "$folder/production" models/production
git add --all models/production
{
    echo "To use this model, merge; the way back is to revert. Checks begin when somebody"
    echo "approves them on this page. [Pictures of the new errors]($files/errors.png),"
    echo "[curves of the training]($files/curves.png)."
    echo
    grep --invert-match '^!\[' "$folder/production/card.md"
} > "$folder/body.md"

git switch --quiet --force-create "$branch"
git -c user.name="$bot" -c user.email="$bot@users.noreply.github.com" \
    commit --quiet --message="$title"
gh auth setup-git
git push --quiet --force origin "$branch"
number=$(gh pr list --head "$branch" --state open --json number --jq '.[].number')
if [ -n "$number" ]; then
    gh pr edit "$number" --title "$title" --body-file "$folder/body.md"
else
    gh pr create --head "$branch" --base "$GITHUB_REF_NAME" --title "$title" \
        --body-file "$folder/body.md"
fi
