"""Whether new content looks like noise: what encryption leaves where a text, a picture or a program stood.

Eight short samples of a chunk are looked at, never all of it. 512 bytes of noise hold about 222 of the 256 byte values (fewest of 20,000
measured: 203), those of programs, databases and texts at most 160: one call that counts values, in less than a microsecond, tells them
apart. What is compressed is noise, too. Therefore the name counts: a text must be text, a picture must begin as its kind does, and what
begins as a known compressed kind is believed (gzip and zlib once their first bytes inflate). Noise written as base64 is nothing but the
letters of base64, nearly all of them, from the first byte on. Noise in islands, a few bytes in each thousand of a text, is told in a file
of any name by bytes that no text holds, hardly one of them twice: formats that mix text and numbers repeat themselves. Noise between zeros
is told without them. Nothing is decided here; the numbers stand in the root of the snapshot.
"""

from __future__ import annotations

import re
import zlib

_SAMPLE = 512
_SAMPLES = 8
_SMALLEST = 64  # fewer bytes say nothing about the rest of themselves
_NOISY_SHARE = 0.79  # of the byte values that noise of this length would hold: 175 of 222
_STRAY = 50  # in a text one byte in so many may be a control character
_RUINED = 8  # one sample in so many
_HEAD = 16
_ID = 32
_ENDING = re.compile(rb"\.([A-Za-z0-9]*)[^.]*$")

_VALUES = bytes(range(256))
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
_LETTERS_SHARE = 0.92  # of the 64 that noise of this length would hold: a list of names, or of numbers in base 16, holds fewer
_TEXT = bytes([7, 8, 9, 10, 11, 12, 13, 27, *range(32, 256)])
_CONTINUED = bytes(range(0x80, 0xC0))  # what a sample may begin with that was cut inside a character of UTF-8
_PRINTED = bytes([9, 10, 13, *range(32, 127)])
_ISLAND_FEWEST, _ISLAND_MOST = 6, 0.5  # unprinted bytes of a sample: at least so many, at most that share
_PADDED_FEWEST = 192
_ISLAND_SPREAD = 0.8  # of the values that as many unprinted bytes of noise would hold
_UNPRINTED = 256 - len(_PRINTED)
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16 begins so; every other byte of it may be 0
_NOISY_FROM = [round(_NOISY_SHARE * 256 * (1 - (255 / 256) ** size)) for size in range(_SAMPLE + 1)]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_GZIP, _XZ, _ZSTD, _BZIP = (b"\x1f\x8b\x08",), (b"\xfd7zXZ",), (b"\x28\xb5\x2f\xfd",), (b"BZh",)
_FILM = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_MAGIC: dict[bytes, tuple[bytes, ...]] = {
    **dict.fromkeys(b"zip jar war ear docx xlsx pptx odt ods odp epub whl egg apk xpi nupkg vsix".split(), _ZIP),
    **dict.fromkeys(b"gz tgz svgz".split(), _GZIP),
    **dict.fromkeys(b"xz txz".split(), _XZ),
    **dict.fromkeys(b"zst tzst".split(), _ZSTD),
    **dict.fromkeys(b"bz2 tbz".split(), _BZIP),
    **dict.fromkeys(b"jpg jpeg".split(), (b"\xff\xd8\xff",)),
    **dict.fromkeys(b"mp4 m4a m4v mov heic avif".split(), _FILM),
    **dict.fromkeys(b"mkv webm".split(), (b"\x1a\x45\xdf\xa3",)),
    **dict.fromkeys(b"ogg oga opus".split(), (b"OggS",)),
    b"png": (b"\x89PNG",),
    b"gif": (b"GIF8",),
    b"webp": (b"WEBP",),
    b"pdf": (b"%PDF",),
    b"7z": (b"7z\xbc\xaf",),
    b"rar": (b"Rar!",),
    b"lz4": (b"\x04\x22\x4d\x18",),
    b"flac": (b"fLaC",),
    b"woff": (b"wOFF",),
    b"woff2": (b"wOF2",),
    b"parquet": (b"PAR1",),
    b"deb": (b"!<arch>",),
    b"rpm": (b"\xed\xab\xee\xdb",),
}
_DENSE = (
    *(b"\x7fELF", b"\0asm", b"BC\xc0\xde", b"PGDMP", b"TZif", b"RIFF", b"FORM", b".snd", b"\x93NUMPY", b"\x89HDF"),
    *(b"PACK", b"\xfftOc", b"DIRC", b"RIDX", b"MIDX", b"CGPH"),  # of git
)
_KNOWN = (*{magic for magics in _MAGIC.values() for magic in magics if magic not in _FILM[1:]}, *_DENSE)
_NOISY_BY_NATURE = frozenset(b"gpg pgp age aes enc luks br lzma lz mp3 aac".split())
_TEXTS = frozenset(
    b"py pyi js mjs cjs jsx tsx json html htm css scss less xml svg txt md rst csv tsv sql log conf cfg ini toml yaml yml c h cc cpp hpp "
    b"java go rs rb pl pm php sh lua tex po pom properties vue ipynb swift kt cs eml vcf ics desktop service".split()
)


