"""The embedded stack: cluster, object store and Airflow on one machine."""
