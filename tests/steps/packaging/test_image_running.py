from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steps.packaging.containers import Tool
from steps.packaging.probing import bad_images
from steps.packaging.running import (
    Confinement,
    parse_size,
    read_confinement,
    run_words,
    why_none_starts,
)
from vision.errors import ImageError
from vision.images.decode import decode_image
from vision.images.types import ImageLimits

pytestmark = pytest.mark.unit

STATUS = """Name:\tpython3
Uid:\t10001\t10001\t10001\t10001
CapInh:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
"""
HELD = Confinement(
    uid=10001,
    capabilities=0,
    no_new_privileges=True,
    seccomp=True,
    n_processes=256,
    memory_bytes=1073741824,
    writable=("/var/lib/visionstack", "/tmp"),
)


def answer(**changes: Any) -> str:
    found = {
        "status": STATUS,
        "n_processes": "256",
        "memory": "1073741824",
        "writable": ["/var/lib/visionstack", "/tmp"],
    }
    return json.dumps({**found, **changes})


def test_what_the_kernel_shows_is_read() -> None:
    assert read_confinement(answer()) == HELD
    assert HELD.problems() == []
    assert HELD.not_checked() == ()


def test_a_limit_that_is_not_in_force_is_not_checked_and_no_problem() -> None:
    free = read_confinement(answer(n_processes="max", memory=None))

    assert free.problems() == []
    assert free.not_checked() == (
        "the limit of processes cannot be seen",
        "the limit of memory cannot be seen",
    )


@pytest.mark.fault
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"uid": 0}, "the service runs as root"),
        ({"capabilities": 0x400}, "the service has capabilities: 0x400"),
        ({"no_new_privileges": False}, "the service could gain privileges"),
        ({"writable": ("/", "/etc", "/tmp")}, "it can write to /, /etc, /tmp"),
        ({"writable": ()}, "it can write to nothing"),
    ],
)
def test_every_way_out_is_a_problem(change: dict[str, Any], said: str) -> None:
    [problem] = replace(HELD, **change).problems()
    assert said in problem


def test_the_container_is_started_with_everything_taken_away() -> None:
    words = " ".join(run_words("name", "visionstack:x", 4711))

    for part in (
        "--read-only",
        "--tmpfs /tmp:rw,mode=1777",
        "--tmpfs /var/lib/visionstack:rw,mode=1777",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--pids-limit 256",
        "--memory 1024m",
        "--pull never",
    ):
        assert part in words
    assert words.endswith(" visionstack:x")
    # The key is in the environment of the call and nowhere in its words.
    assert "--env VISIONSTACK_API_KEY --env" in words


def test_whether_any_container_starts_is_asked_of_the_base(tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$0.calls"\n'
        'case "$*" in *" good "*) exit 0;; esac\necho first >&2\necho rlimit >&2\nexit 126\n'
    )
    program.chmod(0o755)
    tool = Tool("podman", str(program))

    assert why_none_starts(tool, "good") == ""
    assert why_none_starts(tool, "bad") == "rlimit"
    call = (tmp_path / "podman.calls").read_text().splitlines()[0]
    assert call.startswith("run --rm --name visionstack-base-")
    assert "--read-only" in call
    assert call.rstrip().endswith(" good python3 -c")


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("247.5MB ", 247_500_000), ("236MiB", 247_463_936), ("1.5GB", 1_500_000_000), ("--", None)],
)
def test_sizes_are_read_as_docker_and_podman_write_them(text: str, n_bytes: int | None) -> None:
    assert parse_size(text) == n_bytes


def test_the_bad_images_are_bad() -> None:
    reasons = {}
    for name, contents in bad_images().items():
        with pytest.raises(ImageError) as caught:
            decode_image(contents, ImageLimits())
        reasons[name] = caught.value.reason

    assert reasons == {
        "empty": "empty",
        "text": "unknown_format",
        "cut off": "truncated",
        "a gigapixel": "too_large",
    }
