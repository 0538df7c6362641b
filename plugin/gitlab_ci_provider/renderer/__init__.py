"""Snapshots to DAGs: no network, no YAML."""
