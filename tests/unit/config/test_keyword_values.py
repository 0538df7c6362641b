"""What GitLab says of odd values, keyword by keyword; job `other` exists, job `j` has a script."""

from __future__ import annotations

import pytest

from factories import try_compile
from gitlab_ci_provider.model.diagnostic import Severity


def errors_of(text: str) -> list[str]:
    """Compile a file; give its errors, in lower case as GitLab shows them."""
    found = try_compile(text).diagnostics
    return [one.message.lower() for one in found if one.severity is Severity.ERROR]


def errors_of_job(keywords: str) -> list[str]:
    """Compile a job with these keywords, in flow style."""
    return errors_of(f"other: {{script: y}}\nj: {{script: x, {keywords}}}\n")


REFUSED = [
    ("script: ' '", "jobs:j script can't be blank"),
    ("image: ''", "jobs:j:image name can't be blank"),
    ("image: {name: i, pull_policy: a}", "jobs:j:image:pull_policy config is not included in the"),
    ("image: {name: i, pull_policy: [a]}", "jobs:j:image:pull_policy config contains unknown val"),
    (
        "image: {name: i, docker: {user: 1}}",
        "jobs:j:image executor opts value at `/docker/user` is not a string",
    ),
    (
        "image: {name: i, docker: {platform: ''}}",
        "executor opts string length at `/docker/platform` is less than: 1",
    ),
    (
        f"services: [{{name: i, docker: {{platform: {'x' * 65}}}}}]",
        "service executor opts string length at `/docker/platform` is greater than: 64",
    ),
    (
        "services: [{name: i, kubernetes: {a: b}}]",
        "executor opts object property at `/kubernetes/a` is a disallowed additional property",
    ),
    ("services: [{name: i, docker: a}]", "executor opts value at `/docker` is not an object"),
    ("stage: ''", "j job: chosen stage  does not exist"),
    ("allow_failure: {a: 1}", "jobs:j:allow_failure config contains unknown keys: a"),
    ("cache: a", "jobs:j:caches config can only be a hash or an array"),
    ("cache: [a]", "jobs:j:cache config should be a hash"),
    ("cache: {key: {files: [a], files_commits: [b]}}", "must use exactly one of these keys: files"),
    ("cache: {key: {files: [a], prefix: a/b}}", 'prefix config cannot contain the "/" character'),
    (
        "cache: {fallback_keys: a}",
        "jobs:j:cache:fallback_keys config should be an array of strings",
    ),
    ("needs: {}", "jobs:j:needs config can not be an empty hash"),
    ("needs: [{project: p, job: a}]", "jobs:j:needs:need ref should be a string"),
    ("needs: [{project: p, job: a}]", "jobs:j:needs:need ref can't be blank"),
    ("needs: ['']", "jobs:j:needs:need config can't be blank"),
    ("needs: [{job: other, parallel: 2}]", 'jobs:j:needs config cannot use "parallel: <number>".'),
    ("extends: [a, b]", "j: unknown keys in `extends` (a, b)"),
    ("rules: []", "jobs:j:rules config can't be blank"),
    ("rules: [{variables: {A: null}}]", "jobs:j:rules:rule:variables:a config must be a string"),
    (
        "rules: [{changes: {regexp: a, paths: [b]}}]",
        "rule:changes config must use exactly one of these keys: paths, regexp",
    ),
    (
        "rules: [{exists: {project: p}}]",
        "rule:exists config must use exactly one of these keys: paths, regexp",
    ),
    ("rules: [{changes: {regexp: (}}]", "jobs:j:rules:rule:changes regexp is invalid: ("),
    (f"rules: [{{exists: {{regexp: {'x' * 256}}}}}]", "exists regexp is too long (maximum is 255"),
    ("only: a", "jobs:j:only has to be either an array of conditions or a hash"),
    ("coverage: 1", "jobs:j:coverage config must be a regular expression with re2 syntax"),
    ("parallel: 1.5", "jobs:j:parallel config must be an integer"),
    ("parallel: {matrix: [{}]}", "jobs:j:parallel:matrix:variables config requires at least 1"),
    (
        "parallel: {matrix: [{A: 1.5}]}",
        "should be a hash of key value pairs, value can be an array",
    ),
    ("id_tokens: {A: null}", "jobs:j:id_tokens:a config missing required keys: aud"),
    ("publish: a", "jobs:j publish can only be used within a `pages` job"),
    ("artifacts: {reports: a}", "jobs:j:artifacts reports should be a hash"),
    ("artifacts: {reports: {cobertura: a}}", "artifacts:reports config contains unknown keys: cob"),
    ("artifacts: {access: all, public: null}", "these keys cannot be used together: access, publ"),
    ("environment: {name: ' '}", "jobs:j:environment name can't be blank"),
    ("environment: {name: e, kubernetes: {}}", "jobs:j:environment:kubernetes config can't be bla"),
    ("environment: {name: e, kubernetes: {agent: 1}}", "kubernetes agent should be a string"),
    (
        "environment: {name: e, kubernetes: {agent: a, flux_resource_path: f}}",
        "jobs:j:environment:kubernetes namespace can't be blank",
    ),
    (f"environment: {{name: e, url: {'x' * 256}}}", "environment url is too long (maximum is 255"),
    ("when: [always]", "jobs:j when should be a string"),
    ("when: [always]", "jobs:j when should be one of: on_success, on_failure"),
    ("cache: {policy: [pull-push]}", "jobs:j:cache policy should be a string"),
    ("environment: {name: e, action: [stop]}", "jobs:j:environment action should be a string"),
    ("environment: {name: e, deployment_tier: {a: b}}", "deployment tier should be a string"),
    ("release: {ref: 'a\\b'}", "jobs:j:release ref must be a valid ref"),
    ("release: {ref: refs/heads/a}", "jobs:j:release ref must be a valid ref"),
    ("release: {milestones: [1]}", "release milestones should be an array of strings or a string"),
    ("when: delayed, start_in: '0'", "jobs:j start in should be a duration"),
    ("release: {tag_name: t, description: d, released_at: x}", "released at must be a valid datet"),
    ("timeout: 2 months", "jobs:j:timeout config should not exceed the limit"),
    ("variables: {A: {value: [1]}}", "jobs:j:variables:a config value must be a scalar"),
    ("artifacts: {public: true, access: all}", "keys cannot be used together: public, access"),
    ("parallel: {matrix: [{A: []}]}", "variables config should be a hash of key value pairs"),
    ("parallel: {matrix: [{A: ' ', B: [c]}]}", "should be a hash of key value pairs"),
    (
        "release: {tag_name: t, description: d, assets: {links: a}}",
        "jobs:j:release:assets links should be an array of hashes",
    ),
    ("dast_configuration: {site_profile: 1}", "dast_configuration site profile should be a str"),
]

