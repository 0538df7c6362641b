"""How long the helper takes to start, next to Python alone: `.ci/images podman run`, see the docs.

Runs inside a container of the helper image, without anything of this project but the image's own.
"""

import resource
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python3 -c pass": ["python3", "-c", "pass"],
    "gitlab-ci-helper --version": ["gitlab-ci-helper", "--version"],
    "gitlab-ci-helper prepare": [
        *("gitlab-ci-helper", "prepare", "--plan", "/nonexistent"),
    ],
}


def main(runs: int) -> None:
    """Run the commands in turn; prints medians of elapsed and of processor time."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, command in COMMANDS.items():
            found[name].append(_measured(command))
    for name, times in found.items():
        elapsed, used = (1000 * statistics.median(column) for column in zip(*times, strict=True))
        print(f"| `{name}` | {elapsed:.0f} | {used:.0f} |")


def _measured(command: list[str]) -> tuple[float, float]:
    before, began = _used(), time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - began, _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 31)
