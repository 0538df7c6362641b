"""A job's pod: who sees what."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.plan import IdToken
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.workspace import SCRIPTS_DIR
from gitlab_ci_provider.pods.id_tokens import refuse_without_account
from gitlab_ci_provider.pods.naming import label_value, pod_name
from gitlab_ci_provider.pods.pod import PodRequest, build_pod, build_secret, owned_by

SHELL = ["sh", f"{SCRIPTS_DIR}/entry"]
REQUEST = PodRequest(
    name="project-job-abcd",
    image=Image(name="ruby:3", pull_policies=("never",), user="1000:2000"),
    profile=RunnerProfile(helper_image="helper:1"),
    deadline=60,
    labels={"job": "test: [a, b]"},
    annotations={"job": "test: [a, b]"},
)


def mounted(container: k8s.V1Container) -> set[str]:
    return {mount.name for mount in container.volume_mounts}


def test_the_build_never_sees_the_plan():
    """Each helper container mounts the plan of its own; the script's container mounts neither."""
    spec = build_pod(REQUEST).spec
    build, helper = spec.containers

    assert mounted(build) == {"builds", "control", "scripts"}
    assert mounted(spec.init_containers[0]) == {"builds", "control", "plan-prepare"}
    assert mounted(helper) == {"builds", "control", "plan-finish"}


def test_the_scripts_volume_holds_no_plan():
    """The Secret is cut in three by its keys."""
    volumes = {volume.name: volume for volume in build_pod(REQUEST).spec.volumes}

    keys = {
        name: [item.key for item in one.secret.items] for name, one in volumes.items() if one.secret
    }
    assert keys == {
        "scripts": ["entry", "step_script", "after_script"],
        "plan-prepare": ["prepare.json"],
        "plan-finish": ["finish.json"],
    }


def test_a_hook_shares_no_folder_in_which_others_work():
    """It is the author's script: `prepare` only reads what it leaves, nobody else sees that."""
    spec = build_pod(replace(REQUEST, hook=True)).spec
    hook, prepare = spec.init_containers
    build, helper = spec.containers

    assert mounted(hook) == {"hook", "hook-builds", "plan-hook"}
    assert mounted(prepare) == {"builds", "control", "plan-prepare", "hook"}
    assert [mount.read_only for mount in prepare.volume_mounts if mount.name == "hook"] == [True]
    assert not (mounted(build) | mounted(helper)) & mounted(hook)
    assert hook.image == prepare.image
    assert hook.security_context == prepare.security_context


def test_tokens_are_for_scripts_and_for_who_masks_them():
    """A projected volume for the build and the helper, not for what runs before the script."""
    token = IdToken(name="T", audience="sts.a", seconds=900)
    spec = build_pod(replace(REQUEST, id_tokens=(token,))).spec
    build, helper = spec.containers
    (volume,) = (volume for volume in spec.volumes if volume.name == "id-tokens")
    (source,) = volume.projected.sources

    assert source.service_account_token.to_dict() == {
        "audience": "sts.a",
        "expiration_seconds": 900,
        "path": "T",
    }
    assert "id-tokens" in mounted(build) & mounted(helper)
    assert "id-tokens" not in mounted(spec.init_containers[0])


def test_no_tokens_without_a_chosen_account():
    """The namespace's default account is nobody's choice."""
    token = IdToken(name="T", audience="sts.a", seconds=900)
    chosen = replace(REQUEST.profile, service_account="ci")

    refuse_without_account((token,), chosen)
    refuse_without_account((), REQUEST.profile)
    with pytest.raises(SystemFailure, match="service_account"):
        refuse_without_account((token,), REQUEST.profile)


def test_the_pod_spec_holds_no_content():
    """Scripts and variables are in the Secret, not in what anybody with `get pods` can read."""
    contents = {"prepare.json": "{}", "step_script": "echo hush", "entry": "", "after_script": ""}
    secret = build_secret(REQUEST, contents)
    shown = json.dumps(k8s.ApiClient().sanitize_for_serialization(build_pod(REQUEST)))

    assert "hush" not in shown
    assert secret.string_data["step_script"] == "echo hush"


def test_the_job_may_choose_user_and_pull_policy():
    """`image:kubernetes:user` and `image:pull_policy` reach the build container."""
    build = build_pod(REQUEST).spec.containers[0]

    assert build.security_context.run_as_user == 1000
    assert build.security_context.run_as_group == 2000
    assert build.image_pull_policy == "Never"


@pytest.mark.parametrize(
    ("entrypoint", "honored", "command", "args"),
    [
        (None, False, SHELL, None),
        (("/tini", "--"), False, SHELL, None),
        (("/tini", "--"), True, ["/tini", "--"], SHELL),
        (None, True, None, SHELL),
        (("",), True, SHELL, None),
        ((), True, SHELL, None),
    ],
)
def test_an_honored_entrypoint_gets_the_shell_as_arguments(
    entrypoint: tuple[str, ...] | None,
    honored: bool,
    command: list[str] | None,
    args: list[str] | None,
):
    """Without `image:entrypoint` it is the image's own; an empty one asks for none."""
    image = Image(name="ruby:3", entrypoint=entrypoint)
    build = build_pod(replace(REQUEST, image=image, honor_entrypoint=honored)).spec.containers[0]

    assert (build.command, build.args) == (command, args)


def test_the_pod_owns_its_secret():
    """The Secret has its owner from the beginning; deleting the pod deletes it."""
    pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name="p", namespace="n", uid="u"))

    secret = owned_by(build_secret(REQUEST, {"step_script": "echo"}), pod)

    owner = k8s.V1OwnerReference(api_version="v1", kind="Pod", name="p", uid="u")
    assert secret.metadata.owner_references == [owner]
    assert secret.metadata.labels == build_pod(REQUEST).metadata.labels
    assert secret.string_data == {"step_script": "echo"}


@pytest.mark.parametrize("job", ["test", "Test: [a, b]", "ü" * 80, "-", "x" * 200])
def test_names_and_labels_are_valid(job: str):
    """Whatever a job is called, Kubernetes accepts the pod's name and labels."""
    name, value = pod_name("group/My.Project", job, "abcd1234"), label_value(job)

    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)
    assert re.fullmatch(r"|[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value)


def test_a_deleted_pod_has_time_for_after_script():
    """The grace period is the job's own, so `after_script` of a canceled job ends in peace."""
    assert build_pod(replace(REQUEST, grace=330)).spec.termination_grace_period_seconds == 330
