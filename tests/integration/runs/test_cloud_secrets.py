"""`secrets:` from Google Cloud and Azure, by the real logins against stand-ins of the services."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories import make_plan_request, with_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.variables import Variable
from gitlab_ci_provider.runs.job.secrets import with_secrets
from gitlab_ci_provider.settings import Settings
from servers.cloud_secrets import TENANT, TOKEN, CloudSecrets, cloud_secrets

pytestmark = pytest.mark.integration

SETTINGS = Settings(home=Path("/nonexistent"))
ALLOW = [{"projects": "group/*", "secrets": "*", "protected": False}]
DATABASE = "projects/42/secrets/db"
CANARIES = ("gcp-canary", "azure-canary", "login-canary", TOKEN, "PRIVATE")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudSecrets]:
    """The services."""
    with cloud_secrets(tmp_path_factory.mktemp("cloud")) as served:
        yield served


@pytest.fixture
def cloud(server: CloudSecrets, monkeypatch: pytest.MonkeyPatch) -> CloudSecrets:
    """The services with a few secrets, and nothing asked of them yet."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", server.url)
    server.secrets = {
        f"/v1/{DATABASE}/versions/latest:access": "gcp-canary",
        f"/v1/{DATABASE}/versions/1:access": "old",
        "/v1/projects/7/secrets/bin/versions/latest:access": None,
        "/secrets/db": "azure-canary",
        "/secrets/db/0123": "old",
    }
    server.status, server.asked, server.logins = 0, [], []
    return server


@pytest.fixture(scope="module")
def key() -> str:
    """The private key of a service account."""
    command = ["openssl", "genrsa", "2048"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def gcp(cloud: CloudSecrets, monkeypatch: pytest.MonkeyPatch, key: str) -> dict[str, Any]:
    """Connect with a service account; returns the connection's extra."""
    keyfile = {
        "type": "service_account",
        "client_email": "ci@example.com",
        "private_key": key,
        "token_uri": f"{cloud.url}/token",
    }
    extra = {"keyfile_dict": keyfile, "endpoint_url": cloud.url, "gitlab_ci_allow": ALLOW}
    connect(monkeypatch, "GCP", "google_cloud_platform", extra)
    return extra


@pytest.fixture
def azure(cloud: CloudSecrets, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Connect with an application; returns the connection's extra."""
    extra = {"tenantId": TENANT, "vault_url": cloud.url, "gitlab_ci_allow": ALLOW}
    connect(monkeypatch, "AZURE", "azure", extra)
    return extra


def connect(
    monkeypatch: pytest.MonkeyPatch,
    which: str,
    kind: str,
    extra: object,
    password: str = "login-canary",
) -> None:
    """Add a connection as Airflow's providers document it."""
    connection = {"conn_type": kind, "login": "app", "password": password, "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_GITLAB_CI_{which}_SECRETS", json.dumps(connection))


def resolved(secrets: Mapping[str, Any], **variables: str) -> dict[str, Variable]:
    """Resolve the secrets of a job; returns its variables."""
    job = replace(with_variables(**variables), as_written={"secrets": secrets})
    done = with_secrets(make_plan_request(job), SETTINGS, sleep=lambda _: None)
    return {variable.name: variable for variable in done.variables}


def refused(secret: Mapping[str, Any], words: str, **variables: str) -> str:
    """Have a secret refused; returns the reason. Nothing secret is in the message."""
    with pytest.raises(SystemFailure, match=words) as problem:
        resolved({"A": {"token": "$T", **secret}}, **variables)
    assert not any(canary in str(problem.value) for canary in CANARIES)
    return str(problem.value.reason)


def test_google_cloud_secrets_and_their_versions(cloud: CloudSecrets, gcp: object):
    """The latest one unless a version is named; of the job's project, or of that in the name."""
    found = resolved(
        {
            "A": {"gcp_secret_manager": {"name": "db"}, "token": "$T", "file": False},
            "B": {"gcp_secret_manager": {"name": "$PLACE/db", "version": 1}, "token": "$T"},
        },
        GCP_PROJECT_NUMBER="42",
        PLACE="projects/42/secrets",
    )

    assert (found["A"].value, found["A"].file, found["A"].masked) == ("gcp-canary", False, True)
    assert (found["B"].value, found["B"].file) == ("old", True)
    assert all("assertion" in login for login in cloud.logins)


def test_azure_secrets_and_their_versions(cloud: CloudSecrets, azure: object):
    """Of the vault of the connection, by the application of the connection."""
    found = resolved(
        {
            "A": {"azure_key_vault": {"name": "db"}, "file": False},
            "B": {"azure_key_vault": {"name": "db", "version": "0123"}, "token": "$T"},
        },
        AZURE_KEY_VAULT_SERVER_URL=f"{cloud.url}/",
        AZURE_CLIENT_ID="another",
    )

    assert (found["A"].value, found["B"].value) == ("azure-canary", "old")
    assert cloud.asked[0] == "/secrets/db?api-version=7.4"
    assert cloud.logins[0]["client_id"] == "app"
    assert "https://vault.azure.net/.default" in cloud.logins[0]["scope"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "runner_configuration_error"),
        (403, "runner_configuration_error"),
        (404, "runner_system_failure"),
        (429, "runner_system_failure"),
        (500, "runner_external_dependency_failure"),
        (302, "runner_configuration_error"),
    ],
)
def test_what_a_provider_refuses_has_gitlabs_reason(
    cloud: CloudSecrets, gcp: object, azure: object, status: int, reason: str
):
    """And its own words; it cannot send the login elsewhere."""
    cloud.status = status
    words = f"{status} said by the provider"

    assert refused({"gcp_secret_manager": {"name": DATABASE}}, words) == reason
    assert refused({"azure_key_vault": {"name": "db"}}, words) == reason


