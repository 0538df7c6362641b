"""Services next to a job, planned and followed as by the operator: real pods, real servers."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from factories import JOB, RUN, make_plan_request, make_variables
from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.planner.plan import PlannedJob, plan_job
from gitlab_ci_provider.planner.plan_request import Limits
from gitlab_ci_provider.pods.pod import PodRequest, build_pod, build_secret
from gitlab_ci_provider.runs.job.services import job_services
from integration.cluster.job_pods import pod_worker
from integration.cluster.support import HELPER_IMAGE, SIDECARS, Api
from processes.waiting import wait_until

pytestmark = SIDECARS

SECRET = "glsecret-of-the-service"

ANSWER = (
    "import http.server, os, socket, time\n"
    "while 'WAIT' in os.environ:\n"
    "    if not socket.socket().connect_ex(('127.0.0.1', int(os.environ['WAIT']))): break\n"
    "    time.sleep(0.05)\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers()\n"
    "        self.wfile.write(os.environ.get('WORD', 'hello').encode())\n"
    "http.server.HTTPServer(('', int(os.environ['HEALTHCHECK_TCP_PORT'])), Handler).serve_forever()"
)
"""A server that says a word from its variables; it starts when somebody listens on port WAIT."""

ASK = "python3 -c \"import urllib.request as r; print(r.urlopen('http://%s').read())\""


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


def service(script: str, alias: str = "web", **variables: str) -> Service:
    """Make a service that runs Python."""
    return Service(
        image=Image(name="example/web:1", entrypoint=("python3",)),
        aliases=(alias,),
        command=("-u", "-c", script),
        variables=make_variables(**variables),
    )


@dataclass
class Jobs:
    """Runs jobs with services in a namespace."""

    api: Api
    log: io.StringIO
    heard: Callable[[str], object] = lambda _: None

    def plan(self, *services: Service, script: str = "true", timeout: int = 60) -> PlannedJob:
        job = replace(JOB, services=services, script=Script(main=(script,)))
        limits = Limits(
            default_image="debian:12",
            default_timeout=60,
            artifacts_expire_in=99,
            services_timeout=timeout,
        )
        secret = Variable(name="PASSWORD", value=SECRET, masked=True)
        variables = make_variables(GIT_STRATEGY="none")
        job = replace(job, variables=variables, own_variables=variables)
        configured = ConfiguredVariables(project=(secret,))
        return plan_job(
            make_plan_request(job, RUN, store=None, limits=limits, configured=configured)
        )

    def start(self, planned: PlannedJob) -> client.V1Pod:
        request = PodRequest(
            name="job",
            image=planned.image,
            profile=RunnerProfile(namespace=self.api.namespace, helper_image=HELPER_IMAGE),
            services=planned.services,
            deadline=600,
            grace=1,
            labels={},
            annotations={},
        )
        core = self.api.core()
        core.create_namespaced_secret(self.api.namespace, build_secret(request, planned.secret))
        return core.create_namespaced_pod(self.api.namespace, build_pod(request))

    def run(self, *services: Service, **given: Any) -> JobResult:
        """Run a job to its end; what it has written is in `log`."""
        debugged = given.pop("debugged", False)
        planned = self.plan(*services, **given)
        self.start(planned)
        log = SimpleNamespace(info=self.say, warning=self.say)
        known = job_services(planned, {"CI_DEBUG_SERVICES": str(debugged)})
        watched = PodWatch(client=self.api.core(), name="job", namespace=self.api.namespace)
        return pod_worker(log, 60, services=known).follow(watched)

    def say(self, text: str, *values: object) -> None:
        self.log.write(f"{text % values}\n")
        self.heard(text % values)

    @property
    def said(self) -> str:
        return self.log.getvalue()


@pytest.fixture
def jobs(unkind_api: Api) -> Jobs:
    return Jobs(unkind_api, io.StringIO())


def test_a_job_talks_to_a_service_by_its_names(jobs: Jobs):
    """By its alias and by the name of its image; its variables may pass on a secret."""
    port = free_port()
    web = service(ANSWER, HEALTHCHECK_TCP_PORT=port, WORD="pass-$PASSWORD")
    script = f"{ASK % f'web:{port}'}; {ASK % f'example-web:{port}'}; env | grep -c ^WORD || true"

    result = jobs.run(web, script=script)

    assert result.status == "success"
    assert "b'pass-[MASKED]'\nb'pass-[MASKED]'\n0\n" in jobs.said
    assert f"Service web is ready (port {port})." in jobs.said


def test_the_pods_spec_holds_no_value_of_a_service(jobs: Jobs):
    """People who may read pods cannot read passwords."""
    created = jobs.start(jobs.plan(service(ANSWER, HEALTHCHECK_TCP_PORT="1", WORD="$PASSWORD")))

    shown = json.dumps(client.ApiClient().sanitize_for_serialization(created))
    assert SECRET not in shown
    assert "secretKeyRef" in shown


@pytest.mark.embedded("its service waits for this machine")
def test_the_script_waits_for_a_service_that_is_late(jobs: Jobs):
    """It starts when the service answers, and the log says what it waits for."""
    port, start = free_port(), free_port()
    waiting = f"waiting for service web (port {port})"
    with ExitStack() as opened:

        def let_it_start(said: str) -> None:
            if waiting in said:
                jobs.heard = str
                opened.enter_context(socket.create_server(("127.0.0.1", int(start))))

        jobs.heard = let_it_start
        late = service(ANSWER, HEALTHCHECK_TCP_PORT=port, WAIT=start)
        result = jobs.run(late, script=ASK % f"web:{port}")

    assert result.status == "success"
    assert waiting in jobs.said
    assert "b'hello'" in jobs.said


def test_a_service_that_never_gets_ready_is_named_with_its_log(jobs: Jobs):
    """The job fails, and its log ends with what the service has said."""
    deaf = service("print('no thanks', flush=True); import time; time.sleep(99)",
                   HEALTHCHECK_TCP_PORT=free_port())  # fmt: skip

    with pytest.raises(JobFailure, match=r"service web \(example/web:1\) is not ready") as caught:
        jobs.run(deaf, timeout=1)

    assert caught.value.reason == "runner_system_failure"
    assert "[service:web] no thanks" in jobs.said


def test_a_service_that_dies_at_its_start_is_named_with_its_log(jobs: Jobs):
    """Nobody waits for it until its time is over."""
    dying = service("import sys; print('bad configuration', flush=True); sys.exit(3)",
                    HEALTHCHECK_TCP_PORT=free_port())  # fmt: skip

    with pytest.raises(JobFailure, match=r"service web .* with exit code 3") as caught:
        jobs.run(dying, timeout=600)

    assert caught.value.reason == "runner_system_failure"
    assert "[service:web] bad configuration" in jobs.said


def test_a_service_that_dies_later_is_a_warning(jobs: Jobs):
    """The script decides about the job, which neither fails nor hangs.

    The image has the name that the cluster has for it.
    """
    port = free_port()
    mortal = service(
        ANSWER.replace("self.send_response(200)", "os._exit(7)"), HEALTHCHECK_TCP_PORT=port
    )

    result = jobs.run(mortal, script=f"{ASK % f'web:{port}'} || echo gone")

    assert result.status == "success"
    assert "gone\n" in jobs.said
    warning = r"WARNING: service web \((docker.io/)?example/web:1\) has ended with exit code 7"
    assert re.search(warning, jobs.said)


def test_a_job_ends_while_its_services_go_on(jobs: Jobs):
    """They are ended by Kubernetes, and that is no death."""
    port = free_port()
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ANSWER

    result = jobs.run(service(stubborn, HEALTHCHECK_TCP_PORT=port))

    assert result.status == "success"
    core = jobs.api.core()
    wait_until(
        lambda: core.read_namespaced_pod("job", jobs.api.namespace).status.phase == "Succeeded",
        "the end of the pod",
    )
    assert "WARNING: service" not in jobs.said


@pytest.mark.embedded("other clusters have images")
def test_a_service_without_a_command_is_refused_where_there_are_no_images(jobs: Jobs):
    """The message says what to do; nothing waits, nothing is left out."""
    with pytest.raises(JobFailure, match=r"runs no images.*`command` or `entrypoint`"):
        jobs.run(Service(image=Image(name="redis:7")))


def test_a_service_whose_program_is_missing_fails_the_job_at_once(jobs: Jobs):
    """With the runtime's words."""
    missing = Service(image=Image(name="redis:7"), command=("no-such-server",))

    with pytest.raises(JobFailure, match=r"svc-0.*no-such-server"):
        jobs.run(missing)


