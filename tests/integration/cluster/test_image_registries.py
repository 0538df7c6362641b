"""Registries that refuse, and logins: what the engine gets, and what a person reads."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from integration.cluster.image_builds import Builds, task_context
from servers.image_registry import Mood, Registry, gate_to, running_registry

pytest.importorskip("airflow.providers.cncf.kubernetes")

SMALL = "FROM scratch\nCOPY Dockerfile /\n"
LOGIN = "robot:pa55word-of-the-registry"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def tls_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("tls-registry"), tls=True) as running:
        yield running


@pytest.fixture
def builds(builds: Builds) -> Builds:
    builds.write({"Dockerfile": SMALL})
    return builds


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("login", r"does not accept the login \(401\)"),
        ("forbidden", r"may not do this in the registry \(403\)"),
        ("failing", "the registry failed, or was too busy"),
    ],
)
def test_a_refusal_is_told_in_words(builds: Builds, registry: Registry, mood: Mood, words: str):
    """401, 403 and 500 are different mistakes with different cures."""
    logins = frozenset({LOGIN}) if mood == "login" else frozenset()
    with gate_to(registry, mood=mood, logins=logins) as gate:
        destination = f"{gate.host}/group/app:1"
        with pytest.raises(Exception, match=words):
            builds.run(destinations=[destination], insecure_registries=[gate.host])


def test_a_push_that_fails_once_is_tried_again(builds: Builds, registry: Registry):
    """`push_retries` outlasts a registry that comes back."""
    with gate_to(registry, mood="recovering") as gate:
        destination = f"{gate.host}/group/recovered:1"
        options = {"destinations": [destination], "insecure_registries": [gate.host]}
        built = builds.run(**options, push_retries=2)
        assert gate.failed

    assert built["digest"] == registry.digest("group/recovered", "1")


def test_a_tag_that_cannot_be_changed_is_told(builds: Builds, registry: Registry):
    """The second push to an immutable tag fails, and says to push another tag."""
    with gate_to(registry, mood="immutable") as gate:
        options = {
            "destinations": [f"{gate.host}/group/fixed:1"],
            "insecure_registries": [gate.host],
        }
        builds.run(**options)
        with pytest.raises(Exception, match="does not let this tag be changed"):
            builds.run(**options)


def test_a_failure_after_the_digest_was_told_is_explained(builds: Builds, registry: Registry):
    """A digest in the place of the engine's last words does not hide them: the log has them."""
    with gate_to(registry, mood="forbidden") as gate:
        destinations = [f"{registry.host}/group/app:1", f"{gate.host}/group/refused:1"]
        with pytest.raises(Exception, match=r"may not do this in the registry \(403\)"):
            builds.run(destinations=destinations, insecure_registries=[registry.host, gate.host])


def test_a_registry_without_tls_is_told(builds: Builds):
    """Plain HTTP must be meant."""
    builds.not_with("kaniko", "it speaks plain HTTP with private addresses")
    with pytest.raises(Exception, match="speaks plain HTTP: name it in insecure_registries"):
        builds.run(insecure_registries=[])


def test_a_certificate_that_nobody_trusts_is_told(builds: Builds, tls_registry: Registry):
    """A self-signed certificate fails the push, unless it is given or the host is exempted."""
    destination = {"destinations": [f"{tls_registry.host}/group/app:1"]}
    with pytest.raises(Exception, match="certificate is not trusted"):
        builds.run(**destination)

    skipped = builds.run(**destination, skip_tls_verify_registries=[tls_registry.host])
    assert skipped["digest"] == tls_registry.digest("group/app", "1")


def test_a_certificate_that_is_given_is_trusted(builds: Builds, tls_registry: Registry):
    """`registry_certificates` names a file in a volume of the pod."""
    assert tls_registry.certificate is not None
    builds.write({"ca.pem": tls_registry.certificate.read_text()})

    built = builds.run(
        destinations=[f"{tls_registry.host}/group/trusted:1"],
        registry_certificates={tls_registry.host: "/workspace/ca.pem"},
    )

    assert built["digest"] == tls_registry.digest("group/trusted", "1")


def _connection(host: str, login: str = LOGIN) -> str:
    user, _, password = login.partition(":")
    fields = {"conn_type": "docker", "host": host, "login": user, "password": password}
    return json.dumps(fields)


