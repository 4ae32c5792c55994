"""Reads a job's configuration and refuses it with every problem at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vision.config.files import check_files
from vision.config.job import JobConfig
from vision.config.keys import match_keys
from vision.config.overrides import apply_overrides
from vision.config.source import read_file
from vision.config.values import check_values
from vision.errors import ConfigError


def load_job(path: Path, overrides: Sequence[str] = ()) -> JobConfig:
    """Reads and checks a configuration file.

    Args:
      path: a YAML file.
      overrides: ``key.path=value`` each, laid over the file in order.

    Returns:
      the job, with defaults filled in.

    Raises:
      ConfigError: with a line for every problem of the file and of the overrides, in the form
        ``file:line: key.path = value: rule; did you mean 'x'?``, in the order of the file.
    """
    root, problems = read_file(path)
    if problems and not root.value:
        # Nothing was read, so anything said about keys would be noise.
        raise ConfigError([str(problem) for problem in sorted(problems)])
    root, unusable = apply_overrides(root, overrides)
    root, unknown = match_keys(root, JobConfig)
    job, wrong = check_values(root)
    problems += unusable + unknown + wrong + check_files(root)
    if job is None or problems:
        raise ConfigError([str(problem) for problem in sorted(problems)])
    return job
