"""IDs of Airflow's runs that a person can read: number, ref and commit of the pipeline.

Airflow takes an ID such as `scheduled__2026` for a run of another type: no ref makes one.
"""

from __future__ import annotations

import re

from gitlab_ci_provider.model.project import is_commit_id

_LONGEST = 60


def run_id(ref: str, sha: str = "", *, number: int = 0, unique: str = "") -> str:
    """Name a run: `12-main-ef0a4fdb` by its number, otherwise `main-ef0a4fdb-UNIQUE`.

    That of a commit without a branch is `12-ef0a4fdb`.

    Args:
        ref: whatever the pipeline is for; empty when that is not known.
        sha: the commit, if it is known.
        number: CI_PIPELINE_ID; 0 when it is not known.
        unique: what no other run of the same ref has; not needed with a number.
    """
    short = re.sub(r"^refs/(heads|tags)/", "", ref)
    label = re.sub(r"[^A-Za-z0-9.]+", "-", short).strip("-.")[:_LONGEST].rstrip("-.") or "run"
    commit = sha[:8] if is_commit_id(sha) else ""
    if is_commit_id(short):  # it is all that is known of the ref
        label, commit = "", short[:8]
    parts = (str(number or ""), label, commit, unique)
    return "-".join(part for part in parts if part)


def number_in(name: str) -> int:
    """Read the number from the ID of a run; 0 without one."""
    found = re.match(r"([1-9][0-9]{0,11})-", name)
    return int(found[1]) if found else 0
