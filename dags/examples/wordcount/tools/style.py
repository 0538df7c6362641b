"""A tiny style check: long lines, tabs, spaces at the end of a line."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path


def problems(path: Path, max_columns: int) -> Iterator[str]:
    """Find what is wrong with a file, one text a problem."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if len(line) > max_columns:
            yield f"{path}:{number}: {len(line)} columns, {max_columns} are allowed"
        if "\t" in line:
            yield f"{path}:{number}: a tab"
        if line != line.rstrip():
            yield f"{path}:{number}: spaces at the end"


def main() -> int:
    """Check all Python files below the given folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--max-columns", type=int, default=88)
    options = parser.parse_args()
    files = [path for folder in options.folders for path in sorted(folder.rglob("*.py"))]
    found = [text for path in files for text in problems(path, options.max_columns)]
    print("\n".join([*found, f"{len(files)} files, {len(found)} problems"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
