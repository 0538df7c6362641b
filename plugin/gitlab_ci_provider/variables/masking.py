"""Hides secrets in a job's output: values of masked variables, tokens, signed URLs.

As the runner does (its `common/buildlogger`): masked values first, the longest before the others,
then the values of parameters such as `private_token=` in URLs, then whatever follows GitLab's token
prefixes (`glpat-` ...). All of them become `[MASKED]`.

Unlike GitLab, where only the value as a whole is hidden, so are each line of a longer value, and
the forms in which programs show it, see `disguises.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.variables.disguises import encoded, escaped

MASK = b"[MASKED]"

_SHORTEST = 4
"""Characters; GitLab accepts no masked value below 8, and masking every `1` hides everything."""

_SHORTEST_ENCODED = 8

_BORDER = 4096
"""Bytes of an unfinished line that are held back: they may be part of a secret."""

_PREFIX = rb"(?:gl(?:pat|oas|dt|rt|cbt|rtr|ptt|ft|imt|agent|soat|ffct|tok)-|_gitlab_session=)"
_KEY = (
    rb"[?&](?i:private_token|authenticity_token|rss_token"
    rb"|x-amz-signature|x-amz-credential|x-amz-security-token)="
)
_TOKEN = re.compile(rb"(" + _PREFIX + rb")(?:\[MASKED\]|[-.=\w])+")
_WORD = re.compile(rb"\S*\Z")
_PARAMETER = re.compile(rb"(" + _KEY + rb")[^?&\s\x00-\x1f\x7f]*")

Search = Callable[[bytes], object]
Compile = Callable[[bytes], Search]


def _standard(pattern: bytes) -> Search:
    return re.compile(pattern).search


class Masker:
    """Hides secrets in texts and in a stream of bytes.

    Args:
        values: what must not be seen.
        search: compiles a regular expression to a test, which most of a job's output fails quickly.
    """

    def __init__(self, values: Iterable[str] = (), search: Compile = _standard):
        self._phrases = _phrases(values)
        patterns = [*(re.escape(phrase) for phrase in self._phrases), _PREFIX, _KEY]
        self._found = search(b"|".join(patterns))
        self._alphabetical = sorted(self._phrases)
        self._border = max([_BORDER, *(len(phrase) for phrase in self._phrases)])
        self._held = b""
        self._word = b""

    @property
    def holds(self) -> bool:
        """Return whether the end of the stream so far is held back."""
        return bool(self._held)

    def text(self, text: str) -> str:
        """Hide secrets in a whole text."""
        return self.mask(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def mask(self, data: bytes) -> bytes:
        """Hide secrets in complete bytes."""
        if not self._found(data):
            return data
        for phrase in self._phrases:
            data = data.replace(phrase, MASK)
        return _TOKEN.sub(rb"\1" + MASK, _PARAMETER.sub(rb"\1" + MASK, data))

    def feed(self, data: bytes) -> bytes:
        """Add the next bytes of a stream and return what can be shown.

        The end of an unfinished line is kept until it cannot be the beginning of a secret anymore.
        """
        masked = self._go_on(data)
        split = max(len(masked) - self._border, masked.rfind(b"\n") + 1)
        self._held = masked[split:]
        if split:
            self._word = b""
        return masked[:split]

    def release(self) -> bytes:
        """Return what is held of an unfinished line, without what may be the beginning of a value.

        A program may have printed a question and be waiting for the answer.
        """
        split = self._begins_value(self._held)
        shown, self._held = self._held[:split], self._held[split:]
        self._word = _last_word(self._word + shown)
        return shown

    def flush(self) -> bytes:
        """Return the rest of the stream at its end."""
        held, self._held, self._word = self._held, b"", b""
        return held

    def _go_on(self, data: bytes) -> bytes:
        """Mask what is held and what follows; a token may have begun in text already released."""
        masked = self.mask(self._word + self._held + data)
        if masked.startswith(self._word):
            return masked[len(self._word) :]
        return self.mask(self._held + data)

    def _begins_value(self, data: bytes) -> int:
        """Find where the longest ending of a text starts that may be the beginning of a value."""
        for at in range(max(0, len(data) - self._border), len(data)):
            end = data[at:]
            place = bisect_left(self._alphabetical, end)
            if place < len(self._phrases) and self._alphabetical[place].startswith(end):
                return at
        return len(data)


@contextmanager
def masked_errors(values: Iterable[str]) -> Iterator[None]:
    """Hide secrets in errors: what cannot be found may have its name from a variable.

    Raises:
        GitlabCiError: as inside, with another message.
    """
    try:
        yield
    except GitlabCiError as problem:
        problem.args = (Masker(values).text(str(problem)),)
        raise


def log_masker(values: Iterable[str]) -> Masker:
    """Make the masker for a log; RE2 takes the same short time for any number of values."""

    def search(pattern: bytes) -> Callable[[bytes], object]:
        import re2

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = 256 * 1024 * 1024
        found: Callable[[bytes], object] = re2.compile(pattern, options).search
        return found

    return Masker(values, search)


def _last_word(text: bytes) -> bytes:
    found = _WORD.search(text[-_BORDER:])
    return found[0] if found else b""


def _phrases(values: Iterable[str]) -> list[bytes]:
    """List what must be hidden, the longest first: one that contains another is hidden whole."""
    found = {phrase for value in values for phrase in _forms(value)}
    return sorted(found, key=lambda phrase: (-len(phrase), phrase))


def _forms(value: str) -> Iterator[bytes]:
    for line in value.splitlines():
        plain = line.strip()
        if len(plain) < _SHORTEST:
            continue
        data = plain.encode("utf-8", "surrogateescape")
        yield data
        yield from escaped(data)
        if len(plain) >= _SHORTEST_ENCODED:
            yield from encoded(data)
