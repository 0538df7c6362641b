"""What a job leaves besides its log: reports, coverage, environments, releases, warnings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository
from e2e.people import Person
from gitlab_ci_provider.model.reports import JunitReport
from gitlab_ci_provider.model.serialization import decode

JUNIT = """<testsuite name="s"><testcase name="good" time="0.5"/>
<testcase name="bad"><failure message="no"/></testcase></testsuite>
"""
COBERTURA = """<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage><packages><package><classes><class filename="a.py"><lines>
<line number="1" hits="2"/><line number="2" hits="0"/>
</lines></class></classes></package></packages></coverage>
"""
PIPELINE = r"""
stages: [test, deploy, after]
unit:
  stage: test
  script:
    - echo "TOTAL 40 5 80.5%"
    - exit 3
  coverage: /^TOTAL.+?(\d+\.\d+)%$/
  allow_failure: true
  artifacts:
    reports:
      junit: junit.xml
      coverage_report: {coverage_format: cobertura, path: coverage.xml}
lint:
  stage: test
  script: echo "covered 90%"
  coverage: /covered (\d+)%/
review:
  stage: deploy
  script: echo "BUILD=seven" > deploy.env
  artifacts: {reports: {dotenv: deploy.env}}
  environment:
    name: review/$CI_COMMIT_REF_SLUG
    url: https://$CI_ENVIRONMENT_SLUG.example.com/$BUILD
    on_stop: stop
    auto_stop_in: 1 day
  release: {tag_name: v1, description: "First of $CI_PROJECT_NAME"}
stop:
  stage: after
  script: echo "stopped $CI_ENVIRONMENT_URL"
  environment: {name: review/$CI_COMMIT_REF_SLUG, action: stop}
  rules:
    - if: $STOP
never:
  stage: after
  script: echo never
  when: on_failure
"""
WAITING = """
stages: [build, test, deploy]
compile: {stage: build, script: "true"}
broken: {stage: build, script: exit 3, allow_failure: true}
never: {stage: build, script: "true", rules: [{if: $NEVER}]}
optional: {stage: test, script: "true", when: manual, allow_failure: true}
gate: {stage: test, script: "true", when: manual, allow_failure: false}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose tests have run already."""
    files = {".gitlab-ci.yml": PIPELINE, "junit.xml": JUNIT, "coverage.xml": COBERTURA}
    return make_repository(tmp_path / f"results-{tmp_path.name[-20:]}", files)


def test_reports_and_coverage_of_a_pipeline(stack: Stack, repository: Path):
    """Numbers with the job's result, everything in the object store, the mean of the pipeline."""
    report = stack.run(repository)

    unit = report["jobs"]["unit"]
    coverage, junit = unit["reports"]
    results = decode((stack.bucket / junit["results_key"]).read_bytes(), JunitReport)
    assert (report["status"], report["warnings"]) == ("passed", True)
    assert (unit["status"], unit["coverage"], report["coverage"]) == ("failed", 80.5, 85.25)
    assert junit["summary"]["failed"] == 1
    assert [case.output for case in results.cases] == ["", "no"]
    assert coverage["summary"] == {"files": 1, "lines": 2, "covered": 1, "percent": 50}


def test_warnings_and_reasons_are_seen_in_airflow(stack: Stack, repository: Path):
    """The run's note says how it passed; every task that did not run says why, absent ones too."""
    report = stack.run(repository)

    dag, run = report["dag_id"], report["run_id"]
    results = {job: stack.api.xcom(dag, run, job, "job_result") for job in ("never", "lint")}
    number = stack.api.xcom(dag, run, "create_pipeline", "pipeline")["id"]
    said = f"Pipeline {number} passed with warnings: unit, coverage 85.25 % (main, "
    assert (stack.note(report) or "").startswith(said)
    assert stack.note(report, "never") == f"Job skipped: {results['never']['reason']}"
    assert stack.note(report, "stop") == f"not in this pipeline: {report['jobs']['stop']['reason']}"
    failed = "Job failed: script failure: exit code 3; 1 of 2 tests failed: bad"
    assert stack.note(report, "unit") == failed
    assert results["never"]["reason"] == "when: on_failure, and no earlier job failed"
    assert results["lint"]["status"] == "success"


def test_tasks_say_why_they_did_not_run_while_the_run_goes_on(stack: Stack, tmp_path: Path):
    """Nobody has to wait for the end, here for a person who plays a job."""
    run = Person(stack, make_repository(tmp_path / "noted", {".gitlab-ci.yml": WAITING}))
    run.wait_for_question("gate")

    names = ("broken", "never", "optional", "gate", "compile")
    place = {"dag_id": run.dag, "run_id": run.run}
    notes = {name: stack.note(place, name) for name in names}
    run.answer("gate", "Play")
    run.wait_for_end()

    assert notes == {
        "broken": "Job failed: script failure: exit code 3",
        "never": "not in this pipeline: no rule matches",
        "optional": "Manual job, not played: clear this task to play it",
        "gate": None,
        "compile": None,
    }


def test_an_environment_is_deployed_and_stopped(stack: Stack, repository: Path):
    """A URL with the job's own variables, a number, a link on the task; `action: stop` ends it."""
    report = stack.run(repository)
    environment = report["jobs"]["review"]["environment"]
    links = stack.links(report, "review")
    project = f"local/{repository.name}"
    listed = json.loads(stack.command("environments", project, "--json").stdout)
    logs = repository.parent / "logs"
    stopped = stack.run(repository, "--var", "STOP=1", "--logs-dir", str(logs))

    url = f"https://{environment['slug']}.example.com/seven"
    assert (environment["name"], environment["url"]) == ("review/main", url)
    assert (environment["deployment"], environment["state"]) == (1, "available")
    assert environment["auto_stop_at"]
    assert links == {"Environment": url}
    assert stack.note(report, "review") == f"[Environment]({url})"
    assert (listed[0]["deployment"]["job"], listed[0]["deployment"]["user"]) == ("review", "admin")
    assert report["jobs"]["review"]["release"]["description"].startswith("First of results-")
    assert stopped["jobs"]["review"]["environment"]["deployment"] == 2
    assert stopped["jobs"]["stop"]["environment"]["state"] == "stopped"
    assert f"stopped {url}\n" in (logs / "stop.log").read_text()
    assert stack.command("environments", project).stdout.splitlines()[1].split()[1] == "stopped"
