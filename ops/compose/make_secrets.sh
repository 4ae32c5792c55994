#!/usr/bin/env bash
# Writes the keys and passwords of compose.yaml into ops/compose/secrets, which git ignores.
# What is there already is kept; --tls also makes a certificate for trying, signed by itself.
set -euo pipefail
umask 077
folder="$(cd "$(dirname "$0")" && pwd)/secrets"
mkdir -p "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

if [ ! -e "$folder/database_password" ]; then
  random > "$folder/database_password"
  # The database reads it as its own user, through a read-only mount.
  chmod 644 "$folder/database_password"
  echo "written: secrets/database_password"
fi
if [ ! -e "$folder/service.env" ]; then
  cat > "$folder/service.env" <<END
VISIONSTACK_API_KEY=$(random)
VISIONSTACK_ADMIN_KEY=$(random)
VISIONSTACK_LOG_DATABASE=postgresql://visionstack:$(cat "$folder/database_password")@database/visionstack
END
  echo "written: secrets/service.env, with the keys that the service asks for"
fi
if [ "${1:-}" = --tls ] && [ ! -e "$folder/tls/tls.crt" ]; then
  mkdir -p "$folder/tls"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
    -keyout "$folder/tls/tls.key" -out "$folder/tls/tls.crt" 2> /dev/null
  chmod -R a+rX "$folder/tls"
  echo "written: secrets/tls, for 30 days and for trying only"
fi
# Each container reads its file as its own user, through a mount; on this machine nobody else gets in.
chmod 700 "$folder"
