"""Model values to JSON and back."""

from __future__ import annotations

import subprocess
import sys

_MANY_THREADS = """
import sys, threading
from dataclasses import field, make_dataclass
from gitlab_ci_provider.model.serialization import convert, decode

sys.setswitchinterval(1e-6)

def kind():
    fields = [(f"f{i}", int | None, field(default=None)) for i in range(20)]
    inner = make_dataclass("Inner", fields, frozen=True)
    return make_dataclass("Outer", [("one", tuple[inner, ...]), ("more", dict[str, inner])])

def work(read):
    for kind in kinds:
        together.wait()
        read(kind)

kinds, together = [kind() for _ in range(100)], threading.Barrier(4)
reads = [lambda kind: decode(b'{"one":[{"f3":1}],"more":{"a":{}}}', kind),
         lambda kind: convert({"one": [{"f3": 1}], "more": {}}, kind)]
threads = [threading.Thread(target=work, args=(read,)) for read in reads * 2]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_threads_may_read_a_new_type_at_the_same_time():
    """As when a DAG processor copies its first DAGs; msgspec alone would end the process."""
    command = [sys.executable, "-c", _MANY_THREADS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
