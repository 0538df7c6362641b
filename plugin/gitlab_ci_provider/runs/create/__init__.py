"""What `create_pipeline` does: the commit, the variables, the jobs, and the DAG that fits."""
