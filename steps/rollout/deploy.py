"""From the section ``deployment`` of a configuration to a roll-out or a trial."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from steps.rollout import proven
from steps.rollout.roll_out import TakeBack, roll_out
from steps.rollout.runners import by_hand, find_runner
from steps.rollout.service_client import Version, find_services
from steps.rollout.targets import roll_out_image
from steps.rollout.try_beside import try_beside
from steps.rollout.watch import Rules
from vision.bundles.rolled_out import RollOut
from vision.config.deployment import DeploymentConfig
from vision.home import home


def deploy(
    version: Version,
    config: DeploymentConfig,
    former: str | None = None,
    image: str | None = None,
    take_back: TakeBack | None = None,
) -> RollOut:
    """Rolls a version out where the configuration says.

    Args:
      version: in the model store, or in the image.
      config: the section.
      former: the champion before.
      image: the full name of the image, for compose and Kubernetes.
      take_back: called with the reason where it goes wrong; returns what it could not do.

    Raises:
      ConfigError: the variable with the admin key is not set.
      RollOutError: the files for compose or Kubernetes cannot be written; nothing was started.
    """
    if config.target == "none":
        return _nothing(version, "none", "deployment.target is none")
    services = find_services(config.services, config.admin_key_from)
    rules = _rules(config)
    if config.target == "local":
        return roll_out(version, services, rules, config.ready_s, former, take_back)
    if image is None:
        reason = f"there is no image, and {config.target} needs one (deployment.image)"
        return _nothing(version, config.target, reason)
    runner, written = find_runner(config.target, image, version.version, config.overlay)
    if runner is None:
        written = proven.keep(written)  # nobody but who applies them by hand can try them
        reason = (
            f"{_PROGRAMS[config.target]} is not here, so the files were written and nothing was "
            "started: what is served did not change; apply them with "
            f"`{by_hand(config.target, written)}`"
        )
        return _nothing(version, config.target, reason, written)
    found = roll_out_image(runner, version, services, rules, config.ready_s, former)
    if found.is_undone and take_back is not None and (left := take_back(found.reason)):
        reason = found.reason if left in found.reason else f"{found.reason}; {left}"
        return found.model_copy(update={"outcome": "failed", "reason": reason})
    return found


def try_first(version: Version, config: DeploymentConfig) -> RollOut:
    """Tries a version beside what is served, where the configuration asks for a trial.

    Raises:
      ConfigError: the variable with the admin key is not set.
    """
    mode: Literal["shadow", "canary"] = "shadow" if config.shadow else "canary"
    share = config.shadow or config.canary
    if not share:
        return _nothing(version, config.target, "no trial is configured")
    services = find_services(config.services, config.admin_key_from)
    return try_beside(version, services, _rules(config), mode, share)


_PROGRAMS = {"compose": "docker compose", "kubernetes": "kubectl"}


def _rules(config: DeploymentConfig) -> Rules:
    return Rules(config.watch_s, config.max_errors, config.max_slowdown)


def _nothing(
    version: Version,
    target: Literal["local", "compose", "kubernetes", "none"],
    reason: str,
    written: Path | None = None,
) -> RollOut:
    now = datetime.now(UTC)
    return RollOut(
        target=target,
        model=version.name,
        version=version.version,
        outcome="nothing",
        reason=reason,
        began_at=now,
        ended_at=now,
        files=(str(written.relative_to(home())),) if written else (),
    )
