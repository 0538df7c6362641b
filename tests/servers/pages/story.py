"""What the runs of the pages' tests are: a pipeline, and how far each job has got."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from factories import compile_text, make_context
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.bridge import Ancestor, Upstream
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.diagnostic import SourceLocation as At
from gitlab_ci_provider.model.diagnostic import error, warning
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Commit, Project, Ref
from gitlab_ci_provider.model.reports import Case, CaseStatus, Finding
from gitlab_ci_provider.model.run_address import page_path

SHOP = """
stages: [build, test, deploy]
workflow: {name: Release of the shop}
variables: {REGION: eu, API_TOKEN: not-for-the-page}
compile: {stage: build, script: make}
styles: {stage: build, script: make css}
lint: {stage: test, script: make lint, allow_failure: true, retry: 1}
unit:
  stage: test
  parallel: {matrix: [{PYTHON: ["3.11", "3.12", "3.13"]}]}
  script: make test
  coverage: '/TOTAL.* (\\d+)%/'
integration:
  stage: test
  needs: [compile]
  script: make integration
secret-scan: {stage: test, script: scan, rules: [{if: $CI_COMMIT_TAG}]}
approve: {stage: deploy, script: 'true', when: manual, allow_failure: false, needs: [compile]}
staging:
  stage: deploy
  script: deploy
  variables: {REGION: us}
  environment: {name: staging, url: https://staging.example.com}
production: {stage: deploy, script: deploy, when: manual, needs: [staging]}
later: {stage: deploy, script: 'true', when: delayed, start_in: 1 hour, needs: [compile]}
docs: {stage: deploy, trigger: {project: group/docs}, needs: [compile]}
"<img src=x onerror=alert(1)>": {stage: deploy, script: 'true', needs: [styles]}
"""

COMMIT = Commit(
    message="Sell hats <b>and</b> gloves\n\nThey asked for it.",
    author="Ada Lovelace <ada@example.com>",
    timestamp="2026-01-01T09:00:00+00:00",
)
CONTEXT = make_context(
    project=Project(
        path="group/shop",
        clone_url="https://gitlab.example.com/group/shop.git",
        web_url="https://gitlab.example.com/group/shop",
    ),
    ref=Ref(name="feature/hats", sha="4be1c0ffee" + "0" * 30),
    commit=COMMIT,
    user="ada",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a job has stored: its artifacts, and the contents of its reports."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    tests: tuple[Case, ...] = ()
    findings: tuple[Finding, ...] = ()
    access: str = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A job at some point: its task's state and try, seconds, what it has left, what it asks.

    Attributes:
        before: the log of the try before.
    """

    state: str | None = "success"
    tries: int = 1
    seconds: float = 42
    result: Mapping[str, Any] | None = None
    xcoms: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    question: Mapping[str, Any] | None = None
    left: Left | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A run; tasks that `jobs` does not name have the state `otherwise`."""

    dag: str
    run: str
    pipeline: Pipeline
    state: str = "running"
    jobs: Mapping[str, Told] = field(default_factory=dict)
    otherwise: str | None = None
    end: Mapping[str, Any] | None = None
    upstream: Upstream | None = None
    merge_request: MergeRequest | None = None
    ref: Ref = CONTEXT.ref
    commit: Commit = COMMIT
    user: str = CONTEXT.user


LONG = tuple(f"line {number} of many" for number in range(200_000))
BUILD_LOG = (
    "::group::get_sources",
    "Fetching changes",
    "::endgroup::",
    "$ make <script>alert(1)</script>",
    "\x1b[32;1mCompiled\x1b[0m \x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07",
)
UNIT_LOG = (
    "::group::get_sources",
    "Fetching changes",
    "::endgroup::",
    "$ make test",
    *(f"test_{number} passed" for number in range(60)),
    "\x1b[31mtest_hats failed: assert 1 == 2\x1b[0m",
    "::group::upload_artifacts_on_failure",
    "Uploading junit.xml",
    "::endgroup::",
)
QUESTION = {
    "options": ["Play"],
    "subject": "Play approve",
    "body": "Really sell?",
    "params": {
        "target": {
            "value": "staging",
            "description": "Where to",
            "schema": {"type": "string", "enum": ["staging", "production"]},
        },
        "variables": {"value": {}, "description": None, "schema": {"type": "object"}},
    },
}

PASSED = Told(result={"status": "success"})
SKIPPED = Told(state="skipped")
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAT0lEQVR42pXCIRZFAABE0bccURRFUXReEkVRFH8URcuZ"
    "Zf01zD2XDFbJaJVMVslslSxWyWqVbFbJbpUcVslplVxWyW2V/KySxyp5rZLP6h84K4YQtPw9YAAAAABJRU5ErkJggg=="
)
BUILT = Left(
    files={
        "dist/app/main.js": b"console.log('hats')\n" * 40,
        "dist/index.html": b"<script>alert(document.domain)</script>\n<h1>Hats</h1>\n",
        "dist/logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "dist/pixel.png": PIXEL,
        "dist/program": b"\0ELF" * 99,
        "README.md": b"# Hats\n",
    }
)
"""What `compile` leaves: names and contents as a hostile author would choose them."""

TRACE = """Traceback (most recent call last):
  File "tests/test_hats.py", line 12, in test_hats
    assert price("bowler") == 2
AssertionError: assert 1 == 2 <script>alert(1)</script>"""


def tested(**statuses: str) -> Left:
    """Make the report of a job with a few cases, and some that passed."""
    more = {f"number_{number}": "success" for number in range(37)}
    return Left(
        tests=tuple(
            Case(
                name=f"test_{name}",
                classname="tests.test_hats",
                file="tests/test_hats.py",
                status=CaseStatus(status),
                time=0.5 + len(name) / 10,
                output=TRACE if status == "failed" else "",
            )
            for name, status in {**statuses, **more}.items()
        )
    )


FAILED_UNIT = Told(
    state="failed",
    log=UNIT_LOG,
    seconds=73,
    result={
        "status": "failed",
        "failure_reason": "script_failure",
        "exit_code": 1,
        "reason": "script failure: exit code 1",
        "coverage": 81.5,
        "reports": [{"kind": "junit", "object_key": "k", "summary": {"success": 40, "failed": 2}}],
    },
)
WARNED = Told(
    state="failed",
    tries=2,
    result={"status": "failed", "failure_reason": "script_failure", "exit_code": 2},
)


def found(**severities: str) -> Left:
    """Make a code quality report: findings by name, with their severities."""
    return Left(
        findings=tuple(
            Finding(
                description=f"Method `{name}` has too many lines <b>(30)</b>",
                check_name="method-length",
                fingerprint=name,
                severity=severity,
                path="shop/hats.py",
                line=10 + len(name),
            )
            for name, severity in severities.items()
        )
    )


def bridge(state: str, dag: str, run: str) -> Told:
    """A `trigger:` job that has created a pipeline."""
    link = f"http://localhost/{page_path(dag, run)}"
    return Told(state=state, xcoms={xcom_keys.DOWNSTREAM_LINK: link})


def under_way() -> Story:
    """A run in which every kind of status occurs."""
    jobs = {
        "compile": replace(PASSED, log=BUILD_LOG, left=BUILT),
        "styles": replace(PASSED, log=LONG),
        "lint": replace(WARNED, left=found(brim="minor", band="critical")),
        "unit: [3.11]": Told(result={"status": "success", "coverage": 84}),
        "unit: [3.12]": replace(
            FAILED_UNIT, left=tested(gloves="failed", scarves="failed", hats="success")
        ),
        "unit: [3.13]": Told(state="running"),
        "integration": Told(state="queued"),
        "secret-scan": SKIPPED,
        "approve": Told(state="awaiting_input", question=QUESTION),
        "later": Told(state="deferred"),
        "docs": bridge("deferred", "group__docs", "3"),
        "<img src=x onerror=alert(1)>": PASSED,
    }
    return Story(dag="group__shop", run="12-under-way", pipeline=compile_text(SHOP), jobs=jobs)


def failed() -> Story:
    """A run that has failed: what waited for the failed job is skipped."""
    first = under_way().jobs
    done = {job: PASSED for job, told in first.items() if told.state != "skipped"}
    jobs = {
        **done,
        "lint": replace(WARNED, left=found(brim="minor", crown="minor", feather="major")),
        "compile": replace(PASSED, left=BUILT),
        "styles": replace(PASSED, left=replace(BUILT, access="none")),
        "integration": replace(PASSED, left=replace(BUILT, access="developer")),
        "unit: [3.12]": replace(
            FAILED_UNIT,
            left=tested(hats="failed", gloves="failed", scarves="success", fur="skipped"),
        ),
        "secret-scan": SKIPPED,
        "staging": SKIPPED,
        "production": SKIPPED,
    }
    words = "failed: unit: [3.12] (script failure, exit code 1), coverage 82.75 %"
    end = {"status": "failed", "text": words, "warnings": ["lint"], "coverage": 82.75}
    return Story(
        dag="group__shop",
        run="11-failed",
        pipeline=compile_text(SHOP),
        state="failed",
        jobs=jobs,
        end=end,
    )


def warned() -> Story:
    """A run that has passed with warnings."""
    passed = dict.fromkeys(under_way().jobs, PASSED) | {"staging": PASSED}
    jobs = {
        **passed,
        "lint": WARNED,
        "secret-scan": SKIPPED,
        "production": SKIPPED,
        "docs": bridge("success", "group__secret", "1"),
    }
    end = {"status": "passed", "text": "passed with warnings: lint", "warnings": ["lint"]}
    return Story(
        dag="group__shop",
        run="10-warned",
        pipeline=compile_text(SHOP),
        state="success",
        jobs=jobs,
        end=end,
    )


def big() -> Story:
    """A run of 500 jobs in five stages."""
    jobs = "\n".join(
        f"job-{number:03}: {{stage: s{number % 5}, script: 'true'}}" for number in range(500)
    )
    text = f"stages: [s0, s1, s2, s3, s4]\n{jobs}\n"
    told = {f"job-{number:03}": PASSED for number in range(500) if number % 5 < 3}
    return Story(dag="group__big", run="1", pipeline=compile_text(text), jobs=told)


def secret() -> Story:
    """A run that not everybody may see."""
    text = "one: {script: 'true'}\n"
    return Story(dag="group__secret", run="1", pipeline=compile_text(text))


def retried() -> Story:
    """A run that has failed, for a test that changes it."""
    return replace(failed(), run="13-retried")


def rerun() -> Story:
    """The same, for a test that runs later jobs again, too."""
    return replace(failed(), run="13-rerun")


def stopped() -> Story:
    """The same, for a test that retries it and then cancels it."""
    return replace(failed(), run="13-stopped")


def canceled() -> Story:
    """A run under way, for a test that cancels it."""
    return replace(played(), run="13-canceled")


def played() -> Story:
    """A run with a job that asks, for a test that answers."""
    jobs = {job: replace(told, log=()) for job, told in under_way().jobs.items()}
    return replace(under_way(), run="14-played", jobs=jobs)


def docs() -> Story:
    """The pipeline that `docs` of the shop has created in another project."""
    text = """
spec: {inputs: {audience: {options: [readers, authors], default: readers, description: For whom}}}
---
variables: {DEEP: {value: "no", options: ["no", "yes"], description: "Check links, too"}}
stages: [pages, publish]
pages: {stage: pages, script: mkdocs}
links: {stage: pages, script: check}
publish: {stage: publish, script: rsync}
"""
    jobs = {"pages": PASSED, "links": Told(state="running")}
    shop = Ancestor(
        project="group/shop",
        ref="feature/hats",
        source="push",
        pipeline=40,
        dag="group__shop",
        run="12-under-way",
    )
    upstream = Upstream(job="docs", task="docs", ancestors=(shop,))
    return Story(
        dag="group__docs", run="3", pipeline=compile_text(text), jobs=jobs, upstream=upstream
    )


STORIES = (under_way, failed, warned, big, secret, retried, rerun, stopped, canceled, played, docs)
FOUND = {
    "group/docs": (
        warning("default-timeout", "no job has a timeout", At(file=".gitlab-ci.yml", line=3)),
    ),
    "group/broken": (
        error(
            "needs-unknown-job",
            "unit job: undefined need: <b>compile</b>",
            At(file=".gitlab-ci.yml", line=7, column=11),
            "did you mean 'compiled'?",
        ),
        error("syntax", "did not find expected key", At(file="ci/deploy.yml", line=12)),
    ),
    "group/secret": (error("syntax", "a secret", At(file=".gitlab-ci.yml", line=1)),),
}
"""What the last sync of projects has found; that of `group/broken` has never compiled."""
