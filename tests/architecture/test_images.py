"""The images of `docker/`: what their builds install is what the code needs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

from clusters.images import HELPER_NEEDS

ROOT = Path(__file__).parents[2]
PACKAGE = "gitlab_ci_provider"
DISTRIBUTIONS = {"re2": "google-re2"}
"""Of modules that are not named as what brings them."""

PARTS = (
    "docker/helper/requirements.txt",
    "docker/airflow/requirements.txt",
    "docker/wheel-requirements.txt",
)


OFFICIAL = {
    "apache-airflow",
    "apache-airflow-providers-cncf-kubernetes",
    "apache-airflow-providers-standard",
    "argcomplete",
    "boto3",
    "croniter",
    "msgspec",
    "pendulum",
    "pyyaml",
    "requests",
    "rich",
}
"""The provider's dependencies that Airflow's official image has."""


def reached(start: str) -> set[str]:
    """List all modules that a package imports, also inside functions, and what those import."""
    graph = grimp.build_graph(PACKAGE, include_external_packages=True)
    found: set[str] = set()
    left = {start, *graph.find_descendants(start)}
    while left:
        found |= left
        left = {
            imported for name in left for imported in graph.find_modules_directly_imported_by(name)
        } - found
    return found


def pins(text: str) -> dict[str, str]:
    """Read a lock: what it says of each distribution, hashes included."""
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    return {entry.partition("==")[0]: entry for entry in entries}


def test_the_helper_image_has_what_the_helper_imports():
    """Its requirements are the libraries behind all modules that the helper can reach."""
    outside = {
        name
        for name in reached(f"{PACKAGE}.helper")
        if name.partition(".")[0] not in {*sys.stdlib_module_names, PACKAGE}
    }
    needed = {DISTRIBUTIONS.get(name, name) for name in outside}

    assert needed == set(pins((ROOT / PARTS[0]).read_text())) == set(HELPER_NEEDS)


def test_the_airflow_image_has_what_the_official_image_lacks():
    """A new dependency of the provider is named here, or the Airflow image installs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=\[]", line)[0] for line in project["dependencies"]}

    assert needed - OFFICIAL <= set(pins((ROOT / PARTS[1]).read_text()))


def test_requirements_are_parts_of_the_lock():
    """The images install the versions that are tested here; `.ci/lock` writes both."""
    lock = pins((ROOT / "constraints.txt").read_text())

    for part in PARTS:
        for name, entry in pins((ROOT / part).read_text()).items():
            assert entry == lock[name], part


def test_the_build_gets_what_it_copies():
    """`.dockerignore` lets through what the Dockerfiles ask for; git names what there is."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    ]
    for file in sorted((ROOT / "docker").glob("*/Dockerfile")):
        for copied in re.findall(
            r"^COPY (?:--chown=\S+ )?(?!--)(.*) \S+$", file.read_text(), re.MULTILINE
        ):
            for path in copied.split():
                inside = [name for name in tracked if name == path or name.startswith(f"{path}/")]
                assert inside, f"{file}: {path} is not in the repository"
                assert any(Path(path).match(pattern) for pattern in allowed), f"{file}: {path}"
