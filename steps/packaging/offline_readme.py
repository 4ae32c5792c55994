"""The README of the archive for a machine without internet."""

from __future__ import annotations

from vision.bundles.keys import PublicKey
from vision.bundles.manifest import Manifest

_CHECK = """## 1. Check it

```bash
sha256sum --check --quiet SHA256SUMS        # the files are those of the list
```

Who made the list, a clone of the project tells before anything is unpacked, and it finds files
that were added as well: `python run.py bundle verify ARCHIVE.tar --key signing.pub`. Take the
signer's public key from the signer and not from this archive: whoever makes a false archive also
writes its key. The one in here begins with `{key}`.
"""

_IMAGE = """## 2. Load the image

```bash
podman load --input image/{image}            # or: docker load --input ...
```

## 3. Start it

The service answers whoever has the key. It stands in a file that only you can read, and not in the
command, which everybody on the machine can see while the service runs.

```bash
(umask 077; echo "VISIONSTACK_API_KEY=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \\n')" > keys.env)
podman run --rm -p 127.0.0.1:3000:3000 --read-only --tmpfs /tmp --cap-drop ALL \\
  --security-opt no-new-privileges --env-file keys.env {tag}
```

With PostgreSQL and Prometheus: `ops/compose/compose.yaml`, whose header says how; their images are
not in this archive.
"""

_PYTHON = """## {start}. {title}

```bash
python3 -m venv venv
venv/bin/pip install --no-index --no-deps --find-links wheels --require-hashes -r requirements.txt
```

## {then}. Start it

```bash
VISIONSTACK_BUNDLE=$PWD/bundle venv/bin/bentoml serve $PWD/bento
```
"""


def readme(*, manifest: Manifest, image: str, tag: str, machine: str, key: PublicKey) -> str:
    """Returns the README.

    Args:
      manifest: of the bundle.
      image: the file of the OCI archive; empty where there is none.
      tag: the image's name.
      machine: what the wheels are for; empty where there are none.
      key: that signed the archive.
    """
    parts = [
        f"# {manifest.name} {manifest.version}\n\nThe service with this model, for a machine "
        "without internet: `bundle/` is the model, `bento/` the code of the service,\n"
        "`sbom.cdx.json` and `licences.json` what it stands on.\n",
        _CHECK.format(key=key.text[:12]),
    ]
    if image:
        parts.append(_IMAGE.format(image=image, tag=tag))
    if machine and image:
        parts.append("Without containers, in place of 2 and 3:\n")
    if machine:
        title = f"Install the packages ({machine})"
        parts.append(_PYTHON.format(start=2, then=3, title=title))
    if not image and not machine:
        parts.append("There is neither image nor packages in here: install `requirements.txt`.\n")
    return "\n".join(parts)
