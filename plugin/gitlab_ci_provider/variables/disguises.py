"""The forms in which programs print a text: encoded, escaped, quoted."""

from __future__ import annotations

import binascii
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_WRAPPED = (76, 64)
"""Digits of base64 in a line, as `base64` and `openssl` write them."""

_SHORTEST = 8
"""Characters; shorter parts reveal nothing of the value."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_BASH = re.compile(rb"""[\s!"$&'()*,;<>?\[\\\]^`{|}]|^[#~]|(?<=[:=])~""")
_SHELL = re.compile(rb"[^A-Za-z0-9_%+,./:=@\x80-\xff-]")
_IN_QUOTES = re.compile(rb'[\\"$`]')
_BACKSLASHED = re.compile(rb"[\\']")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_HEX = re.compile(rb"%[0-9A-F]{2}")


def escaped(data: bytes) -> Iterator[bytes]:
    """Escape a text as JSON, HTML and shells do, the quotes around it left out."""
    text = data.decode("utf-8", "replace")
    for ascii_only in (True, False):
        in_json = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield in_json.encode()
        yield in_json.replace("/", "\\/").encode()
        yield json.dumps(in_json, ensure_ascii=ascii_only)[1:-1].encode()
    for entity in ("&#x27;", "&#39;", "&apos;", "'"):
        yield html.escape(text).replace("&#x27;", entity).encode()
        yield html.escape(text, quote=False).encode()
    yield data.replace(b"'", b"'\\''")  # bash and its `set -x`
    yield data.replace(b"'", b"'\"'\"'")  # dash, Python's shlex
    yield _BASH.sub(rb"\\\g<0>", data)  # its `printf %q`
    yield _SHELL.sub(rb"\\\g<0>", data)  # other shells'
    yield _IN_QUOTES.sub(rb"\\\g<0>", data)  # `export -p`
    inner = _BACKSLASHED.sub(rb"\\\g<0>", data)
    yield inner  # $'...', in UTF-8 and without
    yield _NOT_ASCII.sub(lambda found: b"\\%03o" % found[0][0], inner)


def encoded(data: bytes) -> Iterator[bytes]:
    """Encode a text as HTTP clients do, and as base64 with anything around it."""
    for form in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield form.encode()
        yield _HEX.sub(lambda found: found[0].lower(), form.encode())
    for digits in _base64(data):
        yield digits
        yield digits.translate(_URL_SAFE)


def _base64(data: bytes) -> Iterator[bytes]:
    """Encode with 0, 1 and 2 bytes before it; digits shared with neighbours are cut off."""
    for shift, skipped in ((0, 0), (1, 2), (2, 3)):
        digits = (shift + len(data)) * 8 // 6
        yield binascii.b2a_base64(b"\0" * shift + data)[skipped:digits]
    alone = binascii.b2a_base64(data, newline=False)
    for width in _WRAPPED:
        if len(alone) > width:
            lines = (alone[at : at + width] for at in range(0, len(alone), width))
            yield from (line for line in lines if len(line) >= _SHORTEST)
