"""A dealt key, members with enrolment keys, and one member's gradients: insecure, small, the same in every test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyml.crypto.paillier import Encrypted, Encryptor
from pyml.crypto.proof_pk import ProofPK, prove_pk
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey
from pyml.deepchain.contents import Content, gradients_content, post
from pyml.deepchain.dealer import deal_insecurely
from pyml.deepchain.records import Submission
from pyml.store.blobs import BlobStore

PRIMES = Path(__file__).parents[1] / "vectors" / "deepchain_primes.json"
PLAINTEXTS = [5, 6, 7]
CONTEXT = b"\x2a" * 32


@cache
def dealt() -> tuple[ThresholdKey, list[KeyShare]]:
    """2 of 3, of 1024 bits."""
    return deal_insecurely(PRIMES, parties=3, threshold=2)


@dataclass(frozen=True)
class Made:
    """Gradients with everything that belongs to them."""

    encrypted: Encrypted
    proof: ProofPK
    content: Content
    submission: Submission


@cache
def encrypted() -> tuple[Encrypted, ProofPK]:
    """Three ciphertexts and their proof."""
    key, _ = dealt()
    row = Encryptor(key.public).encrypt(PLAINTEXTS)
    return row, prove_pk(key, row, PLAINTEXTS, context=CONTEXT)


def gradients(blobs: BlobStore) -> Made:
    """The same, stored."""
    key, _ = dealt()
    row, proof = encrypted()
    content = gradients_content(key, row.ciphertexts, proof)
    return Made(row, proof, content, post(blobs, key, content, row.ciphertexts))
