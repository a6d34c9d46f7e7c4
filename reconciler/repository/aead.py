"""XAES-256-GCM (C2SP): AES-256-GCM with 192-bit random nonces, safe for any number of messages without a counter to persist.

A nonce counter would have to survive crashes, forks and cloned machines; a random 24-byte nonce does not.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reconciler.base.files import Buffer
from reconciler.repository.format import NONCE_BYTES, TAG_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

__all__ = ["InvalidTag", "Xaes"]


class Xaes:
    """One 256-bit key. Threads may share an instance."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("an XAES-256-GCM key has 32 bytes")
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 (the block cipher inside the published key derivation)
        self._local = threading.local()
        block = self._cipher.encryptor().update(bytes(16))
        shifted = int.from_bytes(block, "big") << 1
        if shifted >> 128:
            shifted ^= (1 << 128) | 0x87
        self._k1 = shifted.to_bytes(16, "big")

    def _derived(self, nonce: bytes) -> AESGCM:
        encryptor: CipherContext | None = getattr(self._local, "encryptor", None)
        if encryptor is None:
            encryptor = self._local.encryptor = self._cipher.encryptor()
        halves = b"".join(
            bytes(a ^ b for a, b in zip(b"\x00" + bytes([number]) + b"\x58\x00" + nonce[:12], self._k1, strict=True)) for number in (1, 2)
        )
        return AESGCM(encryptor.update(halves))

    def seal_into(self, plain: Buffer, associated: bytes, out: memoryview, nonce: bytes | None = None) -> int:
        """Write nonce, ciphertext and tag to ``out`` and return their length. ``nonce`` is given only by the published test vectors."""
        nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
        end = NONCE_BYTES + len(plain) + TAG_BYTES
        out[:NONCE_BYTES] = nonce
        self._derived(nonce).encrypt_into(nonce[12:], plain, associated, out[NONCE_BYTES:end])
        return end

    def seal(self, plain: Buffer, associated: bytes, nonce: bytes | None = None) -> bytes:
        out = bytearray(NONCE_BYTES + len(plain) + TAG_BYTES)
        self.seal_into(plain, associated, memoryview(out), nonce)
        return bytes(out)

    def unseal_into(self, sealed: Buffer, associated: bytes, out: memoryview) -> int:
        """Decrypt into ``out`` and return the length of the plaintext. Raises InvalidTag unless every byte is as it was sealed."""
        view = memoryview(sealed)
        length = len(view) - NONCE_BYTES - TAG_BYTES
        if length < 0:
            raise InvalidTag
        nonce = bytes(view[:NONCE_BYTES])
        self._derived(nonce).decrypt_into(nonce[12:], view[NONCE_BYTES:], associated, out[:length])
        return length

    def unseal(self, sealed: Buffer, associated: bytes) -> bytes:
        out = bytearray(max(0, len(sealed) - NONCE_BYTES - TAG_BYTES))
        self.unseal_into(sealed, associated, memoryview(out))
        return bytes(out)
