"""Airflow's REST API, as commands use it."""
