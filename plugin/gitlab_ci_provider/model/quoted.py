"""Other people's texts, as messages may quote them: short, on one line, without passwords."""

from __future__ import annotations

import re

MAX_QUOTED = 200
"""Characters; long enough for every meaningful name."""

MAX_MESSAGE = 4000
"""Characters; some of GitLab's own messages list names."""

_TAIL = 1000

_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#]*@", re.IGNORECASE)

_LOGIN = re.compile(r"\b([a-z][a-z0-9+.-]{0,30}://)[^/?#@\s]*@", re.IGNORECASE)


def quoted(text: str, limit: int = MAX_QUOTED) -> str:
    """Shorten a text, and escape what no terminal or log should get.

    Control characters move cursors and forge lines; lone surrogates cannot be written at all.
    """
    cut = text[:limit]
    written = "".join(c if c.isprintable() else _escape(c) for c in cut)
    return written if len(cut) == len(text) else f"{written}... ({len(text)} characters)"


def readable(message: str) -> str:
    """Clean a message: no control characters, no megabytes, no logins in addresses."""
    if len(message) > MAX_MESSAGE:
        head, tail = message[: MAX_MESSAGE - _TAIL], message[-_TAIL:]
        message = f"{head} ... ({len(message)} characters) ... {tail}"
    message = _LOGIN.sub(r"\1", message)
    if message.isprintable():
        return message
    return "".join(c if c.isprintable() or c in "\n\t" else _escape(c) for c in message)


def hide_credentials(url: str) -> str:
    """Return a URL that may be shown: without user and password."""
    return _USER.sub(r"\1", url)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
