"""The program of the checking process: ``python -m serving.drift.process``.

It reads one JSON object a line and answers each with one line: ``{"number", "load": bundle}`` opens
the detectors of a bundle, ``{"number", "window", "most"}`` has them look at the newest rows of a
window's file. An answer has the number of its question, the processor time ``cpu_s`` that it took,
and ``error`` where there is no result. The process ends with its input, also in the middle of a
check, and stands behind requests: it is nice.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NICER = 10


def main() -> None:
    """Answers until the input ends."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.nice(_NICER)
    # Ctrl-C ends the service, which then ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(questions,), name="questions", daemon=True).start()
    checker = Checker()
    while True:
        question = json.loads(questions.get())
        answers.write(json.dumps(checker.answer(question)) + "\n")
        answers.flush()


def _read(questions: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        questions.put(line)
    os._exit(0)


class Checker:
    """The detectors of one bundle at a time."""

    def __init__(self) -> None:
        self._detectors: Any = None

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what came of a question; whatever a detector raises is a sentence."""
        started = time.process_time()
        try:
            found = self._load(question) if "load" in question else self._check(question)
        except Exception as error:  # noqa: BLE001 - the boundary: no detector may end the process
            found = {"error": f"{type(error).__name__}: {error}"}
        cpu_s = time.process_time() - started
        return {"number": question["number"], "cpu_s": cpu_s, **found}

    def _load(self, question: Mapping[str, Any]) -> dict[str, Any]:
        # Slow to import, and the first question must be heard at once.
        from serving.drift.finding import load_detectors

        # The ones before are of no use, and would take memory meanwhile.
        self._detectors = None
        self._detectors = load_detectors(Path(question["load"]))
        return {"loaded": question["load"]}

    def _check(self, question: Mapping[str, Any]) -> dict[str, Any]:
        from serving.drift.finding import check_window

        return check_window(self._detectors, Path(question["window"]), question["most"])


if __name__ == "__main__":
    main()
