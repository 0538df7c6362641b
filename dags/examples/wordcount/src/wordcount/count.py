"""Words and how often they occur."""

import re
from collections import Counter

WORD = re.compile(r"[^\W\d_]+")


def count_words(text: str) -> Counter[str]:
    """Count the words of a text; upper and lower case are the same word."""
    return Counter(WORD.findall(text.lower()))


def most_common(counts: Counter[str], top: int, min_length: int) -> list[tuple[str, int]]:
    """List the most used words, the most used first, equals in alphabetical order."""
    words = [(word, count) for word, count in counts.items() if len(word) >= min_length]
    return sorted(words, key=lambda entry: (-entry[1], entry[0]))[:top]
