"""A pipeline each of whose jobs has a bad day of its own on a real Kubernetes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes import client

from e2e.embedded import Stack, make_repository
from e2e.faulty import pods_by_job
from e2e.logs import log_lines
from e2e.runs import ended, raw_log, start, wait_for
from processes.counter import Heard, counting
from servers.webhook import refusing_webhook

SLICES, SLICE = 6, 50_000
"""What the loud job writes: some times as many lines of a hundred bytes, 30 MB in all."""

LONGEST = 3000
"""Seconds until all jobs have ended: a busy machine needs many of them for the loud one."""

WEBHOOK_LABEL = "refused-by-the-tests"

RUNNERS = f"""
runners:
  - {{name: default, run_untagged: true}}
  - {{name: nowhere, tags: [nowhere], start_timeout: 20,
      scheduling: {{node_selector: {{gpu: "1"}}}}}}
  - {{name: huge, tags: [huge], resources: {{build: {{requests: {{cpu: "1000"}}}}}}}}
  - {{name: beyond, tags: [beyond], resources: {{build: {{limits: {{memory: 64Gi}}}}}}}}
  - {{name: hooked, tags: [hooked], labels: {{{WEBHOOK_LABEL}: "yes"}}}}
  - {{name: accountless, tags: [accountless], service_account: nobody}}
  - {{name: unranked, tags: [unranked], scheduling: {{priority_class_name: nothing}}}}
  - {{name: unmounted, tags: [unmounted], start_timeout: 20,
      volumes: [{{name: extra, secret: {{secretName: nothing}}}}],
      volume_mounts: [{{name: extra, mountPath: /extra}}]}}
  - name: tight
    tags: [tight]
    resources: {{build: {{requests: {{memory: 32Mi}}, limits: {{memory: 64Mi}}}}}}
  - name: full
    tags: [full]
    resources: {{build: {{limits: {{ephemeral_storage: 20Mi}}}}}}
"""

EAT = "python3 -c 'print(len(bytearray(200_000_000)))'"
FILL = "head -c 100000000 /dev/zero >/tmp/big; sleep 600"
LINE = f"line %0.fth of slice '$i' {'.' * 76}"
LOUD = f"for i in $(seq {SLICES}); do seq -f '{LINE}' {SLICE}; sleep 6; done"


def pipeline(heard: Heard) -> str:
    """Write it down; jobs that the test disturbs say so when they begin."""
    jobs: dict[str, dict[str, str]] = {
        "no-login": {"image": "registry.test/private/x:1"},
        "no-image": {"image": "registry.test/missing/x:1"},
        "busy-registry": {"image": "registry.test/busy/x:1"},
        "bad-name": {"image": "debian:not/a/tag"},
        "no-shell": {"image": "pause:1"},
        **{name: {"tags": f"[{name}]"} for name in ("nowhere", "huge", "beyond", "hooked")},
        **{name: {"tags": f"[{name}]"} for name in ("accountless", "unranked", "unmounted")},
        "tight": {"tags": "[tight]", "script": EAT},
        "full": {"tags": "[full]", "script": FILL},
        "served": {"services": "[redis:7]"},
        **{name: {"script": f"{heard.say(name)}; sleep 600"} for name in DISTURBANCES},
        "loud": {"script": LOUD},
    }
    texts = ["default: {image: 'debian:12'}\n"]
    for name, keywords in jobs.items():
        given = {"script": "echo never", "allow_failure": "true", **keywords}
        script = given.pop("script")
        texts.append(f"{name}:\n  script:\n    - |\n      {script}\n")
        texts.extend(f"  {keyword}: {value}\n" for keyword, value in given.items())
    return "".join(texts)


def _delete(stack: Stack, pod: str) -> None:
    stack.core.delete_namespaced_pod(pod, stack.namespace)


def _drain(stack: Stack, pod: str) -> None:
    """Ask for its eviction, as `kubectl drain` does."""
    body = {"metadata": {"name": pod}}  # each version of Kubernetes has an Eviction of its own
    stack.core.create_namespaced_pod_eviction(pod, stack.namespace, body)


def _cut_short(stack: Stack, pod: str) -> None:
    """Bring its deadline forward: our own is two minutes after the job's timeout."""
    body = {"spec": {"activeDeadlineSeconds": 1}}
    stack.core.patch_namespaced_pod(pod, stack.namespace, body)


DISTURBANCES: Mapping[str, Callable[[Stack, str], None]] = {
    "deleted": _delete,
    "drained": _drain,
    "late": _cut_short,
}
"""What is done to a job's pod while its script runs, by the name of the job."""


@dataclass(frozen=True)
class Told:
    """What a person reads of the run's jobs: the end that Airflow keeps, and the logs."""

    results: Mapping[str, Mapping[str, Any]]
    logs: Mapping[str, str]
    loud: str


def bad_days(stack: Stack, folder: Path) -> Told:
    """Run the pipeline, and disturb it."""
    with counting() as heard, _limits(stack), _webhook(stack, folder):
        repository = make_repository(
            folder / f"bad-{folder.name}", {".gitlab-ci.yml": pipeline(heard)}
        )
        dag, run = start(stack, repository)
        for name, disturb in DISTURBANCES.items():
            heard.wait_for(name)
            disturb(stack, pods_by_job(stack)[name])
        wait_for(partial(ended, stack, dag, run), LONGEST)
    tasks = stack.api.tasks(dag, run)
    jobs = [name for name in tasks if not name.endswith("_pipeline")]
    wait_for(partial(_nothing_left, stack))
    return Told(
        {name: stack.api.xcom(dag, run, name, "job_result") for name in jobs},
        {
            name: "\n".join(log_lines(stack.api, dag, run, tasks[name]))
            for name in jobs
            if name != "loud"
        },
        raw_log(stack, dag, run, "loud"),
    )


def _nothing_left(stack: Stack) -> bool:
    return not stack.core.list_namespaced_pod(stack.namespace).items


@contextmanager
def _limits(stack: Stack) -> Iterator[None]:
    """Let no container of the namespace have more than 8 GiB."""
    limit = client.V1LimitRangeItem(type="Container", max={"memory": "8Gi"})
    stack.core.create_namespaced_limit_range(
        stack.namespace,
        client.V1LimitRange(
            metadata=client.V1ObjectMeta(name="most"), spec=client.V1LimitRangeSpec(limits=[limit])
        ),
    )
    yield
    stack.core.delete_namespaced_limit_range("most", stack.namespace)


@contextmanager
def _webhook(stack: Stack, folder: Path) -> Iterator[None]:
    """Have a webhook refuse pods with a label."""
    admission = client.AdmissionregistrationV1Api(stack.core.api_client)
    name = f"tests-{uuid.uuid4().hex[:6]}"
    with refusing_webhook(folder, "not on a Friday") as asked:
        webhook = {
            "name": "fridays.example.com",
            "clientConfig": asked,
            "rules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["pods"],
                }
            ],
            "objectSelector": {"matchLabels": {WEBHOOK_LABEL: "yes"}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Ignore",
        }
        admission.create_validating_webhook_configuration(
            {"metadata": {"name": name}, "webhooks": [webhook]}
        )
        yield
        admission.delete_validating_webhook_configuration(name)
