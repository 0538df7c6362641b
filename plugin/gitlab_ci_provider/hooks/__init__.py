"""Clients of the outside world, made from Airflow's connections and Variables."""
