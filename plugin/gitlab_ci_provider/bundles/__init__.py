"""DAG bundles: how DAG files get to each machine."""
