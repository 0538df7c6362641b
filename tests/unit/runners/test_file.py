"""The file of runners: read into profiles, with every problem at its place."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Amounts
from gitlab_ci_provider.pods.security import pod_context
from gitlab_ci_provider.runners.file import RunnersFile, read_runners

WRONG = """\
runners:
  - name: big
    tag: [gpu]
    pull_policy: sometimes
    allowed_images: ["[bad"]
    resources:
      build: {limits: {memory: 8Gig}}
    scheduling:
      tolerations: [{key: gpu, efect: NoSchedule}]
      affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: x}}
    security: {privileged: "yes"}
    volumes: [{emptyDir: {}}, {name: builds}]
    volume_mounts: [{name: cache, mountPath: /cache}]
    labels: {airflow-provider-gitlab-ci/job: x, dag_id: x}
  - {run_untagged: false}
  - name: big
other: 1
"""


def read(text: str, **base: Any) -> RunnersFile:
    """Read the text of a file."""
    return read_runners(text.encode(), "runners.yml", RunnerProfile(**base))


def test_all_problems_are_found_at_once_each_with_its_line():
    """The author of the file sees all errors at once, from unknown keys to wrong shapes."""
    found = [(error.location.line, error.code) for error in read(WRONG).errors]

    assert found == [
        (3, "runner-unknown-key"),
        (4, "runner-value"),
        (5, "runner-value"),
        (7, "runner-value"),
        (9, "runner-kubernetes"),
        (10, "runner-kubernetes"),
        (11, "runner-type"),
        (12, "runner-volume"),
        (12, "runner-kubernetes"),
        (13, "runner-volume"),
        (14, "runner-value"),
        (14, "runner-value"),
        (15, "runner-name"),
        (15, "runner-takes-nothing"),
        (16, "runner-name"),
        (17, "runner-unknown-key"),
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("start_timeout: -1", "runner-value"),
        ("start_timeout: 99999999999999999999999999", "runner-value"),
        ("maximum_timeout: 1.5", "runner-type"),
        ("maximum_timeout: .inf", "runner-type"),
        ("allowed_users: [-1]", "runner-value"),
        ("environment: {'A B': x}", "runner-value"),
        ("environment: {A: 1}", "runner-type"),
        ("environment: [A=1]", "runner-type"),
        ("feature_flags: {FF_X: 'true'}", "runner-type"),
        ("feature_flags: {X: true}", "runner-value"),
        ("services: [{alias: x}]", "runner-service"),
        ("services: [[]]", "runner-type"),
        ("services: [{name: a, image: b}]", "runner-unknown-key"),
        ("pre_build_script: [a]", "runner-type"),
        ("image_builds: rewritten", "runner-value"),
        ("clusters: [{service_account: a}]", "runner-cluster"),
        ("clusters: [{environments: [a]}]", "runner-cluster"),
        (
            "clusters: [{environments: [a], service_account: a, kubeconfig_secret: a}]",
            "runner-cluster",
        ),
        ("cache: {path: a/../b}", "runner-value"),
        ("cache: {bucket: b/../c}", "runner-value"),
        ("cache: here", "runner-type"),
        ("pool: ' p'", "runner-value"),
        ("priority_weight: -1", "runner-value"),
        ("description: !!python/object/apply:os.system [id]", "runner-type"),
        ("description: !reference [a]", "runner-type"),
        ("description: &a [*a]", "yaml-unknown-anchor"),
    ],
)
def test_nonsense_is_refused(options: str, code: str):
    """Whatever is written ends as a diagnostic, with a line, and never as a runner."""
    text = f"runners:\n  - name: a\n    tags: [x]\n    {options}\n"

    found = read(text).errors

    assert code in [error.code for error in found], found
    assert all(error.location.line >= 1 for error in found)


def test_a_feature_flag_that_changes_nothing_is_told():
    """It is set as a variable, and the author of the file sees that nothing reads it."""
    found = read("runners:\n- {name: a, tags: x, feature_flags: {FF_USE_FASTZIP: true}}")

    assert [str(one.code) for one in found.diagnostics] == ["runner-feature-flag"]
    assert not found.errors
    assert found.runners[0].feature_flags == {"FF_USE_FASTZIP": True}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "runner-type"),
        ("runners: {}", "runner-type"),
        ("runners: []", "runner-type"),
        ("runners: [1]", "runner-type"),
        ("runners: [", "yaml-syntax"),
        ("- a", "runner-type"),
    ],
)
def test_what_is_not_a_list_of_runners_is_refused(text: str, code: str):
    """No file counts as a file without runners."""
    assert code in [error.code for error in read(text).errors]


def test_bytes_that_are_not_text_are_refused():
    """The file is UTF-8."""
    assert [one.code for one in read_runners(b"\xff", "x", RunnerProfile()).errors] == [
        "file-not-utf8"
    ]


def test_a_single_value_is_a_list_of_one():
    """As in config.toml, `tags: gpu` and `tags: [gpu]` mean the same."""
    (runner,) = read("runners: [{name: a, tags: gpu, pull_policy: always}]").runners

    assert (runner.tags, runner.pull_policy) == (("gpu",), ("always",))


def test_options_that_are_not_written_come_from_the_settings():
    """A file need not repeat what the settings say, and groups keep what is not written in them."""
    text = "runners: [{name: a, resources: {build: {requests: {cpu: 2}}}}]"
    (runner,) = read(text, image="debian:12", helper_image="helper:1").runners

    assert (runner.image, runner.helper_image) == ("debian:12", "helper:1")
    assert runner.resources.build.requests == Amounts(cpu="2", memory="128Mi")


def test_anchors_work():
    """Keys that begin with a dot hold what several runners share."""
    text = """
