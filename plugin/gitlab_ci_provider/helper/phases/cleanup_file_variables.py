"""Phase `cleanup_file_variables`: remove what must not outlive the job. Never fatal."""

from __future__ import annotations

import shutil

from gitlab_ci_provider.helper.context import PhaseContext


def cleanup_file_variables(context: PhaseContext) -> None:
    """Remove the folder next to the working copy, with file variables and unfinished archives.

    Raises:
        OSError: it cannot be removed.
    """
    if context.temporary_dir.is_symlink():
        context.temporary_dir.unlink()
    elif context.temporary_dir.exists():
        shutil.rmtree(context.temporary_dir)
