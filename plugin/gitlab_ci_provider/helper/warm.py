"""The helper's program with everything imported that jobs need, for a process that is then forked.

The program itself imports a phase when it runs it, which is faster when each container starts its
own interpreter, but would be done again and again in each fork.
"""

from __future__ import annotations

from gitlab_ci_provider.helper import finish, hook, prepare
from gitlab_ci_provider.helper.__main__ import main
from gitlab_ci_provider.helper.phases import (
    archive_cache,
    download_artifacts,
    restore_cache,
    upload_artifacts,
    upload_dotenv,
    upload_reports,
    wait_for_services,
)
from gitlab_ci_provider.storage import granted

IMPORTED = (
    *(finish, hook, prepare),
    *(archive_cache, download_artifacts, restore_cache, upload_artifacts, upload_dotenv),
    *(upload_reports, wait_for_services, granted),
)

__all__ = ["IMPORTED", "main"]
