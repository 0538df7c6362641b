"""What the cluster of the stack shows while pipelines run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes import watch

from e2e.embedded import Stack


@contextmanager
def seen_in_the_cluster(stack: Stack) -> Iterator[list[str]]:
    """Gather every state of every pod, and every event, while a pipeline runs."""
    api, seen, ended = stack.core, list[str](), threading.Event()

    def follow(listing: Any) -> None:
        while not ended.is_set():
            for event in watch.Watch().stream(listing, timeout_seconds=1):
                seen.append(json.dumps(event["raw_object"]))

    listings = (api.list_pod_for_all_namespaces, api.list_event_for_all_namespaces)
    threads = [threading.Thread(target=follow, args=(one,)) for one in listings]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()
