"""Stands for a served bento: knows the golden images of its bundle, and misbehaves when told to.

A program of the standard library alone: ``python fake_server.py PORT MODE``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, MODE = int(sys.argv[1]), sys.argv[2]
BUNDLE = Path(os.environ["VISIONSTACK_BUNDLE"])
EXPECTED = json.loads((BUNDLE / "golden" / "expected.json").read_bytes())["images"]
LABELS = json.loads((BUNDLE / "labels.json").read_bytes())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200, "" if MODE == "no metrics" else "visionstack_requests_total 3\n")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {os.environ['VISIONSTACK_API_KEY']}":
            return self._answer(401, "")
        if MODE == "dies when asked":
            os._exit(3)
        if MODE == "never answers":
            time.sleep(60)
        if MODE == "another answer":
            return self._answer(200, json.dumps({"label": "red"}))
        for golden in EXPECTED:
            if (BUNDLE / golden["file"]).read_bytes() in body:
                return self._answer(200, json.dumps({"top": _top(golden["probabilities"])}))
        return self._answer(500 if MODE == "500" else 415, "")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def _top(probabilities: list[float]) -> list[dict[str, object]]:
    if MODE == "wrong":
        probabilities = probabilities[::-1]
    pairs = zip(LABELS, probabilities, strict=True)
    return [{"label": label, "probability": value} for label, value in pairs]


def main() -> None:
    print("the fake server starts", json.dumps(sorted(os.environ)), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(4 if MODE == "ends badly" else 0))
    if MODE == "does not start":
        sys.exit("no model can be found")
    if MODE == "ignores SIGTERM":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if MODE == "hangs":
        time.sleep(60)
    if MODE == "leaves a child":
        wait = "import time; time.sleep(60)"
        subprocess.Popen([sys.executable, "-c", wait], start_new_session=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()


if __name__ == "__main__":
    main()
