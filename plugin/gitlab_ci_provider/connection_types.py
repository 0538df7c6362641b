"""The connection types that this package adds to Airflow, with the fields of their forms.

The port is not hidden, although an address can hold it: Airflow 3.3 tests no saved connection
without one, because its UI asks for the test with port 0 (HTTP 400, "host or port differs").
No key of a field that people choose holds words such as "token": Airflow would show and save `***`.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": ["string", "null"]}

GITLAB: dict[str, Any] = {
    "connection-type": "gitlab",
    "hook-class-name": "gitlab_ci_provider.hooks.gitlab.GitLabHook",
    "hook-name": "GitLab",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "login"],
        "relabeling": {"host": "URL", "password": "Token"},
        "placeholders": {
            "host": "https://gitlab.example.com",
            "password": "glpat-...",
            "port": "443",
        },
    },
    "conn-fields": {
        "kind": {
            "label": "Kind of token",
            "schema": {
                "type": ["string", "null"],
                "default": "personal",
                "enum": ["personal", "group", "project", "job", "oauth"],
            },
            "description": "GitLab takes job and OAuth tokens in headers of their own.",
        },
        "tls": {
            "label": "TLS",
            "schema": {
                "type": ["string", "null"],
                "default": "verify",
                "enum": ["verify", "accept any certificate"],
            },
            "description": "With any certificate, anybody on the way can take the token.",
        },
        "ca_file": {
            "label": "File of the CA",
            "schema": _TEXT,
            "description": "Certificates to trust instead of the system's, where Airflow runs.",
        },
        "repositories": {
            "label": "Read repositories by",
            "schema": {"type": ["string", "null"], "default": "git", "enum": ["git", "api"]},
            "description": "api: where Airflow's machines or this token may not use git. "
            "Jobs fetch their commit by git all the same.",
        },
        "variables": {
            "label": "CI/CD variables",
            "schema": {
                "type": ["string", "null"],
                "default": "none",
                "enum": ["none", "project", "project and groups", "project, groups and instance"],
            },
            "description": "Read from GitLab for each pipeline. A project's need the role "
            "Maintainer, a group's the role Owner, the instance's an administrator.",
        },
        "report": {
            "label": "Report to GitLab",
            "schema": {
                "type": ["string", "null"],
                "default": "none",
                "enum": ["none", "pipelines", "jobs"],
            },
            "description": "How much GitLab is told of pipelines. That needs the role Developer.",
        },
        "comments": {
            "label": "Comment on merge requests",
            "schema": {"type": ["boolean", "null"], "default": False},
            "description": "With the end of each pipeline, in one comment that is updated.",
        },
        "proxy": {
            "label": "Proxy",
            "schema": {**_TEXT, "format": "password"},
            "description": "For example http://proxy.example.com:3128, with a login if needed.",
        },
        "webhook_signing_token": {
            "label": "Signing token of webhooks",
            "schema": {**_TEXT, "format": "password"},
            "description": "whsec_..., as `gitlab-dags webhooks install` prints it.",
        },
        "webhook_token": {
            "label": "Secret token of webhooks",
            "schema": {**_TEXT, "format": "password"},
            "description": "Of a GitLab that cannot sign. With a signing token, it is not used.",
        },
    },
}

OBJECT_STORE: dict[str, Any] = {
    "connection-type": "gitlab_ci_s3",
    "hook-class-name": "gitlab_ci_provider.hooks.object_store_hook.ObjectStoreHook",
    "hook-name": "GitLab CI object store (S3)",
    "ui-field-behaviour": {
        "hidden-fields": ["host", "schema"],
        "relabeling": {"login": "Access key", "password": "Secret key"},
        "placeholders": {"port": "443"},
    },
    "conn-fields": {
        "bucket": {
            "label": "Bucket",
            "schema": {"type": "string"},
            "description": "It has to exist.",
        },
        "endpoint_url": {
            "label": "Address of the store",
            "schema": _TEXT,
            "description": "For example https://s3.example.com. Empty: AWS.",
        },
        "region_name": {"label": "Region", "schema": _TEXT, "description": "Empty: us-east-1."},
        "prefix": {
            "label": "Prefix of all keys",
            "schema": _TEXT,
            "description": "To share a bucket.",
        },
        "path_style": {
            "label": "Bucket in the path",
            "schema": {"type": ["boolean", "null"], "default": True},
            "description": "Off: in the host name.",
        },
        "session_token": {
            "label": "Session token",
            "schema": {**_TEXT, "format": "password"},
            "description": "For temporary keys.",
        },
        "ca_bundle": {
            "label": "File of certificates",
            "schema": _TEXT,
            "description": "At its path in the helper's containers. Empty: the system's.",
        },
        "server_side_encryption": {
            "label": "Encryption of new objects",
            "schema": _TEXT,
            "description": "AES256 or aws:kms. Empty: what the bucket does by itself.",
        },
        "sse_kms_key_id": {
            "label": "KMS key",
            "schema": _TEXT,
            "description": "For aws:kms. Empty: the store's own key.",
        },
        "multipart_uploads": {
            "label": "Uploads in parts",
            "schema": {"type": ["boolean", "null"], "default": False},
            "description": "Send large archives while they are packed.",
        },
        "anonymous": {
            "label": "Without login",
            "schema": {"type": ["boolean", "null"], "default": False},
            "description": "Do not look for the keys of a role when there is no access key.",
        },
    },
}
