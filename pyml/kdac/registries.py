"""The kdac contracts on a chain: typed handles, and what goes into them. What the contracts promise, and what they
cannot: ``contracts/kdac/IKeyRegistry.sol``, ``IMessageLog.sol``, ``IMessageQueue.sol``.

    user       register_key     puts the initial public key down, with proof that the user has the private one
    user       keys.revoke      says that it is not to be used any more
    relay      anchor           puts a decided block down with its certificate, unless it is there
    anybody    log.is_included  checks that a message was in an anchored block
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deployments import load_deployments, require_deployed
from pyml.chain.transactions import Receipt, checked_address
from pyml.crypto.secp256k1 import COMPRESSED_BYTES, SigningKey, compressed, uncompressed
from pyml.errors import ContractRevertedError, InputError, TransactionFailedError
from pyml.kdac.deployment import SYSTEM
from pyml.kdac.pbft.block import Block, Header
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.merkle import path
from pyml.kdac.pbft.replica_set import ReplicaSet
from pyml.kdac.pbft.votes import Certificate, Kind

REGISTER_DOMAIN: Final = b"KDAC/v1/register"
_V: Final = 27
"""What Ethereum adds to the number that recovers the key."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A registered key: ``IKeyRegistry.Entry``. ``revoked_block`` is 0 while it is valid."""

    owner: str
    key: bytes
    registered_block: int
    revoked_block: int

    @property
    def is_valid(self) -> bool:
        return self.revoked_block == 0


class KeyRegistry(Contract):
    """One key for each account, for good."""

    artifact_name = "KeyRegistry"

    def find(self, owner: str) -> KeyEntry | None:
        """``None`` if the account has registered none."""
        try:
            key, raw = self.call("keyOf", owner)
        except ContractRevertedError as error:
            if error.name == "OwnerUnknown":
                return None
            raise
        return KeyEntry(checked_address(owner), bytes(key), int(raw["registeredBlock"]), int(raw["revokedBlock"]))

    def owner_of(self, key: bytes) -> str | None:
        """Who registered a key; ``None`` if nobody did."""
        owner = str(self.call("ownerOf", keccak256(_checked_key(key))))
        return None if int(owner, 16) == 0 else owner

    def is_valid(self, key: bytes) -> bool:
        return bool(self.call("isValid", keccak256(_checked_key(key))))

    def register(self, key: bytes, proof: bytes, *, account: Signer) -> Receipt:
        """``proof``: r ‖ s ‖ v, the key's own signature of ``registration_digest``."""
        y = int.from_bytes(uncompressed(_checked_key(key))[33:], "big")
        return self.send("register", key, y, proof[64] + _V, proof[:32], proof[32:64], account=account)

    def revoke(self, *, account: Signer) -> Receipt:
        return self.send("revoke", account=account)


def registration_digest(chain_id: int, registry: str, owner: str, key: bytes) -> bytes:
    """What a key signs to be registered: ``IKeyRegistry.proofDigest``."""
    places = chain_id.to_bytes(32, "big") + _address_bytes(registry) + _address_bytes(owner)
    return keccak256(REGISTER_DOMAIN + places + _checked_key(key))


def register_key(registry: KeyRegistry, key: SigningKey, account: Signer) -> KeyEntry:
    """Register a key under an account, unless that was done before.

    ``InputError`` if the account has another key, or had this one and revoked it.
    """
    if (found := registry.find(account.address)) is None:
        digest = registration_digest(registry.client.chain_id, registry.address, account.address, key.public)
        registry.register(key.public, key.sign_recoverable(digest), account=account)
        found = registry.find(account.address)
    if found is None or found.key != key.public:
        raise InputError("this account has registered another key", hint="A key cannot be changed: use a new account.")
    if not found.is_valid:
        raise InputError("this account has revoked its key", hint="Make a new key and use a new account.")
    return found


@dataclass(frozen=True, slots=True)
class AnchoredBlock:
    """``IMessageLog.Anchor`` with its height."""

    height: int
    digest: bytes
    root: bytes
    count: int
    anchored_block: int

    @classmethod
    def decode(cls, height: int, raw: dict[str, Any]) -> Self:
        return cls(height, bytes(raw["digest"]), bytes(raw["root"]), int(raw["count"]), int(raw["anchoredBlock"]))


