"""Images as a rollback sees them: the image of the former version is started in their place.

An image pins its model, so no service in it can be told another version. What a roll-out has
written for a version stays in ``home()/deployments/<version>/``, and is applied again.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, field

from steps.promotion.files import FOLDER
from steps.promotion.services import ServiceRefusedError
from steps.rollout.last import LastRollOut
from steps.rollout.runners import DEPLOYMENT, NAMESPACE, Runner, by_hand, runner_of
from steps.rollout.service_client import RollOutError, ServiceClient, Version
from vision.home import home

_READY_WITHIN_S = 120.0


@dataclass(frozen=True)
class ImageService:
    """The containers of the last roll-out.

    Attributes:
      last: the roll-out; its target is compose or Kubernetes.
      key: the admin key; None where the service asks for none.
    """

    last: LastRollOut
    key: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """What starts the containers."""
        return self.last.target

    def serve(self, name: str, version: str) -> None:
        """Starts the image of a version; returns once every service answers with it.

        Raises:
          ServiceRefusedError: it was not started, or is not ready; with the command that does it.
        """
        files = [home() / each for each in self.last.files_of(version)]
        if not files or not files[0].exists():
            raise ServiceRefusedError(self._unknown(version))
        [path, *_] = files
        assert self.last.target != "local"
        move = f"what brings it back: {by_hand(self.last.target, path)}"
        runner = runner_of(self.last.target, path)
        if runner is None:
            raise ServiceRefusedError(
                f"the image of {name} {version} was not started: no program for "
                f"{self.last.target} is here; {move}"
            )
        if problem := self._start(runner, Version(name, version)):
            raise ServiceRefusedError(f"the image of {name} {version}: {problem}; {move}")
        runner.keep()

    def _start(self, runner: Runner, version: Version) -> str:
        if problem := runner.start(_READY_WITHIN_S):
            return problem
        deadline = time.monotonic() + _READY_WITHIN_S
        try:
            for each in self.last.services:
                ServiceClient(each.rstrip("/"), self.key).wait_for(version, 0, deadline)
        except RollOutError as error:
            return str(error)
        return ""

    def _unknown(self, version: str) -> str:
        said = (
            f"the image of {self.last.model} {version} was not started: {self.last.target} serves "
            f"{self.last.version}, which its image pins, and no files of {version} are in "
            f"{shlex.quote(str(home() / FOLDER / version))}"
        )
        if self.last.target == "kubernetes":
            ask = f"kubectl -n {NAMESPACE} rollout"
            return (
                f"{said}; what brings the pods of before back: {ask} history {DEPLOYMENT}, then "
                f"{ask} undo {DEPLOYMENT} --to-revision=NUMBER"
            )
        return (
            f"{said}; what brings it back: your deployment again with --set "
            f"deployment.version={version}"
        )
