"""What may be set about the service, and that docs/service.md lists it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from serving.settings import PREFIX, ServiceSettings, check_bundle, read_settings
from vision.errors import ConfigError
from vision.home import repository

pytestmark = pytest.mark.unit

PARTS = ("vision", "serving", "materializers", "stacks", "steps", "pipelines")


def test_nothing_set_is_the_default() -> None:
    assert read_settings({"PATH": "/bin", "VISIONSTACK_API_KEY": ""}) == ServiceSettings()


def test_values_are_read() -> None:
    settings = read_settings(
        {
            "VISIONSTACK_MAX_PIXELS": "1000",
            "VISIONSTACK_API_KEY": "one, two",
            "VISIONSTACK_LOG": "required",
            "VISIONSTACK_OPEN_METRICS": "true",
            "VISIONSTACK_HOME": "/somewhere",
        }
    )
    assert settings.image_limits.max_pixels == 1000
    assert [key.get_secret_value() for key in settings.api_key] == ["one", "two"]
    assert (settings.log, settings.open_metrics) == ("required", True)


def test_what_other_parts_of_the_project_read_is_no_mistake_here() -> None:
    """Steps that write to the log read these settings, with what a stack has set."""
    files = [
        *(repository() / "stacks").glob("*.yaml"),
        *(path for part in PARTS for path in (repository() / part).rglob("*.py")),
    ]
    texts = [path.read_text(encoding="utf-8") for path in files]
    named = {name for text in texts for name in re.findall(r"\bVISIONSTACK_[A-Z_]*[A-Z]\b", text)}
    assert {"VISIONSTACK_XLA", "VISIONSTACK_WAIT_S", "VISIONSTACK_SIGNING_KEY"} <= named
    refused = []
    for name in sorted(named):
        try:
            read_settings({name: ""})
            read_settings({name: "1"})
        except ConfigError as error:
            refused += [name] if "no such setting" in str(error) else []
    assert refused == []


def test_all_problems_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(
            {
                "VISIONSTACK_MAX_PIXEL": "1",
                "VISIONSTACK_LOG": "maybe",
                "VISIONSTACK_MAX_BYTES": "0",
                "VISIONSTACK_COLOUR": "red",
            }
        )
    assert str(caught.value).splitlines() == [
        "VISIONSTACK_COLOUR: no such setting; unset it",
        "VISIONSTACK_MAX_PIXEL: no such setting; did you mean VISIONSTACK_MAX_PIXELS?",
        "VISIONSTACK_MAX_BYTES = '0': input should be greater than or equal to 1",
        "VISIONSTACK_LOG = 'maybe': input should be 'on', 'off' or 'required'",
    ]


def test_se02_keys_and_addresses_are_not_repeated() -> None:
    settings = read_settings(
        {
            "VISIONSTACK_ADMIN_KEY": "canary-1",
            "VISIONSTACK_LOG_DATABASE": "postgresql+psycopg://me:canary-2@db/log",
        }
    )
    assert "canary" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.database_url.endswith("me:canary-2@db/log")


def test_the_page_of_the_service_lists_every_setting_with_its_default() -> None:
    text = (repository() / "docs" / "service.md").read_text(encoding="utf-8")
    table = text.partition("<!-- settings -->")[2].partition("<!-- end -->")[0]
    listed = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| ([^|]+) \|", table, re.MULTILINE))
    known = {name.upper(): field.default for name, field in ServiceSettings.model_fields.items()}
    assert listed.keys() == known.keys() | {"MODEL", "BUNDLE", "SERVING_THREADS"}
    for name, default in known.items():
        said = listed[name].strip("` ")
        if default in (None, ()):
            assert said in ("none", "sqlite in the project's home"), name
        elif isinstance(default, bool | str):
            assert said == str(default).lower(), name
        else:
            assert float(said) == float(default), name


@pytest.mark.parametrize("origin", ["*", "null", "lab.example"])
def test_only_origins_may_be_named(origin: str) -> None:
    with pytest.raises(ConfigError, match=r"name origins, such as https://example\.org"):
        read_settings({"VISIONSTACK_CORS_ORIGINS": f"https://lab.example,{origin}"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "LOG_DATABASE",
            "mysql://me:CANARY@host/log",
            ": the prediction log cannot be kept in 'mysql'; name a database of sqlite or "
            "postgresql",
        ),
        (
            "LOG_DATABASE",
            "postgresql://me:a@CANARY@host/log",
            ": the address of the prediction log's database has more than one '@'; write an '@' in "
            "a user name or password as %40",
        ),
        (
            "SERVING_THREADS",
            "abc",
            " = 'abc': input should be a whole number of at least 1",
        ),
        ("SERVING_THREADS", "0", " = '0': input should be a whole number of at least 1"),
        ("DRIFT_EVERY_S", "inf", " = 'inf': input should be a finite number"),
        ("DRIFT_TIMEOUT_S", "nan", " = 'nan': input should be a finite number"),
        ("BODY_TIMEOUT_S", "1e30", " = '1e30': input should be less than or equal to 31536000"),
        ("MAX_ASPECT", "inf", " = 'inf': input should be a finite number"),
        ("LOG_IMAGES_DAYS", "inf", " = 'inf': input should be a finite number"),
        ("LOG_IMAGES", "nan", " = 'nan': input should be a finite number"),
        (
            "API_KEY",
            ",",
            ": there is no key between the commas; write one, or unset it",
        ),
        (
            "ADMIN_KEY",
            " , ",
            ": there is no key between the commas; write one, or unset it",
        ),
    ],
)
def test_a_value_of_no_use_is_refused_in_a_sentence(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({PREFIX + name: value})
    assert str(caught.value) == PREFIX + name + said


def test_a_bundle_that_is_not_there_is_refused(tmp_path: Path) -> None:
    check_bundle({})
    check_bundle({"VISIONSTACK_BUNDLE": str(tmp_path)})
    with pytest.raises(ConfigError) as caught:
        check_bundle({"VISIONSTACK_BUNDLE": "/nope"})
    said = "VISIONSTACK_BUNDLE = '/nope': there is no such folder; name a bundle"
    assert str(caught.value) == said


def test_the_folder_of_the_metrics_is_passed_on() -> None:
    assert read_settings({"VISIONSTACK_METRICS_FOLDER": "/tmp/x"}) == ServiceSettings()
