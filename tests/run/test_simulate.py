"""``run.py simulate`` against a stand-in for the service: what is sent, and what is said."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import run
from pipelines import simulate, simulate_commands
from pipelines.simulate_images import HeldOutImages, Query
from pipelines.simulate_report import Tally
from pipelines.simulate_service import Answer, Verdict
from serving.access import exchange
from tests.drift_bundle import write_drift_bundle
from tests.fake_bundle import write_fake_bundle
from tests.mistypes import mistypes
from tests.run.fake_service import FakeService, serving
from tests.run.loading import loaded_by
from tests.servers import free_port
from tests.synthetic import make_table, write_images
from vision.drift.corruptions import SCENARIOS, corrupt
from vision.drift.power_table import Harm, PowerEntry, PowerTable, write_power
from vision.errors import DatasetError
from vision.images.decode import decode_image
from vision.monitoring.simulated import is_simulated

pytestmark = pytest.mark.integration

N_TEST = 12


@pytest.fixture(autouse=True)
def waits_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "_NEXT_CHECK_S", 0.0)
    monkeypatch.setattr(simulate, "_DUE_CHECK_S", 0.0)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    write_images(root / "train", 1)
    for number, split in enumerate(("train", "validation", "test")):
        write_images(root / "all" / split, 4, seed=number)
    return root / "all"


@pytest.fixture
def service() -> Iterator[FakeService]:
    with serving(FakeService()) as fake:
        yield fake


@pytest.fixture
def job(images: Path, tmp_path: Path, home: Path) -> str:
    file = tmp_path / "job.yaml"
    file.write_text(
        "pipeline: training\nmodel: {name: colours, input_size: [16, 16]}\n"
        f"dataset: {{source: folder, path: {images}}}\n"
    )
    return str(file)


def call(service: FakeService, job: str, *options: str, scenario: str = "clean") -> int:
    arguments = ["--scenario", scenario, "--url", f"{service.url}/", "--config", job]
    return run.main(["simulate", *arguments, *options])


def held_out(images: Path) -> dict[bytes, str]:
    return {path.read_bytes(): path.parent.name for path in (images / "test").rglob("*.png")}


def test_clean_images_are_the_files_of_the_test_split(
    service: FakeService, job: str, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(service, job, "--n", str(N_TEST)) == 0
    assert sorted(service.images) == sorted(held_out(images))
    assert service.feedback == {}
    assert len(service.connections) == 1
    lines = capsys.readouterr().out.splitlines()
    begin = f"colours:v1 at {service.url}, drift unknown; sending 12 images (clean) of 12"
    assert lines[0] == f"{begin} in the test split"
    assert lines[1] == (
        "the service logs and checks them like any others; their request ids begin with simulate-"
    )
    assert lines[2] == "image 11: ok"
    assert lines[3].startswith("sent 12 images in ")
    assert lines[4:6] == [
        "answers: 8 of 12 wrong (accuracy 0.333)",
        "drift was not seen; the last check said ok",
    ]


def test_images_come_again_only_when_all_were_sent(
    service: FakeService, job: str, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(service, job, "--n", str(2 * N_TEST + 3)) == 0
    rounds = service.images[:N_TEST], service.images[N_TEST : 2 * N_TEST]
    assert [sorted(part) == sorted(held_out(images)) for part in rounds] == [True, True]
    assert rounds[0] != rounds[1]
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == (
        "more images than the 12 of the test split: they come again, each time in another order, "
        "and repeats can look like drift; --n 12 sends each once"
    )


def test_the_service_is_told_that_it_is_a_simulation(service: FakeService, job: str) -> None:
    assert call(service, job, "--n", "3") == 0
    assert call(service, job, "--n", "3") == 0
    asked = set(service.request_ids)
    assert len(asked) == 2  # one for each run
    # The service takes them as they are, in front of what it adds.
    assert all(exchange._new_id(each).startswith(f"{each}-") for each in asked)
    assert all(is_simulated(each) for each in asked)


def test_the_seed_decides_the_order(service: FakeService, job: str) -> None:
    for seed in ("1", "1", "2"):
        assert call(service, job, "--n", str(N_TEST), "--seed", seed) == 0
    first, second, other = (service.images[start : start + N_TEST] for start in (0, 12, 24))
    assert first == second != other


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "class_shift"])
def test_corrupted_images_are_png_of_the_corruption(
    scenario: str, service: FakeService, job: str, images: Path
) -> None:
    assert call(service, job, "--n", "12", scenario=scenario) == 0
    assert all(data.startswith(b"\x89PNG") for data in service.images)
    assert call(service, job, "--n", "12") == 0  # the same images in the same order, clean
    clean = [decode_image(data) for data in service.images[12:]]
    rng = np.random.default_rng(0)
    rng.permutation(N_TEST)  # the order was drawn from it before
    expected = corrupt(clean, scenario, 2, rng)
    for data, image in zip(service.images[:12], expected, strict=True):
        np.testing.assert_array_equal(decode_image(data), image)


def test_feedback_is_the_truth_about_each_request(
    service: FakeService, job: str, images: Path
) -> None:
    assert call(service, job, "--n", "12", "--feedback") == 0
    truth = held_out(images)
    assert service.feedback == {
        f"r{number}": [truth[data]] for number, data in enumerate(service.images)
    }


def test_what_was_never_seen_is_told_as_such(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--n", "12", "--feedback")
    assert call(service, job, *options, scenario="new_class") == 0
    counted = Counter(label for [label] in service.feedback.values())
    assert counted["new_class"] == 6
    assert "6 images showed nothing that the model knows\n" in capsys.readouterr().out


def test_a_class_that_comes_too_often(
    service: FakeService, job: str, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(service, job, "--n", "30", "--severity", "3", scenario="class_shift") == 0
    truth = held_out(images)
    [(label, n_of_label)] = Counter(truth[data] for data in service.images).most_common(1)
    assert n_of_label >= 21
    shown = capsys.readouterr().out
    assert f"{n_of_label} of the 30 images are of the class {label!r}; they are" in shown


def test_it_says_when_drift_was_first_seen(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.drifts_after = 20
    assert call(service, job, "--n", "40", scenario="blur") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("image ")] == [
        "image 11: ok",
        "image 21: drift (uae)",
    ]
    assert (
        "drift was first seen at image 21, by a check that had 20 of them; moved: uae, bbsd"
        in lines
    )


def test_images_from_before_are_not_counted_among_them(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.drifts_after, service.images = 30, [b""] * 15
    assert call(service, job, "--n", "20") == 0
    said = "drift was first seen at image 16, by a check that had 15 of them; moved: uae, bbsd\n"
    assert said in capsys.readouterr().out


def test_of_a_full_window_nobody_knows_how_many_were_among_them(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.drifts_after, service.images = 70, [b""] * 60
    assert call(service, job, "--n", "20") == 0
    assert "drift was first seen at image 11; moved: uae, bbsd\n" in capsys.readouterr().out


def test_drift_that_shows_after_the_last_image_counts(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.drifts_after = 20
    assert call(service, job, "--n", "20") == 0
    shown = capsys.readouterr().out
    assert "drift was first seen at image 20, by a check that had 20 of them; moved: uae, " in shown


def test_a_verdict_of_before_takes_nothing_back() -> None:
    tally = Tally(Verdict("unknown", "", 0))
    times = ["", "2026-01-01T00:00:01Z", "", "2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z"]
    statuses = ["unknown", "ok", "unknown", "drift", "ok"]
    changes = []
    for at, status in zip(times, statuses, strict=True):
        answer = Answer("r", "red", Verdict(status, at, 10))
        changes.append(tally.note(Query("a.png", b"", ("red",)), answer))
    assert changes == [False, True, False, True, False]
    assert (tally.first_drift, tally.verdict.status) == (4, "drift")


@pytest.mark.parametrize(("n_images", "is_due"), [("9", False), ("10", True)])
def test_a_check_that_does_not_come_is_told(
    n_images: str,
    is_due: bool,
    service: FakeService,
    job: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.never_checks = True
    assert call(service, job, "--n", n_images) == 0
    shown = capsys.readouterr().out
    assert "drift was not seen; the last check said unknown" in shown
    assert ("a check is due that has not come yet" in shown) == is_due


def test_drift_from_before_is_not_taken_for_its_own(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.drifts_after, service.images = 10, [b""] * 10
    assert call(service, job, "--n", "12") == 0
    shown = capsys.readouterr().out
    assert "drift was there before the first image, and now it is drift; moved: uae\n" in shown
    assert "first seen" not in shown


def test_a_rate_is_kept_over_several_connections(service: FakeService, job: str) -> None:
    service.on_image = lambda number: time.sleep(0.06)
    assert call(service, job, "--n", "12", "--rate", "50") == 0
    assert service.times[-1] - service.times[0] >= 0.8 * 11 / 50
    assert len(service.images) == 12
    assert 1 < len(service.connections) <= 11


@pytest.mark.parametrize("name", ["blur", "class_shift", "channel_swap"])
def test_a_scenario_that_is_none_is_told_with_the_nearest(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in set(mistypes(name)) - {f"{name}_typo"}:  # which is too far off to guess
        assert run.main(["simulate", "--scenario", wrong]) == 2
        shown = capsys.readouterr().err
        assert f"{wrong!r} is no scenario; did you mean {name!r}?" in shown


def test_every_corruption_has_a_scenario() -> None:
    assert ("clean", *SCENARIOS) == simulate_commands.SCENARIOS


def test_no_service_is_one_sentence(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert run.main(["simulate", "--scenario", "clean", "--url", url, "--config", job]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: no service answers at {url} (")
    assert shown.err.endswith("start one with `make serve`, or name another with --url\n")
    assert shown.err.count("\n") == 1


def test_another_server_is_not_taken_for_the_service(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.url += "/elsewhere"
    assert call(service, job) == 1
    shown = capsys.readouterr().err
    assert "is no service of this project: /model is not what it should be" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "name the variable that holds one with --api-key-from\n"),
        (("--api-key-from", "WRONG_KEY"), "put the right one into WRONG_KEY\n"),
    ],
)
def test_a_wrong_key_is_told(
    options: tuple[str, ...],
    said: str,
    service: FakeService,
    job: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.key = "secret"
    monkeypatch.setenv("WRONG_KEY", "CANARY")
    assert call(service, job, *options) == 1
    shown = capsys.readouterr()
    assert shown.err == f"error: {service.url} asks for a key (401: A key is needed); {said}"
    assert "CANARY" not in shown.out + shown.err
    assert service.n_asked == 1


def test_the_key_comes_from_a_variable(
    service: FakeService,
    job: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.key = "secret"
    monkeypatch.setenv("MY_KEY", "secret")
    assert call(service, job, "--n", "3", "--api-key-from", "MY_KEY") == 0
    monkeypatch.delenv("MY_KEY")
    assert call(service, job, "--n", "3", "--api-key-from", "MY_KEY") == 2
    assert "the variable MY_KEY is not set; put the key there" in capsys.readouterr().err


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again(service: FakeService, job: str, status: int) -> None:
    service.busy = [status] * 3
    assert call(service, job, "--n", "4") == 0
    assert len(service.images) == 4


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_stays_busy_is_told(
    service: FakeService, job: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    service.busy = [status] * 100
    assert call(service, job, "--n", "4") == 1
    assert len(service.busy) == 94
    shown = capsys.readouterr()
    assert "stopped: 0 of 4 images were sent\n" in shown.out
    why = f"{service.url}/predict answered {status} 6 times: Too many requests wait"
    assert shown.err.splitlines()[-1].startswith(f"error: {why}; send fewer with --rate")


def test_an_image_that_is_refused_is_counted(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.busy = [413, 422]
    assert call(service, job, "--n", "5") == 1
    shown = capsys.readouterr().out
    assert "2 were refused, the first with 413: Too many requests wait\n" in shown
    assert "of 3 wrong" in shown


def test_an_interruption_says_how_many_were_sent(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(number: int) -> None:
        if number == 5:
            signal.raise_signal(signal.SIGINT)

    service.on_image = interrupt
    assert call(service, job, "--n", "200", "--rate", "20") == 130
    shown = capsys.readouterr()
    [line] = [line for line in shown.out.splitlines() if line.startswith("stopped: ")]
    assert int(line.split()[1]) in range(3, 12)
    assert line.endswith(" of 200 images were sent")
    assert shown.err.endswith("interrupted\n")


def test_a_job_of_another_model_is_told(
    service: FakeService, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.model = {"name": "digits", "version": "v1", "classes": list("0123456789")}
    assert call(service, job) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"error: {service.url} serves digits, whose classes are '0', '1', '2' and 7 more; those of "
        "the dataset are 'blue', 'green', 'red'; name the job of that model with --config"
    )
    assert service.images == []


def test_a_dataset_without_test_images_is_told(tmp_path: Path) -> None:
    table = make_table(tmp_path, 2)
    without = table.keep(table.frame["split"] != "test")
    with pytest.raises(DatasetError, match=r"hold out some with dataset\.split\.test"):
        HeldOutImages(without)


def write_power_table(home: Path, share: float) -> None:
    folder = home / "bundles" / "colours" / "v1"
    write_fake_bundle(folder, version="v1")
    entry = {"severity": 2, "n_windows": 100, "by_view": {"uae": share}}
    parts = [PowerEntry(kind="blur", size=size, share=share, **entry) for size in (50, 100)]
    harm = Harm(kind="blur", severity=2, changed=1.0, accuracy=0.5)
    table = PowerTable(
        split="test",
        n_images=100,
        sizes=(50, 100),
        not_tried=(),
        views=("uae",),
        every_n=10,
        alarm_rate=0.01,
        seed=0,
        entries=tuple(parts),
        harms=(harm,),
    )
    write_power(folder, table)


@pytest.mark.parametrize(
    ("scenario", "share", "said"),
    [
        ("blur", 0.99, "the power table promised: seen in 50 such images; the service checks"),
        ("blur", 0.98, "the power table promised nothing: fewer than 99 % of windows of 100 such"),
        ("clean", 0.99, None),  # this bundle has no thresholds
        ("noise", 0.99, None),
    ],
)
def test_what_was_promised_stands_beside_what_happened(
    scenario: str,
    share: float,
    said: str | None,
    service: FakeService,
    job: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_power_table(home, share)
    assert call(service, job, "--n", "3", scenario=scenario) == 0
    shown = capsys.readouterr().out
    assert said in shown if said else "promised" not in shown


def test_clean_images_were_promised_few_alarms(
    service: FakeService, job: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_drift_bundle(home / "bundles" / "colours" / "v1", version="v1")
    assert call(service, job, "--n", "3") == 0
    said = "the thresholds promised: a false alarm in 1 of 20 checks\n"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Missing option '--scenario'"),
        (["--scenario", "clean", "--n", "0"], "0 is not in the range x>=1"),
        (["--scenario", "clean", "--severity", "4"], "4 is not in the range 1<=x<=3"),
        (["--scenario", "clean", "--rate", "0"], "0.0 is not in the range 0<x<=10000"),
        (["--scenario", "clean", "--url", "localhost:3000"], "is no address; write http://"),
        (["--scenario", "clean", "--config", "none.yaml"], "none.yaml"),
    ],
)
def test_a_wrong_call_ends_2(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["simulate", *options]) == 2
    assert said in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    heavy = {"pydantic", "yaml", "httpx", "numpy", "cv2", "bentoml", "scipy", "zenml"}
    assert loaded_by("import run\nrun.main(['simulate', '--help'])", heavy) == "[]"
