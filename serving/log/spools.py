"""The spools of all processes on this machine: whose is whose, and what is in any of them."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from serving.log.entry import Entry
from serving.log.frames import read_frames
from serving.log.spool import LOCK, SEGMENTS, Spool, read_entry
from vision.listing import list_paths

logger = logging.getLogger("bentoml.visionstack.log")


def open_spool(root: Path) -> Spool:
    """Makes a folder for this process below ``root``.

    Raises:
      OSError: it cannot be made.
    """
    while True:
        folder = root / f"{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        try:
            lock = _take_lock(folder)
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            raise
        if lock is not None:
            return Spool(folder, lock)


def adopt_spools(root: Path) -> list[Spool]:
    """Takes over the folders of processes that are dead; empty ones are removed.

    One that cannot be read is left where it is, and named in the service's own log.

    Raises:
      OSError: ``root`` cannot be read.
    """
    adopted = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        spool = _adopt(folder) if folder.is_dir() else None
        if spool is not None and spool.waiting_bytes:
            adopted.append(spool)
        elif spool is not None:
            spool.close()
    return adopted


def find_entries(root: Path, request_id: str) -> Iterator[Entry]:
    """Yields the entries of a request that are in the spool of any process.

    What is written or removed meanwhile is either found or not; nothing is changed.
    """
    # As json.dumps writes it in a frame; most files are passed over at the speed of a search.
    needle = json.dumps(request_id).encode("ascii")
    for path in list_paths(root, f"*/{SEGMENTS}"):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if needle not in data:
            continue
        models: dict[str, Entry] = {}
        for frame in read_frames(data):
            entry = read_entry(frame.payload)
            if entry is None:
                continue
            if entry.kind == "model":
                models[entry.fields["digest"]] = entry
            elif entry.fields.get("request_id") == request_id:
                yield replace(entry, model=models.get(entry.fields.get("model", "")))


def _adopt(folder: Path) -> Spool | None:
    lock = None
    try:
        lock = _take_lock(folder)
        return None if lock is None else Spool(folder, lock, sorted(folder.glob(SEGMENTS)))
    except OSError as error:
        logger.error("The spool %s cannot be read: %s", folder, error.strerror)
        if lock is not None:
            os.close(lock)
        return None


def _take_lock(folder: Path) -> int | None:
    """Locks a folder; returns None where another process has it, or has just removed it.

    Raises:
      OSError: the folder belongs to somebody else, or the disk is full.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), (folder / LOCK).stat()):
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
