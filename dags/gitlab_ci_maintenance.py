"""Put this file into any Airflow DAGs folder: it deletes what jobs have left, once an hour.

Airflow reads only files that contain its name, as this one does here.
"""

from gitlab_ci_provider.renderer.maintenance import maintenance_dag

dag = maintenance_dag(schedule="@hourly")