REFUSED_SECRETS = [
    ("null", "jobs:j:secrets:s config must use exactly one of these keys: vault, azure_key_vault,"),
    ("1", "jobs:j:secrets:s config should be a hash"),
    ("{vault: a, akeyless: {}}", "must use exactly one of these keys"),
    ("{vault: a, file: b}", "jobs:j:secrets:s:file config should be a boolean value"),
    ("{vault: ''}", "jobs:j:secrets:s:vault config can't be blank"),
    ("{vault: 1}", "jobs:j:secrets:s:vault should be a hash or a string"),
    ("{vault: {field: a, engine: {}}}", "jobs:j:secrets:s:vault path can't be blank"),
    ("{vault: {path: a, engine: {}}}", "jobs:j:secrets:s:vault field can't be blank"),
    ("{vault: {path: a, field: b, engine: c}}", "jobs:j:secrets:s:vault engine should be a hash"),
    (
        "{vault: {path: a, field: b, engine: {name: c}}}",
        "jobs:j:secrets:s:vault:engine config missing required keys: path",
    ),
    ("{vault: {path: a, field: b, engine: {name: 1, path: d}}}", "engine name should be a string"),
    ("{azure_key_vault: a}", "jobs:j:secrets:s:azure_key_vault config should be a hash"),
    ("{azure_key_vault: {version: a}}", "azure_key_vault name can't be blank"),
    ("{azure_key_vault: {name: a, version: 1}}", "azure_key_vault version should be a string"),
    ("{gcp_secret_manager: {name: a}}", "secrets:s token is required with gcp secrets manager"),
    (
        "{gcp_secret_manager: {name: a, version: 1.5}, token: b}",
        "gcp_secret_manager version must be an alphanumeric string",
    ),
    ("{aws_secrets_manager: a#b#c}", "aws_secrets_manager config must contain at most one '#'"),
    ("{aws_secrets_manager: {field: a}}", "aws_secrets_manager secret id can't be blank"),
    (
        "{gitlab_secrets_manager: {name: a, source: group/}}",
        "source must follow the format group/group_full_path or 'project'",
    ),
    ("{akeyless: {more: a}}", "jobs:j:secrets:s:akeyless config contains unknown keys: more"),
]


