"""Compression behind one pair of functions, with an explicit bound when decompressing: sizes in a repository may be hostile."""

from __future__ import annotations

import sys
import threading
import zlib
from typing import Any

from reconciler.base.files import Buffer
from reconciler.repository.format import Packed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PROBE_BYTES = 8192
_PROBE_RATIO = 0.96  # four samples that shrink by less than 4 % are not worth a pass over the whole segment


class Codec:
    """One algorithm and level; each thread keeps its own compressor, for zstd's are not thread-safe."""

    def __init__(self, algorithm: str = "zstd", level: int | None = None) -> None:
        self._packed = {"zstd": Packed.ZSTD, "gzip": Packed.GZIP, "none": Packed.NONE}[algorithm]
        self.algorithm = algorithm
        self.level = level if level is not None else {Packed.ZSTD: 2, Packed.GZIP: 6, Packed.NONE: 0}[self._packed]
        self._local = threading.local()

    def compress(self, plain: memoryview) -> tuple[Packed, Buffer]:
        """The smaller of the compressed form and ``plain`` itself."""
        if self._packed is Packed.NONE or (len(plain) >= 16 * _PROBE_BYTES and self._looks_random(plain)):
            return Packed.NONE, plain
        small = self._squeeze(plain)
        return (self._packed, small) if len(small) < len(plain) else (Packed.NONE, plain)

    def _squeeze(self, plain: Buffer) -> bytes:
        if self._packed is Packed.GZIP:
            return zlib.compress(plain, self.level, wbits=31)
        compressor = getattr(self._local, "compressor", None)
        if compressor is None:
            compressor = self._local.compressor = zstd.ZstdCompressor(level=self.level)
        compressor.set_pledged_input_size(len(plain))
        return bytes(compressor.compress(plain, mode=compressor.FLUSH_FRAME))

    def _looks_random(self, plain: memoryview) -> bool:
        step = len(plain) // 4
        probe = getattr(self._local, "probe", None)
        if probe is None:
            probe = self._local.probe = zstd.ZstdCompressor(level=1)
        total = 0
        for start in range(0, 4 * step, step):
            total += len(probe.compress(plain[start : start + _PROBE_BYTES], mode=probe.FLUSH_FRAME))
        return total > _PROBE_RATIO * 4 * _PROBE_BYTES


def decompress(packed: int, data: Buffer, plain_bytes: int) -> Buffer:
    """Exactly ``plain_bytes`` of plaintext. Raises ValueError for anything else, never allocates more than that."""
    if packed == Packed.NONE:
        plain: Buffer = data
    elif packed == Packed.ZSTD:
        plain = _bounded(zstd.ZstdDecompressor(), data, plain_bytes, zstd.ZstdError)
    elif packed == Packed.GZIP:
        plain = _bounded(zlib.decompressobj(wbits=31), data, plain_bytes, zlib.error)
    else:
        raise ValueError(f"unknown compression {packed}")
    if len(plain) != plain_bytes:
        raise ValueError(f"decompresses to {len(plain)} bytes instead of {plain_bytes}")
    return plain


def _bounded(decompressor: Any, data: Buffer, plain_bytes: int, error: type[Exception]) -> bytes:
    try:
        plain: bytes = decompressor.decompress(data, plain_bytes + 1)
    except error as cause:
        raise ValueError(f"does not decompress: {cause}") from cause
    if not decompressor.eof or decompressor.unused_data or len(plain) > plain_bytes:
        raise ValueError(f"does not end after {plain_bytes} bytes")
    return plain
