"""Everything that a machine without internet needs for the service, in one signed archive.

``README.md`` with the commands, ``bundle/`` (the model), ``bento/`` (the service's code),
``requirements.txt`` and ``wheels/`` (its packages, by their hashes), ``image/`` (the OCI archive,
where one was built for this model version), ``ops/`` (compose and Prometheus),
``sbom.cdx.json``, ``licences.json`` and ``signing.pub``. :mod:`steps.packaging.sealed_archive` says
how it is sealed.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from steps.packaging.bento_inputs import drift_backend
from steps.packaging.containers import PackagingError, call
from steps.packaging.image import REQUIREMENTS, check_bento
from steps.packaging.licences import judge_licences
from steps.packaging.offline_readme import readme
from steps.packaging.packages import (
    Package,
    described_packages,
    locked_packages,
    packages_of_wheels,
    with_hashes,
)
from steps.packaging.sbom import SBOM_FILE, check_sbom, make_sbom
from steps.packaging.sealed_archive import Sealed, write_sealed
from vision.bundles.files import verify_files
from vision.bundles.keys import SigningKey
from vision.bundles.manifest import MANIFEST_FILE, Manifest, read_manifest
from vision.bundles.signature import SIGNATURE_FILE, verify_bundle
from vision.home import repository

_FETCHED_WITHIN_S = 1800.0
# The passwords beside them stay where they are.
_OPS = ("compose/compose.yaml", "compose/example.env", "compose/make_secrets.sh", "compose/nginx")
_OPS_FOLDERS = ("prometheus",)

Fetch = Callable[[Path, Path], None]


@dataclass(frozen=True)
class OfflineRequest:
    """What goes into the archive.

    Attributes:
      bundle: the model, signed.
      bento: a built bento with locked packages.
      image: an OCI archive of both; None where there is none.
      tag: the image's name; empty where there is none.
      has_wheels: whether the packages are put in, of which some 250 MB are fetched.
    """

    bundle: Path
    bento: Path
    image: Path | None = None
    tag: str = ""
    has_wheels: bool = True


def make_offline(
    request: OfflineRequest, output: Path, key: SigningKey, fetch: Fetch | None = None
) -> Sealed:
    """Writes the archive to ``output``.

    Args:
      request: what goes into it.
      output: where; a file of that name is replaced at the end.
      key: signs the list of files; the bundle must be signed with it too.
      fetch: puts the packages of a lock into a folder; pip if None.

    Raises:
      BundleError: the bundle is not what its manifest says, or not signed with the key.
      PackagingError: the bento has no locked packages, they cannot be had, or one has a licence
        that may not be there.
      OSError: something cannot be read or written.
    """
    manifest = read_manifest(request.bundle)
    verify_files(request.bundle, manifest)
    verify_bundle(request.bundle, [key.public])
    check_bento(request.bento)
    with tempfile.TemporaryDirectory(prefix=".offline-", dir=output.parent) as name:
        made = Path(name)
        lock = request.bento / REQUIREMENTS
        packages = _packages(request, lock, made, fetch or fetch_wheels)
        _describe(request, manifest, packages, made, key)
        files = {**_inputs(request, manifest), **_below(made, "")}
        return write_sealed(output, f"{manifest.name}-{manifest.version}", files, key)


def fetch_wheels(lock: Path, target: Path) -> None:
    """Fetches the packages of a lock for this machine's Python, each by its hash.

    Raises:
      PackagingError: pip failed; the message ends with what it said.
    """
    words = ["-m", "pip", "download", "--require-hashes", "--no-deps", "--quiet"]
    words += ["--disable-pip-version-check", "--requirement", str(lock), "--dest", str(target)]
    called = call([sys.executable, *words], _FETCHED_WITHIN_S)
    if called.code:
        raise PackagingError(
            f"the packages of the service could not be fetched:\n{called.tail}\n"
            "the machine that makes the archive must reach a package index; --no-wheels leaves the "
            "packages out"
        )


def _packages(request: OfflineRequest, lock: Path, made: Path, fetch: Fetch) -> tuple[Package, ...]:
    locked = locked_packages(lock)
    if not request.has_wheels:
        return with_hashes(described_packages(lock), locked)
    wheels = made / "wheels"
    wheels.mkdir()
    fetch(lock, wheels)
    found = packages_of_wheels(wheels)
    wanted = {(each.name, each.version) for each in locked}
    if missing := wanted - {(each.name, each.version) for each in found}:
        named = ", ".join(sorted(f"{name} {version}" for name, version in missing))
        raise PackagingError(f"the packages that were fetched are not those of {lock}: no {named}")
    return with_hashes(found, locked)


def _describe(
    request: OfflineRequest,
    manifest: Manifest,
    packages: tuple[Package, ...],
    made: Path,
    key: SigningKey,
) -> None:
    """Writes what is made for the archive alone."""
    backend = drift_backend(request.bundle, manifest)
    judged = judge_licences(packages, alibi=backend == "alibi")
    if not judged.passed:
        raise PackagingError(f"{judged.sentence}; the bundle has drift.backend: {backend}")
    sbom = make_sbom(packages, manifest.name, manifest.version)
    check_sbom(sbom)
    machine = f"Python {sys.version_info.major}.{sys.version_info.minor}, {platform.machine()}"
    text = readme(
        manifest=manifest,
        image=request.image.name if request.image else "",
        tag=request.tag,
        machine=machine if request.has_wheels else "",
        key=key.public,
    )
    (made / "README.md").write_text(text, encoding="utf-8")
    (made / SBOM_FILE).write_text(sbom, encoding="utf-8")
    (made / "licences.json").write_text(json.dumps(judged.to_json(), indent=2) + "\n", "utf-8")
    (made / "signing.pub").write_text(f"{key.public.text}\n", encoding="ascii")
    shutil.copyfile(request.bento / REQUIREMENTS, made / "requirements.txt")


def _inputs(request: OfflineRequest, manifest: Manifest) -> dict[str, Path]:
    """Returns what is taken from where it is, by its path in the archive."""
    names = (*manifest.files, MANIFEST_FILE, SIGNATURE_FILE)
    files = {f"bundle/{name}": request.bundle / name for name in names}
    files |= _below(request.bento, "bento/")
    ops = repository() / "ops"
    for part in (*_OPS, *_OPS_FOLDERS):
        path = ops / part
        files |= _below(path, f"ops/{part}/") if path.is_dir() else {f"ops/{part}": path}
    if request.image is not None:
        files[f"image/{request.image.name}"] = request.image
    return files


def _below(folder: Path, prefix: str) -> dict[str, Path]:
    return {f"{prefix}{path.relative_to(folder).as_posix()}": path for path in _walk(folder)}


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise PackagingError(f"{path} is a link, which the archive does not hold; remove it")
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
