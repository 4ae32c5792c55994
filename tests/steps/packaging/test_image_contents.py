from __future__ import annotations

import pytest

from steps.packaging.contents import find_forbidden, list_packages
from vision.home import repository

pytestmark = pytest.mark.unit

SITE = "opt/visionstack/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/gcc",
        "usr/bin/gcc-12",
        "usr/bin/x86_64-linux-gnu-gcc-12",
        "usr/bin/git",
        "opt/visionstack/venv/bin/pip3.11",
        "usr/local/bin/uv",
        "var/lib/apt/lists/deb.debian.org_dists_bookworm_InRelease",
        "root/.cache/pip/http/a",
        f"{SITE}/tensorflow-2.18.1.dist-info",
        f"{SITE}/dvc-3.67.0.dist-info",
        f"{SITE}/opencv_python-4.11.0.86.dist-info",
        f"{SITE}/alibi_detect-0.13.0.dist-info",
    ],
)
def test_what_builds_fetches_or_trains_is_found(path: str) -> None:
    assert find_forbidden([path, "etc/passwd"], alibi=False) == (path,)


def test_what_the_service_needs_is_allowed() -> None:
    files = [
        "usr/bin/python3.11",
        "usr/bin/cat",
        "usr/bin/basename",
        "usr/share/bash-completion/completions/git",
        f"{SITE}/opencv_python_headless-4.11.0.86.dist-info",
        f"{SITE}/pip_requirements_parser-32.0.1.dist-info",
        f"{SITE}/bentoml/_internal/container/docker.py",
    ]

    assert find_forbidden(files, alibi=False) == ()


def test_alibi_detect_is_allowed_where_it_was_asked_for() -> None:
    assert find_forbidden([f"{SITE}/alibi_detect-0.13.0.dist-info"], alibi=True) == ()


def test_packages_are_listed_by_their_normalised_names() -> None:
    files = [f"{SITE}/ruamel.yaml-0.18.dist-info", f"{SITE}/PyYAML-6.0.dist-info", "etc/passwd"]

    assert list_packages(files) == {"ruamel_yaml": "0.18", "pyyaml": "6.0"}


def test_the_containerfile_has_two_stages_hashes_a_user_and_a_health_check() -> None:
    text = (repository() / "ops/image/Containerfile").read_text(encoding="utf-8")
    [_, packages, final] = text.split("\nFROM ${BASE}")

    assert "--require-hashes" in packages
    assert "--only-binary :all:" in packages
    assert "--no-deps" in packages
    for line in (
        "USER 10001:0",
        "VOLUME /var/lib/visionstack",
        "STOPSIGNAL SIGTERM",
        'CMD ["bentoml", "serve", "/opt/visionstack/bento"]',
    ):
        assert line in final.splitlines()
    assert 'CMD ["/opt/visionstack/ready"]' in final
    assert "VISIONSTACK_BUNDLE=/opt/visionstack/bundle" in final
    assert "apt-get" not in text
    assert "ADD " not in text
