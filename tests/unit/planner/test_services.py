"""What the plan says of a job's services."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from factories import JOB, make_plan_request, make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.plan import ServiceCheck
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.planner.services import ServicesPlan, plan_services


def make_service(image: str, **given: Any) -> Service:
    options = {key: given.pop(key) for key in ("entrypoint", "user") if key in given}
    return Service(image=Image(name=image, **options), **given)


def with_services(*services: Service, **given: Any) -> PlanRequest:
    variables = given.pop("variables", make_variables())
    job = replace(JOB, services=services, variables=variables, own_variables=variables)
    return make_plan_request(job, **given)


def plan(*services: Service, **given: Any) -> ServicesPlan:
    return plan_services(with_services(*services, **given))


def one(*services: Service, **given: Any) -> tuple[PlannedService, ServiceCheck]:
    planned = plan(*services, **given)
    return planned.services[0], planned.checks[0]


def values(planned: ServicesPlan, position: int = 0) -> dict[str, str]:
    """Give the variables that a service gets."""
    environment = planned.services[position].environment
    return {name: planned.secret[key] for name, key in environment.items()}


def test_a_job_without_services_has_no_keys_for_them():
    """Nothing changes for it."""
    assert plan() == ServicesPlan(secret={})


def test_image_alias_and_command_reach_the_container():
    """Image and alias are expanded with the job's variables, as the runner does it."""
    service = make_service(
        "$MIRROR/postgres:16", aliases=("$NAME,", "db"), command=("-c", "fsync=off")
    )

    found, _ = one(service, variables=make_variables(MIRROR="registry.io:5000/x", NAME="a b"))

    assert found.image.name == "registry.io:5000/x/postgres:16"
    assert found.hosts == ("registry.io-x-postgres", "a", "b", "db")
    assert (found.name, found.command) == ("a", ("-c", "fsync=off"))


def test_an_image_that_expands_to_nothing_is_no_service():
    """As in GitLab, which leaves it out."""
    assert plan(make_service("$UNSET"), make_service("redis")).services[0].image.name == "redis"


def test_a_service_gets_the_variables_of_the_file_and_its_own():
    """It does not see those of the project; its own may pass one on, though."""
    secret = Variable(name="PASSWORD", value="top-secret", masked=True)
    service = make_service("x", variables=make_variables(DB_PASSWORD="${PASSWORD}!", URL="$HOST"))

    planned = plan(
        service,
        variables=make_variables(HOST="db", LEAK="$PASSWORD"),
        configured=ConfiguredVariables(project=(secret,)),
    )

    found = values(planned)
    assert found["DB_PASSWORD"] == "top-secret!"
    assert (found["URL"], found["HOST"], found["CI_JOB_NAME"]) == ("db", "db", "job")
    assert found["LEAK"] == "top-secret", "the job's variables are passed on as the job sees them"
    assert "PASSWORD" not in found


def test_a_service_keeps_the_files_value_of_an_overridden_variable():
    """What the project or the pipeline overrides is theirs: a service sees what the file says."""
    planned = plan(
        make_service("x"),
        variables=make_variables(MODE="file"),
        configured=ConfiguredVariables(project=(Variable(name="MODE", value="project"),)),
    )

    assert values(planned)["MODE"] == "file"


def test_variables_of_a_pipeline_are_not_for_services():
    """A person who starts a pipeline gives them to its jobs only."""
    request = with_services(make_service("x"))
    run = replace(request.run, variables=make_variables(GIVEN="1"))

    assert "GIVEN" not in values(plan_services(replace(request, run=run)))


def test_a_value_is_kept_once_for_all_services():
    """A long commit message times five services would not fit into the Secret."""
    planned = plan(make_service("x"), make_service("y", variables=make_variables(A="1")))

    first, second = planned.services
    assert first.environment["CI_JOB_NAME"] == second.environment["CI_JOB_NAME"]
    assert second.environment["A"] == f"service.{second.name}.A"


