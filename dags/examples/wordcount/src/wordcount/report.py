"""Counts as a table with bars."""

WIDTH = 40


def render(words: list[tuple[str, int]]) -> str:
    """Draw one line a word: the word, its bar, its count; the first word has the longest bar."""
    if not words:
        return "no words\n"
    longest = max(len(word) for word, _ in words)
    most = words[0][1]
    return "".join(
        f"{word:<{longest}}  {'#' * max(1, WIDTH * count // most):<{WIDTH}}  {count}\n"
        for word, count in words
    )
