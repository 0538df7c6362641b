"""`hooks:pre_get_sources_script`, run by the helper; then the fetch, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gitlab_ci_provider.helper.hook_results import read_results
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable, PreGetSources
from gitlab_ci_provider.planner.script import hook_script
from integration.helper.support import TOKEN, head, sources
from processes.pod import Ended, Pod, project_dir
from servers.git_http import GitServer, git_server
from servers.repositories import make_repository

pytestmark = pytest.mark.integration

VARIABLES = (
    PlanVariable(name="REGION", value="eu"),
    PlanVariable(name="SECRET", value="masked-canary", masked=True),
    PlanVariable(name="FILE", value="contents", file=True),
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A repository that wants a login."""
    make_repository(tmp_path / "served" / "group" / "project", {"README": "one\n"})
    with git_server(tmp_path / "served", token=TOKEN) as running:
        yield running


@dataclass
class Ran:
    """How the two containers before the script ended."""

    hook: Ended
    prepare: Ended
    pod: Pod


def run(server: GitServer, folder: Path, *commands: str, attempts: int = 1) -> Ran:
    """Run the hook of a job, then `prepare`, then its script, which prints GITLAB_ENV."""
    (folder / "pod").mkdir()
    sha = head(server.root / "group" / "project")
    plan = JobPlan(
        job="job",
        project_dir=project_dir(folder / "pod"),
        variables=VARIABLES,
        sources=sources(server.url("group/project"), sha, username="oauth2", password=TOKEN),
    )
    text = hook_script(plan, commands)
    plan = replace(plan, hook=PreGetSources(script=text, attempts=attempts))
    pod = Pod(folder / "pod", plan, Script(main=('echo "from the hook: $FROM_HOOK"',)))
    hook = pod.hook()
    return Ran(hook, pod.prepare() if hook.code == 0 else Ended(-1, ""), pod)


def test_it_runs_before_the_sources_with_the_jobs_variables(server: GitServer, tmp_path: Path):
    """In a shell, with file variables as files, in `/`, and what is masked is hidden."""
    ran = run(server, tmp_path, 'echo "$REGION $(cat "$FILE") $PWD $SECRET"', "ls $CI_PROJECT_DIR")

    assert (ran.hook.code, ran.prepare.code) == (0, 0)
    assert "\neu contents / [MASKED]\n" in ran.hook.log
    assert "masked-canary" not in ran.hook.log
    assert 'echo "$REGION' in ran.hook.log
    assert "Checking out" in ran.prepare.log


def test_its_failure_is_the_jobs(server: GitServer, tmp_path: Path):
    """As a script's: later commands do not run, nothing is fetched, the exit code is told."""
    ran = run(server, tmp_path, "exit 3", "echo unreachable")

    assert ran.hook.code == 70
    assert ran.hook.report["reason"] == "script_failure"
    assert ran.hook.report["message"] == "exit code 3"
    assert "\nunreachable\n" not in ran.hook.log
    assert server.requests == []


def test_what_is_exported_and_configured_reaches_the_fetch(server: GitServer, tmp_path: Path):
    """What GitLab's documentation has hooks for: tracing, and the configuration of git."""
    rewritten = f'git config --global url."{server.url("")}".insteadOf "https://old.example.com/"'

    ran = run(
        server,
        tmp_path,
        "export GIT_CURL_VERBOSE=1 GIT_TRACE_CURL_NO_DATA=1",
        "git config --global http.version HTTP/1.1",
        "git config --global user.name somebody",
        rewritten,
    )

    assert ran.prepare.code == 0
    assert "GET /group/project/info/refs" in ran.prepare.log
    assert "WARNING" not in ran.prepare.log
    assert ("http.version", "HTTP/1.1") in read_results(ran.pod.folder / "hook").settings
    assert TOKEN not in ran.prepare.log


def test_it_may_set_variables_for_the_scripts(server: GitServer, tmp_path: Path):
    """By GITLAB_ENV, as scripts do among each other."""
    ran = run(server, tmp_path, 'echo "FROM_HOOK=yes" >> "$GITLAB_ENV"')
    ran.pod.start_build()
    ran.pod.start_helper()
    ran.pod.end("build")

    assert "\nfrom the hook: yes\n" in ran.pod.end("helper").log


@pytest.mark.parametrize(
    "setting",
    [
        "core.sshCommand 'touch $OUT'",
        "core.fsmonitor 'touch $OUT'",
        "core.hooksPath /tmp",
        "credential.helper '!touch $OUT'",
        "http.proxy http://127.0.0.1:9",
        "http.sslVerify false",
        "http.sslCAInfo /dev/null",
        "http.extraHeader 'X-Evil: 1'",
        "remote.origin.uploadpack 'touch $OUT'",
        "filter.lfs.process 'touch $OUT'",
        "url.file:///srv/other.insteadOf http://",
        "url.ext::touch.insteadOf http://",
        "include.path /etc/gitconfig",
        "lfs.customtransfer.x.path /bin/touch",
        "protocol.ext.allow always",
        "alias.fetch '!touch $OUT'",
    ],
)
def test_what_could_get_hold_of_the_login_does_not_count(
    server: GitServer, tmp_path: Path, setting: str
):
    """Programs, proxies, certificates, files; the log names the setting, the fetch goes on."""
    out = tmp_path / "out"
    key = setting.partition(" ")[0]
    command = f"git config --global {setting.replace('$OUT', str(out))}"

    ran = run(server, tmp_path, command)

    assert ran.prepare.code == 0, ran.prepare.log
    warning = f"WARNING: the git setting {key}"
    assert warning.lower() in ran.prepare.log.lower()
    assert not out.exists()


def test_it_sees_neither_the_plan_nor_the_login(server: GitServer, tmp_path: Path):
    """Its own part of the plan holds what the job's scripts see as well."""
    ran = run(server, tmp_path, "env", "cat /proc/$PPID/environ | tr '\\0' '\\n'")

    assert TOKEN not in (ran.pod.folder / "hook.json").read_text()
    assert TOKEN not in ran.hook.log
    assert (ran.pod.folder / "prepare.json").read_text().count(TOKEN) == 1


@pytest.mark.parametrize("name", ["config", "variables", "env"])
def test_links_and_pipes_in_place_of_its_results_are_not_followed(tmp_path: Path, name: str):
    """`prepare` could read what the hook may not, or wait forever."""
    secret = tmp_path / "secret"
    secret.write_text("GIT_TRACE=1\nhttp.version\nHTTP/2\0")
    linked, piped = tmp_path / "linked", tmp_path / "piped"
    for folder in (linked, piped):
        folder.mkdir()
    (linked / name).symlink_to(secret)
    os.mkfifo(piped / name)

    for folder in (linked, piped):
        results = read_results(folder)
        assert (results.variables, results.settings, results.job_env) == ((), (), "")


def test_variables_of_git_are_checked_again(tmp_path: Path):
    """The hook can write what it likes into its folder."""
    (tmp_path / "variables").write_text(
        "GIT_TRACE=1\nGIT_TRACE2=/builds/x\nGIT_SSH_COMMAND=id\nLD_PRELOAD=/x.so\nGIT_CURL_VERBOSE"
    )

    assert read_results(tmp_path).variables == ("GIT_TRACE=1",)


def test_background_processes_end_with_it(server: GitServer, tmp_path: Path):
    """Nothing of it runs on next to the fetch."""
    pid = tmp_path / "pid"

    ran = run(server, tmp_path, f"sleep 600 & echo $! > {pid}")

    assert ran.prepare.code == 0
    state = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"
