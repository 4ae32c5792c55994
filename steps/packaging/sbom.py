"""The software bill of materials: CycloneDX 1.6 as JSON.

One component for each Python package, with name, version, package URL and the licences that it
declares. The hashes are those of the lock, under an external reference ``distribution``: each is of
a file that may have been installed, since a lock allows wheels for several machines. The same
packages give the same bytes; the serial number is made from them, and there is no time in it.
Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from steps.packaging.containers import PackagingError
from steps.packaging.packages import Package, installed_packages, with_hashes

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

SBOM_FILE = "sbom.cdx.json"

_NAMESPACE = uuid.UUID("8a6f6b0e-0d5b-5f0e-9c0a-6d1f3c2f7a11")


def make_sbom(packages: Iterable[Package], name: str, version: str) -> str:
    """Returns the bill of materials as JSON.

    Args:
      packages: what is in it.
      name: of what consists of them, for example an image or a bento.
      version: of the same.
    """
    from cyclonedx.output.json import JsonV1Dot6

    found = json.loads(JsonV1Dot6(_bom(sorted(packages), name, version)).output_as_string())
    # The library notes the time at which it writes.
    found["metadata"].pop("timestamp", None)
    found["serialNumber"] = uuid.uuid5(_NAMESPACE, json.dumps(found["components"])).urn
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def check_sbom(text: str) -> None:
    """Checks a bill of materials against the official schema, which the library carries.

    Raises:
      PackagingError: it is not valid; the message names the first fault.
    """
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise PackagingError(f"this is no valid CycloneDX 1.6: {str(problem)[:500]}")


def listed_packages(text: str) -> dict[str, str]:
    """Returns the version of every component by its name."""
    return {each["name"]: each["version"] for each in json.loads(text)["components"]}


def missing_packages(text: str, site_packages: Sequence[Path]) -> tuple[str, ...]:
    """Returns what is installed and not listed with its version, as ``name==version``.

    What is installed is counted by the folders themselves and not by what reads their metadata.
    """
    listed = listed_packages(text).items()
    found = {
        (str(canonicalize_name(name)), version)
        for folder in site_packages
        for name, _, version in (
            path.stem.partition("-") for path in folder.iterdir() if path.suffix == ".dist-info"
        )
    }
    return tuple(sorted(f"{name}=={version}" for name, version in found - set(listed)))


def sbom_of(
    site_packages: Sequence[Path], locked: Iterable[Package], name: str, version: str
) -> str:
    """Returns the bill of materials of an environment, with the hashes of its lock."""
    return make_sbom(with_hashes(installed_packages(site_packages), locked), name, version)


def _bom(packages: Sequence[Package], name: str, version: str) -> Bom:
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType

    subject = Component(
        name=name, version=version, type=ComponentType.APPLICATION, bom_ref=f"{name}@{version}"
    )
    bom = Bom(components=map(_component, packages), metadata=BomMetaData(component=subject))
    bom.register_dependency(subject, bom.components)
    return bom


def _component(package: Package) -> Component:
    from cyclonedx.model import (
        ExternalReference,
        ExternalReferenceType,
        HashAlgorithm,
        HashType,
        XsUri,
    )
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    url = PackageURL("pypi", name=package.name, version=package.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(url)),
        comment="one of these files, as the lock allows",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.sha256],
    )
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(url),
        purl=url,
        licenses=_licences(package.licences),
        external_references=[files] if package.sha256 else [],
    )


def _licences(declared: Sequence[str]) -> list[Any]:
    """An expression must stand alone, so several licences with one among them become names."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.license import LicenseExpression

    make = LicenseFactory()
    found = [make.make_from_string(each) for each in declared]
    if len(found) > 1 and any(isinstance(each, LicenseExpression) for each in found):
        return [make.make_with_name(each) for each in declared]
    return found
