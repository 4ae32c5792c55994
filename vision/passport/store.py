"""Where passports lie: ``home()/passports/<model>/<version>.json``.

Beside it are its page, ``<version>.html``, and the SBOM that it speaks of, ``<version>.cdx``.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from vision.bundles.manifest import check_id
from vision.errors import VisionError
from vision.home import folder, home
from vision.passport.passport import Passport

FOLDER = "passports"


def write_passport(passport: Passport, html: str, sbom: bytes | None = None) -> tuple[Path, Path]:
    """Writes the files, each in one step, and returns the paths of JSON and page.

    A version that is deployed again gets a new passport.

    Raises:
      ConfigError: the folder cannot be made.
      VisionError: a file cannot be written.
    """
    place = folder(f"{FOLDER}/{check_id(passport.name, 'model name')}")
    version = check_id(passport.version, "model version")
    # The numbers last: whoever finds them finds the rest too.
    if sbom is not None:
        _write(place / f"{version}.cdx", sbom.decode())
    page = _write(place / f"{version}.html", html)
    return _write(place / f"{version}.json", passport.model_dump_json(indent=2) + "\n"), page


def find_passport(wanted: str) -> Path:
    """Returns the JSON file of a passport.

    Args:
      wanted: a path that ends with ``.json``, a version, or ``model/version``.

    Raises:
      VisionError: there is none, or several models have this version.
      BundleError: it can be no name of a version.
    """
    if wanted.endswith(".json"):
        return Path(wanted)
    model, _, version = wanted.rpartition("/")
    version = check_id(version, "model version")
    pattern = check_id(model, "model name") if model else "*"
    # What the check allows means nothing in a pattern.
    found = sorted((home() / FOLDER).glob(f"{pattern}/{version}.json"))
    if not found:
        raise VisionError(
            f"no passport of {wanted} in {home() / FOLDER}; deploy the version, or name the JSON "
            "file of its passport"
        )
    if len(found) > 1:
        names = " or ".join(f"{path.parent.name}/{version}" for path in found)
        raise VisionError(f"several models have the version {version}; say {names}")
    return found[0]


def read_passport(path: Path) -> Passport:
    """Reads the JSON file of a passport.

    Raises:
      VisionError: it cannot be read, or is none that this version understands.
    """
    try:
        return Passport.model_validate_json(path.read_bytes())
    except OSError as error:
        raise VisionError(
            f"the passport {path} cannot be read ({error.strerror}); name a version, or the JSON "
            "file of its passport"
        ) from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise VisionError(
            f"{path} is no passport: {where}: {problem['msg']}; deploy the version again"
        ) from error


def _write(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise VisionError(
            f"the passport cannot be written to {path} ({error.strerror}); make room there, or set "
            "VISIONSTACK_HOME to a folder that you can write to"
        ) from error
    return path
