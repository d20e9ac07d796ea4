#!/usr/bin/env bash
# The browser tests need Chromium: does nothing when there is one, installs it on Debian, else says what to do.
set -euo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then exit 0; fi
done

if [ -n "${HEARBACK_CHROMIUM:-}" ] && [ -x "$HEARBACK_CHROMIUM" ]; then exit 0; fi

if ! command -v apt-get >/dev/null; then
  echo "The browser tests need Chromium: install it, or set HEARBACK_CHROMIUM to its path." >&2
  exit 1
fi

run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    echo "The browser tests need Chromium: run 'sudo apt-get install chromium', or set HEARBACK_CHROMIUM." >&2
    exit 1
  fi
  run=(sudo)
fi

echo "installing Chromium for the browser tests"
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get update -qq
"${run[@]}" apt-get install -y -qq --no-install-recommends chromium >/dev/null
