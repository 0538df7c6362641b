"""`services:` through a real Airflow: real servers next to a job."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository

pytestmark = [
    pytest.mark.skipif(
        shutil.which("redis-server") is None, reason="no redis-server: run `.ci/run system` as root"
    ),
    pytest.mark.embedded("its services are programs of this machine"),
]

PIPELINE = """
variables:
  GREETING: hello-from-the-file
store:
  variables: {{CI_DEBUG_SERVICES: "true"}}
  services:
    - name: redis:7
      alias: cache, queue
      command: [redis-server, --port, "{redis}", --save, "", --requirepass, "$(PASSWORD)"]
      variables:
        PASSWORD: $STORE_PASSWORD
        HEALTHCHECK_TCP_PORT: "{redis}"
    - name: example/web:1
      alias: web
      entrypoint: [python3, -u, -m, http.server]
      command: ["{web}", --directory, /builds]
      variables: {{HEALTHCHECK_TCP_PORT: "{web}"}}
  script:
    - export REDISCLI_AUTH="$STORE_PASSWORD"
    - redis-cli -h queue -p {redis} set greeting "$GREETING"
    - redis-cli -h redis -p {redis} get greeting
    - python3 -c "import urllib.request as r; print(len(r.urlopen('http://web:{web}').read()) > 0)"
broken:
  services:
    - name: redis:7
      command: [redis-server, --port, "{broken}", --no-such-option]
  script: echo never
"""
PASSWORD = "Correct-Horse-Battery-7"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_a_job_talks_to_its_services_and_a_broken_one_is_named(stack: Stack, tmp_path: Path):
    """By alias and by image; a secret of the project reaches the one that asks for it, unseen."""
    ports = {name: free_port() for name in ("redis", "web", "broken")}
    text = PIPELINE.format(**ports)
    repository = make_repository(tmp_path / "services", {".gitlab-ci.yml": text})
    stack.define("local/services", [{"key": "STORE_PASSWORD", "value": PASSWORD, "masked": True}])

    report = stack.run(repository)

    store, broken = report["jobs"]["store"], report["jobs"]["broken"]
    log = Path(store["log"]).read_text()
    assert store["status"] == "success", log
    assert "\nOK\n" in log
    assert "\nhello-from-the-file\n" in log
    assert "\nTrue\n" in log
    assert f"Service cache is ready (port {ports['redis']})." in log
    assert "[service:cache] " in log
    assert "[service:web] " in log
    assert PASSWORD not in log
    assert broken["status"] == "failed"
    assert "service svc-0 (redis:7) has ended" in broken["reason"]
    assert "no-such-option" in Path(broken["log"]).read_text()
