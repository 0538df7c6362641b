"""Secrets in plain sight. Messages name the place, never the secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.linter.places import texts
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.rules.expression.regex import compile_re2

_SHAPES = {
    "a GitLab token": r"gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[\w-]{20,}",
    "a runner token": r"GR1348941[\w-]{20}",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a Google API key": r"AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{28}",
    "a Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T\w+/B\w+/\w{16,}",
    "a Stripe key": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9]{32}",
    "an npm token": r"npm_[A-Za-z0-9]{36}",
    "a PyPI token": r"pypi-AgEIcHlwaS5vcmc[\w-]{50,}",
    "a Docker Hub token": r"dckr_[op]at_[\w-]{27,}",
    "a SendGrid key": r"SG\.[\w-]{22}\.[\w-]{43}",
    "a Hugging Face token": r"\bhf_[A-Za-z]{34}\b",
    "an AI provider's key": r"sk-(?:ant|proj|svcacct)-[\w-]{20,}|\bsk-\w{20}T3BlbkFJ\w{20}",
    "a Vault token": r"\bhv[bs]\.[\w-]{24,}",
    "a DigitalOcean token": r"do[opr]_v1_[0-9a-f]{64}",
    "a Databricks token": r"\bdapi[0-9a-f]{32}\b",
    "a Grafana token": r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,}",
    "a Telegram token": r"\b\d{8,10}:AA[\w-]{33}\b",
    "a Shopify token": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "an age key": r"AGE-SECRET-KEY-1[0-9A-Z]{58}",
    "an Azure key": r"AccountKey=[A-Za-z0-9+/]{86}==",
    "a signed token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "a password in a URL": r"\b[a-z][a-z0-9+]*://[^\s/:@$%{<\"']+:[^\s/:@$%{<*\"']{6,}@[\w.-]+",
}  # fmt: skip
_ANY_SHAPE = "|".join(f"(?:{shape})" for shape in _SHAPES.values())
_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY"
    r"|PRIVATE_KEY|CREDENTIALS?)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"(?:https?|file|s3|vault)://.*|[./~].*|(?:change|replace)[-_]?me.*|.*(?:example|dummy).*"
    r"|(?:invalid|any|fake|test|none|not).*|postgres(?:ql)?|mysql|mariadb|password"
    r"|mysecretpassword|x{3,}|\*+|<.*>|(?-i:[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9_-]*)+)",
    re.IGNORECASE | re.DOTALL,
)
"""Addresses, paths and placeholders for secrets, and their names in a store, such as `ci.a.b`."""
_MIN_LENGTH = 8
_CODE = "secret-in-plain-sight"
_HINT = "Define it as a masked variable of the project, or get it from a vault."


def check_secrets(config: CiConfig) -> Iterator[Diagnostic]:
    """Look at all texts of the file, and at the names of its variables."""
    told: set[tuple[str, int, str]] = set()
    for path, text, mark in texts(config.tree):
        if len(text) < _MIN_LENGTH:
            continue
        what = secret_shape(text) or _named(path, text)
        if what and (mark.file, mark.line, text) not in told:
            told.add((mark.file, mark.line, text))  # jobs share texts through extends
            words = f"{':'.join(path)} looks like {what} in plain text"
            yield warning(_CODE, words, mark.location(), _HINT)


def secret_shape(text: str) -> str | None:
    """Return the kind of secret that a text contains, judged by its form; None when none."""
    regex = compile_re2(_ANY_SHAPE)  # many times faster than re where nothing is found
    if regex is None or not regex.found_in(text):
        return None
    return next((what for what, shape in _SHAPES.items() if re.search(shape, text)), None)


def _named(path: tuple[str, ...], text: str) -> str | None:
    """Judge a variable by its name: its value is literal and long enough."""
    name = path[-2] if path[-1] == "value" and len(path) > 1 else path[-1]
    if "variables" not in path[-3:-1] or not _NAME.search(name):
        return None
    literal = len(text) >= _MIN_LENGTH and not any(character in text for character in "$% \n")
    return "a secret" if literal and not _HARMLESS.fullmatch(text) else None