def test_the_login_of_a_connection_reaches_the_engine(
    builds: Builds, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    """For base images as for pushes; the password is in no part of the pod."""
    registry.push_base("group/base")
    password = LOGIN.partition(":")[2]
    with gate_to(registry, logins=frozenset({LOGIN})) as gate:
        monkeypatch.setenv("AIRFLOW_CONN_REGISTRY", _connection(f"{gate.host}/group"))
        builds.write({"Dockerfile": f"FROM {gate.host}/group/base:1\nCOPY Dockerfile /\n"})
        operator = builds.operator(
            destinations=[f"{gate.host}/group/deep/app:1"],
            insecure_registries=[gate.host],
            registry_conn_id="registry",
            on_finish_action="keep_pod",
        )
        operator.execute(task_context())

    assert {login for _, login in gate.asked if login} == {LOGIN}
    (name,) = builds.api.names("pods")
    shown = (
        json.dumps(builds.api.get("pods", name)) + builds.api.log(name, container="base").decode()
    )
    secret = builds.api.get("secrets", f"{name}-build")
    assert password not in shown
    assert "cm9ib3Q6" not in shown  # the beginning of the login, encoded
    assert secret["metadata"]["ownerReferences"][0]["name"] == name
    assert all(password not in str(getattr(operator, field)) for field in operator.template_fields)


def test_the_login_of_a_path_wins_over_the_registrys(
    builds: Builds, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    """That of a project's variables is for all other repositories."""
    builds.not_with("buildkit", "it has one login for a registry")
    with gate_to(registry, logins=frozenset({LOGIN})) as gate:
        monkeypatch.setenv("AIRFLOW_CONN_REGISTRY", _connection(f"{gate.host}/group"))
        variables = [
            {"key": "CI_REGISTRY", "value": gate.host},
            {"key": "CI_REGISTRY_USER", "value": "other"},
            {"key": "CI_REGISTRY_PASSWORD", "value": "not-for-this-path"},
        ]
        monkeypatch.setenv("AIRFLOW_VAR_GITLAB_CI_SECRET_VARIABLES", json.dumps(variables))
        builds.run(
            destinations=[f"{gate.host}/group/deep/app:1"],
            insecure_registries=[gate.host],
            registry_conn_id="registry",
            project="group/app",
        )

    assert {login for _, login in gate.asked if login} == {LOGIN}


def test_a_base_image_is_pulled_with_the_login_of_its_repository(
    builds: Builds, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    """A connection that names all of it wins over the registry's login, which pushes."""
    builds.not_with("buildkit", "it has one login for a registry")
    registry.push_base("group/private")
    other = "other:login"
    with gate_to(registry, logins=frozenset({LOGIN, other})) as gate:
        monkeypatch.setenv("AIRFLOW_CONN_BASE", _connection(f"{gate.host}/group/private"))
        monkeypatch.setenv("AIRFLOW_CONN_PUSH", _connection(gate.host, other))
        builds.write({"Dockerfile": f"FROM {gate.host}/group/private:1\nCOPY Dockerfile /\n"})
        builds.run(
            destinations=[f"{gate.host}/group/app:1"],
            insecure_registries=[gate.host],
            registry_conn_id="base,push",
        )

    # With the push's login, buildah also asks whether the registry has layers there already.
    manifests = [(path, login) for path, login in gate.asked if "/manifests/" in path]
    asked = {(path.split("/")[3], login) for path, login in manifests}
    assert {login for name, login in asked if name == "private"} - {""} == {LOGIN}
    assert {login for name, login in asked if name == "app"} - {""} == {other}


def test_logins_that_an_engine_cannot_tell_apart_are_refused(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
):
    """BuildKit has one login for a registry: before there is a pod, the task says so."""
    monkeypatch.setenv("AIRFLOW_CONN_GROUP", _connection("r.example.com/group"))
    monkeypatch.setenv("AIRFLOW_CONN_BASE", _connection("r.example.com/base", "me:other"))

    with pytest.raises(Exception, match=r"one login for a registry, .* several for r\.example"):
        builds.run(engine="buildkit", registry_conn_id="group,base")

    assert builds.api.names("pods") == []


def test_a_connection_without_password_is_refused_before_there_is_a_pod(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
):
    """A mistake in a connection is told by its name."""
    monkeypatch.setenv("AIRFLOW_CONN_REGISTRY", json.dumps({"conn_type": "docker", "host": "r.x"}))

    with pytest.raises(Exception, match="connection 'registry' has no login"):
        builds.run(registry_conn_id="registry")

    assert builds.api.names("pods") == []
