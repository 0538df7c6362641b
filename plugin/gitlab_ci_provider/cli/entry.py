"""Where `gitlab-dags` begins: an interrupt ends it without a word until it can say something."""

from __future__ import annotations

import signal


def main() -> int:
    """Load the command and run it."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        signal.signal(
            signal.SIGINT, signal.SIG_DFL
        )  # imports take a while, and have nothing to tell
    from gitlab_ci_provider.cli.main import main as command

    signal.signal(signal.SIGINT, usual)
    return command()
