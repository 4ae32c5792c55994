"""Tests of serving/models/store.py."""

import os
from collections.abc import Iterator
from pathlib import Path

import bentoml
import pytest

from serving.models.host import ModelHost
from serving.models.listing import Listing
from serving.models.state import ModelRefused
from serving.models.store import bundle_folder, bundle_folders, bundle_tag, save_bundle
from tests.fake_bundle import VERSION, seal, write_fake_bundle
from tests.serving.models.versions import promote, store_version
from tests.vision.bundles.in_time import in_time
from vision.bundles.files import verify_files
from vision.bundles.manifest import read_manifest
from vision.errors import BundleError

TAG = f"colours:{VERSION}"


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    with in_time():
        yield


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def test_a_bundle_comes_out_as_it_went_in(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    assert save_bundle(bundle, manifest, {"tracking_run": "abc"}) == TAG
    stored = bundle_folder(TAG)
    assert stored != bundle
    assert read_manifest(stored) == manifest
    verify_files(stored, manifest)
    assert bentoml.models.get(TAG).info.labels == {"tracking_run": "abc"}


def test_saving_twice_changes_nothing(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    save_bundle(bundle, manifest, {})
    before = (bundle_folder(TAG) / "manifest.json").stat().st_mtime_ns
    assert save_bundle(bundle, manifest, {}) == TAG
    assert (bundle_folder(TAG) / "manifest.json").stat().st_mtime_ns == before
    assert len(bentoml.models.list()) == 1


@pytest.mark.parametrize("left", ["manifest.json", "serving.onnx"])
def test_what_a_crash_left_is_replaced(bundle: Path, left: str) -> None:
    manifest = read_manifest(bundle)
    save_bundle(bundle, manifest, {})
    (bundle_folder(TAG) / left).unlink()
    save_bundle(bundle, manifest, {})
    verify_files(bundle_folder(TAG), manifest)


def test_a_folder_that_bentoml_left_half_written_is_replaced(bundle: Path, store: Path) -> None:
    (store / "colours" / VERSION).mkdir(parents=True)
    manifest = read_manifest(bundle)
    save_bundle(bundle, manifest, {})
    verify_files(bundle_folder(TAG), manifest)


def test_another_bundle_under_the_same_tag_is_refused(bundle: Path, tmp_path: Path) -> None:
    save_bundle(bundle, read_manifest(bundle), {})
    write_fake_bundle(tmp_path / "other", name="Colours", scale=5.0)
    with pytest.raises(BundleError, match=f"the tag {TAG} is taken by another bundle"):
        save_bundle(tmp_path / "other", read_manifest(tmp_path / "other"), {})


def test_a_changed_bundle_is_not_stored(bundle: Path) -> None:
    (bundle / "model.keras").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"model\.keras was changed"):
        save_bundle(bundle, read_manifest(bundle), {})
    assert bentoml.models.list() == []


def test_upper_case_names_are_stored_in_lower_case(tmp_path: Path) -> None:
    write_fake_bundle(tmp_path / "upper", name="MyColours")
    manifest = read_manifest(tmp_path / "upper")
    tag = save_bundle(tmp_path / "upper", manifest, {})
    assert tag == f"mycolours:{VERSION}"
    assert read_manifest(bundle_folder(tag)).name == "MyColours"


@pytest.mark.parametrize("name", ["-a", "a.", "x" * 64])
def test_names_that_bentoml_cannot_hold_are_refused(bundle: Path, name: str) -> None:
    with pytest.raises(BundleError, match="cannot be stored: BentoML wants at most 63 of"):
        save_bundle(bundle, seal(bundle, name=name), {})
    with pytest.raises(BundleError, match="cannot be stored"):
        bundle_tag(name, VERSION)


@pytest.mark.parametrize("tag", ["colours:gone", "none", "../../etc"])
def test_what_is_not_in_the_store_is_named(tag: str) -> None:
    with pytest.raises(BundleError, match="is not in the BentoML model store"):
        bundle_folder(tag)


def test_a_model_without_bundle_is_named() -> None:
    with bentoml.models.create("other:v1"):
        pass
    with pytest.raises(BundleError, match="'other:v1' in the BentoML model store holds no bundle"):
        bundle_folder("other:v1")


@pytest.mark.parametrize("tag", ["colours:latest", "colours", "colours:2026"])
def test_only_the_whole_version_finds_a_bundle(bundle: Path, tag: str) -> None:
    save_bundle(bundle, read_manifest(bundle), {})
    with pytest.raises(BundleError, match=f"model '{tag}' is not in the BentoML model store"):
        bundle_folder(tag)


def test_bundles_are_found_beside_other_models_and_half_written_ones(
    bundle: Path, store: Path
) -> None:
    assert list(bundle_folders()) == []
    save_bundle(bundle, read_manifest(bundle), {})
    with bentoml.models.create("other:v1"):
        pass
    (store / "colours/half-written").mkdir()
    assert list(bundle_folders()) == [bundle_folder(TAG)]


@pytest.mark.fault
@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("bundle/manifest.json", "manifest", "manifest.json cannot be read (it is no plain file)"),
        ("bundle/labels.json", "files", "labels.json is no plain file"),
        ("bundle/golden/00.png", "files", "golden/00.png is no plain file"),
        ("model.yaml", "unknown", "model 'colours:v2' is not in the BentoML model store"),
    ],
)
def test_mu01_a_pipe_in_the_store_holds_nobody_up(
    store: Path, name: str, reason: str, said: str
) -> None:
    promote("v1")
    store_version("v2")
    host = ModelHost()
    host.activate("colours", "v1")
    host.activate("colours", "v2")
    host.activate("colours", "v1")
    put_pipe(store / "colours/v2" / name)
    with pytest.raises(ModelRefused) as caught:
        host.rollback()
    assert caught.value.reason == reason
    assert said in str(caught.value)
    assert host.activate("colours", "v1").state.generation == 3
    versions = [each.version for each in Listing().list(None)]
    assert versions == (["v1"] if reason == "manifest" else ["v1", "v2"])


@pytest.mark.fault
def test_a_pipe_as_one_file_more_is_refused_when_it_is_stored(bundle: Path) -> None:
    os.mkfifo(bundle / "golden" / "more")
    with pytest.raises(BundleError, match="golden/more is no plain file"):
        save_bundle(bundle, read_manifest(bundle), {})
    assert bentoml.models.list() == []


@pytest.mark.fault
@pytest.mark.parametrize("name", ["latest", "v1/model.yaml"])
def test_a_pipe_that_bentoml_would_open_is_named(store: Path, bundle: Path, name: str) -> None:
    store_version("v1")
    put_pipe(store / "colours" / name)
    with pytest.raises(BundleError) as caught:
        save_bundle(bundle, read_manifest(bundle), {})
    assert str(caught.value) == (
        f"{store}/colours/{name} in the BentoML model store is no plain file; remove it, and store "
        "the bundle again"
    )
    assert not (store / "colours" / VERSION).exists()


@pytest.mark.fault
@pytest.mark.parametrize("left", ["manifest.json", "serving.onnx"])
def test_a_pipe_in_a_stored_bundle_is_mended_when_it_is_stored_again(
    bundle: Path, left: str
) -> None:
    manifest = read_manifest(bundle)
    save_bundle(bundle, manifest, {})
    put_pipe(bundle_folder(TAG) / left)
    save_bundle(bundle, manifest, {})
    verify_files(bundle_folder(TAG), manifest)
