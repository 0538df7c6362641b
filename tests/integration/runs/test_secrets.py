"""`secrets:` from a real OpenBao by Airflow's own hook, and from AWS Secrets Manager's API."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories import JOB, RUN, make_plan_request, with_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.variables import Variable
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.runs.job.secrets import with_secrets
from gitlab_ci_provider.settings import Settings
from servers.bao import ROOT_TOKEN, Bao, bao_server
from servers.secrets_manager import SecretsManager, secrets_manager

pytestmark = pytest.mark.integration

SETTINGS = Settings(home=Path("/nonexistent"))
ALLOW = [{"projects": "group/*", "secrets": "*", "protected": False}]
OLD_ENGINE = {"name": "kv-v1", "path": "old"}
GENERIC_ENGINE = {"name": "generic", "path": "old"}
PASSWORD = {"vault": "production/db/password@secret"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    """A server with a few secrets."""
    with bao_server(tmp_path_factory.mktemp("bao")) as running:
        running.put("production/db", password="vault-canary", port=5432, tls=True, hosts=["a"])
        running.post("sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
        running.post("old/app", {"key": "old-canary"})
        yield running


@pytest.fixture
def bao(server: Bao, monkeypatch: pytest.MonkeyPatch) -> Bao:
    """The server, with a connection that lets the tests' project read everything."""
    connect(monkeypatch, server)
    return server


def connect(
    monkeypatch: pytest.MonkeyPatch,
    server: Bao,
    allow: object = ALLOW,
    token: str = ROOT_TOKEN,
) -> None:
    """Add the connection as Airflow's provider documents it."""
    connection = {
        "conn_type": "vault",
        "host": "127.0.0.1",
        "port": server.port,
        "password": token,
        "extra": {"auth_type": "token", "use_tls": False, "gitlab_ci_allow": allow},
    }
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_VAULT", json.dumps(connection))


def request(secrets: Mapping[str, Any], **variables: str) -> PlanRequest:
    """Ask for the plan of a job with secrets."""
    job = replace(with_variables(**variables), as_written={"secrets": secrets})
    return make_plan_request(job)


def resolved(secrets: Mapping[str, Any], **variables: str) -> dict[str, Variable]:
    """Resolve the secrets of a job; returns its variables."""
    done = with_secrets(request(secrets, **variables), SETTINGS, sleep=lambda _: None)
    return {variable.name: variable for variable in done.variables}


def test_a_secret_is_a_file_unless_the_job_says_otherwise(bao: Bao):
    """As in GitLab: the variable holds a path; with `file: false` the value; always masked."""
    found = resolved({"A": PASSWORD, "B": {**PASSWORD, "file": False}})

    assert (found["A"].value, found["A"].file, found["A"].masked) == ("vault-canary", True, True)
    assert (found["B"].value, found["B"].file, found["B"].masked) == ("vault-canary", False, True)


def test_secrets_travel_like_masked_variables(bao: Bao):
    """In the pod's Secret and nowhere else; other variables may use them."""
    asked = request({"TOKEN": {**PASSWORD, "file": False}}, URL="https://u:$TOKEN@host")

    planned = plan_job(with_secrets(asked, SETTINGS))

    assert "vault-canary" in planned.masked
    assert "export TOKEN=vault-canary" in planned.secret["step_script"]
    assert "https://u:vault-canary@host" in planned.secret["step_script"]
    assert ROOT_TOKEN not in "".join(planned.secret.values())


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (
            {"engine": {"name": "kv-v2", "path": "secret"}, "path": "$CI_ENV/db", "field": "port"},
            "5432",
        ),
        (
            {"engine": {"name": "kv-v2", "path": "secret"}, "path": "$CI_ENV/db", "field": "tls"},
            "true",
        ),
        ({"engine": OLD_ENGINE, "path": "app", "field": "key"}, "old-canary"),
        (
            {"engine": {**OLD_ENGINE, "name": "generic"}, "path": "app", "field": "key"},
            "old-canary",
        ),
    ],
)
def test_engines_and_fields(bao: Bao, written: Mapping[str, Any], value: str):
    """Both versions of the key value engine; numbers and booleans are text; variables expand."""
    assert resolved({"A": {"vault": written}}, CI_ENV="production")["A"].value == value


