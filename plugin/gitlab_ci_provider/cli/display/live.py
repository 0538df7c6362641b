"""A picture on the terminal that is redrawn, with lines printed above it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live


def one_line(sign: RenderableType, words: str, style: str = "") -> RenderableType:
    """Put words behind a spinner or a bar; what does not fit on the line is cut."""
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 1))
    line.add_row(sign, Text(words, style=style, no_wrap=True, overflow="ellipsis"))
    return line


class LivePicture:
    """Draws on standard error, if that is a terminal which can be drawn on.

    Args:
        render: gives the picture as it is now.
        per_second: how often it is drawn.
        transient: it disappears at the end.

    Attributes:
        console: prints lines in colours, above the picture where there is one.
    """

    def __init__(
        self, render: Callable[[], RenderableType], *, per_second: int, transient: bool = False
    ) -> None:
        from rich.console import Console

        self.console: Console = Console(stderr=True, highlight=False)
        self._render = render
        self._per_second = per_second
        self._transient = transient
        self._live: Live | None = None

    @property
    def drawn(self) -> bool:
        """Return whether there is a picture on the terminal."""
        return self._live is not None

    @property
    def unicode(self) -> bool:
        """Return whether the terminal has symbols that ASCII lacks."""
        return self.console.encoding.startswith("utf")

    def start(self) -> None:
        """Begin to draw where the cursor stands; do nothing where nothing can be drawn."""
        dumb = os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}
        if dumb or not (self.console.is_terminal and sys.stderr.isatty()):
            return
        from rich.live import Live

        self._live = Live(
            console=self.console,
            refresh_per_second=self._per_second,
            get_renderable=self._render,
            transient=self._transient,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Stop drawing; the last picture stays, unless it is transient."""
        if self._live is not None:
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Draw nothing for a while, so that a person can type."""
        if self._live is None:
            yield
            return
        self._live.stop()
        try:
            yield
        finally:
            self.start()