.shared: &shared {namespace: ci}
runners:
  - {<<: *shared, name: a}
  - {<<: *shared, name: b, tags: [x]}
"""
    read_text = read(text)

    assert read_text.diagnostics == ()
    assert [runner.namespace for runner in read_text.runners] == ["ci", "ci"]


@pytest.mark.parametrize(
    "security",
    [
        "{privileged: true, allow_privilege_escalation: false}",
        "{standard: restricted, privileged: true}",
        "{standard: restricted, cap_add: [NET_RAW]}",
        "{standard: restricted, allow_privilege_escalation: true}",
    ],
)
def test_contradictions_are_found_before_kubernetes_finds_them(security: str):
    """Security options that exclude each other are an error of the file, not of each job."""
    errors = read(f"runners: [{{name: a, security: {security}}}]").errors

    assert [error.code for error in errors] == ["runner-security"]


def test_kubernetes_shapes_pass_unchanged():
    """What Kubernetes alone decides about arrives as it was written."""
    text = """
runners:
  - name: a
    scheduling:
      tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
    volumes: [{name: cache, persistentVolumeClaim: {claimName: cache}}]
    volume_mounts: [{name: cache, mountPath: /cache}]
    lifecycle: {preStop: {httpGet: {port: 80}}}
"""
    found = read(text)

    assert found.diagnostics == ()
    assert found.runners[0].volumes == (
        {"name": "cache", "persistentVolumeClaim": {"claimName": "cache"}},
    )
    assert found.runners[0].lifecycle == {"preStop": {"httpGet": {"port": 80}}}


def test_a_field_of_kubernetes_may_be_left_out_by_null():
    """`null` takes away what pods have else, such as the profile of seccomp."""
    found = read("runners: [{name: a, security: {pod: {seccompProfile: null}}}]")

    assert found.errors == []
    assert pod_context(found.runners[0].security).seccomp_profile is None


def test_only_the_first_of_several_documents_would_count():
    """A file that begins with a divider has one document, and is read."""
    one = "# all runners\n---\nrunners: [{name: a}]\n"
    (found,) = read(f"{one}---\nrunners: [{{name: b}}]\n").errors

    assert read(one).errors == []
    assert (found.location.line, found.code) == (4, "runner-type")


@pytest.mark.parametrize(
    "options",
    [
        "namespace: Not One",
        "service_account: ../x",
        "image_pull_secrets: [a, 'B']",
        "scheduling: {priority_class_name: a b}",
        "clusters: [{environments: ['*'], kubeconfig_secret: A}]",
    ],
)
def test_names_that_kubernetes_would_refuse_are_found_before_a_job_runs(options: str):
    """Each job of the runner would fail with the API's words."""
    (found,) = read(f"runners:\n- name: a\n  {options}\n").errors

    assert found.code == "runner-value"
    assert "is not a name in Kubernetes" in found.message