def test_a_variable_that_no_container_can_have_is_told():
    """It is left out, not dropped in silence."""
    found, check = one(make_service("x", variables=make_variables(**{"a b": "1"})))

    assert "a b" not in found.environment
    assert check.warnings == ("variable 'a b' is left out: not a valid name",)


def test_the_values_are_in_the_secret_and_nowhere_else_in_the_plan():
    """The helper's part of the plan knows the services, not what they get."""
    service = make_service("postgres", variables=make_variables(POSTGRES_PASSWORD="hush-hush"))

    secret = plan_job(with_services(service)).secret

    assert [name for name, text in secret.items() if "hush-hush" in text] == [
        "service.svc-0.POSTGRES_PASSWORD"
    ]


@pytest.mark.parametrize("alias", ["my_db", "DB", "-x", "a..b", "a" * 254])
def test_an_alias_that_is_no_host_name_fails_the_job(alias: str):
    """The script would not find its service, so it does not start; GitLab refuses it, too."""
    with pytest.raises(SystemFailure, match="alias") as caught:
        plan(make_service("postgres", aliases=(alias,)))

    assert caught.value.reason == "runner_configuration_error"


def test_the_name_with_underscores_is_told():
    """Only GitLab's Docker executor has it."""
    _, check = one(make_service("group/db:1"))

    assert (check.hosts, check.refused) == (("group-db",), ("group__db",))
    assert check.warnings == ()


def test_the_user_is_expanded():
    """`kubernetes:user` may be a variable; the runner decides whether it is allowed."""
    found, _ = one(make_service("x", user="$ID:7"), variables=make_variables(ID="70"))

    assert found.image.user == "70:7"


@pytest.mark.parametrize(
    ("image", "variables", "expected"),
    [
        ("postgres:16-alpine", {}, (5432, "postgres")),
        ("registry.io:5000/mirror/bitnami/postgresql@sha256:abc", {}, (5432, "postgres")),
        ("postgres", {"PGPORT": "5433"}, (5433, "postgres")),
        ("mariadb:11", {}, (3306, "mysql")),
        ("valkey/valkey:8", {}, (6379, "redis")),
        ("rabbitmq:3-management", {}, (5672, "amqp")),
        ("mongo:7", {}, (27017, "outside")),
        ("docker:28-dind", {}, (2376, "tcp")),
        ("docker:dind", {"DOCKER_TLS_CERTDIR": ""}, (2375, "tcp")),
        ("docker:28", {}, (0, "tcp")),
        ("example/app", {}, (0, "tcp")),
        ("postgres", {"HEALTHCHECK_TCP_PORT": "99"}, (99, "tcp")),
    ],
)
def test_where_a_service_answers(image: str, variables: dict[str, str], expected: tuple[int, str]):
    """Its own HEALTHCHECK_TCP_PORT decides, else what is known of its image."""
    _, check = one(make_service(image, variables=make_variables(**variables)))

    assert (check.port, check.protocol) == expected
    assert (check.required, check.patience) == (True, 300)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "1" * 20])
def test_a_wrong_port_fails_the_job(port: str):
    """Nobody could answer there."""
    with pytest.raises(SystemFailure, match="HEALTHCHECK_TCP_PORT"):
        plan(make_service("x", variables=make_variables(HEALTHCHECK_TCP_PORT=port)))


@pytest.mark.parametrize("given", [{"command": ("-p", "1")}, {"entrypoint": ("sh",)}])
def test_a_known_port_is_a_guess_when_the_service_has_a_command(given: dict[str, Any]):
    """It may listen elsewhere: the job waits as long as GitLab, and is not failed by that."""
    _, check = one(make_service("redis", **given))

    assert (check.port, check.required, check.patience) == (6379, False, 30)


def test_services_on_one_port_are_told():
    """All containers of a pod share one network."""
    checks = plan(make_service("postgres:15"), make_service("postgres:16")).checks

    assert "port 5432 is also used by svc-1" in checks[0].warnings[0]
    assert "port 5432 is also used by svc-0" in checks[1].warnings[0]