def test_the_logs_of_services_are_shown_if_the_job_wants_them(jobs: Jobs):
    """CI_DEBUG_SERVICES: each line with its service's name, secrets hidden, once, to the end."""
    port = free_port()
    chatty = (
        "import os, threading, sys\n"
        "print('hello', os.environ['WORD'], flush=True)\n"
        "print('unfinished', end='', flush=True)\n"
    ) + ANSWER
    web = service(chatty, HEALTHCHECK_TCP_PORT=port, WORD="pass-$PASSWORD")

    jobs.run(web, script=f"{ASK % f'web:{port}'}", debugged=True)

    assert jobs.said.count("[service:web] hello pass-[MASKED]") == 1
    assert '"GET / HTTP/1.1" 200' in jobs.said, "it came after the script had begun"
    assert SECRET not in jobs.said


def test_a_service_that_is_started_again_is_followed_on(jobs: Jobs):
    """Its new log is another one."""
    port = free_port()
    twice = (
        "import os, sys\n"
        "first = not os.path.exists('/builds/once')\n"
        "open('/builds/once', 'w')\n"
        "print('start', 1 if first else 2, flush=True)\n"
        "if first: sys.exit(4)\n"
    ) + ANSWER

    result = jobs.run(service(twice, HEALTHCHECK_TCP_PORT=port), debugged=True)

    assert result.status == "success"
    assert "[service:web] start 2" in jobs.said
    assert "has ended with exit code 4; Kubernetes has started it again" in jobs.said
