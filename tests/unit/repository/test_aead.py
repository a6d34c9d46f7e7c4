"""XAES-256-GCM against the vectors that C2SP publishes."""

import hashlib

import pytest
from cryptography.exceptions import InvalidTag

from reconciler.repository.aead import Xaes

NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"


def test_published_vector_with_a_derived_key_of_the_first_kind():
    sealed = Xaes(b"\x01" * 32).seal(b"XAES-256-GCM", b"", NONCE)
    assert sealed[24:].hex() == "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"


def test_published_vector_with_associated_data():
    sealed = Xaes(b"\x03" * 32).seal(b"XAES-256-GCM", b"c2sp.org/XAES-256-GCM", NONCE)
    assert sealed[24:].hex() == "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"


def test_ten_thousand_random_messages_accumulate_to_the_published_hash():
    stream = hashlib.shake_128()
    position = 0
    data = stream.digest(4_000_000)

    def read(count: int) -> bytes:
        nonlocal position
        piece = data[position : position + count]
        position += count
        return piece

    total = hashlib.shake_128()
    for _ in range(10_000):
        key, nonce = read(32), read(24)
        plain = read(read(1)[0])
        associated = read(read(1)[0])
        sealed = Xaes(key).seal(plain, associated, nonce)
        assert Xaes(key).unseal(sealed, associated) == plain
        total.update(sealed[24:])
    assert total.hexdigest(32) == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"


def test_two_encryptions_of_the_same_plaintext_differ():
    cipher = Xaes(b"k" * 32)
    assert len({cipher.seal(b"same", b"") for _ in range(100)}) == 100


def test_every_flipped_bit_is_refused():
    cipher = Xaes(b"k" * 32)
    sealed = cipher.seal(b"sixteen byte msg", b"associated")
    for position in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(InvalidTag):
            cipher.unseal(bytes(flipped), b"associated")
    with pytest.raises(InvalidTag):
        cipher.unseal(sealed, b"associates")
    with pytest.raises(InvalidTag):
        cipher.unseal(sealed[:39], b"associated")
