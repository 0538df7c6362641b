"""What a long command has counted so far: a line on a terminal that is redrawn, else nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from gitlab_ci_provider.cli.display.live import LivePicture, one_line

if TYPE_CHECKING:
    from rich.console import RenderableType


class Counting:
    """Shows numbers and a moving bar; use as a context manager."""

    def __init__(self) -> None:
        self._picture = LivePicture(self._render, per_second=8, transient=True)
        self._counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._picture.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing on the screen."""
        self._picture.stop()

    def tell(self, what: str, count: int) -> None:
        """Take the newest number."""
        self._counts[what] = count

    def _render(self) -> RenderableType:
        words = ", ".join(f"{what}: {count}" for what, count in self._counts.items())
        return one_line(self._bar(), words or "reading")

    def _bar(self) -> RenderableType:
        """Draw how much is deleted of what there is to delete; until that is known, it moves."""
        from rich.progress_bar import ProgressBar

        total = self._counts.get("to delete")
        return ProgressBar(
            total=total, completed=self._counts.get("deleted", 0), width=30, pulse=not total
        )
