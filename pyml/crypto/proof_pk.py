"""Proof_PK: whoever posts ciphertexts knows what is in them. One proof for a vector of any length.

    statement   C_k = (1+n)^m_k · u_k^n mod n² with known m_k and u_k, for k = 0 … l-1
    commit      a = (1+n)^x · h^y,  x below n, y of |r| + 272 bits
    challenge   e_k from keccak256(domain ‖ context ‖ key ‖ root of all C_k ‖ l ‖ a), 128 bits each
    respond     z1 = x - Σ e_k m_k mod n,  z2 = y - Σ e_k r_k, a whole number, drawn again if negative
    accept      (1+n)^z1 · h^z2 · ∏ C_k^e_k = a mod n²

Source: DeepChain, section 4.2.4, ``Proof_PK``, after R. Cramer, I. Damgård and J. B. Nielsen (2001). Deviations: the
paper hashes no context, so that a proof replays in another round, and one proof is made for each ciphertext; here one
proof serves a vector with a challenge for each element. Responses subtract, so that verifying is one product of powers
compared with ``a``, which a dispute can take apart. Arguments: docs/deepchain-proofs.md, section 4. **Not proved: that
a plaintext is small.**
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pyml.crypto.big_integers import big, common_divisor, power, read_big
from pyml.crypto.challenges import CHALLENGE_BITS, SLACK_BITS, challenges, domain, require_context, seed_of, word
from pyml.crypto.merkle import MerkleTree
from pyml.crypto.multi_power import product_of_powers
from pyml.crypto.paillier import Encrypted, PublicKey
from pyml.crypto.threshold_key_codec import key_tree
from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.errors import InputError, ProofError

MAX_CIPHERTEXTS: Final = 1 << 16
DOMAIN: Final = domain("pyml.deepchain.proof-pk.v1")

_COUNT_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class ProofPK:
    """A proof for one vector of ciphertexts."""

    a: int
    z1: int
    z2: int


def z2_bytes(key: PublicKey) -> int:
    """Length of z2: the random exponent, the challenge, the slack, and 16 bits for the sum over a vector."""
    return (key.exponent_bits + CHALLENGE_BITS + SLACK_BITS + _COUNT_BITS + 7) // 8


def prove_pk(
    key: ThresholdKey,
    encrypted: Encrypted,
    plaintexts: Sequence[int],
    *,
    context: bytes,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> ProofPK:
    """A proof for ciphertexts just made; raises ``ProofError`` if they are too many or do not belong together."""
    public = key.public
    n, n_squared = big(public.n), public.n_squared
    _require_count(len(encrypted.ciphertexts))
    if not len(plaintexts) == len(encrypted.exponents) == len(encrypted.ciphertexts):
        raise ProofError("plaintexts, exponents and ciphertexts are of different number")
    root = vector_root(public, encrypted.ciphertexts)
    while True:
        x, y = random_bits(n.bit_length() + SLACK_BITS) % n, random_bits(8 * z2_bytes(public))
        a = (1 + n * x) * power(public.h, y, n_squared) % n_squared
        factors = challenges(pk_seed(key, context, root, len(plaintexts), a), len(plaintexts))
        z2 = y - sum(e * r for e, r in zip(factors, encrypted.exponents, strict=True))
        if z2 >= 0:  # fails with probability 2^-128
            hidden = sum(e * m for e, m in zip(factors, plaintexts, strict=True))
            return ProofPK(int(a), int((x - hidden) % n), int(z2))


def verify_pk(key: ThresholdKey, ciphertexts: Sequence[int], proof: ProofPK, *, context: bytes) -> bool:
    """Whether the proof holds for these ciphertexts, which are invertible modulo n² (``PublicKey.decode``)."""
    public = key.public
    n, n_squared = big(public.n), public.n_squared
    if not 0 < len(ciphertexts) <= MAX_CIPHERTEXTS or not _in_range(public, proof):
        return False
    seed = pk_seed(key, context, vector_root(public, ciphertexts), len(ciphertexts), proof.a)
    left = product_of_powers(ciphertexts, challenges(seed, len(ciphertexts)), n_squared)
    shown = (1 + n * proof.z1) * power(public.h, proof.z2, n_squared) % n_squared
    return shown * left % n_squared == proof.a


def vector_root(key: PublicKey, numbers: Sequence[int]) -> bytes:
    """The Merkle root that a party posts for its ciphertexts, or shares."""
    return MerkleTree.of([key.residue(number) for number in numbers]).root


def pk_seed(key: ThresholdKey, context: bytes, root: bytes, count: int, a: int) -> bytes:
    """What all challenges of a proof come from."""
    return seed_of(DOMAIN, require_context(context), key_tree(key).root, root, word(count), key.public.residue(a))


def encode_pk(key: PublicKey, proof: ProofPK) -> bytes:
    """a ‖ z1 ‖ z2: 858 bytes at 2048 bits."""
    return key.residue(proof.a) + proof.z1.to_bytes(key.width, "big") + proof.z2.to_bytes(z2_bytes(key), "big")


def decode_pk(key: PublicKey, data: bytes) -> ProofPK:
    """Read hostile bytes; ``InputError`` for a wrong length or numbers out of range."""
    a_end, z1_end = key.residue_bytes, key.residue_bytes + key.width
    if len(data) != z1_end + z2_bytes(key):
        raise InputError("a Proof_PK has the wrong length", expected=z1_end + z2_bytes(key), got=len(data))
    proof = ProofPK(*(int(read_big(part)) for part in (data[:a_end], data[a_end:z1_end], data[z1_end:])))
    if not _in_range(key, proof):
        raise InputError("a Proof_PK is out of range", expected="a invertible modulo n², z1 below n")
    return proof


def _in_range(key: PublicKey, proof: ProofPK) -> bool:
    # Were ``a`` not invertible, a ciphertext that is not could go with it: zero equals zero.
    fits = 0 < proof.a < key.n_squared and 0 <= proof.z1 < key.n and 0 <= proof.z2 < 1 << 8 * z2_bytes(key)
    return fits and common_divisor(proof.a, key.n) == 1


def _require_count(count: int) -> None:
    if not 0 < count <= MAX_CIPHERTEXTS:
        raise ProofError("a vector is of the wrong length", expected=f"1 to {MAX_CIPHERTEXTS} ciphertexts", got=count)
