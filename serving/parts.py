"""What a form may hold: images in one field, and short texts."""

from __future__ import annotations

from dataclasses import dataclass, field

from serving.multipart import PartHeader
from serving.problems import BAD_REQUEST, ProblemError

FIELD = "image"
BATCH_FIELD = "images"
MAX_OPTION_BYTES = 100


@dataclass(frozen=True)
class Form:
    """What a form held.

    Attributes:
      images: the content of its files, in order.
      options: its texts by name; those that were not sent are missing.
    """

    images: tuple[bytes, ...] = field(repr=False)
    options: dict[str, str]


class FormParts:
    """Collects the parts of a form, and refuses the first that may not be there.

    Args:
      files: how many images: a number for the field ``image``, or the least and the most for
        ``images``.
      options: names of the texts that may be there, each once.
    """

    def __init__(self, files: int | tuple[int, int], options: frozenset[str]) -> None:
        self._field = FIELD if isinstance(files, int) else BATCH_FIELD
        self._least, self._most = (files, files) if isinstance(files, int) else files
        self._options = options
        self._files: list[list[bytes]] = []
        self._texts: dict[str, bytes] = {}
        self._text: str | None = None

    def take(self, event: PartHeader | bytes) -> None:
        """Takes what :meth:`serving.multipart.MultipartReader.feed` gives.

        Raises:
          ProblemError: 400.
        """
        if isinstance(event, PartHeader):
            self._begin(event)
        elif self._text is None:
            self._files[-1].append(event)
        else:
            text = self._texts[self._text] + event
            if len(text) > MAX_OPTION_BYTES:
                raise self._refused(f"the option '{self._text}' is too long")
            self._texts[self._text] = text

    def _begin(self, header: PartHeader) -> None:
        if header.name == self._field:
            if not header.is_file:
                raise self._refused(
                    f"the field '{self._field}' holds text and not the bytes of a file, with a "
                    "file name. URLs are not fetched"
                )
            if len(self._files) == self._most:
                raise self._refused(f"it has more than {self._count(self._most)}")
            self._files.append([])
            self._text = None
            return
        if header.name not in self._options or header.is_file:
            raise self._refused("it has another field")
        if header.name in self._texts:
            raise self._refused(f"the option '{header.name}' comes twice")
        self._texts[header.name] = b""
        self._text = header.name

    def form(self) -> Form:
        """Returns what was collected.

        Raises:
          ProblemError: 400, too few files or an option that is no text.
        """
        if len(self._files) < self._least:
            raise self._refused(f"it has fewer than {self._count(self._least)}")
        try:
            options = {name: text.decode() for name, text in self._texts.items()}
        except UnicodeDecodeError:
            raise self._refused("an option is not text in UTF-8") from None
        return Form(tuple(b"".join(pieces) for pieces in self._files), options)

    def _count(self, number: int) -> str:
        return f"{number} file{'' if number == 1 else 's'} in the field '{self._field}'"

    def _refused(self, fault: str) -> ProblemError:
        names = [f"'{name}'" for name in sorted(self._options)]
        also = f" and the options {', '.join(names)}" if names else " and nothing else"
        most = "one file" if self._most == 1 else f"{self._least} to {self._most} files"
        return ProblemError(
            BAD_REQUEST,
            f"The form cannot be read: {fault}. It may have {most} in the field '{self._field}'"
            f"{also}, as `curl -F {self._field}=@one.png` sends it.",
        )
