from vision.config.job import JobConfig
from vision.config.reference import write_reference
from vision.config.schema import key_paths
from vision.home import repository


def test_the_page_is_what_the_sections_say():
    page = (repository() / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == write_reference(), "renew it: python -m vision.config.reference"


def test_every_key_is_on_the_page():
    page = write_reference()
    for section, *below in key_paths(JobConfig):
        assert f"## `{section}`" in page
        if below and below[0] not in (
            "gate",
            "fail_on",
            "limits",
        ):  # their keys are names of values
            key = ".".join(below)
            assert f"| `{key}` |" in page or f"| `{key}." in page, (section, key)


def test_metrics_that_a_gate_can_name_are_listed():
    assert "Keys: `accuracy`, `macro_f1`" in write_reference()