@pytest.mark.parametrize(
    "written", ["production/db/none@secret", "production/none/password@secret"]
)
def test_a_missing_secret_fails_the_job(bao: Bao, written: str):
    """Unless the feature flag of GitLab Runner says that it is empty then."""
    secrets = {"A": {"vault": written}}

    with pytest.raises(SystemFailure, match="there is no field") as problem:
        resolved(secrets)
    assert problem.value.reason == "runner_system_failure"
    assert resolved(secrets, FF_SECRET_RESOLVING_FAILS_IF_MISSING="false")["A"].value == ""


def test_what_vault_refuses_is_a_mistake_of_configuration(
    server: Bao, monkeypatch: pytest.MonkeyPatch
):
    """The connection's login may not read everything; Vault's words are in the message."""
    connect(monkeypatch, server, token=server.token_for("secret/data/other"))

    with pytest.raises(SystemFailure, match="permission denied") as problem:
        resolved({"A": PASSWORD})

    assert problem.value.reason == "runner_configuration_error"


def test_a_wrong_login_is_a_mistake_of_configuration(server: Bao, monkeypatch: pytest.MonkeyPatch):
    """And the token that was tried is not in the message."""
    connect(monkeypatch, server, token="wrong-token-canary")

    with pytest.raises(SystemFailure) as problem:
        resolved({"A": PASSWORD})

    assert problem.value.reason == "runner_configuration_error"
    assert "wrong-token-canary" not in str(problem.value)


def test_a_value_that_is_no_text_is_refused(bao: Bao):
    """The runner would print Go's notation of it."""
    with pytest.raises(SystemFailure, match="not a string, number or boolean"):
        resolved({"A": {"vault": "production/db/hosts@secret"}})


def test_another_server_than_the_connections_is_refused(bao: Bao):
    """A job that names its Vault does not silently get secrets from another one."""
    assert resolved({"A": PASSWORD}, VAULT_SERVER_URL=f"{bao.url}/")["A"].value == "vault-canary"
    with pytest.raises(SystemFailure, match="VAULT_SERVER_URL"):
        resolved({"A": PASSWORD}, VAULT_SERVER_URL="https://vault.example.com")
    with pytest.raises(SystemFailure, match="VAULT_NAMESPACE"):
        resolved({"A": PASSWORD}, VAULT_NAMESPACE="team")


@pytest.mark.parametrize(
    ("allow", "protected", "words"),
    [
        ([], True, "may not read 'secret/production/db'"),
        ([{"projects": "other/*", "secrets": "*"}], True, "may not read"),
        ([{"projects": "*", "secrets": "secret/public/*"}], True, "may not read"),
        ([{"projects": "*", "secrets": "*"}], False, "only for protected"),
        ([{"projects": "*", "secret": "*"}], True, "gitlab_ci_allow"),
        ("everything", True, "gitlab_ci_allow"),
    ],
)
def test_nothing_is_read_that_no_rule_allows(
    server: Bao, monkeypatch: pytest.MonkeyPatch, allow: object, protected: bool, words: str
):
    """The connection can read more than the authors of one project may."""
    connect(monkeypatch, server, allow)
    run = replace(RUN, ref=Ref(name="main", sha="1" * 40, protected=protected))
    asked = make_plan_request(replace(JOB, as_written={"secrets": {"A": PASSWORD}}), run)

    with pytest.raises(SystemFailure, match=words) as problem:
        with_secrets(asked, SETTINGS)

    assert problem.value.reason == "runner_configuration_error"


def test_without_a_connection_there_is_no_provider(monkeypatch: pytest.MonkeyPatch):
    """GitLab's reason; the message names the connection."""
    monkeypatch.delenv("AIRFLOW_CONN_GITLAB_CI_VAULT", raising=False)

    with pytest.raises(SystemFailure, match="gitlab_ci_vault") as problem:
        resolved({"A": PASSWORD})

    assert problem.value.reason == "secrets_provider_not_found"


