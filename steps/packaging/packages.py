"""Which Python packages are somewhere: in an environment, in a folder of wheels, in an image.

Names are normalised as package indexes do it (PEP 503: lower case, hyphens). Licences are as the
package declares them: its SPDX expression, else its classifiers, else the first line of its free
text where that is short; empty where it says nothing.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import Parser
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename

from steps.packaging.containers import PackagingError

_CLASSIFIER = "License :: "
# Longer ones are the text of the licence itself, or of those of bundled libraries.
_NAME_CHARS = 80
# Classifiers that say that there is a licence and not which.
_SAY_NOTHING = frozenset(
    {"OSI Approved", "Other/Proprietary License", "Free for non-commercial use"}
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, order=True)
class Package:
    """One Python distribution.

    Attributes:
      name: normalised.
      version: as installed.
      licences: as declared; all of them hold.
      sha256: of the files that the lock allows for it; empty where it is in no lock.
    """

    name: str
    version: str
    licences: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()


def installed_packages(site_packages: Sequence[Path]) -> tuple[Package, ...]:
    """Returns what is installed in the folders of an environment, sorted by name."""
    found = distributions(path=[str(folder) for folder in site_packages])
    return _sorted(_described(each.metadata) for each in found)  # type: ignore[arg-type]


def packages_of_wheels(folder: Path) -> tuple[Package, ...]:
    """Returns what a folder of wheels and source archives holds, sorted by name.

    Raises:
      PackagingError: a file is neither, or a wheel that cannot be read.
    """
    return _sorted(_of_file(path) for path in sorted(folder.iterdir()))


def named_packages(versions: Mapping[str, str], known: Iterable[Package]) -> tuple[Package, ...]:
    """Returns packages of which only names and versions are at hand, as those of an image.

    Args:
      versions: version by name.
      known: where licences are taken from, for the same name and version.
    """
    licences = {(each.name, each.version): each.licences for each in known}
    named = ((str(canonicalize_name(name)), version) for name, version in versions.items())
    return _sorted(Package(*each, licences.get(each, ())) for each in named)


def described_packages(lock: Path) -> tuple[Package, ...]:
    """Returns the packages of a lock, with the licences that they declare in this environment.

    Raises:
      PackagingError: the file is no lock with exact versions.
    """
    known = installed_packages([Path(each) for each in sys.path if Path(each).is_dir()])
    return named_packages({each.name: each.version for each in locked_packages(lock)}, known)


def locked_packages(lock: Path) -> tuple[Package, ...]:
    """Returns the packages of a lock that belong on this machine, with their hashes.

    Raises:
      PackagingError: the file is no lock with exact versions.
    """
    found: list[Package] = []
    belongs = False
    for line in lock.read_text(encoding="utf-8").splitlines():
        pin = line.partition("#")[0].partition(" --hash=")[0].strip(" \\")
        if "==" in pin and not line[0].isspace():
            requirement = _requirement(lock, pin)
            belongs = requirement.marker is None or requirement.marker.evaluate()
            version = str(requirement.specifier).removeprefix("==")
            if belongs:
                found.append(Package(str(canonicalize_name(requirement.name)), version))
        if belongs:
            found[-1] = replace(found[-1], sha256=(*found[-1].sha256, *_HASH.findall(line)))
    if not found:
        raise PackagingError(f"{lock} names no packages with exact versions; renew it: make lock")
    return _sorted(found)


def with_hashes(packages: Iterable[Package], locked: Iterable[Package]) -> tuple[Package, ...]:
    """Returns the packages with the hashes of the lock, where it has the same version."""
    hashes = {(each.name, each.version): each.sha256 for each in locked}
    return tuple(
        replace(each, sha256=hashes.get((each.name, each.version), ())) for each in packages
    )


def _requirement(lock: Path, pin: str) -> Requirement:
    try:
        return Requirement(pin)
    except InvalidRequirement as error:
        raise PackagingError(f"{lock}: {pin!r} is no requirement; renew it: make lock") from error


def _described(metadata: Message) -> Package:
    name, version = metadata["Name"] or "", metadata["Version"] or ""
    return Package(str(canonicalize_name(name)), version, _licences(metadata))


def _licences(metadata: Message) -> tuple[str, ...]:
    if expression := metadata.get("License-Expression"):
        return (str(expression),)
    classifiers = [
        str(each).rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or []
        if str(each).startswith(_CLASSIFIER)
    ]
    declared = tuple(each for each in classifiers if each not in _SAY_NOTHING)
    if declared:
        return declared
    text = str(metadata.get("License") or "").strip()
    name = text.splitlines()[0].strip() if text else ""
    return (name,) if name and len(name) <= _NAME_CHARS and name != "UNKNOWN" else ()


def _of_file(path: Path) -> Package:
    try:
        if path.suffix != ".whl":
            name, version = parse_sdist_filename(path.name)
            return Package(str(name), str(version))
        with zipfile.ZipFile(path) as wheel:
            [metadata] = [
                name
                for name in wheel.namelist()
                if name.count("/") == 1 and name.endswith(".dist-info/METADATA")
            ]
            return _described(Parser().parsestr(wheel.read(metadata).decode("utf-8", "replace")))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise PackagingError(
            f"{path} is no Python package ({error}); remove it, or fetch it again"
        ) from error


def _sorted(packages: Iterable[Package]) -> tuple[Package, ...]:
    # A package that lies in two folders counts once: Python finds the first.
    return tuple(sorted({(each.name, each.version): each for each in packages}.values()))
