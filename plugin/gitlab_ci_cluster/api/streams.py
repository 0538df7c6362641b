"""Answers that come bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from aiohttp import web

STREAM: ContextVar[Callable[[dict[str, str]], web.StreamResponse] | None]
STREAM = ContextVar("stream", default=None)
"""What makes the answer to this request, when a fault wants another than usual."""


async def begin_stream(request: web.Request, content_type: str) -> web.StreamResponse:
    """Begin an answer whose length nobody knows."""
    headers = {"Content-Type": content_type, "Cache-Control": "no-cache, private"}
    make = STREAM.get()
    response = make(headers) if make else web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    return response
