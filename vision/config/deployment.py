"""How a model version reaches the service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vision.config.alerts import Variable
from vision.config.rules import broken_rule
from vision.config.section import Fraction, Section

Positive = Annotated[float, Field(gt=0.0)]
# What the service and ops/compose listen on; in a cluster nobody knows.
_USUAL_SERVICES = ("http://127.0.0.1:3000",)
_BY_TARGET: Any = None


class CompareConfig(Section):
    """When a challenger replaces the champion.

    Attributes:
      metric: what is compared, on the same images.
      rule: ``better`` promotes what is better by more than the margin, beyond doubt;
        ``not_worse`` also what is surely not worse than the champion by more than the margin.
      margin: difference of the metric.
      confidence: of the interval for the difference.
      n_resamples: bootstrap samples.
      seed: of the bootstrap.
      slice_drop: the most that the recall of a class may fall; None looks at no class.
      least_slice: classes with fewer images of their own are not looked at.
      max_latency_ratio: of the challenger's time for an image to the champion's; None for any.
      max_latency_ms: of the challenger for one image on this machine; None for any.
      max_memory_mb: that its serving graph takes; None for any.
    """

    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    rule: Literal["better", "not_worse"] = "better"
    margin: Fraction = 0.0
    confidence: Annotated[float, Field(ge=0.5, lt=1.0)] = 0.95
    n_resamples: Annotated[int, Field(ge=200, le=100_000)] = 2_000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    slice_drop: Fraction | None = 0.1
    least_slice: Annotated[int, Field(ge=1)] = 20
    max_latency_ratio: Positive | None = 2.0
    max_latency_ms: Positive | None = None
    max_memory_mb: Positive | None = None

    @model_validator(mode="after")
    def _leaves_room(self) -> CompareConfig:
        if self.rule == "not_worse" and self.margin == 0.0:
            needed = "rule: not_worse needs a margin above 0, the loss that is still acceptable"
            raise broken_rule(needed, "margin", "rule")
        return self


class ImageConfig(Section):
    """The OCI image.

    Attributes:
      builder: what builds it; ``auto`` takes the first that works here, ``none`` builds nothing.
      base: the image that it stands on.
      registry: where it is pushed to, for example ``registry.example.org/team``; None for nowhere.
      required: whether the pipeline fails before the promotion where none can be built or tried;
        None means: where the target is compose or kubernetes.
    """

    builder: Literal["auto", "docker", "podman", "buildah", "none"] = "auto"
    base: str = "python:3.11-slim-bookworm"
    registry: str | None = None
    required: bool | None = None


class DeploymentConfig(Section):
    """How a model version reaches the service.

    Attributes:
      version: the challenger; None means the newest version that was registered.
      approval: ``manual`` waits for ``run.py approve VERSION`` before anything is promoted.
      compare: when a challenger replaces the champion.
      target: where it is rolled out; ``none`` ends with the image.
      image: the OCI image.
      overlay: what is applied for ``target: kubernetes``: ``on-prem``, ``cloud``, or a Kustomize
        folder of your own that has ``ops/kubernetes/base`` among its resources.
      services: addresses of the running replicas, which are waited for and watched; None means
        ``http://127.0.0.1:3000``, and for ``target: kubernetes`` that the cluster's word counts.
      admin_key_from: environment variable with the admin key of the services.
      ready_s: within which every replica must serve the new version.
      watch_s: for which the rolled-out version is watched.
      max_errors: largest share of requests with a status of 500 or more while it is watched.
      max_slowdown: largest ratio of the median latency to that of before.
      shadow: share of requests that the challenger answers too, for the log alone.
      canary: share of requests that the challenger answers before it gets all of them.
    """

    version: str | None = None
    approval: Literal["auto", "manual"] = "auto"
    compare: CompareConfig = CompareConfig()
    target: Literal["local", "compose", "kubernetes", "none"] = "local"
    image: ImageConfig = ImageConfig()
    overlay: Annotated[str, Field(min_length=1)] = "on-prem"
    services: tuple[str, ...] = _BY_TARGET
    admin_key_from: Variable | None = None
    ready_s: Positive = 60.0
    watch_s: Annotated[float, Field(ge=0.0, le=86_400.0)] = 10.0
    max_errors: Fraction = 0.01
    max_slowdown: Annotated[float, Field(ge=1.0)] = 3.0
    shadow: Fraction = 0.0
    canary: Fraction = 0.0

    @field_validator("services", mode="before")
    @classmethod
    def _are_the_usual(cls, services: Any, info: ValidationInfo) -> Any:
        if services is not None:
            # What a validator returns is no JSON any more, in which a list can be a tuple.
            return tuple(services) if isinstance(services, list) else services
        return () if info.data.get("target") == "kubernetes" else _USUAL_SERVICES

    @field_validator("image")
    @classmethod
    def _is_needed(cls, image: ImageConfig, info: ValidationInfo) -> ImageConfig:
        if image.required is not None:
            return image
        is_started = info.data.get("target") in ("compose", "kubernetes")
        return image.model_copy(update={"required": is_started})

    @model_validator(mode="after")
    def _has_an_image(self) -> DeploymentConfig:
        if self.image.required and self.image.builder == "none":
            needed = (
                "image.builder: none builds no image, and one is required (by image.required, or "
                "by target: compose or kubernetes); choose another builder"
            )
            raise broken_rule(needed, "image.builder", "image.required", "target")
        return self

    @model_validator(mode="after")
    def _tries_where_it_can(self) -> DeploymentConfig:
        if (self.shadow or self.canary) and self.target != "local":
            key = "shadow" if self.shadow else "canary"
            needed = (
                f"{key} needs target: local, and this one is {self.target}: a trial is made in "
                f"running services; set {key} to 0"
            )
            raise broken_rule(needed, key, "target")
        return self

    @model_validator(mode="after")
    def _tries_one_way(self) -> DeploymentConfig:
        if self.shadow and self.canary:
            needed = "choose one: shadow or canary; set the other to 0"
            raise broken_rule(needed, "shadow", "canary")
        return self
