"""First set-up of ZenML in this clone: ``python -m stacks.bootstrap``, called by ``make setup``.

Calling it again changes only what the definitions changed. ZenML keeps its register of stacks for
the whole account, so the clone that was set up last is the one that the local stacks point into.
"""

from __future__ import annotations

from vision.environment import prepare

FIRST_STACK = "local"
ZENML_FIRST_STACK = "default"


def set_up() -> list[str]:
    """Initialises ZenML here, opts out of its analytics for good, and applies the stacks.

    Returns:
      what was done, one line each.

    Raises:
      StackError: a definition is wrong.
    """
    from stacks.reading import read_definitions

    read_definitions()

    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration

    from stacks import registry
    from vision.home import repository

    done = []
    # Written to the account's configuration, so that it holds for `zenml` outside this project too:
    # its command line reads no file of ours.
    GlobalConfiguration().analytics_opt_in = False
    is_new = not Client.is_repository_directory(repository())
    if is_new:
        Client.initialize(repository())
        done.append(f"ZenML: initialised in {repository()}")
    Client().activate_root(repository())
    done += [change.sentence for change in registry.apply()]
    if is_new and Client().active_stack_model.name == ZENML_FIRST_STACK:
        Client().activate_stack(FIRST_STACK)
        done.append(f"active stack: {FIRST_STACK}")
    if Client().zen_store.is_local_store():
        skip_survey()
    return done + [change.sentence for change in registry.waiting()]


def skip_survey() -> None:
    """Answers the questions that ZenML's dashboard asks on the first visit."""
    from zenml.client import Client

    user = Client().active_user
    if not user.user_metadata.get("finished_onboarding_survey"):
        Client().update_user(
            user.id,
            updated_email_opt_in=False,
            updated_metadata={"finished_onboarding_survey": True},
        )


def main() -> int:
    """Sets up and tells what was done; returns the exit code."""
    prepare()
    from vision.errors import StackError

    try:
        print("\n".join(set_up() or ["ZenML and the stacks are as defined"]))
    except StackError as error:
        print(f"error: {error}")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
