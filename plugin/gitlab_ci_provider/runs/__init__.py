"""What the tasks of a pipeline do, by subject; the operators of Airflow call it."""