@pytest.mark.parametrize(("keywords", "words"), REFUSED)
def test_value_is_refused_in_gitlabs_words(keywords: str, words: str):
    """GitLab refuses the value, in these words."""
    assert any(words in message for message in errors_of_job(keywords))


@pytest.mark.parametrize(("secret", "words"), REFUSED_SECRETS)
def test_secret_is_refused_in_gitlabs_words(secret: str, words: str):
    """Each provider has keys of its own, which are checked one by one."""
    assert any(words in message for message in errors_of_job(f"secrets: {{S: {secret}}}"))


ACCEPTED = [
    "services: [null, [a]]",
    "services: [{name: i, command: x}]",
    "cache: [null]",
    "cache: {policy: ''}",
    "cache: {key: ...}",
    f"tags: [{', '.join(['a'] * 60)}]",
    "allow_failure: {}",
    "allow_failure: {exit_codes: null}",
    "retry: {max: '1'}",
    "retry: {max: 1, when: no_matching_runner}",
    "retry: {max: 1, when: runner_provisioning_timeout}",
    "parallel: {matrix: []}",
    "needs: [{job: other, parallel: {matrix: [{A: b}]}}]",
    "rules: [{exists: {}}, {when: always}]",
    "release: {tag_name: t, description: d, ref: $CI_COMMIT_SHA, milestones: m}",
    "release: {tag_name: t, description: d, assets: {links: [{url: $A/b, more: c}]}}",
    "start_in: ''",
    "pages: {expire_in: $TTL}",
    "artifacts: {reports: {requirements_v2: a}, expire_in: Never}",
    f"environment: {{name: {'x' * 256}, auto_stop_in: later}}",
    "timeout: two hours",
    "parallel: {matrix: [{A: ['', b], C: 0}]}",
    "retry: {max: 1, when: id_token_burned_project_path}",
    "secrets: {S: {vault: a/b@c}}",
    "secrets: {S: {vault: {path: a, field: b, engine: {name: kv-v2, path: c}}, file: false}}",
    "secrets: {S: {gcp_secret_manager: {name: a, version: 2}, token: $T}}",
    "secrets: {S: {gitlab_secrets_manager: {name: a, source: group/b/c}}}",
    "secrets: {S: {aws_secrets_manager: a#b}, T: {akeyless: {}}}",
]


@pytest.mark.parametrize("keywords", ACCEPTED)
def test_value_is_accepted(keywords: str):
    """GitLab makes a job of it."""
    assert errors_of_job(keywords) == []


