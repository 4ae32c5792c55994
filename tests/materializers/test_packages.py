from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from materializers.files import FileMaterializer
from materializers.packages import (
    BentoTestMaterializer,
    BuiltBentoMaterializer,
    ImageResultMaterializer,
    package_page,
)
from tests.materializers.memory_store import ROOT, MemoryStore
from vision.packages import BentoTest, BuiltBento, ImageResult

pytestmark = pytest.mark.unit

BENTO = BuiltBento(
    tag="visionstack:0123456789abcdef",
    folder=Path("/store/visionstack/0123456789abcdef"),
    digest="d" * 64,
    n_bytes=2_271_215,
    backend="alibi",
    requirements="requirements/service-alibi.txt",
    labels={"commit": "c" * 40, "model": "<digits>"},
    differs=("bento.yaml: creation_time",),
)
TEST = BentoTest(
    tag=BENTO.tag,
    model="digits:1",
    n_packages=117,
    cold_start_s=3.25,
    memory_bytes=273_062_912,
    n_golden=8,
    golden_difference=0.0,
    bad_images={"empty": 422, "a gigapixel": 413},
    n_series=154,
    stop_s=1.5,
    exit_code=0,
)
IMAGE = ImageResult(
    sentence="podman built visionstack:digits-1: 1244 MB, ready after 5.5 s",
    tag="visionstack:digits-1",
    digest="sha256:abc",
    n_bytes=1_244_000_000,
    builder="podman",
    archive=Path("/home/images/visionstack-digits-1.tar"),
    labels={"visionstack.bento": BENTO.tag},
    packages={"numpy": "1.26.4", "bentoml": "1.4.39"},
    test={"cold_start_s": 5.5, "memory_bytes": 325_000_000, "not_checked": ["seccomp"]},
)


@pytest.mark.parametrize(
    ("materializer", "value", "shown"),
    [
        (
            BuiltBentoMaterializer,
            BENTO,
            ("<h1>Bento visionstack:0123456789abcdef</h1>", "2.3 MB", "&lt;digits&gt;"),
        ),
        (BentoTestMaterializer, TEST, ("0123456789abcdef: passed</h1>", "273.1 MB", "413")),
        (ImageResultMaterializer, IMAGE, ("1244.0 MB", "numpy", "325.0 MB", "seccomp")),
        (
            ImageResultMaterializer,
            ImageResult(sentence="no image can be built here"),
            ("<h1>No image</h1>", "<p>no image can be built here</p>"),
        ),
    ],
)
def test_a_package_comes_back_and_is_shown(
    keep: Callable[[type[Any], Any], Any],
    store: MemoryStore,
    materializer: type[Any],
    value: Any,
    shown: tuple[str, ...],
) -> None:
    assert keep(materializer, value) == value
    [page] = [content.decode() for name, content in store.files.items() if name.endswith(".html")]
    for text in shown:
        assert text in page


def test_the_numbers_are_metadata(store: MemoryStore) -> None:
    def metadata(materializer: type[FileMaterializer], value: Any) -> dict[str, Any]:
        return materializer(ROOT, artifact_store=store).extract_metadata(value)  # type: ignore[arg-type]

    noted = metadata(BentoTestMaterializer, TEST)
    assert (noted["cold_start_s"], noted["exit_code"], noted["n_packages"]) == (3.25, 0, 117)
    assert "archive" not in metadata(ImageResultMaterializer, ImageResult(sentence="none"))


def test_what_a_failed_test_found_is_shown_first() -> None:
    failed = BentoTest(
        tag="b:1", model="m:1", n_packages=1, problems=("it <hangs>",), output="the end"
    )

    assert failed.message == "it <hangs>\nit said at the end:\nthe end"
    page = package_page(failed)
    assert "<h1>Bento b:1: failed</h1><p>it &lt;hangs&gt;</p>" in page
    assert "–" in page
