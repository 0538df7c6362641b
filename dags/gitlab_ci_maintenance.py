"""Put this file into the DAGs folder, too, to delete once an hour what jobs have left."""

from gitlab_ci_provider.renderer.maintenance import maintenance_dag

dag = maintenance_dag(schedule="@hourly")
