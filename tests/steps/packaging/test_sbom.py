"""SE-07: the bill of materials lists what is installed. Tests of packages.py and sbom.py."""

from __future__ import annotations

import json
import sysconfig
import zipfile
from pathlib import Path

import pytest

from steps.packaging.containers import PackagingError
from steps.packaging.packages import (
    Package,
    installed_packages,
    locked_packages,
    named_packages,
    packages_of_wheels,
    with_hashes,
)
from steps.packaging.sbom import check_sbom, listed_packages, make_sbom, missing_packages, sbom_of
from vision.home import repository

pytestmark = pytest.mark.unit

SITE = [Path(sysconfig.get_path("purelib"))]
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}\n"


def install(site: Path, name: str, version: str = "1.0", more: str = "") -> None:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(METADATA.format(name=name, version=version, more=more))


@pytest.mark.slow
def test_se07_it_lists_at_least_99_percent_of_a_real_environment() -> None:
    text = sbom_of(SITE, locked_packages(repository() / "requirements/dev.txt"), "dev", "1")
    check_sbom(text)
    n_installed = len(list(SITE[0].glob("*.dist-info")))
    assert n_installed > 300
    assert len(missing_packages(text, SITE)) <= 0.01 * n_installed
    listed = listed_packages(text)
    assert {"bentoml", "numpy", "opencv-python-headless", "zenml"} <= listed.keys()
    described = [each for each in json.loads(text)["components"] if each.get("licenses")]
    assert len(described) >= 0.95 * len(listed)


def test_a_component_has_version_url_licence_and_the_hashes_of_the_lock(tmp_path: Path) -> None:
    install(
        tmp_path, "Some_Thing", "1.2", "License-Expression: MIT AND (Apache-2.0 OR BSD-2-Clause)"
    )
    locked = [Package("some-thing", "1.2", sha256=("a" * 64, "b" * 64))]
    text = sbom_of([tmp_path], locked, "service", "v1")
    check_sbom(text)
    found = json.loads(text)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["name"] == "service"
    [component] = found["components"]
    assert component["purl"] == "pkg:pypi/some-thing@1.2"
    assert (component["name"], component["version"]) == ("some-thing", "1.2")
    [licence] = component["licenses"]
    assert licence["expression"] == "MIT AND (Apache-2.0 OR BSD-2-Clause)"
    [reference] = component["externalReferences"]
    assert reference["type"] == "distribution"
    assert [each["content"] for each in reference["hashes"]] == ["a" * 64, "b" * 64]


def test_the_same_packages_are_the_same_bytes() -> None:
    packages = [Package("b", "1", ("MIT",)), Package("a", "2", ("Some Terms of our Own",))]
    text = make_sbom(packages, "x", "1")
    check_sbom(text)
    assert make_sbom(reversed(packages), "x", "1") == text
    assert "timestamp" not in text
    serial = json.loads(text)["serialNumber"]
    assert json.loads(make_sbom(packages[:1], "x", "1"))["serialNumber"] != serial


def test_what_is_not_listed_is_named(tmp_path: Path) -> None:
    install(tmp_path, "one")
    install(tmp_path, "two", "2.0")
    text = make_sbom([Package("one", "1.0"), Package("two", "1.9")], "x", "1")
    assert missing_packages(text, [tmp_path]) == ("two==2.0",)


def test_what_is_no_bill_is_refused() -> None:
    with pytest.raises(PackagingError, match=r"no valid CycloneDX 1\.6"):
        check_sbom('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}')


@pytest.mark.parametrize(
    ("more", "licences"),
    [
        ("License-Expression: MIT\nLicense: Apache", ("MIT",)),
        ("License: Apache 2.0", ("Apache 2.0",)),
        ("Classifier: License :: OSI Approved :: MIT License\nLicense: x", ("MIT License",)),
        ("License: BUSL\nClassifier: License :: Other/Proprietary License", ("BUSL",)),
        ("License: UNKNOWN", ()),
        ("License: " + "Permission is granted to whom it may concern, " * 3, ()),
        ("", ()),
    ],
)
def test_licences_are_as_declared(tmp_path: Path, more: str, licences: tuple[str, ...]) -> None:
    install(tmp_path, "one", "1.0", more)
    assert installed_packages([tmp_path]) == (Package("one", "1.0", licences),)


def test_an_image_is_described_by_names_and_what_is_known_of_them() -> None:
    known = [Package("some-thing", "1.0", ("MIT",)), Package("other", "1.0", ("BSD",))]
    found = named_packages({"some_thing": "1.0", "other": "2.0"}, known)
    assert found == (Package("other", "2.0"), Package("some-thing", "1.0", ("MIT",)))


def test_wheels_are_described_by_themselves(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some_thing-1.0-py3-none-any.whl", "w") as wheel:
        text = METADATA.format(name="Some-Thing", version="1.0", more="License: MIT")
        wheel.writestr("some_thing-1.0.dist-info/METADATA", text)
    (tmp_path / "other-2.0.tar.gz").write_bytes(b"a source archive")
    found = packages_of_wheels(tmp_path)
    assert found == (Package("other", "2.0"), Package("some-thing", "1.0", ("MIT",)))
    (tmp_path / "broken-1.0-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(PackagingError, match=r"broken-1\.0-py3-none-any\.whl is no Python package"):
        packages_of_wheels(tmp_path)


def test_a_lock_has_what_belongs_on_this_machine(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    digests = [f"    --hash=sha256:{each * 64}" for each in "abcd"]
    lock.write_text(
        f"Some.Thing==1.0 \\\n{digests[0]} \\\n{digests[1]}\n"
        f"elsewhere==1.0 ; sys_platform == 'win32' \\\n{digests[2]}\n"
        f"extra[more]==2.0 ; python_version >= '3.8' \\\n{digests[3]}\n"
    )
    one = Package("some-thing", "1.0", sha256=("a" * 64, "b" * 64))
    assert locked_packages(lock) == (Package("extra", "2.0", sha256=("d" * 64,)), one)
    found = with_hashes([Package("some-thing", "1.0", ("MIT",)), Package("new", "1")], [one])
    assert found == (Package("some-thing", "1.0", ("MIT",), one.sha256), Package("new", "1"))
    lock.write_text("numpy>=1\n")
    with pytest.raises(PackagingError, match="names no packages with exact versions"):
        locked_packages(lock)
