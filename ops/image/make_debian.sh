#!/usr/bin/env bash
# Builds PostgreSQL, Prometheus and nginx from Debian's packages, for ops/compose without a registry.
#
#   ops/image/make_debian.sh [BASE]
#
# It prints the lines for ops/compose/.env. The base has to be there: ops/image/make_base.sh.
set -euo pipefail
cd "$(dirname "$0")"
base=${1:-python:3.11-slim-bookworm}
tool=$(command -v podman || command -v docker || true)
[ -n "$tool" ] || { echo "make_debian.sh: neither podman nor docker is here; install one" >&2; exit 1; }
for name in postgres prometheus nginx; do
  "$tool" build --quiet --file Containerfile.debian --target "$name" --build-arg "BASE=$base" \
    --tag "visionstack-$name:debian" . > /dev/null
done
prefix=
[ "${tool##*/}" = docker ] || prefix=localhost/
echo "POSTGRES_IMAGE=${prefix}visionstack-postgres:debian"
echo "PROMETHEUS_IMAGE=${prefix}visionstack-prometheus:debian"
echo "NGINX_IMAGE=${prefix}visionstack-nginx:debian"
