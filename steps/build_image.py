"""Builds and tries the OCI image of a model version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from steps.packaging import image, image_test
from steps.packaging.builder import Choice, choose_builder, choose_runner
from steps.packaging.containers import PackagingError, Tool
from steps.packaging.contents import list_packages
from steps.packaging.image_name import name_image
from steps.packaging.oci_archive import read_archive
from steps.packaging.record import archive_path, write_record
from steps.packaging.running import why_none_starts
from steps.packaging.saving import push_image
from vision.bundles.build import Bundle
from vision.config.deployment import ImageConfig
from vision.packages import BuiltBento, ImageResult
from vision.progress import say


# Not from ZenML's cache: builders keep what they built, and the archive may be gone.
@step(enable_cache=False, output_materializers="materializers.packages.ImageResultMaterializer")
def build_image(
    bento: BuiltBento, bundle: Bundle, config: ImageConfig
) -> Annotated[ImageResult, "image"]:
    """Builds the image, starts and asks it, notes how that went, and pushes it to a named registry.

    Where no builder is found, it cannot build, or this machine starts no container at all, a
    sentence says so and the deployment goes on, unless the image is required, as it is for compose
    and Kubernetes. An image that was built and fails its test stops it.

    Raises:
      PackagingError: the image failed its test or cannot be started where others can, or cannot be
        pushed; or there is none and it is required.
    """
    choice = choose_builder(config.builder)
    if choice.tool is None:
        return _without(choice.sentence, config)
    try:
        built = image.build_image(_request(bento, bundle, config, choice.tool))
    except PackagingError as error:
        return _without(str(error), config)
    return _examine(built, bundle.folder, choice, config)


def _examine(
    built: image.BuiltImage, bundle: Path, choice: Choice, config: ImageConfig
) -> ImageResult:
    write_record(built, bundle)
    try:
        found = image_test.test_image(built, bundle)
    except PackagingError:
        if why := why_none_starts(choose_runner(choice.require().name), config.base):
            return _without(f"{built.tag} was built, but no container starts here: {why}", config)
        write_record(built, bundle, passed=False)
        raise
    write_record(built, bundle, passed=found.passed)
    if not found.passed:
        raise PackagingError(
            f"the image {built.tag} failed its test: {'; '.join(found.problems)}\n"
            "nothing was promoted; docs/deployment.md says what an image has to do"
        )
    pushed_to = (
        push_image(choice.require(), built.tag, config.registry) if config.registry else None
    )
    sentence = (
        f"{built.builder} built {built.tag}: {built.n_bytes / 1e6:.0f} MB, ready after "
        f"{found.cold_start_s:.1f} s" + (f", pushed to {pushed_to}" if pushed_to else "")
    )
    say(sentence)
    return ImageResult(
        sentence=sentence,
        tag=built.tag,
        digest=built.digest,
        n_bytes=built.n_bytes,
        builder=built.builder,
        archive=built.archive,
        labels=dict(built.labels),
        base_digest=built.base_digest,
        packages=list_packages(read_archive(built.archive).files),
        pushed_to=pushed_to,
        test=found.to_json(),
    )


def _request(
    bento: BuiltBento, bundle: Bundle, config: ImageConfig, tool: Tool
) -> image.ImageRequest:
    tag = name_image(tool, bundle.manifest, bento.digest, config.base)
    labels = {"visionstack.bento": bento.tag, image.BENTO_DIGEST_LABEL: bento.digest}
    if "commit" in bento.labels:
        labels["visionstack.service.commit"] = bento.labels["commit"]
    return image.ImageRequest(
        bento.folder, bundle.folder, archive_path(tag), tag, tool.name, config.base, labels
    )


def _without(why: str, config: ImageConfig) -> ImageResult:
    if config.required:
        raise PackagingError(
            f"{why}\nnothing was promoted: an image is required, by deployment.target (compose or "
            "kubernetes) or deployment.image.required"
        )
    say(f"goes on without an image: {why}")
    return ImageResult(sentence=why)
