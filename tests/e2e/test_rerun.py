"""Running jobs and pipelines again: on the same commit, every try kept apart."""

from __future__ import annotations

from pathlib import Path

from e2e.embedded import Stack, commit, make_repository
from e2e.people import Person
from servers.repositories import git

CONFIG = """
stages: [build, test]
build:
  stage: build
  script:
    - echo "made by $CI_JOB_ID" > out
    - echo "WORD=from-$CI_JOB_ID" > words.env
  artifacts: {paths: [out], reports: {dotenv: words.env}}
test:
  stage: test
  script:
    - cat version out
    - echo "WORD is $WORD"
    - echo "$CI_COMMIT_SHA $CI_PIPELINE_ID $CI_PIPELINE_IID"
"""


class Again(Person):
    """Somebody who runs things again and looks at what `build` left and `test` saw of it."""

    def see(self, sha: str) -> tuple[str, str]:
        """Wait for the end; return the key of the artifacts and the id of the job they came from.

        Every try of `test` saw the same commit, and artifacts and variables of one job.
        """
        assert self.wait_for_end() == "success"
        made = self.api.xcom(self.dag, self.run, "build", "job_result")["artifacts"][0]
        log = self.job_log("test")
        job = log.partition("made by ")[2].partition("\n")[0]
        assert f"WORD is from-{job}\n" in log
        assert f"{sha} " in log
        assert "one\n" in log
        return made["object_key"], job

    def again(self, task: str, sha: str, *, downstream: bool = True) -> tuple[str, str]:
        """Clear a task and see what comes of it."""
        self.clear(task, downstream=downstream)
        return self.see(sha)

    def pipeline(self) -> tuple[int, int, str]:
        """Read the numbers and the commit of the pipeline."""
        record = self.api.xcom(self.dag, self.run, "create_pipeline", "pipeline")
        return record["id"], record["iid"], record["ref"]["sha"]


def test_what_is_run_again_keeps_its_commit_and_takes_the_newest_inputs(
    stack: Stack, tmp_path: Path
):
    """A job with what follows, a job alone, the whole pipeline: same commit, same numbers."""
    files = {".gitlab-ci.yml": CONFIG, "version": "one\n"}
    repository = make_repository(tmp_path / "again", files)
    sha = git(repository, "rev-parse", "HEAD")
    person = Again(stack, repository)
    first = person.see(sha)
    pipeline = person.pipeline()
    commit(repository, {"version": "two\n"})

    second = person.again("build", sha)
    alone = person.again("test", sha, downstream=False)
    third = person.again("create_pipeline", sha)

    assert alone == second
    for tries in zip(first, second, third, strict=True):
        assert len(set(tries)) == 3
    for key, _ in (first, second, third):
        assert (stack.bucket / key).exists()
    assert person.pipeline() == pipeline
