"""Airflow's API server on a database of made-up runs: `python -m servers.pages.serve PORT`."""

from __future__ import annotations

import sys

from servers.pages.seed import seed


def main(port: str) -> None:
    """Fill the database, then serve until the process is ended."""
    import uvicorn
    from airflow.api_fastapi.app import create_app

    seed()
    uvicorn.run(create_app(apps="core"), port=int(port), log_level="warning", lifespan="on")


if __name__ == "__main__":
    main(sys.argv[1])
