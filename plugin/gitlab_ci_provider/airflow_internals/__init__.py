"""Every interface of Airflow and its providers that is not public, and nothing else of ours.

No other module imports them (`tests/architecture/test_airflow_imports.py`), and each has a contract
test in `tests/unit/airflow_internals` that fails when a new version of Airflow renames or changes
it. ADR 0025 gives the reasons, `docs/how-to/new-airflow.md` the steps for a new version.

- `tasks`: what a running task or trigger asks its supervisor for.
- `pod_operator`: what `KubernetesPodOperator` keeps to itself.
- `database`: Airflow's tables, for code that runs where the database is.
- `components`: the classes that the embedded Airflow replaces with its own.
- `startup`: how the embedded Airflow is imported, forked and run.
"""
