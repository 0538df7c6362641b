"""Airflow as one process that has imported it, and the components that are forked from that."""
