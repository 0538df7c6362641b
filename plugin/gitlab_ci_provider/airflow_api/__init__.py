"""A client of Airflow's REST API, for commands."""
