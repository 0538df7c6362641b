"""Refuses to build a package without the pipeline page, which no checkout contains.

The image of the helper has no use for the page and is built without Node.js.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PAGE = Path("plugin/gitlab_ci_provider/plugins/page/static/page.js")
_WITHOUT = "GITLAB_CI_WITHOUT_PAGE"


class PageHook(BuildHookInterface[Any]):
    """Looks for the built page; an editable installation does without."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling names them
        """Fail when the page is missing.

        Raises:
            RuntimeError: it is.
        """
        if version == "editable" or os.environ.get(_WITHOUT):
            return
        if not Path(self.root, _PAGE).is_file():
            message = f"{_PAGE} is missing: run `make page` (Node.js 20), or set {_WITHOUT}=1"
            raise RuntimeError(message)
