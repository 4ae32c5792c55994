"""The locks: complete, hashed, without addresses, and in agreement with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from vision.home import repository

pytestmark = pytest.mark.unit

PROJECT = tomllib.loads((repository() / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
# dev.txt is what developers and CI install: all three groups.
LOCKED_GROUPS = {"dev": ("pipeline", "service", "dev"), "pipeline": ("pipeline",)}
LOCKED_GROUPS["service"] = ("service",)
LOCKED_GROUPS["service-alibi"] = ("service", "service-alibi")
LOCKS = sorted(LOCKED_GROUPS)
PYTHONS = ("3.11", "3.12")
_SHA256 = re.compile(r"--hash=sha256:[0-9a-f]{64}")


class Pin(NamedTuple):
    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> Version:
        [specifier] = self.requirement.specifier
        assert specifier.operator == "=="
        return Version(specifier.version)

    def applies(self, python: str) -> bool:
        marker = self.requirement.marker
        linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
        environment = {**linux, "python_version": python, "python_full_version": f"{python}.9"}
        return marker is None or marker.evaluate(environment)


def text_of(lock: str) -> str:
    return (repository() / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")


def pins(lock: str) -> Iterator[Pin]:
    for entry in text_of(lock).replace("\\\n", "").splitlines():
        requirement, *hashes = re.split(r"\s+(?=--hash=)", entry.strip())
        yield Pin(Requirement(requirement), tuple(hashes))


def versions(lock: str, python: str) -> dict[str, Version]:
    found = [pin for pin in pins(lock) if pin.applies(python)]
    assert len({pin.name for pin in found}) == len(found)
    return {pin.name: pin.version for pin in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_exact_and_hashed(lock: str) -> None:
    found = list(pins(lock))

    assert len(found) > 50
    for pin in found:
        assert pin.version
        assert pin.hashes
        assert all(_SHA256.fullmatch(each) for each in pin.hashes)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_says_where_packages_come_from(lock: str) -> None:
    text = text_of(lock)

    for address in ("://", " @ ", "index-url", "find-links", "trusted-host", ".org", ".com", "#"):
        assert address not in text


def test_pyproject_names_no_index() -> None:
    assert not {"index", "index-url", "extra-index-url", "find-links"} & set(PROJECT["tool"]["uv"])
    assert not [text for group in GROUPS.values() for text in group if "://" in text]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_satisfied_by_its_lock(lock: str, python: str) -> None:
    locked = versions(lock, python)

    for group in LOCKED_GROUPS[lock]:
        for text in GROUPS[group]:
            wanted = Requirement(text)
            if wanted.name == PROJECT["project"]["name"]:
                continue  # another of these groups
            assert locked[canonicalize_name(wanted.name)] in wanted.specifier, text


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", ["pipeline", "service", "service-alibi"])
def test_what_is_tested_is_what_is_shipped(lock: str, python: str) -> None:
    tested = versions("dev", python)

    assert versions(lock, python).items() <= tested.items()


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_only_the_headless_opencv_is_installed(lock: str, python: str) -> None:
    opencv = [name for name in versions(lock, python) if "opencv" in name]

    assert opencv == ["opencv-python-headless"]


@pytest.mark.parametrize("lock", ["service", "service-alibi"])
def test_the_service_carries_nothing_of_training(lock: str) -> None:
    names = versions(lock, "3.11").keys()

    assert not names & {"deepchecks", "dvc", "imgaug", "keras", "mlflow", "tensorflow", "zenml"}


def test_the_service_carries_the_one_drift_backend_that_it_is_built_with() -> None:
    assert "alibi-detect" not in versions("service", "3.11")
    assert versions("service-alibi", "3.11").items() > versions("service", "3.11").items()
    assert "alibi-detect" in versions("service-alibi", "3.11")
