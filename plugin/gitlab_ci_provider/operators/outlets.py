"""What assets hear of a task that has kept artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow.sdk import Asset, Context


def tell_assets(outlets: Iterable[Any], context: Context, told: Mapping[str, Any]) -> None:
    """Make this the `extra` of the event of each asset."""
    for outlet in outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra = dict(told)
