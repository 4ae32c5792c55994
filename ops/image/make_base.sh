#!/usr/bin/env bash
# Makes the base image of the service from Debian's packages, for machines that reach no registry.
#
#   ops/image/make_base.sh [NAME]       NAME: what FROM asks for; python:3.11-slim-bookworm if left out
#
# It installs a minimal Debian 12 with Python 3.11 into a temporary folder (debootstrap), removes what
# no container needs, and imports it into the stores of podman and buildah, which are one. A second call
# finds the image and does nothing; FORCE=1 makes it anew. Debian's mirror is MIRROR.
# About a minute and 80 MB. It needs root, debootstrap and podman or buildah.
set -euo pipefail

name=${1:-python:3.11-slim-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
suite=bookworm
# Without a registry's name podman calls an image localhost/NAME and FROM NAME finds it there.
case $name in
  *@*) echo "make_base.sh: $name names a digest, which no image made here can have; name a tag" >&2; exit 2 ;;
esac

refuse() { echo "make_base.sh: $1" >&2; exit 1; }

tool=$(command -v podman || command -v buildah || true)
[ -n "$tool" ] || refuse "neither podman nor buildah is here to keep the image in; apt-get install podman"
if "$tool" inspect --type image "$name" > /dev/null 2>&1 && [ "${FORCE:-}" != 1 ]; then
  echo "$name is here already; FORCE=1 makes it anew"
  exit 0
fi
[ "$(id -u)" = 0 ] || refuse "debootstrap makes device files, which only root may; run it as root"
command -v debootstrap > /dev/null || refuse "debootstrap is not here; apt-get install debootstrap"

work=$(mktemp -d "${TMPDIR:-/tmp}/visionstack-base.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

echo "1/3 Debian $suite with Python into $root"
# python3-venv brings the wheel of pip that a virtual environment starts with, and no pip of its own.
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
  "$suite" "$root" "$mirror" > "$work/log" 2>&1 \
  || { tail -n 20 "$work/log" >&2; refuse "debootstrap failed; MIRROR names another mirror"; }

echo "2/3 removing what no container needs"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/* "$root"/var/log/* "$root"/tmp/* "$root"/dev/* \
  "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/* \
  "$root"/usr/share/lintian "$root"/usr/share/bug \
  "$root"/etc/machine-id "$root"/etc/resolv.conf "$root"/etc/hostname "$root"/var/lib/dbus
find "$root" -name __pycache__ -type d -prune -exec rm -rf {} +
# A set-user-id program is of no use to a service that may gain no privileges.
find "$root" -xdev -type f -perm /6000 -exec chmod a-s {} +
ln -sf python3 "$root/usr/bin/python"

echo "3/3 importing it as $name"
epoch=$(stat -c %Y "$root/var/lib/dpkg/status")
tar --sort=name --numeric-owner --mtime="@$epoch" --xattrs -C "$root" -cf "$work/base.tar" .
if [ "${tool##*/}" = podman ]; then
  podman import --quiet --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' \
    --message "made by ops/image/make_base.sh" "$work/base.tar" "$name" > /dev/null
else
  container=$(buildah from scratch)
  buildah add "$container" "$work/base.tar" / > /dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env LANG=C.UTF-8 --cmd python3 "$container"
  buildah commit --quiet --rm "$container" "$name" > /dev/null
fi
echo "$name is ready ($(du -sm "$root" | cut -f1) MB)"
