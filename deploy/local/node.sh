#!/usr/bin/env bash
# Installs the npm packages of the tests, or of one folder of them, from lock files that were not installed yet.
set -euo pipefail
cd "$(dirname "$0")/../.."

find "${1:-tests}" -name node_modules -prune -o -name package-lock.json -print | sort | while IFS= read -r lock; do
  folder=$(dirname "$lock")
  if cmp -s "$lock" "$folder/node_modules/.installed-lock"; then continue; fi
  if ! command -v npm >/dev/null; then
    echo "The tests in $folder need Node.js 18 or newer with npm: install it first." >&2
    exit 1
  fi
  echo "installing the npm packages of $folder"
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
  cp "$lock" "$folder/node_modules/.installed-lock"
done
