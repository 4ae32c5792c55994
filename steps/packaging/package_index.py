"""Where packages come from while an image is built: what this machine has set for pip.

A build sees it as secrets, which are in no layer and no history: a mirror's address may have a
password in it. Everything else of pip stays as the Containerfile says.
"""

from __future__ import annotations

import configparser
import io
from collections.abc import Mapping
from pathlib import Path

_SETTINGS = {
    "PIP_INDEX_URL": "index-url",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_TRUSTED_HOST": "trusted-host",
    "PIP_DEFAULT_TIMEOUT": "timeout",
}
# The first that names a file counts; pip, uv, requests and OpenSSL read these.
_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_INSIDE = "/run/secrets/certificates"


def write_secrets(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Writes pip's settings for a build, and returns the words that give them to a builder.

    Args:
      folder: an empty one outside the context that nobody else can read; to be removed after the
        build, as :func:`~steps.packaging.build_folder.build_folder` does.
      variables: the environment of this process.
    """
    known = {name: variables[key] for key, name in _SETTINGS.items() if variables.get(key)}
    words = []
    certificates = _find_certificates(variables)
    if certificates is not None:
        known["cert"] = _INSIDE
        copy = folder / "certificates"
        copy.write_bytes(certificates.read_bytes())
        words += ["--secret", f"id=certificates,src={copy}"]
    settings = folder / "pip"
    settings.write_text(_to_ini(known), encoding="utf-8")
    return [*words, "--secret", f"id=pip,src={settings}"]


def _find_certificates(variables: Mapping[str, str]) -> Path | None:
    named = (Path(variables[key]) for key in _CERTIFICATES if variables.get(key))
    return next((path for path in named if path.is_file()), None)


def _to_ini(values: Mapping[str, str]) -> str:
    parser = configparser.RawConfigParser()
    parser["global"] = dict(values)
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()