class Noise:
    """One per run; :meth:`begin` for each file that is not as before, then :meth:`see` for each chunk of it."""

    def __init__(self) -> None:
        self.fresh_bytes = 0
        """Content that the repository did not hold."""
        self.noise_bytes = 0
        """The part of it that looks like noise, where neither name nor head explain that."""
        self.wanted = False
        """Whether what is read now is of interest: the file is not as it was."""
        self.begin(b"")

    def begin(self, name: bytes, before: bytes = b"") -> None:
        """What is seen from now on is content of the file ``name``; ``before``: ids of the chunks that it had."""
        self._ending = ending(name)
        self._before = {before[at : at + _ID] for at in range(0, len(before), _ID)} if len(before) > _ID else {before}
        self._head: bytes | None = None
        self._samples = self._noisy = self._blank = 0
        self.seen = self.fresh = False
        """Whether anything of the file was new, to the file and to the repository."""

    def see(self, chunk: bytes, data: memoryview, *, first: bool, fresh: bool) -> None:
        """``first``: the file begins with it. ``fresh``: the repository did not hold it."""
        if not self.wanted or chunk in self._before:
            return
        size = len(data)
        self.seen = True
        self.fresh |= fresh
        self.fresh_bytes += size if fresh else 0
        if first:
            self._head = _head(data)
        text = self._ending in _TEXTS and not (self._head or b"").startswith(_WIDE)
        if size < _SMALLEST and not text:
            return
        samples = _samples(data, size)
        encoded = self._head is not None and size >= _SMALLEST and not self._head.translate(None, _LETTERS)
        whole = b"".join(samples) if text or encoded else b""
        encoded = encoded and _encoded(whole)
        if text and not encoded and not whole.translate(None, _TEXT) and whole.strip(whole[:1]):  # the usual case, in two calls
            self._samples += len(samples)
            return
        noisy = 0
        for sample in samples:
            values = 256 - len(_VALUES.translate(None, sample))
            self._blank += values == 1
            if encoded:
                noisy += 1
            elif text:
                noisy += values > 1 and _stained(sample)
            else:
                noisy += values >= _NOISY_FROM[len(sample)] or _islands(sample) or _padded(sample)
        self._samples += len(samples)
        self._noisy += noisy
        if fresh and noisy and not self._explained:
            self.noise_bytes += size * noisy // len(samples)

    @property
    def ruined(self) -> bool:
        """Whether the new content of this file is not what its name promises: noise, or of another kind."""
        if self._ending in _MAGIC:
            return self._head is not None and not self._explained
        return not self._explained and self._noisy * _RUINED >= self._samples > 0 < self._noisy

    @property
    def blank(self) -> bool:
        """Whether its new content is one byte over and over."""
        return self._samples == self._blank > 0

    @property
    def _explained(self) -> bool:
        """Whether noise is what a file of this name, or of this head, holds."""
        ending, head = self._ending, self._head
        if ending in _NOISY_BY_NATURE:
            return True
        magics = _MAGIC.get(ending)
        if magics is not None:
            return head is None or any(magic in head for magic in magics)
        return ending not in _TEXTS and head is not None and (head.startswith(_ZLIB) or any(magic in head for magic in _KNOWN))


def _samples(data: memoryview, size: int) -> list[bytes]:
    """Evenly spread, first and last byte included."""
    count = min(_SAMPLES, -(-size // _SAMPLE))
    if count == 1:
        return [bytes(data)]
    step = (size - _SAMPLE) / (count - 1)
    return [bytes(data[(start := int(step * position)) : start + _SAMPLE]) for position in range(count)]


def _head(data: memoryview) -> bytes:
    """The first bytes; none where they say gzip or zlib and what follows is none."""
    head = bytes(data[:_HEAD])
    if head.startswith(_GZIP + _ZLIB):
        try:
            zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data[:_SAMPLE], _SAMPLE)
        except zlib.error:
            return b""
    return head


def _encoded(data: bytes) -> bool:
    """Whether it is noise written as base64."""
    return not data.translate(None, _LETTERS) and len(set(data)) >= _LETTERS_SHARE * 64 * (1 - (63 / 64) ** len(data))


def _stained(sample: bytes) -> bool:
    """Whether a text holds what no text does: many control characters, or any beside bytes that are no UTF-8."""
    strays = len(sample.translate(None, _TEXT))
    if not strays or strays * _STRAY > len(sample):
        return strays > 0
    try:
        sample.lstrip(_CONTINUED).decode()
    except UnicodeDecodeError as fault:
        return fault.start + 4 < len(sample)  # the last character may be cut
    return False


def _islands(sample: bytes) -> bool:
    """Whether it is text between runs of noise."""
    strange = sample.translate(None, _PRINTED)
    count = len(strange)
    if not _ISLAND_FEWEST <= count <= _ISLAND_MOST * len(sample):
        return False
    if len(set(strange)) < _ISLAND_SPREAD * _UNPRINTED * (1 - (1 - 1 / _UNPRINTED) ** count):
        return False
    return _stained(sample)


def _padded(sample: bytes) -> bool:
    """Whether it is noise between zeros."""
    rest = sample.translate(None, b"\0")
    return _PADDED_FEWEST <= len(rest) < len(sample) - _PADDED_FEWEST // 2 and len(set(rest)) >= _NOISY_FROM[len(rest)]


def ending(name: bytes) -> bytes:
    """Lower-case letters and digits after the last point, up to anything else; of a name without a point nothing."""
    found = _ENDING.search(name)
    return found[1].lower() if found is not None else b""
