"""Tests of serving/access/guard.py and keys.py: who may call what."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from httpx import Response
from pydantic import SecretStr

from serving.access import Guard
from serving.access.keys import KeyRing, key_name, presented_key
from serving.problems import ProblemError
from serving.settings import ServiceSettings
from tests.serving.access.door import Door, make_door

KEY, OTHER, ADMIN = "first-key-0123456789", "second-key-0123456789", "admin-key-0123456789"
KEYS = {"api_key": f"{KEY}, {OTHER}", "admin_key": ADMIN}
PROTECTED = [
    ("GET", "/model"),
    ("POST", "/predict"),
    ("POST", "/feedback"),
    ("GET", "/metrics"),
    ("GET", "/nothing"),
    ("GET", "/predictions/x"),
]
ADMIN_CALLS = [("PUT", "/model"), ("POST", "/model/rollback")]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def named(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def detail(response: Response, status: int = 401) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert list(body) == ["type", "title", "status", "detail", "request_id"]
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"
        assert body["type"] == "/problems/no-key"
    return str(body["detail"])


@pytest.fixture
def door() -> Door:
    """A service that other machines reach, with keys."""
    return make_door(is_private=False, **KEYS)


@pytest.mark.parametrize(("method", "path"), PROTECTED + ADMIN_CALLS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        bearer(KEY[:-1]),
        bearer(KEY + "x"),
        bearer(KEY.upper()),
        bearer(f"{KEY},{OTHER}"),
        bearer(""),
        bearer("\xff\xfe"),
        {"X-API-Key": "wrong"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Cookie": f"api_key={KEY}"},
    ],
    ids=lambda headers: next(iter(headers.values()), "none").encode("ascii", "replace").decode(),
)
def test_se01_without_the_key_nothing_is_answered(
    door: Door, method: str, path: str, headers: dict[str, str]
) -> None:
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    text = detail(door.client.request(method, path, headers=encoded))
    assert "`Authorization: Bearer KEY` or `X-API-Key: KEY`" in text
    assert KEY not in text


@pytest.mark.parametrize("name", ["api_key", "key", "token", "access_token", "authorization"])
def test_se01_a_key_in_the_query_is_not_looked_at(door: Door, name: str) -> None:
    response = door.client.get("/model", params={name: KEY})
    assert KEY not in detail(response)
    assert all(KEY not in repr(call) for call in door.calls)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
@pytest.mark.parametrize("settings", [{}, KEYS, {**KEYS, "open_docs": False}])
def test_se01_the_probes_are_open(path: str, settings: dict[str, Any]) -> None:
    for is_private in (True, False):
        assert make_door(is_private, **settings).client.get(path).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        bearer(KEY),
        bearer(OTHER),
        bearer(ADMIN),
        {"X-API-Key": KEY},
        {"authorization": f"bearer   {KEY} "},
        {"Authorization": "Basic dXNlcjpwYXNz", "X-API-Key": KEY},
    ],
)
def test_se01_each_key_opens(door: Door, headers: dict[str, str]) -> None:
    body = door.client.get("/model", headers=headers).json()
    used = next(key for key in (KEY, OTHER, ADMIN) if key in " ".join(headers.values()))
    assert body["key"] == named(used)
    assert body["is_admin"] is (used == ADMIN)
    assert door.calls[-1].caller == named(used)


@pytest.mark.parametrize(("method", "path"), ADMIN_CALLS)
def test_se01_what_is_served_is_changed_with_the_admin_key_only(
    door: Door, method: str, path: str
) -> None:
    for key in (KEY, OTHER):
        text = detail(door.client.request(method, path, headers=bearer(key)))
        assert text.startswith("The key is not the right one; send the admin key")
    assert door.client.request(method, path, headers=bearer(ADMIN)).json()["is_admin"] is True


def test_se01_a_key_that_was_taken_away_no_longer_opens() -> None:
    after = make_door(False, api_key=OTHER)
    detail(after.client.get("/model", headers=bearer(KEY)))
    assert after.client.get("/model", headers=bearer(OTHER)).status_code == 200


@pytest.mark.parametrize(
    ("settings", "is_private", "expected"),
    [
        ({}, True, 200),
        ({}, False, 401),
        ({"require_keys": "no"}, False, 200),
        ({"require_keys": "yes"}, True, 401),
        ({"api_key": KEY}, True, 401),
        ({"admin_key": ADMIN}, True, 200),
        ({"require_keys": "no", "api_key": KEY}, False, 200),
    ],
)
def test_se01_when_keys_are_needed(
    settings: dict[str, Any], is_private: bool, expected: int
) -> None:
    assert make_door(is_private, **settings).client.get("/model").status_code == expected


@pytest.mark.parametrize(("method", "path"), ADMIN_CALLS)
def test_se01_an_admin_key_that_is_set_is_asked_for_on_loopback(method: str, path: str) -> None:
    assert make_door().client.request(method, path).status_code == 200
    client = make_door(admin_key=ADMIN).client
    detail(client.request(method, path))
    assert client.request(method, path, headers=bearer(ADMIN)).status_code == 200
    only_users = make_door(api_key=KEY).client
    text = detail(only_users.request(method, path, headers=bearer(KEY)))
    assert text == (
        "This needs a key and the service has none: set VISIONSTACK_ADMIN_KEY where it is started."
    )


@pytest.mark.parametrize(("method", "path"), ADMIN_CALLS)
@pytest.mark.parametrize("is_private", [True, False])
def test_se01_an_admin_key_is_asked_for_where_no_other_key_is(
    method: str, path: str, is_private: bool
) -> None:
    client = make_door(is_private, require_keys="no", **KEYS).client
    assert client.get("/model").status_code == 200
    text = detail(client.request(method, path))
    assert text == "Send the admin key as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
    for key in ("wrong", KEY):
        text = detail(client.request(method, path, headers=bearer(key)))
        assert text.startswith("The key is not the right one; send the admin key")
    assert client.request(method, path, headers=bearer(ADMIN)).status_code == 200
    without = make_door(is_private, require_keys="no").client
    assert without.request(method, path).status_code == 200


def test_se01_what_cannot_be_told_is_asked_again() -> None:
    answers = iter([None, True])
    guard = Guard(ServiceSettings(), lambda: next(answers))
    scope = {"type": "http", "method": "GET", "path": "/model", "headers": [], "client": None}
    with pytest.raises(ProblemError):
        guard.check(scope)
    for _ in range(2):
        assert guard.check(scope).is_admin


def test_se01_needed_keys_that_nobody_set_are_named() -> None:
    client = make_door(is_private=False).client
    text = detail(client.get("/model"))
    assert text == (
        "This needs a key and the service has none: set VISIONSTACK_API_KEY where it is started "
        "(it is reached from other machines; VISIONSTACK_REQUIRE_KEYS=no opens it to all)."
    )
    assert "set VISIONSTACK_ADMIN_KEY" in detail(client.put("/model"))
    assert "set VISIONSTACK_API_KEY" in detail(make_door(require_keys="yes").client.get("/model"))
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "vision.example"},
        {"Host": "10.0.0.5:3000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[2001:db8::1]:3000"},
        {"X-Forwarded-For": "10.0.0.9"},
        {"Forwarded": "for=10.0.0.9"},
        {"X-Real-IP": "127.0.0.1"},
    ],
)
def test_se01_loopback_behind_a_proxy_or_another_name_needs_a_key(headers: dict[str, str]) -> None:
    door = make_door()
    text = detail(door.client.get("/model", headers=headers))
    assert "under another name or through a proxy" in text
    assert make_door(require_keys="no").client.get("/model", headers=headers).status_code == 200
    with_key = make_door(api_key=KEY).client
    assert with_key.get("/model", headers=headers | bearer(KEY)).status_code == 200


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "LOCALHOST"])
def test_se01_names_of_this_machine_need_none(host: str) -> None:
    assert make_door().client.get("/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:8000"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1:3000"}, 200),
        ({"Origin": "https://proxy.example", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "https://lab.example", "Sec-Fetch-Site": "cross-site"}, 200),
        ({}, 200),
    ],
)
def test_se10_pages_of_other_sites_change_nothing(headers: dict[str, str], status: int) -> None:
    client = make_door(cors_origins="https://lab.example").client
    response = client.post("/model/rollback", headers=headers)
    assert response.status_code == status
    if status == 403:
        assert "VISIONSTACK_CORS_ORIGINS" in detail(response, 403)
    assert client.get("/model", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("settings", "opened", "closed"),
    [
        ({}, ["/", "/ui", "/openapi.json", "/docs.json", "/schema.json"], ["/metrics"]),
        ({"open_docs": False}, [], ["/", "/ui", "/openapi.json", "/schema.json", "/metrics"]),
        ({"open_metrics": True, "open_docs": False}, ["/metrics"], ["/", "/schema.json"]),
    ],
)
def test_se01_metrics_and_docs_are_configurable(
    settings: dict[str, Any], opened: list[str], closed: list[str]
) -> None:
    client = make_door(False, **KEYS, **settings).client
    assert all(client.get(path).status_code in (200, 404) for path in opened)
    for path in closed:
        detail(client.get(path))
        assert client.get(path, headers=bearer(KEY)).status_code in (200, 404)


def test_se01_every_known_digest_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def note(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr("serving.access.keys.hmac.compare_digest", note)
    ring = KeyRing([SecretStr(KEY), SecretStr(OTHER), SecretStr(ADMIN)])
    for key in (KEY, ADMIN, "x", "x" * 10_000):
        compared.clear()
        assert (key in ring) is (key in (KEY, ADMIN))
        assert len(compared) == 3
        assert {len(digest) for pair in compared for digest in pair} == {32}


def test_a_key_may_have_any_characters() -> None:
    from starlette.datastructures import Headers

    for key in ("schlüssel-0123", "ключ-0123456789", "a b=c/+d"):
        headers = Headers(raw=[(b"x-api-key", key.encode())])
        assert presented_key(headers) in KeyRing([SecretStr(key)])
        assert key_name(presented_key(headers)) == named(key)


def test_se02_a_guard_holds_no_key() -> None:
    settings = ServiceSettings(**KEYS)
    guard = Guard(settings)
    held = repr(vars(guard)) + repr(vars(guard._users)) + repr(vars(guard._admins)) + repr(settings)
    assert all(key not in held for key in (KEY, OTHER, ADMIN))


def test_ls02_the_limit_of_a_caller_counts_keys_and_addresses_apart() -> None:
    door = make_door(False, **KEYS, requests_per_minute=2)
    rates = door.gateway._guard._rates
    assert rates is not None
    rates._clock = lambda: 0.0
    for _ in range(2):
        assert door.client.get("/model", headers=bearer(KEY)).status_code == 200
    response = door.client.get("/model", headers=bearer(KEY))
    assert "send the next in 30 s" in detail(response, 429)
    assert response.headers["retry-after"] == "30"
    assert response.json()["type"] == "/problems/too-many-requests"
    assert door.client.get("/model", headers=bearer(OTHER)).status_code == 200
    # Guessing keys is limited by address.
    statuses = [door.client.get("/model", headers=bearer(f"no{n}")).status_code for n in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert {door.client.get("/livez").status_code for _ in range(10)} == {200}