def test_a_missing_secret_may_be_empty(cloud: CloudSecrets, gcp: object, azure: object):
    """With the feature flag of GitLab Runner that says so."""
    secrets = {
        "A": {"gcp_secret_manager": {"name": "projects/1/secrets/none"}, "token": "$T"},
        "B": {"azure_key_vault": {"name": "none"}},
    }

    found = resolved(secrets, FF_SECRET_RESOLVING_FAILS_IF_MISSING="false")

    assert (found["A"].value, found["B"].value) == ("", "")


@pytest.mark.parametrize(
    ("secret", "variables", "words"),
    [
        ({"gcp_secret_manager": {"name": "db"}}, {}, "GCP_PROJECT_NUMBER is not set"),
        (
            {"gcp_secret_manager": {"name": "$N"}},
            {"N": "projects/1/secrets/../x"},
            "is not a secret",
        ),
        ({"gcp_secret_manager": {"name": f"{DATABASE}?x=1"}}, {}, "is not a secret"),
        ({"gcp_secret_manager": {"name": DATABASE, "version": "1/.."}}, {}, "is not a version"),
        ({"gcp_secret_manager": {"name": "projects/7/secrets/bin"}}, {}, "binary"),
        ({"azure_key_vault": {"name": "../keys/db"}}, {}, "is not a secret"),
        ({"azure_key_vault": {"name": "db", "version": "../x"}}, {}, "is not a version"),
        (
            {"azure_key_vault": {"name": "db"}},
            {"AZURE_KEY_VAULT_SERVER_URL": "https://evil.example.com"},
            "AZURE_KEY_VAULT_SERVER_URL is not",
        ),
        (
            {"azure_key_vault": {"name": "db"}},
            {"AZURE_KEY_VAULT_SERVER_URL": "https://vault:no-port"},
            "AZURE_KEY_VAULT_SERVER_URL is not",
        ),
    ],
)
def test_an_entry_means_what_it_says(
    cloud: CloudSecrets,
    gcp: object,
    azure: object,
    secret: Mapping[str, Any],
    variables: Mapping[str, str],
    words: str,
):
    """No variable of a job leads to another secret, or sends the login to another server."""
    assert refused(secret, words, **variables) == "runner_configuration_error"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keyfile_dict": "{PRIVATE"}, "holds no key"),
        ({"keyfile_dict": {"type": "service_account", "private_key": "PRIVATE"}}, "holds no key"),
        ({"impersonation_chain": "a"}, "impersonation_chain: use"),
        ({"gitlab_ci_allow": []}, f"may not read '{DATABASE}'"),
        (
            {"gitlab_ci_allow": [{"projects": "*", "secrets": "projects/7/*"}]},
            f"may not read '{DATABASE}'",
        ),
    ],
)
def test_a_connection_to_google_cloud_is_checked(
    gcp: dict[str, Any], monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], words: str
):
    """Its key is never in a message, and without a rule nobody gets anything."""
    connect(monkeypatch, "GCP", "google_cloud_platform", gcp | change)

    secret = {"gcp_secret_manager": {"name": DATABASE}}
    assert refused(secret, words) == "runner_configuration_error"


@pytest.mark.parametrize(
    ("change", "password", "words"),
    [
        ({"vault_url": ""}, "login-canary", "no `vault_url`"),
        ({"vault_url": "http://vault.example.com"}, "login-canary", "begins https"),
        ({"tenantId": ""}, "login-canary", "tenantId"),
        ({}, "wrong", "the login of connection 'gitlab_ci_azure_secrets' failed"),
        ({"gitlab_ci_allow": []}, "login-canary", "may not read 'db'"),
    ],
)
def test_a_connection_to_azure_is_checked(
    azure: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    password: str,
    words: str,
):
    """Its password is never in a message, and without a rule nobody gets anything."""
    connect(monkeypatch, "AZURE", "azure", azure | change, password)

    secret = {"azure_key_vault": {"name": "db"}}
    assert refused(secret, words) == "runner_configuration_error"


def test_without_the_package_the_message_says_what_to_install(
    gcp: object, azure: object, monkeypatch: pytest.MonkeyPatch
):
    """Both are optional."""
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    monkeypatch.setitem(sys.modules, "azure.core.exceptions", None)
    missing = "secrets_provider_not_found"

    assert refused({"gcp_secret_manager": {"name": DATABASE}}, "google-auth") == missing
    assert refused({"azure_key_vault": {"name": "db"}}, "azure-identity") == missing
