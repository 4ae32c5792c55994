"""What waits in memory: records whose image is not measured yet, and entries not written yet.

:meth:`Intake.put` is what a request pays: it takes a few values and a short lock, and touches
neither disk nor database. Everything else is done by the log's threads, which take from here.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serving.log.entry import Entry, describe, measures_of
from serving.record import PredictionRecord, Record
from vision.images.types import Pixels

MAX_IMAGE_BYTES = 64 << 20
MAX_ENTRIES = 10_000
# Longer than that no record waits for its image to be measured; the measures come later then.
_MEASURED_WITHIN_S = 0.015
# What a field takes in JSON beside its text, roughly; a prediction gets its measures later.
_FIELD_BYTES = 40
_N_FIELDS = {"prediction": 30}
# "\ud83d\ude00": one character, escaped.
_ESCAPED_BYTES = 12


@dataclass(frozen=True, eq=False)
class Image:
    """The image of a prediction, until it is measured.

    Attributes:
      record: with pixels and bytes.
      born: when it came, on the monotonic clock.
      n_bytes: what it takes in memory.
    """

    record: PredictionRecord
    entry: Entry
    born: float
    n_bytes: int


class Intake:
    """Hands records from many threads to one that measures and one that writes.

    Attributes:
      n_waiting: records that are not written yet.
      n_dropped: records that were refused, or lost at the end.
      to_measure: set while there are images to measure.
      to_write: set while there is something to write.
    """

    def __init__(self, has_room: Callable[[int], bool]) -> None:
        """Makes an intake.

        Args:
          has_room: tells whether so many more bytes may wait on the disk.
        """
        self._has_room = has_room
        self._guard = threading.Lock()
        self._images: deque[Image] = deque()
        self._unmeasured: dict[str, Image] = {}
        self._ready: deque[Entry] = deque()
        self._taken: tuple[Entry, ...] = ()
        self._image_bytes = 0
        self._entry_bytes = 0
        self._is_closed = False
        self.n_waiting = 0
        self.n_dropped = 0
        self.to_measure = threading.Event()
        self.to_write = threading.Event()

    @property
    def is_full(self) -> bool:
        """Whether the disk is so slow that memory takes no more."""
        return self.n_waiting >= MAX_ENTRIES

    @property
    def waiting_bytes(self) -> int:
        """What they will take on the disk, roughly."""
        return self._entry_bytes

    def put(self, record: Record) -> bool:
        """Takes a record; False where there is no room for it, which is counted."""
        entry = describe(record)
        size = size_of(entry)
        with self._guard:
            if self._is_closed or self.is_full or not self._has_room(size):
                self.n_dropped += 1
                return False
            self.n_waiting += 1
            self._entry_bytes += size
            if not isinstance(record, PredictionRecord) or not self._take_image(record, entry):
                self._ready.append(entry)
        _set(self.to_write)
        return True

    def take_image(self) -> Image | None:
        """Returns the image that has waited longest; None where there is none."""
        with self._guard:
            if self._images:
                return self._images.popleft()
            self.to_measure.clear()
            return None

    def measured(self, image: Image, measures: dict[str, Any]) -> None:
        """Takes what an image was measured to be; nothing, where it could not be measured."""
        request_id = image.entry.fields["request_id"]
        with self._guard:
            self._image_bytes -= image.n_bytes
            if self._unmeasured.get(request_id) is image:
                del self._unmeasured[request_id]
                entry = image.entry.measured(measures)
                self._entry_bytes += size_of(entry) - size_of(image.entry)
                self._ready.append(entry)
            elif measures:
                entry = measures_of(request_id, measures)
                self._entry_bytes += size_of(entry)
                self._ready.append(entry)
        _set(self.to_write)

    def take(self, max_entries: int, *, all_of_them: bool = False) -> tuple[Entry, ...]:
        """Returns entries to write: the same, or the first of them, until they are :meth:`written`.

        Args:
          max_entries: how many at most.
          all_of_them: whether also those go whose image will be measured in a moment.
        """
        latest = time.monotonic() - (0 if all_of_them else _MEASURED_WITHIN_S)
        with self._guard:
            if self._taken:
                self._ready.extendleft(reversed(self._taken[max_entries:]))
                self._taken = self._taken[:max_entries]
                return self._taken
            late = [key for key, image in self._unmeasured.items() if image.born <= latest]
            self._ready.extend(self._unmeasured.pop(key).entry for key in late)
            n_entries = min(max_entries, len(self._ready))
            self._taken = tuple(self._ready.popleft() for _ in range(n_entries))
            if not self._taken and not self._unmeasured:
                self.to_write.clear()
            return self._taken

    def written(self) -> None:
        """Says that what was taken last is on the disk."""
        with self._guard:
            self.n_waiting -= sum(entry.is_record for entry in self._taken)
            self._entry_bytes -= sum(map(size_of, self._taken))
            self._taken = ()

    def count_drop(self) -> None:
        """Counts a record that was lost before it came here."""
        with self._guard:
            self.n_dropped += 1

    def lost(self) -> None:
        """Says that what was taken last can never be written."""
        with self._guard:
            self.n_dropped += sum(entry.is_record for entry in self._taken)
        self.written()

    def close(self) -> None:
        """Refuses whatever is put from now on."""
        with self._guard:
            self._is_closed = True

    def give_up(self) -> int:
        """Drops what is not written, and returns how much that is."""
        with self._guard:
            lost = self.n_waiting
            self.n_dropped += lost
            self._unmeasured.clear()
            self._ready.clear()
            self._taken = ()
            self.n_waiting = self._entry_bytes = 0
        return lost

    def find(self, request_id: str) -> list[Entry]:
        """Returns the entries of a request that are not written yet."""
        with self._guard:
            waiting = [*self._taken, *self._ready]
            waiting += [image.entry for image in self._unmeasured.values()]
        return [entry for entry in waiting if entry.fields.get("request_id") == request_id]

    def _take_image(self, record: PredictionRecord, entry: Entry) -> bool:
        """Keeps the image for measuring, unless too much waits already; the guard is held."""
        n_bytes = _bytes_of(record.pixels, record.data)
        is_too_much = self._image_bytes > 0 and self._image_bytes + n_bytes > MAX_IMAGE_BYTES
        if is_too_much or record.pixels.size == 0 or record.request_id in self._unmeasured:
            return False
        image = Image(record, entry, time.monotonic(), n_bytes)
        self._image_bytes += n_bytes
        self._unmeasured[record.request_id] = image
        self._images.append(image)
        _set(self.to_measure)
        return True


def size_of(entry: Entry) -> int:
    """Returns about how many bytes an entry takes on the disk, rather more than less."""
    n_fields = _N_FIELDS.get(entry.kind, len(entry.fields) + 2)
    texts = sum(map(_text_bytes, entry.fields.values()))
    return n_fields * _FIELD_BYTES + texts + sum(map(len, entry.arrays.values()))


def _text_bytes(value: object) -> int:
    if isinstance(value, str):
        return len(value) * (1 if value.isascii() else _ESCAPED_BYTES)
    return len(json.dumps(value)) if isinstance(value, list | dict) else 0


def _bytes_of(pixels: Pixels, data: bytes) -> int:
    return int(pixels.nbytes) + len(data)


def _set(event: threading.Event) -> None:
    # Asking is cheaper than setting what is set already.
    if not event.is_set():
        event.set()
