"""Splits a multipart/form-data body into its parts while it comes in (RFC 7578, RFC 2046).

No byte is looked at one by one, whatever is sent, and no more is held back than a header or a
boundary; so a body costs about as much time as copying it. What is refused here is refused with
400: a boundary that is none, a header that is too long, a part without a name.

File names are not read, only that there is one: it tells a file from a text. So it does not matter
what is in them, down to the line breaks that some clients leave in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from serving.problems import BAD_REQUEST, ProblemError

MAX_HEADER_BYTES = 8 * 1024
MAX_PREAMBLE_BYTES = 1024
_MAX_PADDING_BYTES = 64

# RFC 2046, 5.1.1.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_CONTENT_TYPE_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]*))', re.IGNORECASE)
_PADDING = re.compile(rb"[ \t]*\r?")
# The closing quote may be missing: a name with a line break goes on in the next line.
_PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)|([^\s;"]*))')


@dataclass(frozen=True)
class PartHeader:
    """The beginning of a part.

    Attributes:
      name: the field.
      is_file: whether the part has a file name.
    """

    name: str
    is_file: bool


def boundary_of(content_type: str) -> bytes:
    """Returns the boundary that a Content-Type names.

    Raises:
      ProblemError: 400 there is none, more than one, or one that is not allowed.
    """
    found: list[str] = [
        quoted or bare for quoted, bare in _CONTENT_TYPE_BOUNDARY.findall(content_type)
    ]
    if len(found) != 1 or not _BOUNDARY.fullmatch(found[0]):
        raise broken("its Content-Type must name one boundary of 1 to 70 characters")
    return found[0].encode("ascii")


def broken(rule: str) -> ProblemError:
    """Returns the problem of a form that breaks a rule."""
    return ProblemError(BAD_REQUEST, f"The form is broken: {rule}.")


class MultipartReader:
    """Takes a body in pieces of any size and gives its parts.

    Args:
      boundary: as :func:`boundary_of` returns it.

    Attributes:
      is_done: whether the closing boundary has come; what follows it is ignored.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._left = bytearray(b"\r\n")  # a body may begin with its first boundary
        self._is_in_header = False
        self._is_in_part = False
        self._n_preamble = 0
        self.is_done = False

    def feed(self, data: bytes) -> Iterator[PartHeader | bytes]:
        """Takes the next piece; gives a header for each part that begins, and then its content.

        Raises:
          ProblemError: 400.
        """
        self._left += data
        while not self.is_done:
            if self._is_in_header:
                header = self._take_header()
                if header is None:
                    return
                yield header
                continue
            content, is_at_end = self._take_content()
            if content and self._is_in_part:
                yield content
            if not is_at_end:
                return
            self._is_in_header = self._is_in_part = not self.is_done
        self._left.clear()

    def _take_header(self) -> PartHeader | None:
        """Takes the header of a part; None while it is not complete."""
        # The line break of the boundary was left, so that a header of no lines ends like others.
        end = self._left.find(b"\r\n\r\n")
        if end > MAX_HEADER_BYTES or (end < 0 and len(self._left) > MAX_HEADER_BYTES):
            raise broken(f"the header of a part may have {MAX_HEADER_BYTES:,} bytes at most")
        if end < 0:
            return None
        header = _read_header(bytes(self._left[2:end]))
        del self._left[: end + 4]
        self._is_in_header = False
        return header

    def _take_content(self) -> tuple[bytes, bool]:
        """Takes what certainly lies before the next boundary, and says whether that was reached."""
        at = self._left.find(self._delimiter)
        if at < 0:
            # The end may be the beginning of a boundary.
            at, is_at_end = max(0, len(self._left) - len(self._delimiter) + 1), False
        else:
            is_at_end = self._take_boundary(at)
        content = bytes(self._left[:at])
        del self._left[:at]
        if is_at_end:
            del self._left[: len(self._delimiter)]
            self._skip_padding()
        if not self._is_in_part:
            self._n_preamble += len(content)
            if self._n_preamble > MAX_PREAMBLE_BYTES:
                raise broken("it does not begin with its boundary")
        return content, is_at_end

    def _take_boundary(self, at: int) -> bool:
        """Says whether the line of the boundary at ``at`` is there as a whole."""
        start = at + len(self._delimiter)
        rest = bytes(self._left[start : start + _MAX_PADDING_BYTES])
        if rest.startswith(b"--"):
            self.is_done = True
            return True
        padding = _PADDING.match(rest)
        assert padding is not None  # it matches nothing, too
        if rest[padding.end() :].startswith(b"\n") and padding.group().endswith(b"\r"):
            return True
        is_undecided = padding.end() == len(rest) < _MAX_PADDING_BYTES
        if is_undecided or rest == b"-":
            return False
        raise broken("a line may begin with the boundary only where a part ends")

    def _skip_padding(self) -> None:
        if not self.is_done:
            del self._left[: self._left.index(b"\r\n")]


def _read_header(header: bytes) -> PartHeader:
    """Reads the field's name, and whether there is a file name, from the header of a part."""
    lines = header.split(b"\r\n")
    found = [line for line in lines if line.lower().startswith(b"content-disposition")]
    if len(found) != 1:
        raise broken("each part must have one Content-Disposition")
    _, _, value = found[0].partition(b":")
    kind = value.partition(b";")[0].strip().lower()
    parameters = [
        (name.lower(), quoted or bare) for name, quoted, bare in _PARAMETER.findall(value)
    ]
    names = [text for name, text in parameters if name == b"name"]
    if kind != b"form-data" or len(names) != 1:
        raise broken("each part must say `Content-Disposition: form-data` with one name")
    is_file = any(name in (b"filename", b"filename*") for name, _ in parameters)
    return PartHeader(names[0].decode("latin-1"), is_file)
