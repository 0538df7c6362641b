"""Connections without keys: those of the worker's role, or of one that the connection names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.object_store import store_target
from gitlab_ci_provider.hooks.object_store_hook import ObjectStoreHook
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import ArtifactUpload, JobPlan
from gitlab_ci_provider.planner.access import with_access
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.granted import GrantedStore
from gitlab_ci_provider.storage.signing import Period
from servers.address import free_port
from servers.aws_roles import SESSION_TOKEN, AwsRoles, aws_roles
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server

pytestmark = pytest.mark.integration

ROLE = "arn:aws:iam::123456789012:role/ci"
KEYS = (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN)


@pytest.fixture
def roles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsRoles]:
    """A worker without keys, files or roles of AWS, and those who would give it some."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with aws_roles() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", running.url)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield running


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A store, whose connection `store` has no keys."""
    with s3_server(tmp_path / "s3") as running:
        connect(monkeypatch, running)
        yield running


def connect(monkeypatch: pytest.MonkeyPatch, server: S3Server, **given: Any) -> None:
    extra = {"bucket": BUCKET, "endpoint_url": server.target().endpoint_url, **given}
    kind = "aws" if "role_arn" in given else "gitlab_ci_s3"
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps({"conn_type": kind, "extra": extra}))


def irsa(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give this process what EKS gives to the pods of a service account."""
    (folder / "token").write_text("a.web.token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(folder / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)


def metadata(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let this process run on a machine with a role."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{url}/")


def opened() -> StoreTarget:
    target = store_target("store")
    assert target is not None
    return target


def keys_of(target: StoreTarget) -> tuple[str, str, str]:
    return target.access_key, target.secret_key, target.session_token


def put_as_a_job(target: StoreTarget, folder: Path) -> None:
    """Store an object with nothing but its signed address."""
    uploads = (ArtifactUpload(name="a", object_key="a/b.zip", paths=("p",)),)
    plan = JobPlan(job="job", project_dir="/p", uploads=uploads)
    plan = with_access(plan, target, Period(start=datetime.now(UTC), seconds=600))
    (folder / "source").write_text("x")
    assert plan.store is not None
    GrantedStore(plan.store, (), plan.writes).put("a/b.zip", folder / "source")


def test_the_role_of_a_service_account(
    server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """IRSA: jobs store with addresses that its keys have signed, and so does Airflow."""
    irsa(monkeypatch, tmp_path)

    target = opened()
    put_as_a_job(target, tmp_path)

    assert keys_of(target) == KEYS
    assert target.keys_end > datetime.now(UTC).timestamp()
    assert (server.bucket / "a" / "b.zip").read_text() == "x"
    assert ObjectStoreHook("store").test_connection()[0]
    assert roles.asked[0]["RoleArn"] == ROLE
    assert roles.asked[0]["WebIdentityToken"] == "a.web.token"


def test_keys_of_a_role_are_new_for_each_job(
    server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Signed addresses end with the keys, so those that are nearly over are not used."""
    irsa(monkeypatch, tmp_path)

    opened()
    opened()

    assert len(roles.asked) == 2


def test_the_role_of_a_machine(
    server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The metadata service is asked when nobody else gives keys."""
    metadata(monkeypatch, roles.url)

    target = opened()
    put_as_a_job(target, tmp_path)

    assert keys_of(target) == KEYS
    assert roles.asked == [{"Role": "node-role"}]


def test_without_any_keys_addresses_are_not_signed(server: S3Server, roles: AwsRoles):
    """A store without login."""
    assert keys_of(opened()) == ("", "", "")


def test_an_anonymous_store_asks_nobody_for_keys(
    server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch
):
    """`anonymous` saves the search, whose end takes seconds outside of AWS."""
    metadata(monkeypatch, roles.url)
    connect(monkeypatch, server, anonymous=True)

    assert keys_of(opened()) == ("", "", "")
    assert roles.asked == []


def test_a_refused_role_is_said_in_words(
    server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """With STS's own, and without the token."""
    irsa(monkeypatch, tmp_path)
    roles.refuse = True

    with pytest.raises(SettingsError, match=r"'store' .*AccessDenied") as failed:
        opened()
    assert "a.web.token" not in str(failed.value)


def test_a_silent_sts_is_worth_another_attempt(
    server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """It is an outage, no mistake of the connection."""
    irsa(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(StorageUnavailableError, match="asking for those of a role failed"):
        opened()


def test_a_role_to_assume_needs_the_amazon_provider(
    server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch
):
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "airflow.providers.amazon", None)
    connect(monkeypatch, server, role_arn=ROLE)

    with pytest.raises(SettingsError, match=r"install `airflow-provider-gitlab-ci\[amazon\]`"):
        opened()


def test_a_role_to_assume(server: S3Server, roles: AwsRoles, monkeypatch: pytest.MonkeyPatch):
    """Airflow's S3Hook assumes it, for as long as the connection says."""
    provider = os.environ.get("GITLAB_CI_TESTS_AMAZON")
    if not provider:
        pytest.skip("`make test-s3` installs the extra `amazon`")
    connect(monkeypatch, server, role_arn=ROLE, assume_role_kwargs={"DurationSeconds": 43200})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-worker")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-worker")
    code = "from gitlab_ci_provider.hooks.object_store import store_target as t; s = t('store'); "
    code += "print(s.access_key, s.secret_key, s.session_token)"

    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": provider},
        check=True,
        capture_output=True,
        text=True,
    )

    assert said.stdout.splitlines()[-1].split() == list(KEYS)
    assert roles.asked[-1]["RoleArn"] == ROLE
    assert roles.asked[-1]["DurationSeconds"] == "43200"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"server_side_encryption": "AES"}, "is 'AES', not one of 'AES256', 'aws:kms'"),
        ({"server_side_encryption": "AES256", "sse_kms_key_id": "k"}, r"with .* 'aws:kms' only"),
    ],
)
def test_a_wrong_encryption_is_refused(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], words: str
):
    """Before anything is stored without it."""
    connect(monkeypatch, server, anonymous=True, **given)

    with pytest.raises(SettingsError, match=words):
        opened()
