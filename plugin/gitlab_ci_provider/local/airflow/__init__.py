"""The embedded Airflow: imported once, its components forked from that."""
