"""What is wrong with a config.toml is reported, whatever it is, and takes nothing else with it."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.runners.file import read_runners
from gitlab_ci_provider.runners.toml_import import Imported, import_toml


def kubernetes(text: str, own: str = "") -> Imported:
    """Import a runner with these options of `[runners.kubernetes]`, from line 5 on."""
    lines = ["[[runners]]", 'executor = "kubernetes"', own, "[runners.kubernetes]", text]
    return import_toml("\n".join(lines).encode(), "config.toml")


def said(imported: Imported) -> list[str]:
    """List what is reported, without what is said of every runner."""
    return [
        f"{found.location.line}: {found.message}"
        for found in imported.diagnostics
        if found.code != "runner-tags"
    ]


@pytest.mark.parametrize(
    "content", [b'name = "caf\xe9"', '[[runners]]\nexecutor = "kubernetes"'.encode("utf-16")]
)
def test_a_file_that_is_not_utf_8_is_refused(content: bytes):
    """No character is replaced: the result would be another configuration."""
    imported = import_toml(content, "config.toml")

    assert [found.code for found in imported.diagnostics] == ["file-not-utf8"]
    assert imported.text == ""


def test_errors_of_the_result_are_reported_at_their_lines_of_config_toml():
    """Nobody has to find the line of the result that an option has become."""
    imported = kubernetes('image = "x"\nmemory_limit = "4Gig"\npull_policy = 5\nnode_selector = 1')

    assert said(imported) == [
        "6: memory: '4Gig' is not a quantity of Kubernetes such as '500m' or '2Gi'",
        "7: pull_policy: must be one of 'always', 'never', 'if-not-present'",
        "8: node_selector: must be a mapping",
    ]
    assert not imported.works
    assert kubernetes('image = "x"').works


def test_one_wrong_item_of_a_list_does_not_take_the_others_with_it():
    """The right ones are taken over, the wrong one is named; values of variables are not shown."""
    imported = kubernetes(
        'allowed_users = ["1000", "root"]\n'
        'services = [{name = "a", pull_policy = "x"}, "b"]\n'
        'volumes = {pvc = [{name = "p", mount_path = "/p", size = 1}, {name = "q"}], zip = []}\n'
        'pod_spec = [{patch = "a: [*x]"}, {name = "ok", patch = "{hostname: x}"}]',
        own='environment = ["A=1", "hunter2"]',
    )
    (runner,) = read_runners(imported.text.encode(), "runners.yml", RunnerProfile()).runners

    assert runner.environment == {"A": "1"}
    assert runner.allowed_users == (1000,)
    assert [service.name for service in runner.services] == ["a"]
    assert [volume["name"] for volume in runner.volumes] == ["p"]
    assert [patch.name for patch in runner.pod_patches] == ["ok"]
    assert said(imported) == [
        "3: environment: entries that are not of the form NAME=value: 1",
        "5: allowed_users: not the number of a user or group: 'root'",
        "6: services: these options of a service become nothing: pull_policy",
        "6: services: a service is not a table",
        "7: volumes: pvc: these options become nothing: size",
        "7: volumes: pvc: a volume lacks 'mount_path'",
        "7: volumes: zip: there are no such volumes",
        "8: pod_spec: the patch '' cannot be read: An alias referenced an unknown anchor: x",
    ]


def test_a_patch_that_is_a_bomb_is_refused():
    """A few lines of aliases would be gigabytes."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    bomb = "\n".join(lines)
    (words,) = said(kubernetes(f"pod_spec = [{{patch = '''{bomb}'''}}]"))

    assert "The parsed YAML is too big" in words


def test_dates_are_reported():
    """TOML has them, runners do not."""
    assert said(kubernetes("image = 2024-01-01\nnamespace = 07:32:00")) == [
        "5: image: is a date or a time",
        "6: namespace: is a date or a time",
    ]


def test_what_is_not_taken_over_of_a_cache_is_named():
    """Keys of the store are not shown; only the bucket of an S3 is taken over."""
    text = '[[runners]]\nexecutor = "kubernetes"\n[runners.cache]\nType = "gcs"\nPath = "p"\n'
    text += '[runners.cache.s3]\nBucketName = "b"\nSecretKey = "hunter2"\n'
    imported = import_toml(text.encode(), "config.toml")

    assert "bucket" not in imported.text
    assert "hunter2" not in str(imported)
    assert "3: cache: not taken over: s3.SecretKey" in said(imported)


def test_the_older_name_of_a_script_gives_way_and_is_reported():
    """As with GitLab Runner, which had both for a while."""
    imported = kubernetes("", 'pre_clone_script = "old"\npre_get_sources_script = "new"')

    assert "pre_get_sources_script: new" in imported.text
    assert any(words.startswith("3: pre_clone_script: the newer") for words in said(imported))
