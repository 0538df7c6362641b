"""Repositories to snapshots and DAG files."""
