"""Paths and container names inside a job's pod, shared by planner, pods and helper.

The control directory is shared by the containers of one pod: the helper writes what the build
needs before it starts, and both tell each other how far they are (see `helper/handshake.py`).
"""

from __future__ import annotations

BUILDS_DIR = "/builds"
"""Working copies; the project is checked out in `BUILDS_DIR/<project path>`."""

CONTROL_DIR = "/gitlab-ci/control"
"""Shared, writable: the FIFOs."""

EVENTS_NAME = "events"

EVENTS_FIFO = f"{CONTROL_DIR}/{EVENTS_NAME}"
"""The build's last message is `job <exit code>`; end of file without it means it was killed."""

OUTPUT_NAME = "output"

OUTPUT_FIFO = f"{CONTROL_DIR}/{OUTPUT_NAME}"
"""Both outputs of the build's scripts; the helper passes them on into the pod's log."""

PLAN_DIR = "/gitlab-ci/plan"
"""Read only, helper containers: their part of the JobPlan from the job's Secret."""

PLAN_NAME = "plan.json"

PLAN_FILE = f"{PLAN_DIR}/{PLAN_NAME}"

SCRIPTS_DIR = "/gitlab-ci/scripts"
"""Read only, build container: `entry`, `step_script` and `after_script` from the job's Secret."""

HOOK_DIR = "/gitlab-ci/hook"
"""What `hooks:pre_get_sources_script` leaves for `prepare`, which only reads it."""

ID_TOKENS_DIR = "/gitlab-ci/id-tokens"
"""Read only: a file for each of `id_tokens:`, named as its variable."""

HOOK_CONTAINER = "hook"
PREPARE_CONTAINER = "prepare"
BUILD_CONTAINER = "build"
HELPER_CONTAINER = "helper"

FRAMED_CONTAINERS = frozenset({HOOK_CONTAINER, PREPARE_CONTAINER, HELPER_CONTAINER})
"""Those whose logs have numbered lines, see `model/log_frames.py`."""

HELPER_COMMAND = "gitlab-ci-helper"
"""Console script of this package, the entry point of the helper image."""

TERMINATION_LOG = "/dev/termination-log"
"""Where Kubernetes reads a container's termination message."""

SCRIPT_TIMEOUT = "script timeout: "
"""The build's termination message begins with this after RUNNER_SCRIPT_TIMEOUT ended it."""

OUT_OF_MEMORY = "out of memory: "
"""... or this when the kernel killed processes of a script that then failed."""


def temporary_dir(project_dir: str) -> str:
    """Name the folder for files that must not be in the working copy: `CI_PROJECT_DIR.tmp`."""
    return f"{project_dir}.tmp"


def job_env_path(project_dir: str) -> str:
    """Name GITLAB_ENV, the file with which a script sets variables for the job's next scripts."""
    return f"{temporary_dir(project_dir)}/gitlab_runner_env"


def file_variable_path(project_dir: str, name: str) -> str:
    """Name the file that holds the value of a variable of type file, where the runner puts it."""
    return f"{temporary_dir(project_dir)}/{name}"
