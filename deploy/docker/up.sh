#!/usr/bin/env bash
# Starts the fleet on this host with docker compose; makes the secrets on the first run, in .env beside this file.
# Usage: HEARBACK_SITE=feedback.example.com ./up.sh    (a domain name gets a certificate; the default is localhost)
# The first run ends with an organization, its owner's account and a token; HEARBACK_ORGANIZATION (demo) names it.
# Run again with another HEARBACK_SITE, the address changes and the secrets stay. HEARBACK_PUBLIC_URL is https:// and
# the new site, unless it is given, too.
set -euo pipefail
cd "$(dirname "$0")"
umask 077

random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

if [ ! -e .env ]; then
  cat > .env <<SECRETS
HEARBACK_SECRET_KEY=$(random)
POSTGRES_PASSWORD=$(random)
VALKEY_PASSWORD=$(random)
SECRETS
  HEARBACK_SITE=${HEARBACK_SITE:-localhost}
  is_first=yes
fi

known=$(sed -n 's/^HEARBACK_SITE=//p' .env)
site=${HEARBACK_SITE:-$known}
if [ "$site" != "$known" ] || [ -n "${HEARBACK_PUBLIC_URL:-}" ]; then
  {
    echo "HEARBACK_SITE=$site"
    echo "HEARBACK_PUBLIC_URL=${HEARBACK_PUBLIC_URL:-https://$site}"
    grep -vE '^HEARBACK_(SITE|PUBLIC_URL)=' .env
  } > .env.new
  mv .env.new .env
fi
unset HEARBACK_SITE HEARBACK_PUBLIC_URL # what .env has is what counts

docker compose up --detach --build --wait "$@"
if [ "${is_first:-}" ]; then
  docker compose exec -T registry python -m hearback_kit.call POST http://127.0.0.1:8080/internal/bootstrap \
    "{\"organization\": \"${HEARBACK_ORGANIZATION:-demo}\", \"project\": \"web\"}"
fi
