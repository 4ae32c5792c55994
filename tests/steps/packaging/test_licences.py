"""SE-08: what may not be in the service. Tests of steps/packaging/licences.py."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from steps.packaging.licences import ALIBI_SENTENCE, forbidden_kind, judge_licences
from steps.packaging.packages import Package, installed_packages, locked_packages, named_packages
from vision.home import repository

pytestmark = pytest.mark.unit


def of_lock(name: str) -> tuple[Package, ...]:
    """The packages of a lock, described by this environment, which has them all."""
    locked = locked_packages(repository() / "requirements" / name)
    known = installed_packages([Path(sysconfig.get_path("purelib"))])
    return named_packages({each.name: each.version for each in locked}, known)


def test_se08_nothing_forbidden_is_in_the_service() -> None:
    report = judge_licences(of_lock("service.txt"), alibi=False)
    assert (report.passed, report.refused, report.reported) == (True, {}, ())
    assert report.n_packages > 70
    assert report.unknown == ()
    assert report.sentence == f"{report.n_packages} packages, none under GPL, AGPL, SSPL or BUSL"


def test_se08_with_alibi_its_licence_is_said() -> None:
    packages = of_lock("service-alibi.txt")
    report = judge_licences(packages, alibi=True)
    assert (report.passed, report.refused, report.unknown) == (True, {}, ())
    assert report.reported == (ALIBI_SENTENCE,)
    without = judge_licences(packages, alibi=False)
    assert without.refused == {"alibi-detect": "Business Source License 1.1"}
    assert "may not be in the service: alibi-detect (Business Source" in without.sentence


def test_the_sentence_is_that_of_the_readme() -> None:
    readme = " ".join((repository() / "README.md").read_text(encoding="utf-8").split())
    said = (
        "Business Source License from 0.11.5 on: no production use without a licence; each version "
    )
    assert (
        said + "becomes Apache-2.0 after four years. `drift.backend: scipy` does without it."
        in readme
    )
    assert "no production use without a licence; each version becomes Apache-2.0" in ALIBI_SENTENCE


def test_se08_the_pipelines_own_faults_are_found() -> None:
    report = judge_licences(of_lock("pipeline.txt"), alibi=True)
    assert "deepchecks" in report.refused  # AGPL; it never enters the service


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("MIT", None),
        ("LGPL-3.0-only", None),
        ("GNU Lesser General Public License v3 (LGPLv3)", None),
        ("GNU Library or Lesser General Public License (LGPL)", None),
        ("GPL-3.0-only", "GPL"),
        ("GPLv2+", "GPL"),
        ("GNU General Public License v2 (GPLv2)", "GPL"),
        ("GNU General Public License v3 or later (GPLv3+)", "GPL"),
        ("AGPL-3.0-or-later", "AGPL"),
        ("GNU Affero General Public License v3", "AGPL"),
        ("BUSL-1.1", "BUSL"),
        ("Business Source License 1.1", "BUSL"),
        ("Business Source Licence 1.1", "BUSL"),
        ("BSL 1.1", "BUSL"),
        ("BSL-1.1", "BUSL"),
        ("BSL1.1", "BUSL"),
        ("bsl v1.1", "BUSL"),
        ("Licensed under the BSL 1.1", "BUSL"),
        ("MIT AND BSL-1.1", "BUSL"),
        ("MIT OR BSL-1.1", None),
        ("BSL-1.0", None),
        ("BSL 1.0", None),
        ("Boost Software License 1.0 (BSL-1.0)", None),
        ("MBSL 1.1", None),
        ("SSPL-1.0", "SSPL"),
        ("Server Side Public License", "SSPL"),
        ("GPL-2.0-only OR MIT", None),
        ("MIT OR GPL-2.0-only", None),
        ("GPL-2.0-only OR AGPL-3.0-only", "GPL"),
        ("MIT AND GPL-2.0-only", "GPL"),
        ("MIT AND (BSD-2-Clause OR GPL-2.0-only)", None),
        ("(MIT AND BUSL-1.1) OR GPL-3.0-only", "BUSL"),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", None),
        ("MIT AND (GPL-3.0-or-later WITH GCC-exception-3.1)", None),
    ],
)
def test_expressions_and_names(licence: str, kind: str | None) -> None:
    assert forbidden_kind(licence) == kind


def test_what_is_not_known_is_listed() -> None:
    packages = [
        Package("plain", "1", ("BSD 3-Clause License",)),
        Package("silent", "1"),
        Package("strange", "1", ("Some Terms of our Own",)),
        Package("both", "1", ("MIT License", "GNU General Public License v2 (GPLv2)")),
    ]
    report = judge_licences(packages, alibi=False)
    assert report.unknown == ("silent", "strange")
    assert report.refused == {"both": "MIT License AND GNU General Public License v2 (GPLv2)"}
    assert not report.passed
    assert report.to_json()["refused"] == report.refused
    passed = judge_licences(packages[:3], alibi=False)
    assert passed.sentence.endswith("; licence not known of silent, strange")


def test_another_package_under_the_business_source_licence_is_refused() -> None:
    report = judge_licences([Package("sentry", "1", ("BUSL-1.1",))], alibi=True)
    assert report.refused == {"sentry": "BUSL-1.1"}


@pytest.mark.fault
def test_two_licences_are_called_bsl() -> None:
    packages = [
        Package("boosted", "1", ("BSL-1.0",)),
        Package("named", "1", ("Boost Software License 1.0 (BSL-1.0)",)),
        Package("which", "1", ("BSL",)),
    ]
    report = judge_licences(packages, alibi=True)
    assert (report.passed, report.unknown) == (True, ("which",))
    report = judge_licences([Package("vault", "1", ("BSL 1.1",))], alibi=True)
    assert (report.passed, report.refused, report.unknown) == (False, {"vault": "BSL 1.1"}, ())
