"""`stages:`: the order of the pipeline, with `.pre` first and `.post` last wherever written."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, flat
from gitlab_ci_provider.config.raw import Seq

DEFAULT_STAGES = ("build", "test", "deploy")
_WRONG = "should be an array of strings or a nested array of strings up to 10 levels deep"
FIRST = ".pre"
LAST = ".post"


def read_stages(root: Field) -> tuple[str, ...]:
    """Read the stages of a file."""
    field = root.entry("stages")
    if field is None:
        return (FIRST, *DEFAULT_STAGES, LAST)
    if field.value == []:
        return ()
    names = list(flat(field.value))
    if not isinstance(field.value, Seq) or not all(isinstance(name, str) for name in names):
        field.refuse(_WRONG)
        return (FIRST, *DEFAULT_STAGES, LAST)
    inner = dict.fromkeys(str(name) for name in names)
    return (FIRST, *(name for name in inner if name not in (FIRST, LAST)), LAST)
