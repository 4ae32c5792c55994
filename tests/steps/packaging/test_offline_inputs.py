"""What goes into the archive where nobody names it. Tests of offline_inputs.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from steps.packaging.bento import content_digest
from steps.packaging.image import BuiltImage, oci_labels
from steps.packaging.image_name import image_tag
from steps.packaging.offline_inputs import find_image, find_inputs
from steps.packaging.record import archive_path, read_note, write_record
from tests.fake_bundle import write_fake_bundle
from vision.bundles.manifest import read_manifest
from vision.errors import BundleError

pytestmark = pytest.mark.unit


@pytest.fixture
def bundle(tmp_path: Path, home: Path) -> Path:
    write_fake_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def bento(tmp_path: Path) -> Path:
    """Nothing of it but its digest counts here."""
    (tmp_path / "bento").mkdir()
    (tmp_path / "bento" / "bento.yaml").write_text("x")
    return tmp_path / "bento"


def test_the_image_is_the_newest_of_the_same_version(bundle: Path, bento: Path) -> None:
    manifest = read_manifest(bundle)
    digest = content_digest(bento)
    assert find_image(manifest, digest) is None
    other = manifest.model_copy(update={"version": "20260202-120000-0badcafe"})
    for each in (manifest, other):
        tag = image_tag(each, digest, "b")
        labels = {**oci_labels(each, "b"), "visionstack.bento.digest": digest}
        built = BuiltImage(tag, "sha256:0", 1, "podman", archive_path(tag), labels)
        write_record(built, bundle, passed=True)
    assert find_image(manifest, digest) is None  # its archive is gone
    archive_path(image_tag(manifest, digest, "b")).write_bytes(b"x")
    found = find_inputs(bundle, bento, has_wheels=False)
    assert found.image == archive_path(image_tag(manifest, digest, "b"))
    assert (found.tag, found.has_wheels) == (image_tag(manifest, digest, "b"), False)


@pytest.mark.fault
def test_an_image_of_another_bento_or_that_did_not_pass_is_left_out(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = read_manifest(bundle)
    tag = "visionstack:colours-other"
    archive_path(tag).write_bytes(b"x")

    def note(bento: str, *, passed: bool | None) -> Path:
        labels = {**oci_labels(manifest, "b"), "visionstack.bento.digest": bento}
        built = BuiltImage(tag, "sha256:0", 1, "podman", archive_path(tag), labels)
        return write_record(built, bundle, passed=passed)

    note("other", passed=True)
    assert find_image(manifest, "mine") is None
    assert capsys.readouterr().err == ""
    note("mine", passed=False)
    assert find_image(manifest, "mine") is None
    assert capsys.readouterr().err == f"the image {tag} is left out: it failed its test\n"
    note("mine", passed=None)
    assert find_image(manifest, "mine") is None
    said = f"the image {tag} is left out: it has not been tried (make image-test)\n"
    assert capsys.readouterr().err == said
    path = note("mine", passed=True)
    found = find_image(manifest, "mine")
    assert found is not None
    assert found.tag == tag
    # A note of before, which the pipeline wrote after the test.
    before = json.loads(path.read_text())
    del before["passed"]
    path.write_text(json.dumps(before))
    assert find_image(manifest, "mine") == found
    # One of `make image` of before, which named no bento.
    del before["labels"]["visionstack.bento.digest"]
    path.write_text(json.dumps(before))
    assert find_image(manifest, "mine") is None
    assert read_note(path).passed is None
    path.write_text("[]")
    assert find_image(manifest, "mine") is None


def test_without_a_champion_it_says_what_to_do(home: Path) -> None:
    with pytest.raises(BundleError, match="there is no champion yet; run `make demo`, or name"):
        find_inputs(None, None, has_wheels=True)
