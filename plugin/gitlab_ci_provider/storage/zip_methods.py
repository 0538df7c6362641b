"""How the members of a zip archive are compressed: deflate, or zstd as WinZip has it.

Contents are compressed as a whole, or in pieces by several threads: pieces of deflate know the end
of the piece before them, as in `pigz`, and each piece of zstd is a frame of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from isal import igzip_lib, isal_zlib

from gitlab_ci_provider.storage.zip_headers import DEFLATED, STORED, ZSTANDARD, Packed

if TYPE_CHECKING:
    from gitlab_ci_provider.model.plan import ArchiveFormat, CompressionLevel

_ZLIB_LEVELS: Mapping[CompressionLevel, int] = {"slow": 7, "slowest": 9}
"""Those of GitLab Runner, by zlib. `fast` and `default` mean ISA-L's level 2.

Level 5, which is `default` there, makes archives a tenth smaller and takes many times as long.
"""

_ISAL_LEVEL = 2
_RAW = -zlib.MAX_WBITS

_SAMPLE = 64 * 1024
_WORTH = 0.95
"""Contents that do not shrink below this ratio are not compressed."""

_WINDOW = 32 * 1024


class Method(NamedTuple):
    """A way to compress.

    Attributes:
        number: as zip archives name it.
        whole: compresses contents.
        piece: compresses a piece; its second argument is what was before it.
        end: what comes after the last piece.
    """

    number: int
    whole: Callable[[bytes], bytes]
    piece: Callable[[bytes, bytes], bytes]
    end: bytes

    def compress(self, contents: bytes, offset: int) -> tuple[Packed, bytes]:
        """Compress the contents of a member, unless they do not shrink."""
        size, crc = len(contents), isal_zlib.crc32(contents)
        if size and self.number != STORED and (size <= _SAMPLE or self.shrinks(contents)):
            packed = self.whole(contents)
            if len(packed) < size:
                return Packed(self.number, crc, size, len(packed), offset), packed
        return Packed(STORED, crc, size, size, offset), contents

    def shrinks(self, contents: bytes) -> bool:
        """Try the beginning: compressing images, packages and archives wastes time."""
        sample = contents[:_SAMPLE]
        return self.number != STORED and len(self.whole(sample)) < len(sample) * _WORTH


def method_of(form: ArchiveFormat, level: CompressionLevel) -> Method:
    """Return how the members of a format are compressed."""
    if level == "fastest":  # it does not compress at all, as in GitLab Runner
        return Method(STORED, _nothing, _no_piece, b"")
    return (_deflate if form == "zip" else _zstandard)(level)


def _deflate(level: CompressionLevel) -> Method:
    """Return what any program can read."""
    new: Callable[..., Any]
    if level in _ZLIB_LEVELS:
        number = _ZLIB_LEVELS[level]
        whole = partial(zlib.compress, level=number, wbits=_RAW)
        new = partial(zlib.compressobj, number, zlib.DEFLATED, _RAW)
    else:
        whole = partial(igzip_lib.compress, level=_ISAL_LEVEL)
        new = partial(isal_zlib.compressobj, _ISAL_LEVEL, zlib.DEFLATED, _RAW)
    # An empty last block ends the blocks of all pieces.
    return Method(DEFLATED, whole, partial(_piece, new), b"\3\0")


def _zstandard(level: CompressionLevel) -> Method:
    """Return GitLab Runner's `zipzstd`."""
    from gitlab_ci_provider.storage.frames import Compressor, zstd_level

    whole = Compressor(zstd_level(level), checksum=False).compress
    return Method(ZSTANDARD, whole, lambda piece, _before: whole(piece), b"")


def _piece(new: Callable[..., Any], piece: bytes, before: bytes) -> bytes:
    packer = new(zdict=before[-_WINDOW:]) if before else new()
    packed: bytes = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed


def _nothing(contents: bytes) -> bytes:
    return contents


def _no_piece(piece: bytes, _before: bytes) -> bytes:
    return piece
