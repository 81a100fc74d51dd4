#!/usr/bin/env bash
# Proposes an update from the template as a pull request.
#
# usage: propose-update.sh FOLDER    holds update.patch, and check.json from Copier; needs
#                                    jq, gh, and in GH_TOKEN the token of an App
set -euo pipefail

folder=$1
version=$(jq --raw-output .latest_version "$folder/check.json")

git apply --index "$folder/update.patch"
cat > "$folder/body.md" << END
What \`copier update --defaults\` changes. Nothing was in conflict with edits of yours. Read
the difference, and merge when the checks are green.
END
bash "$(dirname "$0")/pull-request.sh" template-update "Update from the template to $version" \
    "$folder/body.md"
