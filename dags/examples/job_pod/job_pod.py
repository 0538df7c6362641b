"""An example of a hand-written DAG: pods with a cache, artifacts and a service, as GitLab jobs.

Copy it into the DAGs folder. Connections `gitlab_ci_kubernetes` and `gitlab_ci_object_store` and
`[gitlab_ci] helper_image` are needed.
"""

from __future__ import annotations

from airflow.sdk import Asset, dag

from gitlab_ci_provider.operators.job_pod import GitlabJobPodOperator
from gitlab_ci_provider.operators.task_parts import TaskArtifacts, TaskCache, TaskService

REPORT = Asset("example_pod_report")
PORT = "{{ params.port }}"

BUILD = """
mkdir -p .cache dist
count=$(cat .cache/count 2>/dev/null || echo 0)
echo $((count + 1)) > .cache/count
echo "build $(cat .cache/count) for $REF" > dist/report.txt
"""


@dag(schedule=None, params={"ref": "main", "port": 8000}, tags=["example"])
def job_pod():
    """Build with a cache, keep a report, and use it next to a web server."""
    build = GitlabJobPodOperator(
        task_id="build",
        image="python:3.12",
        script=BUILD,
        env_vars={"REF": "{{ params.ref }}"},
        cache=TaskCache(key="$REF", fallback_keys=["main"], paths=[".cache/"]),
        artifacts=TaskArtifacts(paths=["dist/"], expire_in="1 week"),
        outlets=[REPORT],
    )
    check = GitlabJobPodOperator(
        task_id="check",
        image="python:3.12",
        script=[
            "python3 -c \"import urllib.request as web; print(web.urlopen('$URL').status)\"",
            "cat dist/report.txt | tee checked.txt",
        ],
        env_vars={"URL": f"http://server:{PORT}/"},
        services=[
            TaskService(
                name="python:3.12",
                alias="server",
                command=["python3", "-m", "http.server", PORT],
                variables={"HEALTHCHECK_TCP_PORT": PORT},
            )
        ],
        artifacts={"paths": ["checked.txt"]},
        from_task_ids=["build"],
        deferrable=True,
    )
    show = GitlabJobPodOperator(
        task_id="show",
        image="python:3.12",
        cmds=["cat", "checked.txt"],
        from_task_ids=["check"],
    )
    build >> check >> show


job_pod()
