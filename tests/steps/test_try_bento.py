"""The step that tries a bento: when it goes on, and when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from steps.packaging import bento_test, environment
from steps.packaging.containers import PackagingError
from steps.packaging.environment import Environment
from steps.try_bento import try_bento
from tests.fake_bundle import write_fake_bundle
from tests.steps.test_packaging_steps import BENTO
from vision.bundles.build import Bundle
from vision.packages import BentoTest

pytestmark = pytest.mark.unit


GOOD = BentoTest(
    tag="b:1", model="m:1", n_packages=9, cold_start_s=2.5, memory_bytes=234_000_000,
    n_golden=3, golden_difference=0.0, exit_code=0,
)  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle(tmp_path / "bundle", write_fake_bundle(tmp_path / "bundle"))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The site-packages of the bento's environment, with one package."""
    packages = tmp_path / "environment/lib/python3.11/site-packages"
    asked: list[Path] = []

    def make(requirements: Path) -> Environment:
        asked.append(requirements)
        return Environment(tmp_path / "environment", 1, was_made=False)

    monkeypatch.setattr(environment, "make_environment", make)
    install(packages, "numpy", "BSD-3-Clause")
    yield packages
    assert set(asked) == {BENTO.folder / "env/python/requirements.txt"}


def install(packages: Path, name: str, licence: str) -> None:
    place = packages / f"{name}-1.0.dist-info"
    place.mkdir(parents=True)
    text = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n"
    (place / "METADATA").write_text(text)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("name", "licence", "backend"),
    [
        ("readline", "GPL-3.0-only", "scipy"),
        ("readline", "GPL-3.0-only", "alibi"),
        ("alibi-detect", "BUSL-1.1", "scipy"),
    ],
)
def test_se08_a_licence_that_may_not_be_there_stops_before_anything_is_served(
    bundle: Bundle,
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    licence: str,
    backend: str,
) -> None:
    install(installed, name, licence)
    monkeypatch.setattr(bento_test, "try_bento", lambda *_: pytest.fail("served"))
    with pytest.raises(PackagingError) as caught:
        try_bento.entrypoint(BENTO.model_copy(update={"backend": backend}), bundle)
    assert str(caught.value) == (
        f"bento visionstack:0123: licences that may not be in the service: {name} ({licence}); "
        "remove what asks for them\nnothing was promoted; the packages are those of "
        "requirements/service.txt, which `make lock` renews from pyproject.toml"
    )


def test_se08_alibi_goes_on_where_it_was_asked_for(
    bundle: Bundle,
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(installed, "alibi-detect", "BUSL-1.1")
    monkeypatch.setattr(bento_test, "try_bento", lambda *_: GOOD)
    bento_of_alibi = BENTO.model_copy(update={"backend": "alibi"})
    assert try_bento.entrypoint(bento_of_alibi, bundle) == GOOD
    assert "2 packages; alibi-detect is under the Business Source" in capsys.readouterr().err


def test_a_bento_that_passes_goes_on_and_another_stops(
    bundle: Bundle,
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bento_test, "try_bento", lambda *_: GOOD)
    assert try_bento.entrypoint(BENTO, bundle) == GOOD
    assert capsys.readouterr().err == (
        "licences of bento visionstack:0123: 1 packages, none under GPL, AGPL, SSPL or BUSL\n"
        "bento b:1: ready after 2.5 s, 234 MB of memory, 3 golden images as stored within 0\n"
    )

    bad = GOOD.model_copy(update={"problems": ("it hangs",), "output": "the end"})
    monkeypatch.setattr(bento_test, "try_bento", lambda *_: bad)
    with pytest.raises(PackagingError) as caught:
        try_bento.entrypoint(BENTO, bundle)
    assert str(caught.value) == (
        "the bento b:1 with m:1 failed its test: it hangs\nit said at the end:\nthe end\n"
        "nothing was promoted; `bentoml serve` in the repository shows the same code at work"
    )
