"""Runs a stand-in by hand: `python -m servers.gitlab FOLDER`, from the folder of the tests.

It has the project `group/shop` and the token `glpat-stand-in`, and ends with its standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from servers.gitlab.server import gitlab_server

if __name__ == "__main__":
    with gitlab_server(Path(sys.argv[1])) as gitlab:
        gitlab.world.add_project("group/shop", {".gitlab-ci.yml": "test: {script: make test}\n"})
        gitlab.world.add_token("glpat-stand-in", levels={"group": 40}, expires_at="2027-01-02")
        sys.stdout.write(f"{gitlab.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
