"""What a file or a job says about its inputs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InputRule:
    """One of an input's `rules`: the first whose `condition` holds gives options and default."""

    condition: str | None
    options: tuple[object, ...] | None
    default: object = None


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a file says about one of its inputs.

    Attributes:
        required: True when there is no default.
        options: None when any value will do.
    """

    name: str
    type: str = "string"
    required: bool = True
    default: object = None
    options: tuple[object, ...] | None = None
    regex: str | None = None
    description: str = ""
    rules: tuple[InputRule, ...] = ()
