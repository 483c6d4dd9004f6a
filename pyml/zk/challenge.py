"""The Fiat-Shamir challenge ρ and the identifiers that it covers: the Python twin of ``contracts/zk/Challenge.sol``.

    ρ = keccak256(abi.encode(domain, chain id, contract, prover, …statement, keccak256(points))) mod r

``points`` are the KZG commitments to all private tensors of the proof except ρ itself. A prover therefore fixes every
witness before knowing ρ, and a proof serves one chain, one contract, one sender and one purpose. The paper has no such
binding; the specification hashes verifying key and points only, which ``circuit_id`` (it contains the verifying key's
digest) and ``points`` contain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import InputError
from pyml.zk.engine import EntryPoints
from pyml.zk.layout import witness_layout
from pyml.zk.statement import MAX_FEATURES, Statement

CLAIM_DOMAIN = keccak(text="pyml.zk.AccuracyRegistry.claim.v1")
ATTEST_DOMAIN = keccak(text="pyml.zk.PrivateInput.attest.v1")
INFER_DOMAIN = keccak(text="pyml.zk.PrivateInference.infer.v1")
LINK_DOMAIN = keccak(text="pyml.zk.ModelLinks.link.v1")
CIRCUIT_DOMAIN = keccak(text="pyml.zk.CircuitRegistry.circuit.v1")
MAX_FEATURE_BYTES = 2 * MAX_FEATURES
NO_ADDRESS = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Context:
    """Who may use a proof and where: chain id, contract and prover (EIP-55 addresses)."""

    chain_id: int
    contract: str
    prover: str

    def __post_init__(self) -> None:
        if not 0 < self.chain_id < 2**256:
            raise InputError("a chain id is not a positive 256-bit number", got=self.chain_id)
        for name in ("contract", "prover"):
            address = getattr(self, name)
            if not is_checksum_address(address):
                raise InputError(f"the {name} is not an EIP-55 address", got=str(address)[:80])

    def as_dict(self) -> dict[str, int | str]:
        """The JSON form."""
        return {"chain_id": self.chain_id, "contract": self.contract, "prover": self.prover}


@dataclass(frozen=True, slots=True)
class CircuitEntry:
    """A circuit as ``CircuitRegistry`` knows it; fields and order are those of its ``Circuit`` struct."""

    vka_digest: bytes
    verifier_code_hash: bytes
    statement_digest: bytes
    dataset_digest: bytes
    dedicated_verifier: str
    samples: int
    proof_length: int
    committed_points: int
    witness_points: int
    checks: int

    @property
    def dedicated(self) -> bool:
        return self.dedicated_verifier != NO_ADDRESS

    def as_tuple(self) -> tuple[bytes | str | int, ...]:
        return (
            self.vka_digest,
            self.verifier_code_hash,
            self.statement_digest,
            self.dataset_digest,
            self.dedicated_verifier,
            self.samples,
            self.proof_length,
            self.committed_points,
            self.witness_points,
            self.checks,
        )

    @property
    def gate_points(self) -> int:
        """How many leading points of a proof the challenge covers."""
        return self.committed_points + self.witness_points

    def identifier(self, publisher: str = NO_ADDRESS) -> bytes:
        """The circuit id; ``publisher`` is whoever sealed its data set beforehand."""
        return keccak(encode([_BYTES32, _CIRCUIT, "address"], [CIRCUIT_DOMAIN, self.as_tuple(), publisher]))


_BYTES32 = "bytes32"
_CIRCUIT = "(bytes32,bytes32,bytes32,bytes32,address,uint32,uint32,uint8,uint8,uint8)"


def circuit_entry(
    statement: Statement,
    *,
    vka_digest: bytes,
    proof_length: int,
    points: EntryPoints | None = None,
    dedicated_verifier: str = NO_ADDRESS,
    verifier_code_hash: bytes = bytes(32),
) -> CircuitEntry:
    """The registry entry of a circuit; without ``points``, of one that takes private tensors."""
    entry_points = points or tensor_points(statement)
    accuracy = statement.kind == "private_model_accuracy"
    return CircuitEntry(
        vka_digest=vka_digest,
        verifier_code_hash=verifier_code_hash,
        statement_digest=bytes.fromhex(statement.digest),
        dataset_digest=bytes.fromhex(statement.subject) if accuracy else bytes(32),
        dedicated_verifier=dedicated_verifier,
        samples=statement.samples,
        proof_length=proof_length,
        committed_points=entry_points.committed,
        witness_points=entry_points.witness,
        checks=entry_points.checks,
    )


def tensor_points(statement: Statement) -> EntryPoints:
    """Of a circuit whose private tensors are columns: one point each."""
    return EntryPoints(1, 1 if witness_layout(statement).size else 0, statement.checks)


def commitment_of(points: bytes) -> bytes:
    """The 32 bytes under which committed points are registered."""
    return keccak(points)


def model_id(owner: str, commitment: bytes) -> bytes:
    """The id of a model in ``ModelRegistry``: nobody can take a commitment before its owner."""
    return keccak(encode(["address", _BYTES32], [owner, commitment]))


def claim_challenge(
    context: Context, *, model: bytes, circuit: bytes, threshold: int, count: int, points: bytes
) -> int:
    """ρ of an accuracy claim."""
    return _challenge(
        CLAIM_DOMAIN, context, [_BYTES32, _BYTES32, "uint32", "uint32"], [model, circuit, threshold, count], points
    )


def attest_challenge(context: Context, *, circuit: bytes, purpose: bytes, label: int, points: bytes) -> int:
    """ρ of a private-input attestation."""
    return _challenge(ATTEST_DOMAIN, context, [_BYTES32, _BYTES32, "uint256"], [circuit, purpose, label], points)


def infer_challenge(
    context: Context, *, model: bytes, circuit: bytes, features: bytes, label: int, points: bytes
) -> int:
    """ρ of a private model's answer to public ``features`` (``encode_features``)."""
    return _challenge(
        INFER_DOMAIN,
        context,
        [_BYTES32, _BYTES32, _BYTES32, "uint256"],
        [model, circuit, keccak(features), label],
        points,
    )


def link_challenge(
    context: Context, *, first: tuple[bytes, bytes], second: tuple[bytes, bytes], points: tuple[bytes, bytes]
) -> int:
    """ρ of a link between two commitments, each a model id and a link circuit's id."""
    return _challenge(LINK_DOMAIN, context, [_BYTES32] * 4, [*first, *second], b"".join(map(keccak, points)))


def encode_features(sample: Sequence[int]) -> bytes:
    """Public features as contracts take them: two bytes each, big-endian; ``InputError`` outside [0, 2^16)."""
    if any(value != int(value) or not 0 <= value < 1 << 16 for value in sample):
        raise InputError("a feature does not fit two bytes", expected="0 to 65535")
    return b"".join(int(value).to_bytes(2, "big") for value in sample)


def evaluate_features(features: bytes, rho: int) -> int:
    """ρ^n + Σ ρ^i x_i mod r for n features, as ``PrivateInference`` computes it: monic, so that it binds n too."""
    total = 1
    for start in reversed(range(0, len(features), 2)):
        total = (total * rho + int.from_bytes(features[start : start + 2], "big")) % SCALAR_MODULUS
    return total


def _challenge(domain: bytes, context: Context, kinds: list[str], values: list[object], points: bytes) -> int:
    data = encode(
        [_BYTES32, "uint256", "address", "address", *kinds, _BYTES32],
        [domain, context.chain_id, context.contract, context.prover, *values, keccak(points)],
    )
    return int.from_bytes(keccak(data), "big") % SCALAR_MODULUS
