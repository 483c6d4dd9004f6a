"""Write tests/vectors/kdac_certificates.json anew, after a change of blocks, votes, networks or Merkle trees.

    python scripts/regenerate_kdac_certificates.py      at once

One set of four replicas with well-known keys, one block, certificates for it that hold and that do not, and paths to
its payloads. Forge and pytest read the same file; what the contract must answer is in it, error and arguments.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from coincurve import PublicKey
from eth_abi.abi import encode as abi_encode

from pyml.chain.deploy import created_address
from pyml.crypto.secp256k1 import ORDER, SigningKey
from pyml.files import write_atomically
from pyml.kdac.pbft.block import Block, Header
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.merkle import path
from pyml.kdac.pbft.replica_set import ReplicaSet, address_of
from pyml.kdac.pbft.votes import Kind, signed_digest

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "kdac_certificates.json"
CHAIN_ID: Final = 31337
DEPLOYER: Final = "0x00000000000000000000000000000000000Dec0D"
LOG: Final = created_address(DEPLOYER, 0)
HEIGHT: Final = 7
ROUND: Final = 2
COMMENT: Final = (
    "Made by scripts/regenerate_kdac_certificates.py. `deployer` creates `log` with its nonce 0. Replicas have the "
    "private keys 1 to 4, in the order of their addresses. `revert` is what MessageLog.requireCertificate answers, "
    "ABI-encoded; empty where it accepts. `flags`: `shape` where the bytes are no certificate that Python could hold."
)


@dataclass(frozen=True)
class World:
    """Replicas, their keys in order, and the block that most certificates are for."""

    replicas: ReplicaSet
    keys: tuple[SigningKey, ...]
    block: Block

    @classmethod
    def make(cls) -> World:
        keys = sorted((_key(i) for i in range(1, 5)), key=lambda key: address_of(key.public))
        log = bytes.fromhex(LOG[2:])
        replicas = ReplicaSet.of((key.public for key in keys), chain_id=CHAIN_ID, log_address=log)
        block = Block(HEIGHT, keccak256(b"parent"), tuple(b"payload %d" % i for i in range(5)))
        return cls(replicas, tuple(keys), block)

    def sign(self, key: SigningKey, *, header: Header | None = None, **changes: Any) -> bytes:
        """A commit's signature as the contract reads it; ``changes`` to what is signed."""
        header = header or self.block.header
        values: dict[str, Any] = {"network": self.replicas.network, "kind": Kind.COMMIT, "round_": ROUND, **changes}
        digest = signed_digest(values["network"], values["kind"], header.height, values["round_"], header.digest)
        signature = key.sign_recoverable(digest)
        return signature[:64] + bytes([signature[64] + 27])


def _key(secret: int) -> SigningKey:
    return SigningKey.from_secret(secret.to_bytes(32, "big"))


