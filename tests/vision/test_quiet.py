import os
import subprocess
import sys

from vision.home import repository


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=repository(),
        env=environment,
        check=True,
        timeout=120,
    )


def test_tensorflow_starts_without_a_word():
    ended = run(
        "from vision.quiet import import_tensorflow\n"
        "tensorflow = import_tensorflow()\n"
        "print(float(tensorflow.reduce_sum(tensorflow.ones((2, 3)))))\n"
    )
    assert ended.stdout.strip() == "6.0"
    assert ended.stderr == ""


def test_only_known_lines_are_dropped_whoever_writes_them():
    ended = run(
        "import os, sys\n"
        "from vision.quiet import without_known_lines\n"
        "with without_known_lines():\n"
        "    os.write(2, b'E0000 cuda_dnn.cc:8310] Unable to register cuDNN factory: again\\n')\n"
        "    os.write(2, b'E0000 something.cc:1] out of memory\\n')\n"
        "    print('a warning', file=sys.stderr)\n"
        "print('after', file=sys.stderr)\n"
    )
    assert ended.stderr.splitlines() == [
        "E0000 something.cc:1] out of memory",
        "a warning",
        "after",
    ]


def test_lines_survive_an_exception():
    ended = run(
        "import os\n"
        "from vision.quiet import without_known_lines\n"
        "try:\n"
        "    with without_known_lines():\n"
        "        os.write(2, b'what happened\\n')\n"
        "        raise ValueError\n"
        "except ValueError:\n"
        "    os.write(2, b'handled\\n')\n"
    )
    assert ended.stderr.splitlines() == ["what happened", "handled"]


def test_lines_that_nobody_reads_stop_nothing():
    ended = run(
        "import os\n"
        "from vision.quiet import without_known_lines\n"
        "reader, writer = os.pipe()\n"
        "os.dup2(writer, 2)\n"
        "os.close(reader)\n"
        "with without_known_lines():\n"
        "    os.write(2, b'something new\\n')\n"
        "os._exit(0)\n"
    )
    assert ended.stderr == ""
