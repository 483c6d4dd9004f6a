"""Opening an aggregate together: each member does a part of the work, and checks what the others did.

An n-th power modulo n² for each ciphertext is most of what opening costs. Plaintexts prove themselves against the
ciphertexts (``openings``), all of them for a fraction of one part's price. So members begin at different parts, leave
what they opened as hints, take what is there already, and open the rest: N members at once do 1/N each, and a member
alone does everything. No one is waited for or trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pyml.crypto.big_integers import read_big
from pyml.crypto.challenges import domain, seed_of
from pyml.crypto.openings import verify_openings
from pyml.crypto.proof_pk import vector_root
from pyml.crypto.threshold_key_codec import key_tree
from pyml.crypto.threshold_paillier import ListPower, Opening, ThresholdKey, open_ciphertexts

DOMAIN = domain("pyml.deepchain.opening.v1")


class Hints(Protocol):
    """Where parts are left and found: ``pyml.store.hints``."""

    def put(self, topic: bytes, number: int, content: bytes) -> bool: ...
    def get(self, topic: bytes, number: int, *, size: int) -> bytes | None: ...


def open_together(
    key: ThresholdKey,
    ciphertexts: Sequence[int],
    roots: Sequence[int],
    hints: Hints,
    *,
    first: int,
    list_power: ListPower,
) -> list[int]:
    """All plaintexts; ``first`` is the part to begin with, another one for each member.

    Raises ``IntegrityError`` as ``open_ciphertexts`` does where the roots come from false shares.
    """
    topic = seed_of(DOMAIN, key_tree(key).root, vector_root(key.public, ciphertexts))
    parts = _parts(len(ciphertexts), key.parties)
    found: dict[int, list[int]] = {}
    for number in _turned(len(parts), first):
        part = parts[number]
        hint = _read(key, hints, topic, number, part)
        if hint is None:
            opened = open_ciphertexts(key, ciphertexts[part], roots[part], list_power=list_power)
            plaintexts = [int(opening.plaintext) for opening in opened]
            hints.put(topic, number, _encode(key, plaintexts))
            found[number] = plaintexts
        else:
            found[number] = hint
    plaintexts = [plaintext for number in range(len(parts)) for plaintext in found[number]]
    if _are_right(key, ciphertexts, roots, plaintexts):
        return plaintexts
    return _mended(key, ciphertexts, roots, plaintexts, hints, topic, list_power)


def _mended(
    key: ThresholdKey,
    ciphertexts: Sequence[int],
    roots: Sequence[int],
    plaintexts: list[int],
    hints: Hints,
    topic: bytes,
    list_power: ListPower,
) -> list[int]:
    """Part by part, the false ones opened and their hints replaced."""
    right: list[int] = []
    for number, part in enumerate(_parts(len(ciphertexts), key.parties)):
        given = plaintexts[part]
        if not _are_right(key, ciphertexts[part], roots[part], given):
            opened = open_ciphertexts(key, ciphertexts[part], roots[part], list_power=list_power)
            given = [int(opening.plaintext) for opening in opened]
            hints.put(topic, number, _encode(key, given))
        right += given
    return right


def _are_right(key: ThresholdKey, ciphertexts: Sequence[int], roots: Sequence[int], plaintexts: Sequence[int]) -> bool:
    pairs = zip(plaintexts, roots, strict=True)
    return verify_openings(key, ciphertexts, [Opening(plaintext, int(root)) for plaintext, root in pairs])


def _parts(count: int, parties: int) -> list[slice]:
    """As many parts as members, of nearly the same length; fewer where there are fewer ciphertexts."""
    size = -(-count // min(count, parties))
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _turned(count: int, first: int) -> list[int]:
    return [(first + step) % count for step in range(count)]


def _read(key: ThresholdKey, hints: Hints, topic: bytes, number: int, part: slice) -> list[int] | None:
    width, count = key.public.width, part.stop - part.start
    data = hints.get(topic, number, size=count * width)
    if data is None:
        return None
    return [int(read_big(data[place * width : (place + 1) * width])) for place in range(count)]


def _encode(key: ThresholdKey, plaintexts: Sequence[int]) -> bytes:
    return b"".join(plaintext.to_bytes(key.public.width, "big") for plaintext in plaintexts)
