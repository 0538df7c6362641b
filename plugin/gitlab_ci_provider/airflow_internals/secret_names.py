"""Which names Airflow takes for names of secrets, see `[core] sensitive_var_conn_names`."""

from __future__ import annotations


def is_secret_name(name: str) -> bool:
    """Tell whether Airflow would hide the value of something with this name."""
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    return bool(should_hide_value_for_key(name))
