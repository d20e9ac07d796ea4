#!/usr/bin/env bash
# Starts the fleet on this host with docker compose; makes the secrets on the first run, in .env beside this file.
# Usage: HEARBACK_SITE=feedback.example.com ./up.sh    (a domain name gets a certificate; the default is localhost)
set -euo pipefail
cd "$(dirname "$0")"

random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

if [ ! -e .env ]; then
  site=${HEARBACK_SITE:-localhost}
  umask 077
  cat > .env <<SECRETS
HEARBACK_SITE=$site
HEARBACK_PUBLIC_URL=https://$site
HEARBACK_SECRET_KEY=$(random)
POSTGRES_PASSWORD=$(random)
VALKEY_PASSWORD=$(random)
SECRETS
fi

exec docker compose up --detach --build --wait "$@"