@pytest.mark.parametrize(
    ("volumes", "words"),
    [
        ("[{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]", "two volumes named 'a'"),
        ("[{name: a, emptyDir: {}, hostPath: {path: /}}]", "has emptyDir, hostPath"),
        ("[{name: a}]", "has none"),
        ("[{name: A_b, emptyDir: {}}]", "'A_b' is not a name of a volume"),
        ("[{name: $TEAM, emptyDir: {}}]", "'TEAM' is not a predefined variable"),
    ],
)
def test_volumes_that_make_no_pod_are_found(volumes: str, words: str):
    """With the words of what is wrong."""
    (found,) = read(f"runners: [{{name: a, volumes: {volumes}}}]").errors

    assert found.code == "runner-volume"
    assert words in found.message


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        ("mountPath: x", "'x' is not an absolute path"),
        ("mountPath: /x/../y", "is not an absolute path"),
        ("mountPath: /x, subPath: ../y", "'../y' is not a path in the volume"),
        ("mountPath: /builds", "'/builds' is used by this package"),
        ("mountPath: /gitlab-ci/plan", "is used by this package"),
        ("mountPath: /x/$TEAM", "'TEAM' is not a predefined variable"),
    ],
)
def test_mounts_that_make_no_pod_are_found(mount: str, words: str):
    """Nothing of ours can be hidden by a mount."""
    volume = "volumes: [{name: v, emptyDir: {}}]"
    (found,) = read(
        f"runners: [{{name: a, {volume}, volume_mounts: [{{name: v, {mount}}}]}}]"
    ).errors

    assert found.code == "runner-volume"
    assert words in found.message


@pytest.mark.parametrize(
    "options",
    [
        "security: {standard: restricted, pod: {runAsUser: 0}}",
        "security: {standard: restricted, helper: {runAsNonRoot: false}}",
        "security: {standard: restricted, build: {privileged: true}}",
        "security: {standard: restricted, build: {seccompProfile: {type: Unconfined}}}",
        "security: {standard: restricted, pod: {seccompProfile: null}}",
        "security: {standard: restricted, service: {capabilities: {drop: [KILL]}}}",
        "security: {standard: restricted, service: {capabilities: {drop: []}}}",
        "security: {standard: restricted, service: {capabilities: {add: [MKNOD], drop: [ALL]}}}",
        "security: {standard: restricted}, volumes: [{name: h, hostPath: {path: /}}]",
    ],
)
def test_what_the_restricted_standard_refuses_is_found(options: str):
    """Also where a security context of Kubernetes would overrule the standard."""
    (found,) = read(f"runners: [{{name: a, {options}}}]").errors

    assert found.code == "runner-security"
    assert "'restricted' does not allow" in found.message


def test_restricted_runners_may_be_stricter_still():
    """Another user, fewer capabilities, a profile of their own."""
    security = (
        "{standard: restricted, pod: {runAsUser: 2000, runAsNonRoot: true, "
        "seccompProfile: {type: Localhost, localhostProfile: a}}, "
        "build: {capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}}, "
        "service: {capabilities: {add: [NET_BIND_SERVICE]}}}"
    )
    volumes = "[{name: a, persistentVolumeClaim: {claimName: b}}]"

    assert read(f"runners: [{{name: a, security: {security}, volumes: {volumes}}}]").errors == []


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("type: json, patch: [{op: fly}]", "'fly'"),
        ("type: json, patch: [5]", "does not fit"),
        ("patch: {containers: 5}", "make no pod"),
        ("patch: {containers: [{name: build, imag: x}]}", "does not know containers[0].imag"),
        ("patch: {hostnam: x}", "does not know hostnam"),
    ],
)
def test_patches_are_tried_before_a_job_needs_them(patch: str, words: str):
    """What Kubernetes' client does not know would be dropped in silence."""
    (found,) = read(f"runners: [{{name: a, pod_patches: [{{{patch}}}]}}]").errors

    assert found.code == "runner-patch"
    assert words in found.message
