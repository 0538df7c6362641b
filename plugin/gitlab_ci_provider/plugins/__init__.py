"""What Airflow loads into its own processes, in addition to operators."""
