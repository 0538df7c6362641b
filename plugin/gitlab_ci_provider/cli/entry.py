"""Where `gitlab-dags` begins: until everything is imported, an interrupt ends it silently."""

from __future__ import annotations

import signal


def main() -> int:
    """Load the command and run it."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        # Imports take a while and have nothing to clean up.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from gitlab_ci_provider.cli.main import main as command

    signal.signal(signal.SIGINT, usual)
    return command()
