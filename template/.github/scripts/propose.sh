#!/usr/bin/env bash
# Proposes a new model, or an update from the template, as a pull request. There is one for
# each branch: what is newer takes the place of what nobody has merged yet.
#
# usage: propose.sh model FOLDER     what `nox -s compare` left
#        propose.sh update FOLDER    update.patch, and check.json from Copier
#
# Both need jq, gh and, in GH_TOKEN, a token; that of an App for an update.
set -euo pipefail

kind=$1 folder=$2
bot="github-actions[bot]"

if [ "$kind" = model ]; then
    branch=retrain
    title="Promote a new model: $(jq --raw-output .reason "$folder/verdict.json")"
    rm -rf models/production
    mkdir -p models
    cp -R "$folder/production" models/production
    git add --all models/production
    files="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/blob/$branch/models/production"
    {
        echo "To use this model, merge; the way back is to revert. Checks begin when somebody"
        echo "approves them on this page. [Pictures of the new errors]($files/errors.png),"
        echo "[curves of the training]($files/curves.png)."
        echo
        grep --invert-match '^!\[' "$folder/production/card.md"
    } > "$folder/body.md"
else
    branch=template-update
    title="Update from the template to $(jq --raw-output .latest_version "$folder/check.json")"
    git apply --index "$folder/update.patch"
    cat > "$folder/body.md" << END
What \`copier update --defaults\` changes. Nothing was in conflict with edits of yours. Read
the difference, and merge when the checks are green.
END
fi

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
