"""Airflow's database, for commands: there people have their connections and Variables.

A process that is none of Airflow's finds them in its environment and in secrets backends only. It
is a module of its own, because commands may not know Airflow's internals.
"""

from __future__ import annotations

from gitlab_ci_provider.airflow_internals.startup import with_database

__all__ = ["with_database"]
