"""Warm programs: written in Python, and imported by the fork server before they are needed.

A container that runs one continues in the forked process, where any other would start an
interpreter and import everything again: a tenth of a second of processor time for each container.
Isolation is the same: root, volumes, user, capabilities and environment are set before.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from gitlab_ci_cluster.runtimes.process import linux
from gitlab_ci_cluster.runtimes.process.spec import ProcessSpec

_FIRST_DESCRIPTOR, _MANY_DESCRIPTORS = 3, 1 << 20
_COMM_BYTES = 15
_INPUT, _OUTPUT, _ERROR = 0, 1, 2


@dataclass(frozen=True, slots=True)
class WarmProgram:
    """A program, and the function that it calls.

    Attributes:
        text: of its file; what a container has at the same path may be another program.
    """

    text: bytes
    run: Callable[[], object]


def load(names: Mapping[str, str]) -> dict[str, WarmProgram]:
    """Import programs, given as `MODULE:FUNCTION` by their path.

    One that cannot be imported is left out: it starts as any other.
    """
    found = {}
    for path, name in names.items():
        module, _, function = name.partition(":")
        try:
            text = Path(path).read_bytes()
            found[path] = WarmProgram(text, getattr(importlib.import_module(module), function))
        except Exception:  # noqa: BLE001 - the log says it, and the program runs all the same
            sys.stderr.write(f"{path} is not kept warm:\n{traceback.format_exc()}")
            sys.stderr.flush()
    gc.collect()
    gc.freeze()
    return found


def is_at(program: WarmProgram, path: str) -> bool:
    """Return whether a container has this very program at a path."""
    try:
        return Path(path).read_bytes() == program.text
    except OSError:
        return False


def become(program: WarmProgram, path: str, spec: ProcessSpec) -> Never:
    """Run a program in this process, as an interpreter that has just started would.

    What `exec` does for other programs is done here: descriptors, capabilities, signals, streams.
    """
    os.closerange(_FIRST_DESCRIPTOR, _MANY_DESCRIPTORS)
    if spec["keep_capabilities"] is not None and os.geteuid() == 0:
        linux.keep_capabilities(spec["keep_capabilities"])
    linux.be_dumpable()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(OSError):
        Path("/proc/self/comm").write_text(Path(path).name[:_COMM_BYTES])
    os.environ.clear()
    os.environ.update({**_locale(spec["env"]), **spec["env"]})
    time.tzset()
    sys.argv = [path, *spec["argv"][1:]]
    sys.stdin = _stream(_INPUT, "r")
    sys.stdout, sys.stderr = _stream(_OUTPUT, "w"), _stream(_ERROR, "w")
    _leave(_code_of(program))


def _locale(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what an interpreter sets where no locale is: programs that it starts inherit it."""
    chosen = any(environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return {} if chosen else {"LC_CTYPE": "C.UTF-8"}


def _stream(descriptor: int, mode: str) -> io.TextIOWrapper:
    binary = open(descriptor, f"{mode}b", closefd=False)  # noqa: SIM115 - for good
    is_error = descriptor == _ERROR
    errors = "backslashreplace" if is_error else "surrogateescape"
    lines = is_error or os.isatty(descriptor)
    return io.TextIOWrapper(binary, encoding="utf-8", errors=errors, line_buffering=lines)


def _code_of(program: WarmProgram) -> object:
    try:
        code = program.run()
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
    except SystemExit as end:
        return end.code
    except BaseException:  # noqa: BLE001 - as an interpreter ends
        traceback.print_exc()
        return 1
    return code


def _leave(code: object) -> Never:
    """Exit without what the fork server would do at its own end."""
    if not (code is None or isinstance(code, int)):
        sys.stderr.write(f"{code}\n")
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(int(code or 0))
