"""Swaps under load: the real service with two workers, asked all the time while versions change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest

from tests.fake_bundle import CLASSES, INPUT_SIZE, NAME, encode_image, expected_probabilities
from tests.serving.models.running_service import Service, run_service

pytestmark = pytest.mark.integration

REQUESTS_PER_S = 50
# Each version answers with other probabilities, by more than the largest rounding.
SCALES = {f"v{number}": 8.0 + number for number in range(4)}
ROUNDING = 1e-4
VISIBLE_WITHIN_S = 10.0
FOLLOWED = "(follow, generation"


@dataclass(frozen=True)
class Sent:
    """A request: when it began and ended, and what came back."""

    began: float
    ended: float
    status: int
    version: str
    is_right: bool


@dataclass
class Traffic:
    """What was sent, how many requests were begun, and when which version was activated."""

    n_begun: int = 0
    sent: list[Sent] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    swaps: list[tuple[float, float, str]] = field(default_factory=list)

    def latencies_ms(self, *, is_near_swap: bool) -> npt.NDArray[np.float64]:
        """Returns how long requests took within a second of a swap, or away from any."""
        found = [
            1000 * (each.ended - each.began)
            for each in self.sent
            if is_near_swap == any(begin <= each.began <= end + 1.5 for begin, end, _ in self.swaps)
        ]
        return np.asarray(found)

    def last_old_answer_s(self) -> float:
        """Returns the longest time after a swap at which a request still found an older version."""
        longest = 0.0
        for place, (_, activated, version) in enumerate(self.swaps):
            # What ends later may be answered by the next version.
            until = self.swaps[place + 1][0] if place + 1 < len(self.swaps) else np.inf
            late = [
                each.began - activated
                for each in self.sent
                if activated < each.began < each.ended < until and each.version != version
            ]
            longest = max([longest, *late])
        return longest


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with run_service(tmp_path, SCALES, n_workers=2) as running:
        yield running


async def ask(client: httpx.AsyncClient, seed: int, traffic: Traffic) -> None:
    """Sends one image of a random colour and checks the answer against the version it names."""
    colour = np.random.default_rng(seed).integers(0, 256, 3)
    image = np.broadcast_to(colour.astype(np.uint8), (*INPUT_SIZE, 3))
    files = {"image": ("one.png", encode_image(image))}
    # One half of the requests opens a connection, so that they reach both workers.
    headers = {"Connection": "close"} if seed % 2 else {}
    began = time.monotonic()
    try:
        response = await client.post("/predict", files=files, headers=headers)
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        traffic.errors.append(repr(error))
        return
    version = answer["model"]["version"] if response.status_code == 200 else ""
    is_right = bool(version) and is_of_version(answer, image, version)
    traffic.sent.append(Sent(began, time.monotonic(), response.status_code, version, is_right))


def is_of_version(answer: dict[str, object], image: npt.NDArray[np.uint8], version: str) -> bool:
    """Tells whether label and probabilities are those of the version that the answer names."""
    expected = expected_probabilities(image, SCALES[version])
    found = np.asarray([answer["probabilities"][name] for name in CLASSES])  # type: ignore[index]
    best = CLASSES[int(found.argmax())]
    is_consistent = answer["prediction"] == {"label": best, "probability": found.max()}
    return is_consistent and bool(abs(found - expected).max() < ROUNDING)


async def send_all(address: str, n_requests: int, traffic: Traffic) -> None:
    """Sends the requests at their rate, whether or not earlier ones were answered."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
    async with httpx.AsyncClient(
        base_url=address, timeout=30, trust_env=False, limits=limits
    ) as client:
        due, pending = time.monotonic(), set()
        for number in range(n_requests):
            await asyncio.sleep(due - time.monotonic())
            pending.add(asyncio.create_task(ask(client, number, traffic)))
            traffic.n_begun += 1
            # What a halt of the machine took is not caught up: a burst would leave a version out.
            due = max(due + 1 / REQUESTS_PER_S, time.monotonic())
        await asyncio.gather(*pending)


async def swap_all(service: Service, n_swaps: int, every_n: float, traffic: Traffic) -> None:
    """Activates the versions in turn as requests go out, with a rollback now and then."""
    versions = list(SCALES)
    async with httpx.AsyncClient(base_url=service.address, timeout=30, trust_env=False) as client:
        for number in range(n_swaps):
            while traffic.n_begun < (number + 0.5) * every_n:
                await asyncio.sleep(0.01)
            # A worker that is behind would pass over a version, or be the one that is asked.
            await asyncio.to_thread(service.wait_for_line, FOLLOWED, number)
            began = time.monotonic()
            if number % 5 == 4:
                response = await client.post("/model/rollback")
            else:
                body = {"name": NAME, "version": versions[(number + 1) % len(versions)]}
                response = await client.put("/model", json=body)
            assert response.status_code == 200, response.text
            done = response.json()
            assert done["generation"] == number + 1
            traffic.swaps.append((began, time.monotonic(), done["model"]["version"]))


def exchange(service: Service, n_requests: int, n_swaps: int) -> Traffic:
    """Sends requests and swaps beside each other."""
    traffic = Traffic()

    async def both() -> None:
        await asyncio.gather(
            send_all(service.address, n_requests, traffic),
            swap_all(service, n_swaps, n_requests / n_swaps, traffic),
        )

    asyncio.run(both())
    return traffic


def check(service: Service, traffic: Traffic, n_requests: int, n_swaps: int) -> None:
    """No request failed, none was answered by two versions, and all workers followed."""
    assert traffic.errors == []
    assert {each.status for each in traffic.sent} == {200}
    assert len(traffic.sent) == n_requests
    assert [each for each in traffic.sent if not each.is_right] == []
    assert len(traffic.swaps) == n_swaps
    assert {each.version for each in traffic.sent} == set(SCALES)
    assert traffic.last_old_answer_s() < VISIBLE_WITHIN_S
    # One worker was asked each time, and the other one followed.
    service.wait_for_line(FOLLOWED, n_swaps)
    output = service.log.read_text()
    assert output.count(FOLLOWED) == n_swaps
    assert "Traceback" not in output
    steady = traffic.latencies_ms(is_near_swap=False)
    near = traffic.latencies_ms(is_near_swap=True)
    print(
        f"\n{n_requests} requests, {n_swaps} swaps; an old version was last met "
        f"{traffic.last_old_answer_s():.2f} s after a swap; p50/p99 "
        f"{np.percentile(steady, 50):.1f}/{np.percentile(steady, 99):.1f} ms steady, "
        f"{np.percentile(near, 50):.1f}/{np.percentile(near, 99):.1f} ms near a swap"
    )


@pytest.mark.slow
def test_mu03_four_swaps_in_ten_seconds(service: Service) -> None:
    check(service, exchange(service, 500, 4), 500, 4)


@pytest.mark.soak
def test_mu03_twenty_swaps_in_ten_thousand_requests(service: Service) -> None:
    check(service, exchange(service, 10_200, 20), 10_200, 20)
