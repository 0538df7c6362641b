"""A task of a hand-written DAG that runs as a job does."""
