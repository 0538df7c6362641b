"""Counts that were made before, kept in one file and found by a text's content."""

import hashlib
import json
from collections import Counter
from pathlib import Path

from wordcount.count import count_words


class KnownCounts:
    """Remembers the words of each text, so that a text is counted once only."""

    def __init__(self, path: Path | None):
        self._path = path
        self._counts: dict[str, dict[str, int]] = {}
        self.found = self.made = 0
        if path and path.exists():
            self._counts = json.loads(path.read_text(encoding="utf-8"))
        self._before = frozenset(self._counts)

    def count(self, text: str) -> Counter[str]:
        """Count the words of a text, or look them up."""
        key = hashlib.sha256(text.encode()).hexdigest()
        if key in self._before:
            self.found += 1
        else:
            self.made += 1
            self._counts[key] = count_words(text)
        return Counter(self._counts[key])

    def save(self) -> None:
        """Write all counts for the next time."""
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._counts), encoding="utf-8")
