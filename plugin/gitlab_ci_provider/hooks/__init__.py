"""Airflow connections to our clients."""