def test_without_airflows_provider_the_message_says_what_to_install(
    bao: Bao, monkeypatch: pytest.MonkeyPatch
):
    """It is optional: most installations have no Vault."""
    monkeypatch.setitem(sys.modules, "airflow.providers.hashicorp.hooks.vault", None)

    with pytest.raises(SystemFailure, match="apache-airflow-providers-hashicorp") as problem:
        resolved({"A": PASSWORD})

    assert problem.value.reason == "secrets_provider_not_found"


def test_a_vault_that_is_away_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """SECRETS_RETRIEVAL_ATTEMPTS, with the runner's pauses; not for a job that has its pod."""
    pauses: list[float] = []
    with bao_server(tmp_path) as server:
        connect(monkeypatch, server)
        server.kill()

        with pytest.raises(SystemFailure, match="is the server of connection 'gitlab_ci_vault' up"):
            with_secrets(
                request({"A": PASSWORD}, SECRETS_RETRIEVAL_ATTEMPTS="3"),
                SETTINGS,
                sleep=pauses.append,
            )

        assert pauses == [5, 10]
        asked = request({"A": PASSWORD}, SECRETS_RETRIEVAL_ATTEMPTS="3")
        assert with_secrets(asked, SETTINGS, has_pod=True, sleep=pauses.append) == asked
        assert pauses == [5, 10]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    """AWS Secrets Manager, and a connection to it."""
    with secrets_manager() as served:
        served.secrets = {"app/db": '{"password": "aws-canary", "port": 1}', "bin": None}
        connection = {
            "conn_type": "aws",
            "login": "AKID",
            "password": "key-canary",
            "extra": {
                "endpoint_url": served.url,
                "region_name": "eu-west-1",
                "gitlab_ci_allow": ALLOW,
            },
        }
        monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_AWS_SECRETS", json.dumps(connection))
        yield served


def test_aws_secrets_and_their_fields(aws: SecretsManager):
    """In both spellings; version and region as the job says."""
    previous = {"secret_id": "app/db", "version_stage": "AWSPREVIOUS"}

    found = resolved(
        {
            "WHOLE": {"aws_secrets_manager": previous},
            "SHORT": {"aws_secrets_manager": "app/db#password"},
            "PORT": {"aws_secrets_manager": {"secret_id": "app/db", "field": "port"}},
        },
        AWS_REGION="us-east-2",
    )

    assert found["WHOLE"].value == aws.secrets["app/db"]
    assert (found["SHORT"].value, found["PORT"].value) == ("aws-canary", "1")
    assert aws.asked[0] == {"SecretId": "app/db", "VersionStage": "AWSPREVIOUS"}
    assert set(aws.regions) == {"us-east-2"}


@pytest.mark.parametrize(
    ("written", "words", "reason"),
    [
        ("none", "ResourceNotFoundException", "runner_system_failure"),
        ("app/db#user", "there is no field 'user'", "runner_system_failure"),
        ("bin", "binary", "runner_configuration_error"),
        ({"secret_id": "app/db", "role_arn": "arn:x"}, "role_arn", "runner_configuration_error"),
    ],
)
def test_what_aws_cannot_give(aws: SecretsManager, written: object, words: str, reason: str):
    """The message says what is missing, and holds no secret."""
    with pytest.raises(SystemFailure, match=words) as problem:
        resolved({"A": {"aws_secrets_manager": written}})

    assert problem.value.reason == reason
    assert "aws-canary" not in str(problem.value)


def test_an_aws_that_has_failed_is_an_external_dependency(aws: SecretsManager):
    """Its own fault, in GitLab's words."""
    aws.broken = True

    with pytest.raises(SystemFailure) as problem:
        resolved({"A": {"aws_secrets_manager": "app/db"}})

    assert problem.value.reason == "runner_external_dependency_failure"