FILES = [
    ("j: {trigger: a, when: delayed}", "jobs:j when should be one of: on_success, on_failure, alw"),
    ("j: {trigger: a, allow_failure: {exit_codes: 1}}", "jobs:j allow failure should be a boolean"),
    ("j: {trigger: a, manual_confirmation: a}", "contains unknown keys: manual_confirmation"),
    (
        "j: {trigger: {include: {local: a.yml}}}",
        "trigger:include config should be an array or a st",
    ),
    (
        "j: {trigger: {include: [{project: a/b}]}}",
        "trigger:include:include config must specify the file where to fetch the config from",
    ),
    (
        "j: {trigger: {include: [{local: a.yml, integrity: sha256-YQ==}]}}",
        "include config integrity can only be specified for remote includes",
    ),
    ("j: {trigger: {include: [{remote: 'https://x/a.yml', integrity: a}]}}", "must start with 'sh"),
    (
        "j: {trigger: {include: [{remote: 'https://x/a.yml', integrity: sha256-a!}]}}",
        "include config integrity hash must be base64 encoded",
    ),
    (
        "j: {trigger: {include: [{local: a.yml, cache: true}]}}",
        "include config cache can only be specified for remote includes",
    ),
    (
        "j: {trigger: {include: [{remote: 'https://x/a.yml', cache: 5}]}}",
        "must be a boolean or a d",
    ),
    ("j: {trigger: {include: [{remote: 'https://x/a.yml', cache: x}]}}", "contains an invalid dur"),
    ("j: {trigger: {include: [{remote: 'https://x/a.yml', cache: 9s}]}}", "must be at least 1 min"),
    (
        "j: {trigger: {include: [{local: a.yml, rules: [$A]}]}}",
        "trigger:include:include rules should be an array of hashes",
    ),
    (
        "default: {timeout: 2 months}\nj: {script: x, timeout: 1h}",
        "default:timeout config should not exceed the limit",
    ),
    (
        f"default: {{tags: [{', '.join(f't{n}' for n in range(50))}]}}\nj: {{script: x, tags: []}}",
        "default:tags config must be less than the limit of 50 tags",
    ),
    ("j: {run: a}", "jobs:j run value at root is not an array"),
    ("j: {run: [a]}", "jobs:j run value at `/0` is not an object"),
    ("j: {run: [{step: a}]}", "jobs:j run object at `/0` is missing required properties: name"),
    ("j: {run: [{name: a}]}", "jobs:j run object at `/0` is missing required properties: step"),
    (
        "j: {run: [{name: a, step: b, script: c}]}",
        "run object property at `/0/script` is a disallowed additional property",
    ),
    (
        "j: {run: [{name: a, step: b}, {name: a, script: c, inputs: {}}]}",
        "run object property at `/1/inputs` is a disallowed additional property",
    ),
    (
        "j: {run: [{name: a, step: b, c: d}]}",
        "object property at `/0/c` is a disallowed additional",
    ),
    ("j: {run: [{name: a, script: b, env: {A: 1}}]}", "run value at `/0/env/a` is not a string"),
    ("j: {run: [{name: a, script: [b]}]}", "run value at `/0/script` is not a string"),
    ("j: {run: [{name: a, step: 1}]}", "run value at `/0/step` is not a string"),
    (
        "j: {run: [{name: a, step: {git: {dir: d}}}]}",
        "run object at `/0/step/git` is missing required properties: url, rev",
    ),
    ("a: !reference\nj: {script: x}", "!reference [] is not valid"),
    ("a: !reference {b: c}\nj: {script: x}", '!reference {"b"=>"c"} is not valid'),
    ("j: {trigger: {include: a.yml, inputs: {a: b}}}", "config contains unknown keys: inputs"),
    (
        "j: {trigger: {include: [{artifact: a.yml, job: nope}]}}",
        "j job: undefined dependency: nope",
    ),
    (
        "j: {trigger: {project: a, strategy: x}}",
        "jobs:j:trigger strategy should be depend",
    ),
    (
        "stages: [.pipeline-policy-pre]\nj: {stage: .pipeline-policy-pre, script: x}",
        "j job: chosen stage `.pipeline-policy-pre` is reserved for pipeline execution policies",
    ),
    (
        "j: {needs: [{pipeline: a/b}, {project: p, job: a, ref: r}]}",
        "jobs:j config should contain either a trigger or a needs:pipeline",
    ),
    ("workflow: {rules: []}\nj: {script: x}", "workflow:rules config can't be blank"),
    ("workflow: {rules: a}\nj: {script: x}", "workflow:rules config should be an array"),
    ("workflow: {name: ''}\nj: {script: x}", "workflow name is too short (minimum is 1 character)"),
    (
        "pages: {script: x, publish: a, pages: {publish: b}}",
        "pages job: use either pages:publish or pages:pages:publish",
    ),
    (
        f"j: {{script: x, needs: [{'a' * 253}]}}\n{'a' * 253}: {{script: x, parallel: 1}}",
        f"j job: need `{'a' * 253} 1/1` name is too long (maximum is 255 characters)",
    ),
    (
        "workflow: {auto_cancel: {on_new_commit: disabled}}\nj: {script: x}",
        "workflow:auto_cancel on new commit must be one of: conservative, interruptible, none",
    ),
    (
        "b: {stage: build, script: x, parallel: 2}\nj: {script: x, rules: [{needs: [b]}]}",
        "j job: undefined need: b",
    ),
    (
        "j: {script: x, needs: [{pipeline: $P, job: a}], dependencies: [a]}",
        "jobs:j needs corresponding to dependencies must be from the same pipeline",
    ),
    ("j: {script: x}\n.h:", "jobs:.h config can't be blank"),
    ("j: {script: x, run: null}", "these keys cannot be used together: script, run"),
    ("~: {script: x}", "name should be a symbol"),
    ("2020-01-01: {script: x}", "tried to load unspecified class: date"),
    ("j: !ruby/hash:Foo {script: x}", "tried to load unspecified class: foo"),
    ("j: {script: !!int '1'}", "jobs:j:script config should be a string"),
    ("default: {id_tokens: {A: b}}\nj: {script: x}", "default:id_tokens:a config missing required"),
]


