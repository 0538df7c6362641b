"""An input of the configuration, as a run form shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

InputType = Literal["array", "boolean", "number", "string"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineInput:
    """One of `spec:inputs` of the main file.

    Attributes:
        required: whether it has no default.
        default: as plain data.
        options: allowed values; empty means any.
    """

    name: str
    type: InputType = "string"
    required: bool = True
    default: object = None
    options: tuple[object, ...] = ()
    description: str = ""
