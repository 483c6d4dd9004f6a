"""The Fiat-Shamir challenge ρ and the identifiers that it covers: the Python twin of ``contracts/zk/Challenge.sol``.

    ρ = keccak256(abi.encode(domain, chain id, contract, prover, …statement, keccak256(points))) mod r

``points`` are the KZG commitments to all private tensors of the proof except ρ itself. A prover therefore fixes every
witness before knowing ρ, and a proof serves one chain, one contract, one sender and one purpose. The paper has no such
binding; the specification hashes verifying key and points only, which ``circuit_id`` (it contains the verifying key's
digest) and ``points`` contain.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import InputError
from pyml.zk.statement import Statement

CLAIM_DOMAIN = keccak(text="pyml.zk.AccuracyRegistry.claim.v1")
ATTEST_DOMAIN = keccak(text="pyml.zk.PrivateInput.attest.v1")
CIRCUIT_DOMAIN = keccak(text="pyml.zk.CircuitRegistry.circuit.v1")
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
    dedicated_verifier: str = NO_ADDRESS,
    verifier_code_hash: bytes = bytes(32),
) -> CircuitEntry:
    """The registry entry of a circuit; each private tensor is one column, hence one point."""
    accuracy = statement.kind == "private_model_accuracy"
    return CircuitEntry(
        vka_digest=vka_digest,
        verifier_code_hash=verifier_code_hash,
        statement_digest=bytes.fromhex(statement.digest),
        dataset_digest=bytes.fromhex(statement.subject) if accuracy else bytes(32),
        dedicated_verifier=dedicated_verifier,
        samples=statement.samples,
        proof_length=proof_length,
        committed_points=1,
        witness_points=1,
        checks=statement.checks,
    )


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


def _challenge(domain: bytes, context: Context, kinds: list[str], values: list[object], points: bytes) -> int:
    data = encode(
        [_BYTES32, "uint256", "address", "address", *kinds, _BYTES32],
        [domain, context.chain_id, context.contract, context.prover, *values, keccak(points)],
    )
    return int.from_bytes(keccak(data), "big") % SCALAR_MODULUS
