"""The example that builds an image with Kaniko: its own words, run by a real shell."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

from gitlab_ci_provider.cli.configuration.compiled import compile_request
from gitlab_ci_provider.cli.configuration.request import Request
from processes.shells import shell_named

EXAMPLE = Path(__file__).parents[2] / "dags" / "examples" / "kaniko"
PASSWORD = 'pa"ss$%s\\word'
EXECUTOR = """\
#!/bin/sh
printf '%s\\n' "$@" >"$SEEN"
echo sha256:0123 >digest.txt
"""
VARIABLES = {
    "CI_REGISTRY": "registry.example.com",
    "CI_REGISTRY_IMAGE": "registry.example.com/group/project",
    "CI_REGISTRY_USER": "group-token",
    "CI_REGISTRY_PASSWORD": PASSWORD,
    "CI_COMMIT_REF_SLUG": "feature-x",
    "CI_COMMIT_SHA": "0123456789",
    "BASE_IMAGE": "nginx:1.29-alpine",
}


def test_it_asks_the_executor_for_an_image_tagged_by_ref(tmp_path: Path):
    """Word by word, with the job's login in the file that the executor reads."""
    pipeline = compile_request(Request(path=EXAMPLE, ref="main")).result.pipeline
    assert pipeline is not None
    script = pipeline.jobs["build"].script
    project, kaniko, seen = tmp_path / "project", tmp_path / "kaniko", tmp_path / "seen"
    shutil.copytree(EXAMPLE, project)
    kaniko.mkdir()
    (kaniko / "executor").write_text(EXECUTOR)
    (kaniko / "executor").chmod(0o755)
    text = "\n".join([*script.before, *script.main]).replace("/kaniko/", f"{kaniko}/")
    own = {"PATH": os.environ["PATH"], "SEEN": str(seen), "CI_PROJECT_DIR": str(project)}
    shell = str(shell_named("busybox", tmp_path))

    subprocess.run([shell, "-e", "-c", text], cwd=project, env={**VARIABLES, **own}, check=True)

    assert seen.read_text().splitlines() == [
        *("--context", str(project)),
        *("--dockerfile", f"{project}/Dockerfile"),
        *("--build-arg", "BASE_IMAGE=nginx:1.29-alpine"),
        *("--label", "org.opencontainers.image.revision=0123456789"),
        *("--destination", "registry.example.com/group/project:feature-x"),
        *("--digest-file", f"{project}/digest.txt"),
    ]
    config = json.loads((kaniko / ".docker" / "config.json").read_text())
    auth = base64.b64decode(config["auths"]["registry.example.com"]["auth"])
    assert auth.decode() == f"group-token:{PASSWORD}"
