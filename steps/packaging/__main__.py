"""``python -m steps.packaging build`` makes the image of the service, ``test`` tries it.

``make image`` and ``make image-test`` call this. Without options the newest champion is packaged,
with a bento built from the code as it is. The exit status is 0, or 1 with a sentence, or with the
list of what is wrong with the image.
"""

from __future__ import annotations

from vision.environment import prepare

prepare()

import argparse  # noqa: E402 - the switches must be set before BentoML is imported.
import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from steps.packaging.bento import content_digest  # noqa: E402
from steps.packaging.image import (  # noqa: E402
    DEFAULT_BASE,
    ImageRequest,
    build_image,
    image_tag,
)
from steps.packaging.image_test import ImageTest, test_image  # noqa: E402
from steps.packaging.record import archive_path, read_record, write_record  # noqa: E402
from vision.bundles.champion import newest_champion  # noqa: E402
from vision.bundles.manifest import read_manifest  # noqa: E402
from vision.errors import BundleError, VisionError  # noqa: E402
from vision.provenance import read_code_version  # noqa: E402


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
    build.add_argument("--requirements", default="", help="for a bento that is built now")
    build.add_argument("--builder", default="auto", choices=("auto", "docker", "podman", "buildah"))
    build.add_argument("--base", default=DEFAULT_BASE, help=f"default: {DEFAULT_BASE}")
    build.add_argument("--tag", default="", help="default: visionstack:MODEL-VERSION-BENTO")
    test = commands.add_parser("test", help="start an image, ask it, and stop it")
    test.add_argument("record", type=Path, nargs="?", help="what build wrote; else the newest")
    return parser


def _build(options: argparse.Namespace) -> int:
    bundle: Path = options.bundle or _champion()
    manifest = read_manifest(bundle)
    bento = options.bento or _build_bento(options.requirements)
    tag = options.tag or image_tag(manifest, content_digest(bento))
    code = read_code_version()
    labels = {"visionstack.service.commit": code.commit} if code.commit else {}
    request = ImageRequest(
        bento, bundle, archive_path(tag), tag, options.builder, options.base, labels
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


def _build_bento(requirements: str) -> Path:
    from steps.packaging.bento_now import build_bento_now

    return build_bento_now(requirements)


def _test(options: argparse.Namespace) -> int:
    built, bundle = read_record(options.record)
    found = test_image(built, bundle)
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
