"""The pipeline page in Airflow's UI: what it shows of a run, and the application that serves it."""