class MessageLog(Contract):
    """Blocks of one set of replicas, anchored with their certificates."""

    artifact_name = "MessageLog"

    def latest_height(self) -> int:
        return int(self.call("latestHeight"))

    def network(self) -> bytes:
        """For comparison with ``ReplicaSet.network``: a node may lie about it."""
        return bytes(self.call("network"))

    def replicas(self) -> tuple[str, ...]:
        return tuple(map(str, self.call("replicas")))

    def quorum(self) -> int:
        return int(self.call("quorum"))

    def find(self, height: int) -> AnchoredBlock | None:
        """``None`` if no block of this height is anchored."""
        try:
            return AnchoredBlock.decode(height, self.call("anchorOf", height))
        except ContractRevertedError as error:
            if error.name == "HeightUnknown":
                return None
            raise

    def anchor(self, header: Header, certificate: Certificate, *, account: Signer) -> Receipt:
        return self.send("anchor", *certificate_arguments(header, certificate), account=account)

    def require_certificate(self, header: Header, certificate: Certificate) -> bytes:
        """The block's digest; ``ContractRevertedError`` says what is wrong with the certificate."""
        return bytes(self.call("requireCertificate", *certificate_arguments(header, certificate)))

    def is_included(self, block: Block, index: int) -> bool:
        """Whether the chain's word for a height covers the payload that this block has at ``index``."""
        arguments = (block.height, index, block.payloads[index], list(path(block.leaves, index)))
        return bool(self.call("isIncluded", *arguments))


def certificate_arguments(header: Header, certificate: Certificate) -> tuple[object, ...]:
    """A header and its commit certificate as ``IMessageLog.anchor`` takes them; ``InputError`` if they differ."""
    if (certificate.kind, certificate.height, certificate.digest) != (Kind.COMMIT, header.height, header.digest):
        raise InputError("the certificate is not one for this block", got=f"height {certificate.height}")
    signatures = b"".join(signature[:64] + bytes([signature[64] + _V]) for _, signature in certificate.signatures)
    return ((header.height, header.parent, header.root, header.count), certificate.round, signatures)


def anchor(log: MessageLog, block: Block, certificate: Certificate, account: Signer) -> bool:
    """Anchor a decided block; False if it, or a later one, is there already. Relays may all try: one is enough.

    ``InputError`` if another block of its height is there: then a quorum has signed two.
    """
    found = log.find(block.height)
    if found is None and log.latest_height() < block.height:
        try:
            log.anchor(block.header, certificate, account=account)
        except (ContractRevertedError, TransactionFailedError) as error:
            reason = error if isinstance(error, ContractRevertedError) else error.__cause__
            if not isinstance(reason, ContractRevertedError) or reason.name != "HeightNotAbove":
                raise  # else another relay was first, before ours was sent or just after
        else:
            return True
        found = log.find(block.height)
    if found is not None and found.digest != block.digest:
        raise InputError(
            "another block of this height is anchored", expected=block.digest.hex(), got=found.digest.hex()
        )
    return False


class MessageQueue(Contract):
    """Messages ordered by the chain."""

    artifact_name = "MessageQueue"

    def count(self) -> int:
        return int(self.call("count"))

    def index_of(self, payload: bytes) -> int | None:
        """The place of a payload, counted from one; ``None`` if it was not posted."""
        return int(self.call("indexOf", keccak256(payload))) or None

    def post(self, payloads: Sequence[bytes], *, account: Signer) -> Receipt:
        return self.send("post", list(payloads), account=account)


@dataclass(frozen=True, slots=True)
class KdacContracts:
    """Handles of one deployment; ``log`` only where replicas were named."""

    client: Client
    keys: KeyRegistry
    queue: MessageQueue
    log: MessageLog | None
    since_block: int
    """No message is older."""


def open_contracts(client: Client, folder: Path) -> KdacContracts:
    """Handles from ``<folder>/<chainid>.json``, after asking the chain; ``NotDeployedError`` if there are none."""
    records = load_deployments(folder, client.chain_id)
    keys, queue = (records.require(SYSTEM, name) for name in ("KeyRegistry", "MessageQueue"))
    found = records.systems[SYSTEM].get("MessageLog")
    for record in (keys, queue, found):
        if record is not None:
            require_deployed(client, record, load_artifact(record.contract))
    return KdacContracts(
        client,
        KeyRegistry.at(client, keys.address),
        MessageQueue.at(client, queue.address),
        MessageLog.at(client, found.address) if found is not None else None,
        queue.block_number or 0,
    )


def replica_set(log: MessageLog, keys: Sequence[bytes]) -> ReplicaSet:
    """The replicas with these keys as bound to a log; ``InputError`` if the log was made for others."""
    found = ReplicaSet.of(keys, chain_id=log.client.chain_id, log_address=_address_bytes(log.address))
    if found.network != log.network():
        raise InputError("the message log was made for other replicas", got=", ".join(log.replicas()))
    return found


def addresses_of(keys: Sequence[bytes]) -> tuple[str, ...]:
    """Addresses of replicas by their keys, ascending, as ``MessageLog`` is constructed with."""
    return tuple(checked_address("0x" + address.hex()) for address in ReplicaSet.of(keys).addresses)


def _checked_key(key: bytes) -> bytes:
    if len(key) != COMPRESSED_BYTES:
        raise InputError("not a compressed public key", expected=f"{COMPRESSED_BYTES} bytes", got=len(key))
    return compressed(key)


def _address_bytes(address: str) -> bytes:
    return bytes.fromhex(checked_address(address)[2:])
