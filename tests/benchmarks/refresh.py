"""What a refresh of many projects of a GitLab costs: time, requests to the API, requests of git.

The server is the stand-in of the tests, in this process; the refresh is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from servers.gitlab.server import GitLab, gitlab_server
from servers.gitlab.world import Project

_JOBS = "".join(
    f"job{number}: {{stage: {stage}, script: make}}\n"
    for number in range(30)
    for stage in [("build", "test", "deploy")[number // 10]]
)
_REFRESH = """
import json, sys, time
from pathlib import Path
from gitlab_ci_provider.discovery.opened import open_bundle
from gitlab_ci_provider.model.gitlab_bundle import read_bundle
from gitlab_ci_provider.settings import home_settings
bundle = open_bundle(read_bundle("b", {"groups": ["group"]}), home_settings(Path(sys.argv[1])))
wall, cpu = time.perf_counter(), time.process_time()
done = bundle.refresh()
print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
                  "synced": len(done.results)}))
"""


def main() -> None:
    """Measure the first refresh, one without changes, with ten, and with activity alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--changed", type=int, default=10)
    parser.add_argument("--active", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with gitlab_server(root / "gitlab") as gitlab:
            _fill(gitlab, given.projects, given.changed)
            gitlab.world.add_token("glpat-bench", levels={"group": 20})
            print("| Refresh | seconds | CPU s | synced | API requests | git requests |")
            print("| --- | --- | --- | --- | --- | --- |")
            _measure("first", gitlab, root / "home")
            _measure("nothing has changed", gitlab, root / "home")
            for number in range(given.changed):
                gitlab.world.projects[f"group/p{number}"].push(
                    {".gitlab-ci.yml": f"{_JOBS}more: {{script: x}}\n"}
                )
            _measure(f"{given.changed} have changed", gitlab, root / "home")
            for project in list(gitlab.world.projects.values())[-given.active :]:
                project.last_activity_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            _measure(f"{given.active} have just been active", gitlab, root / "home")


def _fill(gitlab: GitLab, count: int, real: int) -> None:
    """Make projects; those that are pushed to have working copies, the others are copies."""
    first = None
    for number in range(count):
        path = f"group/p{number}"
        if number < real or first is None:
            first = gitlab.world.add_project(path, {".gitlab-ci.yml": _JOBS})
            continue
        bare = gitlab.world.root / "served" / f"{path}.git"
        shutil.copytree(first.bare, bare)
        gitlab.world.projects[path] = Project(gitlab.world.number(), path, bare, bare)


def _measure(name: str, gitlab: GitLab, home: Path) -> None:
    gitlab.requests.clear()
    connection = {"conn_type": "gitlab", "host": gitlab.url, "password": "glpat-bench"}
    environment = {**os.environ, "AIRFLOW_CONN_GITLAB_DEFAULT": json.dumps(connection)}
    done = subprocess.run([sys.executable, "-c", _REFRESH, str(home)], env=environment,
                          capture_output=True, text=True, check=True)  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    api = sum("/api/v4/" in request for request in gitlab.requests)
    row = (name, f"{said['seconds']:.1f}", f"{said['cpu']:.1f}", said["synced"], api,
           len(gitlab.requests) - api)  # fmt: skip
    print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
