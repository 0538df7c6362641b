"""Manual and delayed jobs, and what their people do in the UI."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository
from e2e.people import Person
from e2e.runs import wait_for

OPTIONAL = """
stages: [build, deploy, verify]
compile: {stage: build, script: 'true'}
plain:
  stage: deploy
  when: manual
  script: echo "manual $CI_JOB_MANUAL"
asked:
  stage: deploy
  when: manual
  manual_confirmation: Really deploy?
  inputs:
    target: {default: staging, options: [staging, production], description: Where to}
    count: {type: number, default: 1}
  variables: {EXTRA: from the file}
  script:
    - echo "to ${{ job.inputs.target }} x${{ job.inputs.count + 1 }} $EXTRA"
    - echo "by $GITLAB_USER_LOGIN"
follower: {stage: verify, needs: [asked], script: echo followed}
ordered: {stage: verify, script: 'true'}
"""


@pytest.fixture
def offered(stack: Stack, tmp_path: Path) -> Person:
    """A run that has ended without its optional manual jobs."""
    folder = tmp_path / tmp_path.name
    person = Person(stack, make_repository(folder, {".gitlab-ci.yml": OPTIONAL}))
    assert person.wait_for_end() == "success"
    assert {name: person.status(name) for name in ("plain", "asked", "follower", "ordered")} == {
        "plain": "manual",
        "asked": "manual",
        "follower": "skipped",
        "ordered": "success",
    }
    return person


def test_an_optional_manual_job_is_played_by_clearing_it(offered: Person):
    """It runs at once and alone; running an earlier job again plays nothing."""
    offered.clear("plain")
    assert offered.wait_for_end() == "success"
    assert offered.status("plain") == "success"
    assert "\nmanual true\n" in offered.job_log("plain")
    assert offered.tries()["ordered"] == 1

    offered.clear("compile", downstream=True)
    wait_for(lambda: offered.tries()["finish_pipeline"] == 2)
    assert offered.wait_for_end() == "success"
    assert (offered.status("plain"), offered.status("asked")) == ("manual", "manual")
    assert offered.status("follower") == "skipped"


def test_an_optional_manual_job_asks_when_it_is_played(offered: Person):
    """Confirmation, inputs and variables; what needs it starts, what ran is left alone."""
    offered.clear("asked", "follower", "finish_pipeline")
    offered.wait_for_question("asked")
    question = offered.question("asked")
    assert "Really deploy?" in question["body"]
    assert question["options"] == ["Play", "Not now"]
    assert question["params"]["target"]["schema"]["enum"] == ["staging", "production"]
    assert question["params"]["count"]["value"] == 1

    offered.answer("asked", "Play", target="nowhere")
    wait_for(lambda: not offered.question("asked")["response_received"])
    offered.wait_for_question("asked")
    form = {"target": "production", "count": 4, "variables": {"EXTRA": "from me"}}

    assert offered.insist("asked", "Play", **form) == "success"
    assert offered.status("follower") == "success"
    assert "\nto production x5 from me\n" in offered.job_log("asked")
    assert "\nby admin\n" in offered.job_log("asked")
    assert offered.tries()["ordered"] == 1


BLOCKING = """
stages: [deploy, verify]
gate:
  stage: deploy
  rules: [{when: manual}]
  retry: 1
  cache: {key: tries, paths: [again], when: always}
  script:
    - echo "$WHO by $GITLAB_USER_LOGIN"
    - test -f again || { touch again; exit 9; }
after: {stage: verify, script: 'true'}
"""


def test_a_blocking_manual_job_holds_nothing_while_it_waits(stack: Stack, tmp_path: Path):
    """The run waits for a person without worker or slot; another try does not ask again."""
    repository = make_repository(tmp_path / "blocking", {".gitlab-ci.yml": BLOCKING})
    person = Person(stack, repository)

    person.wait_for_question("gate")
    assert person.states()["after"] is None
    assert person.api.run_state(person.dag, person.run) == "running"

    assert person.insist("gate", "Play", variables={"WHO": "me"}) == "success"
    assert person.tries()["gate"] >= 2
    assert "\nme by admin\n" in person.job_log("gate")


def test_a_stopped_pipeline_no_longer_asks(stack: Stack, tmp_path: Path):
    """A blocking job of a run that was marked failed is over; an answer does not wake it."""
    repository = make_repository(tmp_path / "over", {".gitlab-ci.yml": BLOCKING})
    person = Person(stack, repository)
    person.wait_for_question("gate")

    person.api.stop_run(person.dag, person.run)
    person.answer("gate", "Play")

    person.wait_for_end()  # its state may be the scheduler's, which can look at the same moment
    assert person.states()["gate"] in {"failed", "skipped"}
    wait_for(lambda: stack.pods(repository) == [])


DELAYED = """
stages: [deploy, verify]
later:
  stage: deploy
  when: delayed
  start_in: 1 week
  retry: 1
  cache: {key: tries, paths: [again], when: always}
  script: test -f again || { touch again; exit 9; }
soon: {stage: deploy, when: delayed, start_in: 1 second, script: echo "manual $CI_JOB_MANUAL"}
after: {stage: verify, script: 'true'}
"""


def test_a_delayed_job_waits_and_can_be_played_now(stack: Stack, tmp_path: Path):
    """It goes off by itself; clearing it starts it now; another try does not wait again."""
    repository = make_repository(tmp_path / "delayed", {".gitlab-ci.yml": DELAYED})
    person = Person(stack, repository)

    person.wait_for_state("soon", "success")
    person.wait_for_state("later", "deferred")
    person.wait_until_no_process_runs("later")
    assert "\nmanual true\n" in person.job_log("soon")

    person.clear("later")

    assert person.wait_for_end() == "success"
    assert person.status("later") == "success"
