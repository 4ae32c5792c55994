"""An image that is really built and started here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from steps.packaging import image_test
from steps.packaging.containers import call
from steps.packaging.image import build_image
from tests.real_image import RealImage

pytestmark = [pytest.mark.soak, pytest.mark.integration]


def test_an_image_is_started_asked_and_stopped(real_image: RealImage) -> None:
    found = image_test.test_image(real_image.built, real_image.bundle)

    assert found.problems == ()
    assert found.n_golden == 3
    assert sorted(found.bad_images.values()) == [413, 415, 422, 422]
    assert (found.exit_code, found.confinement.uid) == (0, 10001)
    assert found.stop_s < image_test.STOPS_WITHIN_S


def test_built_again_it_is_the_same(real_image: RealImage, tmp_path: Path) -> None:
    again = build_image(replace(real_image.request, archive=tmp_path / "again.tar"))
    assert again.digest == real_image.built.digest


def test_without_its_bundle_it_does_not_start_and_says_so(real_image: RealImage) -> None:
    words = ["run", "--rm", "--env", "VISIONSTACK_BUNDLE=/nope", real_image.built.tag]
    broken = call([real_image.tool.program, *words], 60.0)
    assert broken.code == 1
    assert "there is no such folder; name a bundle" in broken.errors
