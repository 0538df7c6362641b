"""Asking a person to play a job: the form of the required action, and what was answered.

Waiting for the answer uses no worker, triggerer or pool slot. The form asks what GitLab asks: the
job's `manual_confirmation`, its `inputs` and any variables. The answer stays in Airflow's
database, as the conf of a run does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from airflow.sdk import Context, Param

from gitlab_ci_provider.airflow_internals.tasks import ask_person
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.conf import check_conf
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.runs.form import free_variables

PLAY = "Play"
LEAVE = "Not now"
VARIABLES = "variables"


def has_questions(job: Job) -> bool:
    """Return whether playing the job asks something."""
    return bool(job.inputs) or job.manual_confirmation is not None


def ask(context: Context, job: Job, *, blocking: bool, method_name: str) -> NoReturn:
    """Ask a person to play the job and give the worker back.

    Raises:
        TaskAwaitingInput: always; Airflow resumes with `method_name` when somebody has answered.
    """
    ask_person(
        context,
        subject=f"Play the job '{job.name}' of stage '{job.stage}'",
        body=_body(job, blocking=blocking),
        options=[PLAY] if blocking else [PLAY, LEAVE],
        params={name: param.serialize() for name, param in form(job).items()},
        method_name=method_name,
    )


def form(job: Job) -> dict[str, Param]:
    """Build the form: a field for each input, and one for all other variables."""
    free = Param(
        {},
        type=["object", "null"],
        title="Variables",
        description='Variables for this job, as JSON: {"NAME": "value"}. No secrets, please.',
    )
    fields = {name: _field(name, written) for name, written in job.inputs.items()}
    return {VARIABLES: free, **fields}


def read_answer(job: Job, event: Mapping[str, Any]) -> Play | None:
    """Read the answer; None when the person does not want to play the job.

    Raises:
        ConfigError: GitLab would refuse it; the message says why.
    """
    if PLAY not in (event.get("chosen_options") or []):
        return None
    given = dict(event.get("params_input") or {})
    check_conf(given)
    variables = None if VARIABLES in job.inputs else given.pop(VARIABLES, None)
    inputs, problems = _inputs(job, given)
    if problems:
        raise ConfigError("; ".join(problems))
    user = event.get("responded_by_user") or {}
    return Play(
        user_id=str(user.get("id") or ""),
        user_name=str(user.get("name") or user.get("id") or ""),
        inputs=inputs,
        variables=free_variables(variables or {}),
    )


def _body(job: Job, *, blocking: bool) -> str:
    waits = "The pipeline waits for this job." if blocking else "The job starts when it is played."
    return "\n\n".join(text for text in (job.manual_confirmation, waits) if text)


def _field(name: str, written: Mapping[str, Any]) -> Param:
    schema: dict[str, Any] = {"type": written.get("type") or "string", "title": name}
    if written.get("options"):
        schema["enum"] = list(written["options"])
    if written.get("regex"):
        schema["pattern"] = written["regex"]
    return Param(written.get("default"), description=written.get("description"), **schema)


def _inputs(job: Job, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Read the given values as the types of the job's inputs; with what is wrong with them."""
    if not given:
        return {}, []
    from gitlab_ci_provider.rules.inputs import job_input_values  # most jobs have no inputs

    values, problems = job_input_values(job.inputs, given)
    return {name: values[name] for name in given if name in values}, problems
