"""Tests of serving/multipart.py: any form, in pieces of any size, and what is no form."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.multipart import (
    MAX_HEADER_BYTES,
    MAX_PREAMBLE_BYTES,
    MultipartReader,
    PartHeader,
    boundary_of,
)
from serving.problems import ProblemError

BOUNDARY = b"frontier"
Part = tuple[PartHeader, bytes]


def part(content: bytes, disposition: bytes = b'form-data; name="image"; filename="a"') -> bytes:
    return (
        b"--"
        + BOUNDARY
        + b"\r\nContent-Disposition: "
        + disposition
        + b"\r\n\r\n"
        + content
        + b"\r\n"
    )


END = b"--" + BOUNDARY + b"--\r\n"


class NotDone(Exception):
    """The body ended before the form."""


def read(body: bytes, size: int | None = None) -> list[Part]:
    """Reads a body in pieces of ``size`` and returns its parts."""
    reader = MultipartReader(BOUNDARY)
    parts: list[tuple[PartHeader, list[bytes]]] = []
    size = size or max(1, len(body))
    for start in range(0, len(body), size):
        for event in reader.feed(body[start : start + size]):
            if isinstance(event, PartHeader):
                parts.append((event, []))
            else:
                parts[-1][1].append(event)
    if not reader.is_done:
        raise NotDone
    return [(header, b"".join(pieces)) for header, pieces in parts]


FILE = PartHeader("image", True)
# Contents made of what a boundary is made of find every way to mistake them for one.
tricky = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"--", b"\r\n", b"\r\n-", b"\r\n--", b"front", b"x", b"\0"]
    ),
    max_size=30,
).map(b"".join)


@given(st.lists(tricky, max_size=4), st.integers(1, 40), st.sampled_from([b"", b"\r\n", b"over"]))
@settings(max_examples=300)
def test_parts_come_out_as_they_went_in(contents: list[bytes], size: int, after: bytes) -> None:
    body = b"".join(part(content) for content in contents) + END + after
    assert read(body, size) == [(FILE, content) for content in contents]


def test_every_piece_size_gives_the_same() -> None:
    content = np.random.default_rng(0).bytes(300) + b"\r\n--fro"
    body = part(content) + part(b"", b'form-data; name="top_k"') + END
    expected = [(FILE, content), (PartHeader("top_k", False), b"")]
    assert all(read(body, size) == expected for size in range(1, len(body) + 1))


def test_pieces_are_not_held_back() -> None:
    reader = MultipartReader(BOUNDARY)
    list(reader.feed(part(b"")[:-2]))
    n_given = 0
    for _ in range(100):
        n_given += sum(len(event) for event in reader.feed(b"x" * 1000) if isinstance(event, bytes))
    assert 100_000 - n_given < len(BOUNDARY) + 4


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (b'form-data; name="image"; filename="a.png"', FILE),
        (b"Form-Data;name=image;filename=a.png", FILE),
        (b'form-data; filename="a.png"; name="image"', FILE),
        (b'form-data; name="image"; filename=""', FILE),
        (b"form-data; name=\"image\"; filename*=UTF-8''a.png", FILE),
        (b'form-data; name="image"', PartHeader("image", False)),
        (b'form-data; name=""', PartHeader("", False)),
        (b'form-data; name="a;b"; filename="x"', PartHeader("a;b", True)),
        (b'form-data; name="image"; filename="a; b=c; name=d.png"', FILE),
        (b'form-data; name="image"; filename="a\\"b\\\\.png"', FILE),
        (b'form-data; name="image"; filename="C:\\dir\\"', FILE),
        (b'form-data; name="image"; filename="half', FILE),
        (b'form-data; name="image"; filename="a\r\nb.png"', FILE),
        (b'form-data; name="image"; filename="a\nb.png"', FILE),
        (b'form-data; name="image"; filename="\0\xff\xfe"', FILE),
        (b'form-data; name="image"; filename="' + b"x" * 300 + b'"', FILE),
        (b'form-data; name="image"; filename="a"\r\nContent-Type: image/png\r\nX-Y: z', FILE),
    ],
)
def test_in12_a_file_name_is_seen_and_not_read(disposition: bytes, expected: PartHeader) -> None:
    assert read(part(b"data", disposition) + END) == [(expected, b"data")]


@pytest.mark.parametrize(
    "disposition",
    [
        b'attachment; name="image"',
        b"form-data",
        b'form-data; filename="a.png"',
        b'form-data; name="image"; name="other"',
        b'form-data; name="image"\r\nContent-Disposition: form-data; name="other"',
        b'form-data; name="image"; filename="a\r\nContent-Disposition: form-data; name="x"',
    ],
)
def test_a_part_without_one_name_is_refused(disposition: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        read(part(b"data", disposition) + END)
    assert caught.value.kind.status == 400
    assert caught.value.detail.startswith("The form is broken: each part must")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"--frontierX\r\n", "a line may begin with the boundary only where a part ends"),
        (part(b"a\r\n--frontiers b") + END, "a line may begin with the boundary"),
        (b"--frontier" + b" " * 100 + b"\r\n", "a line may begin with the boundary"),
        (b"--frontier\r\r\n", "a line may begin with the boundary"),
        (b"x" * (MAX_PREAMBLE_BYTES + 100), "it does not begin with its boundary"),
        (b"--frontier\r\n" + b"x" * (MAX_HEADER_BYTES + 100), "may have 8,192 bytes at most"),
        (b"--frontier\r\n\r\ndata", "each part must have one Content-Disposition"),
    ],
)
def test_broken_forms_name_the_rule(body: bytes, rule: str) -> None:
    for size in (1, 7, None):
        with pytest.raises(ProblemError) as caught:
            read(body, size)
        assert rule in caught.value.detail


@pytest.mark.parametrize(
    "body",
    [b"", b"\r\n", b"--frontier", b"--frontier-", b"--frontier\r\n", part(b"x"), part(b"x")[:-30]],
)
def test_a_form_without_its_end_is_not_done(body: bytes) -> None:
    for size in (1, None):
        with pytest.raises(NotDone):
            read(body, size)


def test_preambles_paddings_and_no_parts() -> None:
    assert read(b"hello\r\n" + part(b"x") + END) == [(FILE, b"x")]
    assert read(part(b"x").replace(b"frontier\r", b"frontier \t \r", 1) + END) == [(FILE, b"x")]
    assert read(END) == []
    assert read(b"--frontier--") == []


@given(st.binary(max_size=200), st.integers(1, 50))
@settings(max_examples=300)
def test_in03_random_bytes_are_refused_or_wait_for_more(data: bytes, size: int) -> None:
    for body in (data, b"--frontier\r\n" + data, part(data) + data):
        # Anything else that is raised fails the test.
        with suppress(ProblemError, NotDone):
            read(body, size)


@pytest.mark.parametrize(
    "filling",
    [b"\r", b"\n", b"-", b"\r\n", b"\r\n-", b"\r\n--", b"\r\n--frontie", b"\r\n--f", b"f"],
)
def test_in10_no_filling_is_slow(filling: bytes) -> None:
    """Steps are counted and not seconds: one search of each piece, whatever is in it."""
    content = filling * (1_000_000 // len(filling))
    reader = MultipartReader(BOUNDARY)
    list(reader.feed(part(b"")[:-2]))
    n_events = 0
    for start in range(0, len(content), 65_536):
        n_events += len(list(reader.feed(content[start : start + 65_536])))
    assert n_events <= 16


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=b", b"b"),
        ('multipart/form-data; charset=utf-8; BOUNDARY="a b"', b"a b"),
        ("multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxk", None),
        ("multipart/form-data; boundary=" + "x" * 70, b"x" * 70),
    ],
)
def test_boundaries(content_type: str, boundary: bytes | None) -> None:
    expected = boundary or content_type.rpartition("=")[2].encode()
    assert boundary_of(content_type) == expected


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/form-data; boundary=" + "x" * 1_000_000,
        "multipart/form-data; boundary=a; boundary=b",
        'multipart/form-data; boundary="a "',
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; boundary=a\0b",
    ],
    ids=lambda text: ascii(text[19:50]),
)
def test_in10_boundaries_that_are_refused(content_type: str) -> None:
    with pytest.raises(ProblemError) as caught:
        boundary_of(content_type)
    assert "one boundary of 1 to 70 characters" in caught.value.detail
