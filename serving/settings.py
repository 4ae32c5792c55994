"""What may be set about the service, all of it by environment variables.

``VISIONSTACK_MAX_PIXELS=1000000`` sets ``max_pixels`` of :class:`ServiceSettings`, and so on;
docs/service.md lists them. A value that cannot be used, or a ``VISIONSTACK_`` variable that nobody
reads, is refused when the service starts, before a worker runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from vision.bundles.keys import KeyUnusableError, read_keys
from vision.errors import ConfigError
from vision.home import home
from vision.images.types import ImageLimits

PREFIX = "VISIONSTACK_"
# Read elsewhere: vision.home, serving.models.locate, vision.bundles.graph, vision.bundles.keys, the
# pipelines and their stacks, compose, the tests.
_OTHERS = {
    *("HOME", "BUNDLE", "MODEL", "SERVING_THREADS"),
    *("SIGNING_KEY", "WAIT_S", "REQUIRE_GPU", "MIXED_PRECISION", "XLA", "IMAGE"),
    *("SAMPLES", "PICTURES", "FAULT_AT", "DRIFT_FAULT"),
}
# Set by the service itself: serving.metrics.folder.
_OWN = {"METRICS_FOLDER"}

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
# At most a year: Python's waits overflow some centuries later.
Seconds = Annotated[float, Field(gt=0.0, le=31_536_000.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class ServiceSettings(BaseModel):
    """Everything that may be set; frozen and closed.

    Attributes:
      max_bytes: of an image file, and nearly so of a request with one image.
      max_batch_bytes: of a request with several images.
      max_batch_images: how many images one request may bring.
      max_pixels: width times height of an image, read from its header.
      max_aspect: longer side over shorter side of an image.
      body_timeout_s: within which a request's body must have come in.
      max_waiting: requests of a worker that may wait for a core; more are answered 429.
      requests_per_minute: of one caller; None for any number.
      api_key: asked for in ``Authorization: Bearer`` or ``X-API-Key``; several with commas between.
      admin_key: asked for where a model is activated or rolled back.
      require_keys: ``auto`` asks for keys unless the service listens on loopback only.
      open_metrics: whether ``/metrics`` needs no key.
      open_docs: whether the page, ``/openapi.json`` and ``/`` need no key.
      cors_origins: origins whose pages may call the service, with commas between; none by default.
      show_page: whether there is a page at ``/ui``.
      abstain_below: a prediction whose probability is smaller is marked ``abstained``.
      probability_digits: decimals of the probabilities in answers; None for all of them.
      log: ``on``, ``off``, or ``required``, which answers 503 rather than lose a record.
      log_database: SQLAlchemy's address; by default a sqlite file in the project's home.
      log_spool_bytes: what waits on the disk for the database, at most, in each worker.
      log_images: share of requests whose image is kept.
      log_images_bytes: of all images kept, at most; the oldest go first.
      log_images_days: after which an image is removed.
      drift: ``on``, or ``off``: nothing is compared with the reference set.
      drift_window: predictions that are compared at most; None for what the detectors were
        calibrated for.
      drift_every_n: predictions after which the check runs again; None for what the detectors were
        calibrated for.
      drift_every_s: seconds after which it runs again, if there was a prediction; long, since every
        check is another chance of a false alarm.
      drift_timeout_s: after which a check that has not ended counts as failed.
      require_signature: whether only bundles are served that a trusted key signed.
      trusted_keys: public keys with commas between, or a file with one in each line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bytes: Count = 20 * 1024 * 1024
    max_batch_bytes: Count = 100 * 1024 * 1024
    max_batch_images: Count = 100
    max_pixels: Count = 50_000_000
    max_aspect: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 100_000.0
    body_timeout_s: Seconds = 30.0
    max_waiting: Count = 64
    requests_per_minute: Count | None = None
    api_key: tuple[SecretStr, ...] = ()
    admin_key: tuple[SecretStr, ...] = ()
    require_keys: Literal["auto", "yes", "no"] = "auto"
    open_metrics: bool = False
    open_docs: bool = True
    cors_origins: tuple[str, ...] = ()
    show_page: bool = True
    abstain_below: Share = 0.0
    probability_digits: Annotated[int, Field(ge=1, le=9)] | None = None
    log: Literal["on", "off", "required"] = "on"
    log_database: SecretStr | None = None
    log_spool_bytes: Count = 1_000_000_000
    log_images: Share = 0.0
    log_images_bytes: Count = 1_000_000_000
    log_images_days: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 30.0
    drift: Literal["on", "off"] = "on"
    drift_window: Count | None = None
    drift_every_n: Count | None = None
    drift_every_s: Seconds = 86_400.0
    drift_timeout_s: Seconds = 30.0
    require_signature: bool = False
    trusted_keys: Annotated[str | None, Field(validate_default=True)] = None

    @field_validator("api_key", "admin_key", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("api_key", "admin_key")
    @classmethod
    def _has_a_key(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not value:
            raise ValueError("there is no key between the commas; write one, or unset it")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _names_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not origin.startswith(("http://", "https://")):
                raise ValueError("name origins, such as https://example.org; '*' is not taken")
        return value

    @field_validator("trusted_keys")
    @classmethod
    def _names_keys(cls, value: str | None, others: ValidationInfo) -> str | None:
        try:
            if value is not None or others.data.get("require_signature"):
                read_keys(value or "")
        except KeyUnusableError as error:
            raise ValueError(str(error)) from error
        return value

    @property
    def image_limits(self) -> ImageLimits:
        """What is decoded at most."""
        return ImageLimits(self.max_pixels, self.max_bytes, self.max_aspect)

    @property
    def database_url(self) -> str:
        """The address of the prediction log's database; it may hold a password."""
        if self.log_database is not None:
            return self.log_database.get_secret_value()
        return f"sqlite:///{self.log_folder / 'predictions.sqlite'}"

    @property
    def log_folder(self) -> Path:
        """Where the log keeps its files: database, spool and images; it may not exist yet."""
        return home() / "logs" / "service"


def read_settings(environment: Mapping[str, str] = os.environ) -> ServiceSettings:
    """Reads the settings; an empty value counts as not set.

    Raises:
      ConfigError: names every variable that is unknown or cannot be used, its value and the rule.
        Keys and addresses are not repeated.
    """
    found = {
        name.removeprefix(PREFIX): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }
    known = {name.upper() for name in ServiceSettings.model_fields}
    problems = [_unknown(name, known) for name in sorted(found.keys() - known - _OTHERS - _OWN)]
    values = {name.lower(): value for name, value in found.items() if name in known}
    try:
        settings = ServiceSettings.model_validate(values)
    except ValidationError as error:
        problems += [_in_words(each) for each in error.errors(include_url=False)]
    problems += [*_problems_of_address(values), *_problems_of_threads(found)]
    if problems:
        raise ConfigError(problems)
    return settings


def check_bundle(environment: Mapping[str, str] = os.environ) -> None:
    """Checks that a bundle that is named is there; asked once, before a worker runs.

    A worker must not ask: it would exit, and be started again for ever.

    Raises:
      ConfigError: ``VISIONSTACK_BUNDLE`` names no folder.
    """
    value = environment.get(f"{PREFIX}BUNDLE")
    if value and not Path(value).expanduser().is_dir():
        raise ConfigError([f"{PREFIX}BUNDLE = {value!r}: there is no such folder; name a bundle"])


def _problems_of_address(values: Mapping[str, str]) -> list[str]:
    # The log imports the settings.
    from serving.log.engine import read_address
    from serving.log.errors import LogError

    try:
        if "log_database" in values:
            read_address(values["log_database"])
    except LogError as error:
        return [f"{PREFIX}LOG_DATABASE: {error}"]
    return []


def _problems_of_threads(found: Mapping[str, str]) -> list[str]:
    value = found.get("SERVING_THREADS", "1")
    if value.isdecimal() and int(value) >= 1:
        return []
    return [f"{PREFIX}SERVING_THREADS = {value!r}: input should be a whole number of at least 1"]


def _unknown(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known | _OTHERS), 1)
    hint = f"; did you mean {PREFIX}{near[0]}?" if near else "; unset it"
    return f"{PREFIX}{name}: no such setting{hint}"


def _in_words(problem: Any) -> str:
    name = str(problem["loc"][0])
    secret = "key" in name or name == "log_database"
    value = "" if secret else f" = {str(problem['input'])!r}"
    rule = problem["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{name.upper()}{value}: {rule[:1].lower()}{rule[1:]}"
