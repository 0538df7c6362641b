"""Registers the pipeline page with Airflow: its data, and where the UI shows it.

Every process of Airflow loads plugins, and only the API server needs this application. So it is
made with the first request.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.plugins.when_asked import WhenAsked

PREFIX = "/gitlab-ci"
"""Of all addresses of this application."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request; an ASGI application."""
    await _made()(scope, receive, send)


@cache
def _made() -> Any:
    from gitlab_ci_provider.plugins.page.routes import make_application

    return make_application()


def _react_apps() -> list[dict[str, Any]]:
    """Describe the React apps; Airflow asks for them only in its API server.

    The address of the script changes with its content, so that browsers need not ask for it again.
    """
    from gitlab_ci_provider.plugins.page.static import page_version

    shared = {
        "bundle_url": f"gitlab-ci/page.js?v={page_version()}",
        "icon": "gitlab-ci/icon.svg",
        "icon_dark_mode": "gitlab-ci/icon-dark.svg",
    }
    run = {"name": "Pipeline", "destination": "dag_run", "url_route": "pipeline"}
    projects = {"name": "Pipelines", "destination": "nav", "url_route": "pipelines"}
    return [{**run, **shared}, {**projects, **shared, "nav_top_level": True}]


class PipelinePagePlugin(AirflowPlugin):
    """The tab "Pipeline" of runs, and the list of projects in the navigation.

    Airflow's UI takes the component from the global variable that has the name of the app.
    """

    name = "gitlab_ci_pipeline_page"
    fastapi_apps = [  # noqa: RUF012 - Airflow declares it so
        {"app": application, "url_prefix": PREFIX, "name": "GitLab CI pipeline page"}
    ]
    react_apps = WhenAsked(_react_apps)
