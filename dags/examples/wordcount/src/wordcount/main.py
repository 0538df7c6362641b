"""The command line."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wordcount.count import most_common
from wordcount.known import KnownCounts
from wordcount.report import render


def main(arguments: Sequence[str] | None = None) -> int:
    """Count the words of the given files and print the most used ones."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    known = KnownCounts(options.known)
    total: Counter[str] = Counter()
    for path in options.files:
        total.update(known.count(_read(path)))
    known.save()
    words = most_common(total, options.top, options.min_length)
    print(render(words), end="")
    seconds = time.monotonic() - started
    summary = f"{known.made} files counted, {known.found} known from before, {seconds:.2f} s"
    print(summary, file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(dict(words), indent=2) + "\n", encoding="utf-8")
    return 0


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    return Path(path).read_text(encoding="utf-8", errors="replace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wordcount", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="texts; - is the standard input")
    parser.add_argument("--top", type=int, default=10, help="how many words to print")
    parser.add_argument("--min-length", type=int, default=1, help="leave shorter words out")
    parser.add_argument("--known", type=Path, metavar="FILE", help="keep counts for the next time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the words there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
