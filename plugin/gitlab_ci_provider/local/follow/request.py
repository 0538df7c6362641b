"""What `gitlab-dags run` was asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One pipeline to run.

    Attributes:
        asked: what the run's form says, see `runs/form.py`.
    """

    asked: Mapping[str, object] = field(default_factory=dict)

    def conf(self, ref: str) -> dict[str, object]:
        """Build the run's form; `ref` stands in where none was asked for."""
        return {"ref": ref, **self.asked}
