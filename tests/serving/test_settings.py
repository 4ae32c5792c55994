"""What may be set about the service, and that docs/service.md lists it."""

from __future__ import annotations

import re

import pytest

from serving.settings import PREFIX, ServiceSettings, read_settings
from vision.errors import ConfigError
from vision.home import repository

pytestmark = pytest.mark.unit


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
