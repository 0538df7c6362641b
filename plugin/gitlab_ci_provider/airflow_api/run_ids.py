"""Names of Airflow runs that a person can tell apart: the ref, the moment, and a random end."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

_LONGEST_REF = 60


def new_run_id(ref: str) -> str:
    """Make a run's id that no other run has: `main-20260131T120000-3fa9c1`.

    Airflow takes an id such as `scheduled__2026` for a run of another type: no ref makes one.
    """
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", ref).strip("-.")[:_LONGEST_REF]
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return f"{slug or 'run'}-{moment}-{secrets.token_hex(3)}"
