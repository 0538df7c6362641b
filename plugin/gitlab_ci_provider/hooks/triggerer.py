"""Whether a triggerer is alive, as Airflow's API server tells everybody who asks.

A worker asks before it leaves a pod to the triggerer: without one, nobody would come back for it.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any, Literal

import urllib3

Life = Literal["alive", "dead", "unknown"]

_HEALTH = "/api/v2/monitor/health"
_SECONDS = 10.0

_log = logging.getLogger(__name__)


def triggerer_life() -> Life:
    """Ask whether a triggerer has sent a sign of life lately."""
    url = _health_url()
    try:
        with urllib3.PoolManager(ssl_context=_trust()) as pool:
            answer = pool.request("GET", url, timeout=_SECONDS, retries=2)
            health: Any = answer.json()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
        _log.info("%s does not tell whether a triggerer is alive: %s", url, problem)
        return "unknown"
    return life_in(health)


def life_in(health: Any) -> Life:
    """Read what the API server says of the health of Airflow's parts."""
    triggerer = health.get("triggerer") if isinstance(health, dict) else None
    if not isinstance(triggerer, dict):
        return "unknown"
    return "alive" if triggerer.get("status") == "healthy" else "dead"


def _health_url() -> str:
    """Name the page of the server that this worker reports to."""
    from airflow.configuration import conf

    base = str(conf.get("api", "base_url", fallback="") or "")
    if not base.startswith("http"):
        base = f"http://localhost:8080{base}"
    server = conf.get("core", "execution_api_server_url", fallback="")
    return f"{str(server or base).rstrip('/').removesuffix('/execution')}{_HEALTH}"


def _trust() -> ssl.SSLContext:
    """Trust whom Airflow's own client of that server trusts."""
    from airflow.configuration import conf

    context = ssl.create_default_context()
    own = conf.get("api", "ssl_cert", fallback="")
    if own:
        context.load_verify_locations(own)
    return context
