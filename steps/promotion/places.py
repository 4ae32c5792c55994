"""Where it is written which version is the champion, beside the pointer: MLflow and ZenML.

Making these objects is free; ZenML and MLflow are imported when one is first used, so that a
rollback serves the old version before it waits for them.
"""

from __future__ import annotations

from steps.promotion.journal import PLACES, State
from steps.promotion.promote import Place
from vision.progress import say

_PRODUCTION, _ARCHIVED = "production", "archived"


class AliasPlace:
    """The aliases of the model registry; does nothing on a stack that has none.

    The version that becomes champion is no challenger any more; the former champion has no alias.
    """

    name = PLACES[0]

    def look(self, model: str, to: str) -> State:
        """Returns alias to version."""
        from steps import model_registry

        return model_registry.read_aliases(model) or {}

    def move(self, model: str, to: str, former: str | None) -> None:
        """Gives the alias ``champion`` to a version."""
        from steps import model_registry

        aliases = model_registry.read_aliases(model)
        if aliases is None:
            return
        others = {alias: version for alias, version in aliases.items() if version != to}
        model_registry.write_aliases(model, {**others, "champion": to})
        if (model_registry.read_aliases(model) or {}).get("champion") != to:
            say(
                f"the model registry does not know {model} {to}, so no version of it has the alias "
                "champion; it was registered with another stack"
            )

    def restore(self, model: str, before: State) -> None:
        """Gives the aliases back to who had them."""
        from steps import model_registry

        if model_registry.read_aliases(model) is not None:
            model_registry.write_aliases(model, before)


class StagePlace:
    """The stages of ZenML's model versions: one of a model is in production.

    The former champion is archived.
    """

    name = PLACES[1]

    def look(self, model: str, to: str) -> State:
        """Returns version to stage, of ``to`` and of those in production and staging."""
        from steps.model_version import read_stages

        return read_stages(model, to) or {}

    def move(self, model: str, to: str, former: str | None) -> None:
        """Brings a version to production."""
        from steps.model_version import read_stages, write_stages

        stages = read_stages(model, to)
        if stages is None:
            return
        if to in stages:
            write_stages(model, {to: _PRODUCTION})
            return
        say(f"ZenML does not know {model} {to}, so no version of it is in production")
        produced = [version for version, stage in stages.items() if stage == _PRODUCTION]
        write_stages(model, dict.fromkeys(produced, _ARCHIVED))

    def restore(self, model: str, before: State) -> None:
        """Brings the versions back to the stages that they had."""
        from steps.model_version import write_stages

        write_stages(model, before)


def all_places() -> tuple[Place, ...]:
    """Returns the places in the order in which they move."""
    return (AliasPlace(), StagePlace())
