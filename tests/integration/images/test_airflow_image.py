"""The Airflow image, built from its Dockerfile on a stand-in for Airflow's official image.

The stand-in alone takes minutes to make, so `.ci/run` leaves this out; `make images` ends with it.
"""

from __future__ import annotations

import os

import pytest

from gitlab_ci_provider import __version__
from integration.images.support import AIRFLOW_WANTED, Image, build, why_not

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        AIRFLOW_WANTED not in os.environ, reason=f"{AIRFLOW_WANTED} is not set, see `make images`"
    ),
]

STATE = "/opt/airflow/state"

USERS = ("50000:0", "20042:0")
"""That of the official image, and one of those that OpenShift makes up."""


@pytest.fixture(scope="module")
def image() -> Image:
    """Build the image."""
    if reason := why_not():
        pytest.skip(reason)
    return build("airflow")


@pytest.mark.parametrize("user", USERS)
def test_airflow_knows_the_provider_and_the_dag_files_can_be_read(image: Image, user: str):
    """With nothing but the image, whose files cannot be changed, and a state without DAGs."""
    lines = (
        "mkdir -p $AIRFLOW_HOME/gitlab_ci/state/snapshots;"
        "echo {} >$AIRFLOW_HOME/gitlab_ci/state/snapshots/unused.json;"
        "gitlab-dags --version; git --version; airflow providers list --output plain;"
        "for file in /opt/airflow/dags/*.py; do python3 $file && echo read $file; done"
    )
    writable = (*(f"--tmpfs={path}:rw,mode=1777" for path in ("/tmp", STATE)),)

    said = image.run(
        *("bash", "-ec", lines), user=user, options=(*writable, f"--env=AIRFLOW_HOME={STATE}")
    )

    assert said.splitlines()[0].endswith(__version__)
    assert "airflow-provider-gitlab-ci" in said
    assert "read /opt/airflow/dags/gitlab_ci.py" in said
    assert "read /opt/airflow/dags/gitlab_ci_maintenance.py" in said


def test_it_runs_as_the_user_of_the_official_image(image: Image):
    """By its number, so that Kubernetes can tell that it is not root."""
    assert image.inspect("{{.Config.User}}") == "50000"
