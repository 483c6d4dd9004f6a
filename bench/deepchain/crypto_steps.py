"""One encrypted round by pyml, step by step, each timed on one core: encrypt, prove, verify, add, share, open.

Wall time and CPU time are both taken; on a busy machine they differ, and the CPU time is what one core would need. The
round is checked: what is opened are the sums of what was encrypted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.big_integers import products
from pyml.crypto.fouque_poupard_stern import combine_squared, deal_squared, squared_partials
from pyml.crypto.openings import verify_openings
from pyml.crypto.paillier import EXPONENT_BITS, Encrypted, Encryptor
from pyml.crypto.proof_cd import encode_cd, prove_cd, verify_cd
from pyml.crypto.proof_pk import encode_pk, prove_pk, verify_pk
from pyml.crypto.safe_primes import safe_prime
from pyml.crypto.threshold_paillier import (
    KeyShare,
    ThresholdKey,
    combine_roots,
    deal,
    encode_partials,
    open_ciphertexts,
    partial_decryptions,
)
from pyml.deepchain.cores import Cores
from pyml.deepchain.fixed_point import FixedPoint
from pyml.deepchain.packing import Packing
from pyml.deepchain.trace import run
from pyml.deepchain.trace_programs import pk_program
from pyml.errors import IntegrityError
from pyml.files import write_atomically

T = TypeVar("T")
CONTEXT: Final = bytes(32)
PAPER_SAMPLE: Final = 60
"""Ciphertexts decrypted by the paper's scheme; its time a ciphertext is the same for all."""


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured."""

    bits: int
    parties: int
    threshold: int
    parameters: int
    repeats: int


class Clock:
    """Wall and CPU seconds of named steps, the median of repetitions."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, float]] = {}

    def time(self, name: str, action: Callable[[], T], *, repeats: int = 1) -> T:
        walls, cpus = list[float](), list[float]()
        result = None
        for _ in range(repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            result = action()
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        self.steps[name] = {"wall_s": median(walls), "cpu_s": median(cpus)}
        if result is None:
            raise AssertionError("a step gives something")
        return result


def bench_primes(bits: int, home: Path) -> tuple[int, int]:
    """Safe primes for the bench's key, made once and kept below the user's home: worth nothing, so in the clear."""
    path = home / "bench" / f"deepchain-insecure-primes-{bits}.json"
    if not path.exists():
        made = [hex(safe_prime(bits // 2)) for _ in range(2)]
        write_atomically(path, json.dumps(made).encode(), mode=0o600)
    p, q = json.loads(path.read_text(encoding="utf-8"))
    return int(p, 16), int(q, 16)


def measure(size: Size, home: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """A whole round."""
    clock = Clock()
    p, q = bench_primes(size.bits, home)
    key, shares = clock.time("deal a key from its primes", lambda: _deal(size, p, q))
    packing, encoded, plaintexts, rows = _encrypt(size, clock, key, tell)
    mine, vectors = rows[0], [row.ciphertexts for row in rows]
    tell("prove and verify")
    proof = clock.time("Proof_PK: prove", lambda: prove_pk(key, mine, plaintexts, context=CONTEXT))
    held = clock.time(
        "Proof_PK: verify", lambda: verify_pk(key, mine.ciphertexts, proof, context=CONTEXT), repeats=size.repeats
    )
    tell("trace for a dispute")
    program = clock.time("dispute: program", lambda: pk_program(key, mine.ciphertexts, proof, context=CONTEXT))
    traced = clock.time("dispute: trace of Proof_PK", lambda: run(program))
    aggregate = clock.time("aggregate", lambda: products(vectors, key.public.n_squared), repeats=size.repeats)
    decrypted = _decrypt(size, clock, key, shares, aggregate, tell)
    sums = packing.unpack(decrypted["plaintexts"], length=size.parameters)
    if not held or traced.failed is not None or not decrypted["held"] or not (sums == encoded.sum(axis=0)).all():
        raise IntegrityError("the round did not give the sum of what was encrypted")
    tell("the paper's threshold scheme")
    return {
        "ciphertexts": len(aggregate),
        "values_in_a_ciphertext": packing.slots,
        "exponent_bits": key.public.exponent_bits,
        "bytes": {
            "ciphertexts": len(key.public.encode(mine.ciphertexts)),
            "proof_pk": len(encode_pk(key.public, proof)),
            **decrypted["bytes"],
        },
        "steps": clock.steps,
        "trace_steps": program.length,
        "sums_exact": True,
        "paper_scheme": _paper_scheme(size, key, (p, q), aggregate[:PAPER_SAMPLE]),
    }


def _encrypt(
    size: Size, clock: Clock, key: ThresholdKey, tell: Callable[[str], None]
) -> tuple[Packing, NDArray[np.int64], list[int], list[Encrypted]]:
    """Updates of all parties encrypted, the first of them timed: layout, whole numbers, its plaintexts, all rows."""
    tell("encrypt")
    encryptor = clock.time("table of powers, once a process", lambda: Encryptor(key.public))
    encoding = FixedPoint()
    packing = Packing(encoding.bits, size.parties, size.bits)
    drawn = np.random.default_rng(1).normal(0, encoding.clip / 4, (size.parties, size.parameters))
    updates = [encoding.clipped(update)[0] for update in drawn]

    def encrypt() -> tuple[list[int], Encrypted]:
        plaintexts = packing.pack(encoding.encode(updates[0]), length=size.parameters)
        return plaintexts, encryptor.encrypt(plaintexts)

    plaintexts, mine = clock.time("encode, pack and encrypt", encrypt, repeats=size.repeats)
    encoded = np.stack([encoding.encode(update) for update in updates])
    others = [encryptor.encrypt(packing.pack(row, length=size.parameters)) for row in encoded[1:]]
    return packing, encoded, plaintexts, [mine, *others]


def _deal(size: Size, p: int, q: int) -> tuple[ThresholdKey, list[KeyShare]]:
    return deal(
        p,
        q,
        parties=size.parties,
        threshold=size.threshold,
        exponent_bits=EXPONENT_BITS,
        insecure=size.bits == 1024,
    )


def _decrypt(
    size: Size,
    clock: Clock,
    key: ThresholdKey,
    shares: list[KeyShare],
    aggregate: list[int],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    tell("decryption shares")
    own = clock.time("decryption share", lambda: partial_decryptions(key, shares[0], aggregate))
    cores = Cores.available()
    clock.time(
        f"decryption share on {cores.count} cores",
        lambda: partial_decryptions(key, shares[0], aggregate, list_power=cores.powers),
    )
    proof = clock.time("Proof_CD: prove", lambda: prove_cd(key, shares[0], aggregate, own, context=CONTEXT))
    held = clock.time(
        "Proof_CD: verify", lambda: verify_cd(key, 1, aggregate, own, proof, context=CONTEXT), repeats=size.repeats
    )
    partials = {1: own}
    for share in shares[1 : size.threshold]:
        tell(f"shares of party {share.index}")
        partials[share.index] = partial_decryptions(key, share, aggregate, list_power=cores.powers)
    roots = clock.time("combine: roots of all from shares", lambda: combine_roots(key, partials))
    tell("open")
    openings = clock.time("combine: open all alone", lambda: open_ciphertexts(key, aggregate, roots))
    part = slice(0, -(-len(aggregate) // size.parties))
    clock.time("combine: open one party's part", lambda: open_ciphertexts(key, aggregate[part], roots[part]))
    right = clock.time(
        "combine: check openings of all", lambda: verify_openings(key, aggregate, openings), repeats=size.repeats
    )
    return {
        "plaintexts": [opening.plaintext for opening in openings],
        "held": held and right,
        "bytes": {
            "decryption_share": len(encode_partials(key, own)),
            "proof_cd": len(encode_cd(key, proof)),
            "openings": 2 * key.public.width * len(openings),
        },
    }


def _paper_scheme(size: Size, key: ThresholdKey, primes: tuple[int, int], sample: list[int]) -> dict[str, Any]:
    """Fouque, Poupard and Stern on some of the ciphertexts, scaled to all."""
    clock = Clock()
    squared, shares = deal_squared(key.public, *primes, parties=size.parties, threshold=size.threshold)
    partials = {
        share.index: clock.time("decryption share", lambda share=share: squared_partials(squared, share, sample))
        for share in shares[: size.threshold]
    }
    clock.time("combine", lambda: combine_squared(squared, partials))
    count = -(-size.parameters // Packing(16, size.parties, size.bits).slots)
    factor = count / len(sample)
    scaled = {name: {unit: value * factor for unit, value in step.items()} for name, step in clock.steps.items()}
    return {"ciphertexts_measured": len(sample), "scaled_to": count, "steps": scaled}
