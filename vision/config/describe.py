"""Writes a job back as YAML, and as the digest that identifies it."""

from __future__ import annotations

import hashlib
import json

import yaml

from vision.config.job import JobConfig
from vision.config.source import read_scalar


class _Dumper(yaml.SafeDumper):
    """One key a line, short lists on one line, quotes where text would read back as a number."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if read_scalar(text) == text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_list(dumper: yaml.SafeDumper, items: list[object]) -> yaml.SequenceNode:
    is_short = not any(isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_short)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)


def describe_job(job: JobConfig) -> str:
    """Returns the whole job as YAML, defaults included, that reads back as the same job."""
    data = job.model_dump(mode="json", exclude_none=True)
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=100)


def config_digest(job: JobConfig) -> str:
    """Returns the sha256 of a job, in hexadecimal: the same for the same values however written."""
    text = json.dumps(job.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
