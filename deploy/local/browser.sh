#!/usr/bin/env bash
# The browser tests need Chromium. Most of them use its headless shell, if it is there: it takes less than half of
# the CPU. Does nothing when both are there, installs them on Debian, else is content with Chromium or says what to do.
# Where there is Chromium and no shell can be installed, that is tried once.
set -euo pipefail

has_one_of() {
  for name in "$@"; do
    if command -v "$name" >/dev/null; then return 0; fi
  done
  return 1
}

has_chromium() { has_one_of chromium chromium-browser google-chrome google-chrome-stable; }

if [ -n "${HEARBACK_CHROMIUM:-}" ] && [ -x "$HEARBACK_CHROMIUM" ]; then exit 0; fi
if has_chromium && has_one_of chromium-headless-shell; then exit 0; fi

run=()
if [ "$(id -u)" -ne 0 ]; then run=(sudo -n); fi

install() {
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

asked="$(cd "$(dirname "$0")/../.." && pwd)/.tools/no-headless-shell"
if has_chromium && [ -e "$asked" ]; then exit 0; fi

if has_one_of apt-get && "${run[@]}" true 2>/dev/null; then
  echo "installing Chromium for the browser tests"
  bound=()
  if has_chromium; then bound=(timeout 60); fi
  "${bound[@]}" "${run[@]}" apt-get update -qq || true
  if install chromium chromium-headless-shell; then exit 0; fi
  if ! has_chromium; then install chromium || true; fi
fi
mkdir -p "$(dirname "$asked")" && touch "$asked"

if ! has_chromium; then
  echo "The browser tests need Chromium: install it (Debian: apt-get install chromium), or set HEARBACK_CHROMIUM." >&2
  exit 1
fi
