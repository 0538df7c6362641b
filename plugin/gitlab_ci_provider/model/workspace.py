"""Paths and container names inside a job's pod, agreed by planner, pods and helper.

The control directory is shared by the containers of one pod: the helper writes what the build
needs before it starts, and both tell each other how far they are (see `helper/handshake.py`).
"""

from __future__ import annotations

BUILDS_DIR = "/builds"
"""Working copies; the project is checked out in `BUILDS_DIR/<project path>`."""

CONTROL_DIR = "/gitlab-ci/control"
"""Shared, writable: the events FIFO."""

EVENTS_FIFO = f"{CONTROL_DIR}/events"
"""The build writes `<phase> <exit code>` lines; end of file means that the build has ended."""

PLAN_DIR = "/gitlab-ci/plan"
"""Read only, helper containers: the JobPlan from the job's Secret."""

PLAN_FILE = f"{PLAN_DIR}/plan.json"

SCRIPTS_DIR = "/gitlab-ci/scripts"
"""Read only, build container: `entry`, `step_script` and `after_script` from the job's Secret."""

PREPARE_CONTAINER = "prepare"
BUILD_CONTAINER = "build"
HELPER_CONTAINER = "helper"

HELPER_COMMAND = "gitlab-ci-helper"
"""Console script of this package, the entry point of the helper image."""
