"""The composed configuration as YAML: includes, extends and references resolved."""

from __future__ import annotations

import yaml
from yaml.nodes import ScalarNode

from gitlab_ci_provider.config.raw import Map, to_data
from gitlab_ci_provider.config.scalars import DisallowedClassError, resolve

_OTHER_BREAKS = frozenset("\x85\u2028\u2029")
"""Ends of lines in YAML 1.1; only double quotes have names for them."""


class _Dumper(yaml.CSafeDumper):
    """Quotes what GitLab, unlike other YAML parsers, would not read as text."""

    def ignore_aliases(self, _: object) -> bool:
        """Write shared values out: each job is complete in itself."""
        return True


def as_yaml(tree: Map) -> str:
    """Write a configuration so that GitLab reads it back as it is."""
    return yaml.dump(
        to_data(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    ).rstrip()


def _represent_text(dumper: _Dumper, text: str) -> ScalarNode:
    style = None
    if _OTHER_BREAKS.intersection(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    elif not _reads_as_text(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _reads_as_text(text: str) -> bool:
    try:
        return resolve(text) == text
    except DisallowedClassError:
        return False


_Dumper.add_representer(str, _represent_text)