@pytest.mark.parametrize(("text", "words"), FILES)
def test_file_is_refused_in_gitlabs_words(text: str, words: str):
    """GitLab refuses the file, in these words."""
    assert any(words in message for message in errors_of(text))


@pytest.mark.parametrize(
    ("job", "paths"),
    [
        ("pages: {script: x}", ("public",)),
        ("pages: {script: x, artifacts: {paths: [public]}}", ("public",)),
        ("pages: {script: x, pages: false, artifacts: {paths: [a]}}", ("a",)),
        ("j: {script: x, pages: true, artifacts: {paths: [a]}}", ("a", "public")),
        ("j: {script: x, pages: {publish: out}}", ("out",)),
        ("j: {script: x, pages: true, publish: out}", ("out",)),
    ],
)
def test_published_folder_is_an_artifact(job: str, paths: tuple[str, ...]):
    """What Pages publishes is saved as an artifact, also when `artifacts` does not name it."""
    pipeline = try_compile(job).pipeline

    assert pipeline
    (made,) = pipeline.jobs.values()
    assert made.artifacts
    assert made.artifacts.paths == paths


def test_parts_of_ruby_in_yaml():
    """A symbol is a text, base64 is decoded, an empty matrix makes no job."""
    text = ":j: {script: !!binary aGk=}\nm: {script: x, parallel: {matrix: []}}"
    pipeline = try_compile(text).pipeline

    assert pipeline
    assert {name: job.script.main for name, job in pipeline.jobs.items()} == {"j": ("hi",)}


def test_matrix_values_in_names_of_needs():
    """`$[[ matrix.X ]]` stands for the value of the job that needs."""
    text = (
        "b: {stage: build, script: x, parallel: {matrix: [{OS: [l, m]}]}}\n"
        "t: {script: x, needs: ['b: [$[[ matrix.OS ]]]'], parallel: {matrix: [{OS: [l, m]}]}}"
    )
    pipeline = try_compile(text).pipeline

    assert pipeline
    assert pipeline.edges["t: [m]"] == ("b: [m]",)


def test_default_timeout_has_no_effect():
    """GitLab takes `timeout` of `default` and never uses it; a warning says so."""
    text = "default: {timeout: 1 hour}\na: {script: x}\nb: {script: x, timeout: 2 hours}"
    result = try_compile(text)

    assert result.pipeline
    assert {name: job.timeout for name, job in result.pipeline.jobs.items()} == {
        "a": None,
        "b": 7200,
    }
    assert [one.code for one in result.diagnostics] == ["default-timeout"]


def test_files_of_a_cache_key_are_below_the_repository():
    """A leading slash in `cache:key:files` has no meaning."""
    pipeline = try_compile("j: {script: x, cache: {key: {files: [/a, //b/c]}}}").pipeline

    assert pipeline
    (cache,) = pipeline.jobs["j"].caches
    assert cache.key.files == ("a", "b/c")


def test_name_of_the_pipeline_is_stripped():
    """White space around `workflow:name` is not part of it; white space alone is not a name."""
    names = [
        made.workflow.name
        for name in ("' x '", "' '")
        if (made := try_compile(f"workflow: {{name: {name}}}\nj: {{script: x}}").pipeline)
    ]

    assert names == ["x", None]
