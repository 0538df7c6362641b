"""The XComs of a pipeline's tasks, which people find in the Airflow UI, by task."""

from __future__ import annotations

PIPELINE = "pipeline"
"""Of `create_pipeline`: the whole `PipelineRun`, for people and programs."""

PIN = "pin"
"""Of `create_pipeline`: the digest of the `PipelineRun`, by which jobs read it."""

ABOUT = "about"
"""Of `create_pipeline`: the `About` of the pipeline, for lists."""

LEFT_OUT = "left_out"
"""Of `create_pipeline`: why jobs are not in the pipeline, by task."""

PROBLEM = "problem"
"""Of `create_pipeline`: why there is no pipeline, when it failed."""

MOVED_TO = "moved_to"
"""Of `create_pipeline`: DAG and run that have the pipeline, when its jobs fit another DAG."""

JOB_RESULT = "job_result"
"""Of each job: its `JobResult`."""

FOLLOWED = "followed"
"""Of a job whose task is deferred while its pod runs: the pod, and how far it was followed."""

PIPELINE_RESULT = "pipeline_result"
"""Of `finish_pipeline`: how the pipeline ended."""

UNTOLD = "untold"
"""Of `finish_pipeline`: what GitLab was not told, in words; missing when it knows everything."""

TO_PLAY = "to_play"
"""Of the task that stops environments: the tasks of the jobs that do, see `plugins`."""

UPSTREAM_LINK = "_link_UpstreamLink"
"""Of `create_pipeline`: the address of the job that asked for the pipeline, see `operators`."""

ENVIRONMENT_LINK = "_link_EnvironmentLink"
"""Of a job that has deployed: the address of its environment."""

DOWNSTREAM_LINK = "_link_DownstreamLink"
"""Of a bridge: the address of its pipeline; Airflow derives the key from `DownstreamLink`."""
