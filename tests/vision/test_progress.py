import re

from vision.progress import say, track


def test_without_a_terminal_there_is_a_plain_line_every_five_seconds(capsys, monkeypatch):
    clock = iter(range(0, 1000, 2))  # every look at the clock is two seconds later
    monkeypatch.setattr("vision.progress.time.monotonic", lambda: float(next(clock)))
    assert list(track(range(8), total=8, doing="reading", unit="files")) == list(range(8))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "reading: 3 of 8 files",
        "reading: 6 of 8 files",
        "reading: 8 files in 18.0 s",
    ]


def test_a_short_pass_is_one_line(capsys):
    assert list(track(range(10), total=10, doing="reading")) == list(range(10))
    assert re.fullmatch(r"reading: 10 images in 0\.\d s\n", capsys.readouterr().err)


def test_nothing_to_do_says_so(capsys):
    assert list(track([], total=0, doing="reading")) == []
    assert capsys.readouterr().err.startswith("reading: 0 images in ")


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(track("abc", total=3, doing="reading")) == ["a", "b", "c"]
    assert "reading" in capsys.readouterr().err


def test_a_reader_that_left_does_not_stop_the_work(monkeypatch):
    class Closed:
        def isatty(self):
            return False

        def write(self, text):
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr("sys.stderr", Closed())
    say("anybody there?")
    assert list(track("abc", total=3, doing="reading")) == ["a", "b", "c"]
