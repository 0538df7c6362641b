"""`tests/kubernetes/up`: a real Kubernetes by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from clusters.real import real_cluster, why_not


def main(command: list[str]) -> int:
    """Start a cluster, and run a command in it or wait to be interrupted."""
    reason = why_not()
    if reason:
        sys.stderr.write(f"tests/kubernetes/up: {reason}\n")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), real_cluster() as cluster:
        sys.stdout.write(f"{cluster.kubeconfig}\n")
        sys.stdout.flush()
        if command:
            environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
            return subprocess.run(command, env=environment, check=False).returncode
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
