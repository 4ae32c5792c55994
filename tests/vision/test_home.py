from pathlib import Path

from vision import home


def test_without_a_setting_it_lies_beside_the_code(monkeypatch):
    monkeypatch.delenv("VISIONSTACK_HOME")
    assert home.home() == Path(home.__file__).parent.parent / ".local"


def test_the_environment_decides_and_nothing_is_created(monkeypatch, tmp_path):
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "elsewhere"))
    assert home.home() == tmp_path / "elsewhere"
    assert not (tmp_path / "elsewhere").exists()
    assert home.folder("cache") == tmp_path / "elsewhere" / "cache"
    assert (tmp_path / "elsewhere" / "cache").is_dir()
