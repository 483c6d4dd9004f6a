"""The three verifications that can be disputed, as programs for ``trace``.

    PK      (1+n)^z1 · h^z2 · ∏ C_k^e_k = a                         modulo n²
    CD      v^r · v_i^c = b  and  X^4r · Y^2c = a                    modulo n
    RESULT  ((1+n)^m_k)^δ · w_k^n = C_k^δ                            modulo n², for one k

Layout and byte order: docs/deepchain-disputes.md. The first two are ``verify_pk`` and ``verify_cd`` bit for bit, the
third is one element of ``verify_openings``, without the square that forgives a root its sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pyml.crypto.big_integers import big
from pyml.crypto.challenges import CHALLENGE_BITS, challenges
from pyml.crypto.proof_cd import ProofCD, cd_batch, cd_challenge, r_bytes
from pyml.crypto.proof_pk import ProofPK, pk_seed, vector_root, z2_bytes
from pyml.crypto.threshold_key_codec import H_PLACE, N_PLACE, N_SQUARED_PLACE, ONE_PLUS_N_PLACE, V_PLACE
from pyml.crypto.threshold_paillier import Opening, ThresholdKey
from pyml.deepchain.trace import Kind, Origin, Powers, Program, Segment, Single, Source, Step
from pyml.errors import InputError

DELTA_BITS: Final = 256
"""δ = 4(N!)² fits these for every group that is allowed."""

_A: Final = Source(Origin.PROOF, 0)
_B: Final = Source(Origin.PROOF, 1)


def pk_program(key: ThresholdKey, ciphertexts: Sequence[int], proof: ProofPK, *, context: bytes) -> Program:
    """The verification of a Proof_PK for a vector."""
    public, count = key.public, len(ciphertexts)
    seed = pk_seed(key, context, vector_root(public, ciphertexts), count, proof.a)
    bits = max(8 * public.width, 8 * z2_bytes(public))
    hidden = Powers((_key(H_PLACE), _key(ONE_PLUS_N_PLACE)), (proof.z2, proof.z1), bits)
    segments: tuple[Segment, ...] = (
        hidden,
        Powers(_row(Origin.VECTOR, count), tuple(challenges(seed, count)), CHALLENGE_BITS),
        Single(Step(Kind.MULTIPLY, Source(Origin.STATE, hidden.length))),
        Single(Step(Kind.EQUAL, _A)),
    )
    return _program(key, public.n_squared, segments, {Origin.VECTOR: ciphertexts, Origin.PROOF: (proof.a,)})


def cd_program(
    key: ThresholdKey,
    index: int,
    ciphertexts: Sequence[int],
    partials: Sequence[int],
    proof: ProofCD,
    *,
    context: bytes,
) -> Program:
    """The verification of a Proof_CD of party ``index`` for a vector."""
    count, bits = len(partials), 8 * r_bytes(key)
    batch = cd_batch(key, index, ciphertexts, partials, context=context)
    c, factors = cd_challenge(key, batch, proof.a, proof.b), tuple(challenges(batch, count))
    owner = Powers((_key(V_PLACE), _key(V_PLACE + index)), (proof.r, c), bits)
    x = Powers(_row(Origin.AGGREGATE, count), factors, CHALLENGE_BITS)
    y = Powers(_row(Origin.SHARE, count), factors, CHALLENGE_BITS)
    x_end = owner.length + 1 + x.length
    folded = Source(Origin.STATE, x_end), Source(Origin.STATE, x_end + y.length)
    segments: tuple[Segment, ...] = (
        owner,
        Single(Step(Kind.EQUAL, _B)),
        x,
        y,
        Powers(folded, (4 * proof.r, 2 * c), bits + 2),
        Single(Step(Kind.EQUAL, _A)),
    )
    numbers = {Origin.AGGREGATE: ciphertexts, Origin.SHARE: partials, Origin.PROOF: (proof.a, proof.b)}
    return _program(key, big(key.public.n), segments, numbers)


def result_program(key: ThresholdKey, place: int, ciphertexts: Sequence[int], openings: Sequence[Opening]) -> Program:
    """The verification of opening ``place`` of an aggregate."""
    if not 0 <= place < len(openings) or len(openings) != len(ciphertexts):
        raise InputError("there is no such opening", expected=f"0 to {len(openings) - 1}", got=place)
    bits, delta = 8 * key.public.width, key.opening_exponent
    plain = Powers((_key(ONE_PLUS_N_PLACE),), (openings[place].plaintext,), bits)
    shown = Powers(
        (Source(Origin.STATE, plain.length), Source(Origin.RESULT, 2 * place + 1)), (delta, int(key.public.n)), bits
    )
    segments: tuple[Segment, ...] = (
        plain,
        shown,
        Powers((Source(Origin.AGGREGATE, place),), (delta,), DELTA_BITS),
        Single(Step(Kind.EQUAL, Source(Origin.STATE, plain.length + shown.length))),
    )
    numbers = {Origin.AGGREGATE: ciphertexts, Origin.RESULT: result_leaves(openings)}
    return _program(key, key.public.n_squared, segments, numbers)


def result_leaves(openings: Sequence[Opening]) -> list[int]:
    """What the tree of a result is made of: m_0, w_0, m_1, w_1, …"""
    return [number for opening in openings for number in (opening.plaintext, opening.root)]


def key_numbers(key: ThresholdKey) -> list[int]:
    """What the tree of a key is made of."""
    n = int(key.public.n)
    return [n * n, n, n + 1, key.public.h, key.v, *key.verification]


def modulus_place(modulus: int, key: ThresholdKey) -> int:
    """Which leaf of the key's tree a program's modulus is."""
    return N_PLACE if modulus == key.public.n else N_SQUARED_PLACE


def _key(place: int) -> Source:
    return Source(Origin.KEY, place)


def _row(origin: Origin, count: int) -> tuple[Source, ...]:
    return tuple(Source(origin, place) for place in range(count))


def _program(
    key: ThresholdKey, modulus: int, segments: tuple[Segment, ...], numbers: Mapping[Origin, Sequence[int]]
) -> Program:
    bound = {**numbers, Origin.KEY: key_numbers(key)}
    return Program(modulus, key.public.residue_bytes, segments, _resolver(bound))


def _resolver(bound: Mapping[Origin, Sequence[int]]) -> Callable[[Source], int]:
    def resolve(source: Source) -> int:
        return bound[source.origin][source.place]

    return resolve