def _high_s(signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


def error(declaration: str, *arguments: Any) -> bytes:
    """An ABI-encoded custom error."""
    types = declaration[declaration.index("(") + 1 : -1]
    return keccak256(declaration.encode())[:4] + abi_encode(types.split(",") if types else [], arguments)


def _stranger(world: World, signatures: Sequence[bytes], position: int, digest: bytes) -> bytes:
    """The error for a signature that recovers to nobody of the set, or out of order."""
    signature = signatures[position]
    raw = signature[:64] + bytes([signature[64] - 27])
    try:
        public = PublicKey.from_signature_and_message(raw, digest, hasher=None).format()
    except ValueError:
        return error("SignatureInvalid(uint256)", position)
    signer, previous = address_of(public), world.replicas.addresses[position - 1] if position else bytes(20)
    if signer <= previous:
        return error("SignersNotAscending(uint256,address,address)", position, previous, signer)
    return error("SignerUnknown(uint256,address)", position, signer)


def cases(world: World) -> list[dict[str, Any]]:
    """Certificates and what becomes of them."""
    header, keys, addresses = world.block.header, world.keys, world.replicas.addresses
    good = [world.sign(key) for key in keys]
    digest = signed_digest(world.replicas.network, Kind.COMMIT, HEIGHT, ROUND, header.digest)

    def case(name: str, comment: str, signatures: Sequence[bytes], revert: bytes = b"", **more: Any) -> dict[str, Any]:
        shown = more.get("header", header)
        return {
            "id": name,
            "comment": comment,
            "flags": more.get("flags", []),
            "height": shown.height,
            "parent": "0x" + shown.parent.hex(),
            "root": "0x" + shown.root.hex(),
            "count": shown.count,
            "round": more.get("round_", ROUND),
            "signatures": "0x" + b"".join(signatures).hex(),
            "revert": "0x" + revert.hex(),
            "result": "invalid" if revert else "valid",
        }

    def altered(name: str, comment: str, signed: bytes, signatures: Sequence[bytes], **more: Any) -> dict[str, Any]:
        return case(name, comment, signatures, _stranger(world, signatures, 0, signed), **more)

    other = replace(header, height=HEIGHT + 1)
    stranger = world.sign(_key(9))
    abroad = ReplicaSet(world.replicas.keys, chain_id=1, log_address=world.replicas.log_address).network
    elsewhere = ReplicaSet(world.replicas.keys, chain_id=CHAIN_ID).network
    fewer = ReplicaSet(world.replicas.keys[:3], CHAIN_ID, world.replicas.log_address).network
    flipped = bytes([good[0][0] ^ 1]) + good[0][1:]
    out_of_range = ("SignatureCountOutOfRange(uint256,uint256,uint256)", 3, 4)
    return [
        case("quorum", "three of four", good[:3]),
        case("other quorum", "the last three", good[1:]),
        case("all", "four of four", good),
        case("two", "too few", good[:2], error(out_of_range[0], 2, *out_of_range[1:])),
        case("none", "no signature", [], error(out_of_range[0], 0, *out_of_range[1:])),
        case("five", "more than there are replicas", [*good, good[3]], error(out_of_range[0], 5, *out_of_range[1:])),
        case(
            "duplicate",
            "one signs twice",
            [good[0], good[1], good[1]],
            error("SignersNotAscending(uint256,address,address)", 2, addresses[1], addresses[1]),
        ),
        case(
            "disorder",
            "not in the order of addresses",
            [good[1], good[0], good[2]],
            error("SignersNotAscending(uint256,address,address)", 1, addresses[1], addresses[0]),
        ),
        case(
            "high s",
            "the twin of a valid signature",
            [_high_s(good[0]), *good[1:]],
            error("SignatureInvalid(uint256)", 0),
        ),
        case(
            "bad v",
            "v is 29",
            [good[0], good[1][:64] + b"\x1d", good[2]],
            error("SignatureInvalid(uint256)", 1),
        ),
        case("zero", "a signature of zeros", [bytes(65), *good[1:]], error("SignatureInvalid(uint256)", 0)),
        case(
            "cut",
            "a byte is missing",
            [*good[:2], good[2][:-1]],
            error("CertificateMalformed(uint256)", 194),
            flags=["shape"],
        ),
        altered("stranger", "a key that is no replica's", digest, [stranger, *good[1:]]),
        altered("flipped bit", "one bit of r", digest, [flipped, *good[1:]]),
        altered(
            "other height",
            "signed for this one",
            signed_digest(world.replicas.network, Kind.COMMIT, other.height, ROUND, other.digest),
            good[:3],
            header=other,
        ),
        altered(
            "other round",
            "signed for round 2",
            signed_digest(world.replicas.network, Kind.COMMIT, HEIGHT, ROUND + 1, header.digest),
            good[:3],
            round_=ROUND + 1,
        ),
        altered("other chain", "signed for chain 1", digest, [world.sign(key, network=abroad) for key in keys[:3]]),
        altered(
            "other log", "signed for no contract", digest, [world.sign(key, network=elsewhere) for key in keys[:3]]
        ),
        altered("other set", "signed by three of three", digest, [world.sign(key, network=fewer) for key in keys[:3]]),
        altered(
            "prepares", "votes of the phase before", digest, [world.sign(key, kind=Kind.PREPARE) for key in keys[:3]]
        ),
    ]


def main() -> None:
    """Make, and write."""
    parser = argparse.ArgumentParser(description="Write the certificates that forge and pytest share.")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: the file that the tests read")
    output: Path = parser.parse_args().output
    write_atomically(output, json.dumps(make_vectors(), indent=1).encode() + b"\n")
    print(f"{output}: {output.stat().st_size} bytes")


def make_vectors() -> dict[str, Any]:
    world = World.make()
    block, found = world.block, cases(world)
    return {
        "comment": COMMENT,
        "chain_id": CHAIN_ID,
        "deployer": DEPLOYER,
        "log": LOG,
        "keys": [key.hex() for key in world.replicas.keys],
        "replicas": ["0x" + address.hex() for address in world.replicas.addresses],
        "network": "0x" + world.replicas.network.hex(),
        "digest": "0x" + block.digest.hex(),
        "payloads": ["0x" + payload.hex() for payload in block.payloads],
        "paths": [["0x" + node.hex() for node in path(block.leaves, i)] for i in range(len(block.payloads))],
        "number_of_cases": len(found),
        "cases": found,
    }


if __name__ == "__main__":
    main()
