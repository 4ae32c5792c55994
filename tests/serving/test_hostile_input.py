"""Hostile and odd input through the whole service: the IN rows of the catalogue."""

from __future__ import annotations

import base64
import io
import json
import math
import socket
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient

from tests.corpus import (
    encode,
    good_cases,
    oriented,
    picture,
    png_chunk,
    png_of,
    png_with,
    zeros_compressed,
)
from tests.fake_bundle import (
    CLASSES,
    encode_image,
    expected_probabilities,
    solid_image,
    write_fake_bundle,
)
from tests.serving.whole_app import whole_app
from vision.bundles.load import ServingModel
from vision.images.decode import decode_image
from vision.images.preprocess import load_image

pytestmark = pytest.mark.security

PROBLEM = "application/problem+json"
PNG = encode_image(solid_image("green", (12, 9)))
JPEG = encode(picture(), "JPEG", quality=90)
CORPUS = {case.name: case.data for case in good_cases()}
# An XML bomb, a script and a file of each kind that is often sent in the place of an image.
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
PDF = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "bundle"
    write_fake_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def service(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONSTACK_HOME", str(tmp_path_factory.mktemp("home")))
        with whole_app(bundle) as client:
            yield client


def post(
    service: TestClient, data: bytes, name: str = "a", kind: str = "", **options: Any
) -> Response:
    file = (name, data, kind) if kind else (name, data)
    return service.post("/predict", files={"image": file}, data=options)


def problem(response: Response, *statuses: int) -> str:
    """Checks the one shape of errors and returns the detail."""
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"] == PROBLEM
    assert response.headers["x-content-type-options"] == "nosniff"
    body = response.json()
    assert list(body) == ["type", "title", "status", "detail", "request_id"]
    assert body["request_id"] == response.headers["x-request-id"]
    return str(body["detail"])


def good(response: Response) -> dict[str, Any]:
    """Checks that an answer has finite probabilities that sum up to 1, and returns it."""
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    values = list(body["probabilities"].values())
    assert all(math.isfinite(value) for value in values)
    assert sum(values) == pytest.approx(1, abs=1e-5)
    return body


def test_in01_no_bytes(service: TestClient) -> None:
    for path, field in (("/predict", "image"), ("/explain", "image")):
        response = service.post(path, files={field: ("a.png", b"")})
        assert "0 bytes" in problem(response, 422)
        assert response.json()["type"] == "/problems/empty-image"


@given(st.sampled_from(["jpeg", "jpeg_progressive", "jpeg_gray", "jpeg_cmyk"]), st.floats(0, 1))
@settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_in02_truncated_jpegs(service: TestClient, name: str, share: float) -> None:
    data = CORPUS[name]
    cut = data[: int(share * (len(data) - 2))]
    # Of so few bytes nobody can say that they were to be a JPEG.
    problem(post(service, cut), *((415, 422) if len(cut) < 4 else (422,)))


def random_bodies(service: TestClient, number: int, seed: int) -> None:
    """Sends random bytes as files, as whole bodies, and in the place of parts of good images."""
    rng = np.random.default_rng(seed)
    starts = [
        b"",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\0\0\0WEBP",
        b"BM",
        b"II*\0",
    ]
    whole = [JPEG, PNG, CORPUS["tiff"], CORPUS["webp_alpha"], CORPUS["apng"], CORPUS["bmp"]]
    for turn in range(number):
        noise = rng.bytes(int(rng.integers(0, 600)))
        kind = turn % 3
        if kind == 0:
            data = starts[int(rng.integers(len(starts)))] + noise
        else:
            changed = bytearray(whole[int(rng.integers(len(whole)))])
            for place in rng.integers(0, len(changed), int(rng.integers(1, 20))):
                changed[place] = int(rng.integers(256))
            data = bytes(changed)
        if kind == 2:
            boundary = "multipart/form-data; boundary=b"
            body = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            mixed = bytearray(body + data + b"\r\n--b--\r\n")
            mixed[int(rng.integers(len(mixed)))] = int(rng.integers(256))
            response = service.post(
                "/predict", content=bytes(mixed), headers={"content-type": boundary}
            )
        else:
            response = post(service, data)
        if response.status_code != 200:
            problem(response, 400, 413, 415, 422)


def test_in03_random_bytes(service: TestClient) -> None:
    random_bodies(service, 500, seed=1)


@pytest.mark.soak
def test_in03_ten_thousand_random_bodies_and_flat_memory(bundle: Path) -> None:
    process = psutil.Process()
    # A changed header may ask for many pixels. What the allocator keeps after one large image is
    # no leak, but more than the growth that is looked for.
    with whole_app(bundle, max_pixels=200_000) as service:
        random_bodies(service, 5_000, seed=2)
        before = process.memory_info().rss
        random_bodies(service, 10_000, seed=3)
        assert process.memory_info().rss <= before * 1.05


@pytest.mark.parametrize("kind", ["", "image/jpg", "IMAGE/JPEG", "application/octet-stream", "x"])
def test_in04_the_declared_type_does_not_matter(service: TestClient, kind: str) -> None:
    expected = good(post(service, JPEG, "a.jpg", "image/jpeg"))["probabilities"]
    assert good(post(service, JPEG, "a.jpg", kind))["probabilities"] == expected


def test_in05_png_bytes_under_another_name(service: TestClient) -> None:
    answer = good(post(service, PNG, "a.jpg", "image/jpeg"))
    assert answer["prediction"]["label"] == "green"


@pytest.mark.parametrize("name", ["apng", "webp_animated", "tiff_pages"])
def test_in06_animations_are_read_as_their_first_frame(service: TestClient, name: str) -> None:
    answer = good(post(service, CORPUS[name]))
    assert any("the first was read" in warning for warning in answer["warnings"])
    still = good(post(service, encode(picture(), "PNG")))["probabilities"]
    difference = [abs(answer["probabilities"][key] - still[key]) for key in still]
    assert max(difference) <= 1e-3


def test_in06_gif_is_refused(service: TestClient) -> None:
    frames = encode(picture(), "GIF", save_all=True, append_images=[picture(3)])
    assert "JPEG" in problem(post(service, frames), 415)


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_in07_every_kind_of_samples_is_answered_as_training_sees_it(
    service: TestClient, bundle: Path, name: str
) -> None:
    answer = good(post(service, CORPUS[name]))
    model = ServingModel.load(bundle)
    image = load_image(CORPUS[name], model.manifest.input_size)
    expected = model.predict(image[None]).probabilities[0]
    assert list(answer["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-7)
    assert list(answer["probabilities"].values()) == pytest.approx(
        expected_probabilities(image).tolist(), abs=1e-5
    )


def test_in07_sixteen_bits(service: TestClient) -> None:
    samples = np.full((6, 8), 40_000, np.uint16)
    data = encode(Image.fromarray(samples), "PNG")
    answer = good(post(service, data))
    assert any("16 bits" in warning for warning in answer["warnings"])
    assert (decode_image(data) == 40_000 >> 8).all()


def bright_corner() -> Image.Image:
    """A dark picture, wider than high, whose upper left quarter is white."""
    pixels = np.full((40, 64, 3), 10, np.uint8)
    pixels[:20, :32] = 255
    return Image.fromarray(pixels)


# How stored pixels must be turned so that the tag makes them upright again (EXIF 2.32, 0x0112).
UNDO = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_in08_orientation_is_applied(service: TestClient, kind: str, orientation: int) -> None:
    upright = bright_corner()
    undo = UNDO[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    expected = good(post(service, encode(upright, "PNG")))
    answer = good(
        post(service, oriented(kind, orientation, stored), explain="heatmap", format="png")
    )
    tolerance = 0.02 if kind == "JPEG" else 1e-3
    assert answer["prediction"]["label"] == expected["prediction"]["label"]
    for label in CLASSES:
        found = answer["probabilities"][label]
        assert found == pytest.approx(expected["probabilities"][label], abs=tolerance)
    shown = answer["explanation"]
    assert (shown["width"], shown["height"]) == upright.size
    heat = cv2.imdecode(np.frombuffer(base64.b64decode(shown["data"]), np.uint8), -1)
    alpha = heat[..., 3].astype(float)
    assert alpha[:20, :32].mean() > 3 * alpha[20:, 32:].mean()
    assert alpha[:20, :32].mean() > 2 * alpha[:20, 32:].mean()
    assert alpha[:20, :32].mean() > 2 * alpha[20:, :32].mean()


def header_only(width: int, height: int) -> bytes:
    """A PNG that asks for that many pixels and has none."""
    fields = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", fields) + png_chunk(b"IDAT", b"\0" * 50)


@pytest.mark.parametrize(
    "data",
    [png_of(10_000, 10_000), header_only(65_535, 65_535), header_only(2**31 - 1, 2**31 - 1)],
    ids=["100 MP", "65535", "2^31"],
)
def test_in09_too_many_pixels_are_refused_by_the_header(service: TestClient, data: bytes) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    response = post(service, data)
    assert "at most 50,000,000 are decoded" in problem(response, 413)
    assert response.json()["type"] == "/problems/image-too-large"
    assert process.memory_info().rss - before < 30_000_000


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A megabyte that unpacks to a gigabyte."""
    return zeros_compressed(1024)


@pytest.mark.parametrize("chunk", [b"iCCP", b"zTXt", b"iTXt", b"eXIf"])
def test_in09_what_is_packed_beside_the_pixels_is_not_unpacked(
    service: TestClient, bomb: bytes, chunk: bytes
) -> None:
    prefix = {b"iTXt": b"key\0\x01\0\0\0"}.get(chunk, b"name\0\0")
    data = png_with(chunk, prefix + bomb)
    process = psutil.Process()
    before = process.memory_info().rss
    good(post(service, data))
    assert process.memory_info().rss - before < 30_000_000


def test_in10_sizes_through_the_whole_service(bundle: Path) -> None:
    with whole_app(bundle, max_bytes=10_000, max_batch_bytes=30_000, max_batch_images=3) as service:
        assert "26,384 bytes at most" in problem(post(service, b"x" * 30_000), 413)
        assert "at most 10,000 are read" in problem(post(service, b"x" * 12_000), 413)
        many = [("images", ("a", PNG))] * 4
        assert "more than 3 files" in problem(service.post("/predict_batch", files=many), 400)


def polyglots() -> dict[str, bytes]:
    """Files that are an image and something else besides."""
    comment = b"\xff\xfe" + struct.pack(">H", 27) + b"<script>alert(1)</script>"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("evil.class", b"\xca\xfe\xba\xbe")
    return {
        "JPEG with a script": JPEG[:2] + comment + JPEG[2:],
        "JPEG and ZIP": JPEG + archive.getvalue(),
        "PNG with markup": png_with(b"tEXt", b"Comment\0<script>alert(1)</script>"),
    }


@pytest.mark.parametrize("name", polyglots())
def test_in11_what_hides_in_an_image_stays_there(service: TestClient, name: str) -> None:
    response = post(service, polyglots()[name], "<script>.png")
    good(response)
    assert "script" not in response.text + repr(response.headers)
    assert response.headers["x-content-type-options"] == "nosniff"
    shown = service.post("/explain", files={"image": ("a", polyglots()[name])})
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"script" not in shown.content
    assert b"evil.class" not in shown.content


@pytest.mark.parametrize(
    "data",
    [
        SVG,
        PDF,
        b"<html><script>alert(1)</script></html>",
        b"GIF89a/*\x01\0\x01\0*/=1;alert(1)//",
        b"PK\x03\x04" + b"\0" * 60,
        b"\x7fELF" + b"\0" * 60,
        b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x02os\x94",
    ],
    ids=["svg", "pdf", "html", "gifar", "zip", "elf", "pickle"],
)
def test_in11_what_is_no_image(service: TestClient, data: bytes) -> None:
    for name, kind in (("a.png", "image/png"), ("a.svg", "image/svg+xml")):
        response = post(service, data, name, kind)
        problem(response, 415, 422)
        assert "alert" not in response.text


NAMES = {
    "long": b"x" * 300 + b".png",
    "nul": b"a\0b.png",
    "path": b"../../../etc/passwd",
    "windows": b"C:\\dir\\",
    "latin": b"\xe9\xff\xfe.png",
    "rtl": "\u202egnp.exe".encode(),
    "emoji": "😀.png".encode(),
    "crlf": b"a\r\nX-Evil: 1.png",
    "lf": b"a\nb.png",
    "script": b"<script>alert(1)</script>.png",
    "sql": b"'; DROP TABLE predictions; --",
    "format": b"%s%n{0}${jndi:ldap://127.0.0.1/}",
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_in12_file_names_do_not_matter(
    service: TestClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="'
        + NAMES[name]
        + b'"\r\n\r\n'
        + PNG
        + b"\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    response = service.post("/predict", content=body, headers=headers)
    assert good(response)["prediction"]["label"] == "green"
    seen = response.content + repr(response.headers).encode() + caplog.text.encode()
    assert NAMES[name] not in seen
    assert "x-evil" not in response.headers


URLS = (
    "http://127.0.0.1:9/x.png",
    "https://198.51.100.7/x.png",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://100.64.0.1/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "data:image/png;base64,AAAA",
    "s3://bucket/key",
)


@pytest.mark.parametrize("url", URLS)
def test_in13_urls_are_never_fetched(
    service: TestClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts: list[object] = []

    def note(*args: object) -> None:
        contacts.append(args)
        raise OSError("the socket spy refuses")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, note)
    monkeypatch.setattr(socket, "getaddrinfo", note)
    for path, field in (("/predict", "image"), ("/explain", "image"), ("/predict_batch", "images")):
        response = service.post(path, files={field: (None, url.encode())})
        detail = problem(response, 400)
        assert "URLs are not fetched" in detail
        assert url not in detail
    problem(post(service, url.encode()), 415)
    problem(service.post("/predict", json={"image": url}), 415)
    assert contacts == []


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        ({}, (415,)),
        ({"files": {"other": ("a", PNG)}}, (400,)),
        ({"files": {"image": ("a", PNG), "more": ("b", PNG)}}, (400,)),
        ({"files": [("image", ("a", PNG))] * 2}, (400,)),
        ({"files": {"image": ("a", PNG)}, "data": {"top_k": ["1", "2"]}}, (400,)),
        ({"files": {"image": ("a", PNG)}, "data": {"top_k": "x"}}, (422,)),
        ({"files": {"image": ("a", PNG)}, "data": {"explain": "all"}}, (422,)),
        ({"json": {"image": "x"}}, (415,)),
        ({"content": PNG, "headers": {"content-type": "image/png"}}, (415,)),
        ({"content": b"\x80\x04.", "headers": {"content-type": "application/pickle"}}, (415,)),
        (
            {
                "content": b"\x80\x04.",
                "headers": {"content-type": "application/vnd.bentoml+pickle"},
            },
            (415,),
        ),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, (400,)),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}}, (400,)),
        ({"data": {"image": "x"}}, (415,)),
    ],
)
def test_in14_requests_that_are_not_as_described(
    service: TestClient, sent: dict[str, Any], statuses: tuple[int, ...]
) -> None:
    problem(service.post("/predict", **sent), *statuses)


def test_in14_every_documented_operation_keeps_the_one_shape(service: TestClient) -> None:
    """Whatever the document lists: a body of the wrong kind, no body, an unknown method."""
    for path, operations in service.get("/openapi.json").json()["paths"].items():
        address = path.replace("{request_id}", "0badcafe").replace("{id}", "0badcafe")
        for method in operations:
            for sent in ({}, {"content": b"\x80\x04.", "headers": {"content-type": "x/y"}}):
                response = service.request(method.upper(), address, **sent)
                if response.status_code >= 400:
                    problem(response, 400, 404, 409, 415, 422, 503)
        refused = service.request("TRACE", address)
        problem(refused, 405)
        assert refused.headers["allow"]


def test_in15_one_bad_image_of_32_is_one_problem(service: TestClient) -> None:
    files = [("images", (f"{number}.png", PNG)) for number in range(31)]
    files.insert(17, ("images", ("bad.png", PNG[:-30])))
    response = service.post("/predict_batch", files=files)
    assert response.status_code == 200
    entries = response.json()["entries"]
    assert len(entries) == 32
    assert [entry["index"] for entry in entries if entry.get("problem")] == [17]
    assert entries[17]["problem"]["status"] == 422
    assert entries[17]["problem"]["type"] == "/problems/truncated-image"
    labels = {entry["answer"]["prediction"]["label"] for entry in entries if entry.get("answer")}
    assert labels == {"green"}


@pytest.mark.parametrize(
    ("size", "value"),
    [
        ((1, 1), 0),
        ((1, 1), 255),
        ((1, 10_000), 77),
        ((10_000, 1), 77),
        ((50, 50), 0),
        ((9, 9), 255),
    ],
)
def test_in16_tiny_long_and_constant_images(
    service: TestClient, size: tuple[int, int], value: int
) -> None:
    data = encode_image(np.full((*size, 3), value, np.uint8))
    for kind in ("heatmap", "overlay"):
        answer = good(post(service, data, explain=kind, format="png"))
        assert "NaN" not in json.dumps(answer)
        shown = answer["explanation"]
        assert shown["reason"] is None
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(shown["data"]), np.uint8), -1)
        assert pixels.shape[:2] == (shown["height"], shown["width"])


# SE-02: secrets of the configuration.

CANARIES = {
    "api_key": "canary-user-key-2c8d",
    "admin_key": "canary-admin-key-9b1f",
    "log_database": "postgresql+psycopg://canary-user:canary-password-77e0@127.0.0.1:9/base",
}
SECRETS = ("canary-user-key-2c8d", "canary-admin-key-9b1f", "canary-password-77e0")


def test_se02_secrets_are_in_no_answer_and_no_log(
    bundle: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    # The client of this test logs the addresses that it asks.
    caplog.set_level("WARNING", logger="httpx")
    user, admin = ({"X-API-Key": CANARIES[name]} for name in ("api_key", "admin_key"))
    with whole_app(bundle, is_private=False, **CANARIES) as service:
        answers = [post(service, PNG)]
        service.headers.update(user)
        answers += [
            post(service, PNG),
            service.get("/predictions/0badcafe0badcafe"),
            service.post("/feedback", json={"request_id": "0badcafe", "labels": ["red"]}),
            service.get("/readyz"),
            service.get("/drift"),
            service.get("/openapi.json"),
            service.get("/model", params={"api_key": CANARIES["api_key"]}),
            service.put("/model", json={"name": "a", "version": "b"}),
            service.put("/model", json={"name": "a", "version": "b"}, headers=admin),
            service.put("/model", json={"name": "../x", "version": SECRETS[2]}, headers=admin),
        ]
        time.sleep(0.5)  # the log tries its database meanwhile
        answers.append(service.get("/readyz"))
        held = repr(service.app.__dict__)  # type: ignore[attr-defined]
    captured = capfd.readouterr()
    assert answers[0].status_code == 401
    assert answers[1].status_code == 200
    texts = [answer.text + repr(answer.headers) for answer in answers]
    texts += [record.getMessage() for record in caplog.records]
    texts += [captured.out, captured.err, held]
    for secret in SECRETS:
        assert [text for text in texts if secret in text] == []


def test_se10_errors_show_no_paths_and_no_tracebacks(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret of the house in /srv/models")

    monkeypatch.setattr(ServingModel, "predict", fail)
    response = post(service, PNG)
    problem(response, 500)
    for text in ("secret", "/srv", "Traceback", "File ", ".py"):
        assert text not in response.text
