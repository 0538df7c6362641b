"""What in a job cannot be carried over to an image build, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Section = Literal[
    "before_script",
    "script",
    "after_script",
    "services",
    "variables",
    "parallel",
    "rules",
    "workflow",
]
"""Where commands stand, and where variables get their values."""


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A place in a job.

    Attributes:
        section: the keyword.
        item: of its list, from 0.
        line: of the item, from 0.
        name: of a variable there.
    """

    section: Section
    item: int = 0
    line: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that an image build cannot do.

    Attributes:
        what: the command, as a person calls it, and why it cannot be carried over.
        hint: the way out.
    """

    spot: Spot
    what: str
    hint: str
