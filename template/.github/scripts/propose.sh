#!/usr/bin/env bash
# Proposes a new model as a pull request.
#
# usage: propose.sh FOLDER    what `nox -s compare` left; needs jq, gh and GH_TOKEN
set -euo pipefail

folder=$1
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
bash "$(dirname "$0")/pull-request.sh" "$branch" "$title" "$folder/body.md"
