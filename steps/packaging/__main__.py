"""``python -m steps.packaging build`` makes the image of the service, ``test`` tries it.

``make image`` and ``make image-test`` call this. Without options the newest champion is packaged,
with a bento built from the code as it is and the packages that its drift detectors need. A package
with a licence that may not be there stops it. The exit status is 0, or 1 with a sentence, or with
the list of what is wrong with the image.
"""

from __future__ import annotations

from vision.environment import prepare

prepare()

import argparse  # noqa: E402 - the switches must be set before BentoML is imported.
import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from steps.packaging.builder import choose_builder  # noqa: E402
from steps.packaging.chosen_bento import choose_bento  # noqa: E402
from steps.packaging.containers import PackagingError  # noqa: E402
from steps.packaging.image import (  # noqa: E402
    DEFAULT_BASE,
    ImageRequest,
    build_image,
)
from steps.packaging.image_name import name_image  # noqa: E402
from steps.packaging.image_test import ImageTest, test_image  # noqa: E402
from steps.packaging.record import (  # noqa: E402
    archive_path,
    note_test,
    read_note,
    write_record,
)
from vision.bundles.champion import newest_champion  # noqa: E402
from vision.bundles.manifest import read_manifest  # noqa: E402
from vision.errors import BundleError, VisionError  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Builds or tries an image; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _build(options) if options.command == "build" else _test(options)
    except VisionError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m steps.packaging", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build and save the image")
    build.add_argument("--bundle", type=Path, help="a bundle's folder; else the newest champion")
    build.add_argument("--bento", type=Path, help="a built bento's folder; else it is built now")
    build.add_argument("--requirements", default="", help="of a bento built now; else its bundle's")
    build.add_argument("--builder", default="auto", choices=("auto", "docker", "podman", "buildah"))
    build.add_argument("--base", default=DEFAULT_BASE, help=f"default: {DEFAULT_BASE}")
    build.add_argument("--tag", default="", help="default: visionstack:MODEL-VERSION-DIGEST")
    test = commands.add_parser("test", help="start an image, ask it, and stop it")
    test.add_argument("record", type=Path, nargs="?", help="what build wrote; else the newest")
    return parser


def _build(options: argparse.Namespace) -> int:
    bundle: Path = options.bundle or _champion()
    manifest = read_manifest(bundle)
    tool = choose_builder(options.builder).require()
    bento = choose_bento(bundle, options.bento, options.requirements)
    print(f"licences: {bento.licences.sentence}")
    tag = options.tag or name_image(tool, manifest, bento.digest, options.base)
    request = ImageRequest(
        bento.folder, bundle, archive_path(tag), tag, tool.name, options.base, bento.labels
    )
    built = build_image(request)
    print(f"{built.tag}: {built.n_bytes / 1e6:.0f} MB, {built.digest}, built by {built.builder}")
    print(f"saved as {built.archive} ({built.archive.stat().st_size / 1e6:.0f} MB)")
    print(f"noted in {write_record(built, bundle)}; try it: make image-test")
    return 0


def _champion() -> Path:
    from serving.models.store import bundle_folder

    champion = newest_champion()
    if champion is None:
        raise BundleError("there is no champion to package; run `make demo`, or name a --bundle")
    return bundle_folder(champion.bento_model)


def _test(options: argparse.Namespace) -> int:
    note = read_note(options.record)
    try:
        found = test_image(note.built, note.bundle)
    except PackagingError:
        note_test(note, passed=False)
        raise
    note_test(note, passed=found.passed)
    print(json.dumps(found.to_json(), indent=2))
    print(_summary(found))
    for problem in found.problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 0 if found.passed else 1


def _summary(found: ImageTest) -> str:
    memory = "?" if found.memory_bytes is None else f"{found.memory_bytes / 1e6:.0f}"
    return (
        f"{found.tag}: {found.n_bytes / 1e6:.0f} MB, ready after {found.cold_start_s:.1f} s, "
        f"{memory} MB of memory, {found.n_golden} golden images as stored within "
        f"{found.golden_difference:.1g}, {len(found.bad_images)} bad images refused, stopped "
        f"within {found.stop_s:.1f} s with {found.exit_code}: "
        + ("passed" if found.passed else "FAILED")
    )


if __name__ == "__main__":
    sys.exit(main())
