"""What a build is told about pip, and what stays out of it."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from steps.packaging.package_index import write_secrets

pytestmark = pytest.mark.unit


def read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read(path)
    return dict(parser["global"])


def test_an_index_and_its_certificates_are_two_secrets(tmp_path: Path) -> None:
    company, folder = tmp_path / "company.pem", tmp_path / "secrets"
    company.write_bytes(b"certificate")
    folder.mkdir()
    variables = {
        "PIP_INDEX_URL": "https://me:pass%40word@index.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://one.example https://two.example",
        "PIP_CERT": str(company),
        "SSL_CERT_FILE": "/not/this/one",
        "PIP_NO_BINARY": ":all:",
    }
    words = write_secrets(folder, variables)
    assert words == [
        *("--secret", f"id=certificates,src={folder}/certificates"),
        *("--secret", f"id=pip,src={folder}/pip"),
    ]
    assert (folder / "certificates").read_bytes() == b"certificate"
    assert read(folder / "pip") == {
        "index-url": "https://me:pass%40word@index.example/simple",
        "extra-index-url": "https://one.example https://two.example",
        "cert": "/run/secrets/certificates",
    }


@pytest.mark.parametrize("variables", [{}, {"PIP_CERT": "/not/there.pem", "PIP_INDEX_URL": ""}])
def test_where_nothing_is_set_pip_decides(tmp_path: Path, variables: dict[str, str]) -> None:
    assert write_secrets(tmp_path, variables) == ["--secret", f"id=pip,src={tmp_path}/pip"]
    assert read(tmp_path / "pip") == {}
