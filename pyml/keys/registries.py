"""The keys contracts on a chain: typed handles, and the steps of those who enrol, pay and claim. What the contracts
promise, and what they cannot: ``contracts/keys/IHelperRegistry.sol``, ``contracts/keys/IImageVault.sol``.

    owner      publish_helper    says which helper file is the valid one, and which one it replaces
    payer      pay               locks coins for an account, which need not have been used yet
    recipient  vault.claim       takes them, with ether of its own for the gas
               vault.typed_data  or signs what anybody may send, and whoever sends it: vault.claim_for
    payer      vault.refund      takes them back after the time, unless they were claimed
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deployments import load_deployments, require_deployed
from pyml.chain.erc20 import approve
from pyml.chain.events import Cursor, NodeLogs, follow
from pyml.chain.transactions import Receipt, checked_address
from pyml.errors import ContractRevertedError, InputError
from pyml.keys.deployment import SYSTEM

NO_ADDRESS: Final = "0x" + "0" * 40
ETHER: Final = NO_ADDRESS
"""Stands for ether where a token is named."""
DIGEST_BYTES: Final = 32
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class HelperEntry:
    """A registered helper file: ``IHelperRegistry.Helper`` and its digest. ``replacement`` is a version; 0 is none."""

    digest: bytes
    version: int
    registered_block: int
    revoked_block: int
    replacement: int

    @classmethod
    def decode(cls, digest: bytes, raw: dict[str, Any]) -> Self:
        numbers = ("version", "registeredBlock", "revokedBlock", "replacement")
        return cls(digest, *(int(raw[name]) for name in numbers))

    @property
    def is_valid(self) -> bool:
        return self.revoked_block == 0


class HelperRegistry(Contract):
    """Which helper files of an owner are the valid ones. Digests are those of ``helper_file.Helper.digest``."""

    artifact_name = "HelperRegistry"

    def find(self, owner: str, digest: bytes) -> HelperEntry | None:
        """``None`` if the owner has not registered it."""
        try:
            return HelperEntry.decode(digest, self.call("helperOf", owner, _checked_digest(digest)))
        except ContractRevertedError as error:
            if error.name == "HelperUnknown":
                return None
            raise

    def entries(self, owner: str) -> tuple[HelperEntry, ...]:
        """Everything that the owner has registered, oldest first, as of one block."""
        block = self.client.block_number()
        found: list[HelperEntry] = []
        for first in range(1, int(self.call("versionsOf", owner, block=block)) + 1, _PAGE):
            digests, helpers = self.call("helpersOf", owner, first, _PAGE, block=block)
            found += (HelperEntry.decode(*pair) for pair in zip(digests, helpers, strict=True))
        return tuple(found)

    def latest(self, owner: str, digest: bytes) -> HelperEntry | None:
        """What a helper file was replaced by in the end; itself if it was not; ``None`` if it is not registered."""
        by_version = {entry.version: entry for entry in self.entries(owner)}
        found = next((entry for entry in by_version.values() if entry.digest == digest), None)
        while found is not None and found.replacement > found.version:
            found = by_version.get(found.replacement)
        return found

    def register(self, digest: bytes, *, account: Signer) -> Receipt:
        return self.send("register", _checked_digest(digest), account=account)

    def replace(self, digest: bytes, replacement: bytes, *, account: Signer) -> Receipt:
        return self.send("replace", _checked_digest(digest), _checked_digest(replacement), account=account)

    def revoke(self, digest: bytes, *, account: Signer) -> Receipt:
        return self.send("revoke", _checked_digest(digest), account=account)


@dataclass(frozen=True, slots=True)
class Deposit:
    """A payment that waits: ``IImageVault.Deposit``. ``refund_after`` is Unix time in seconds."""

    sender: str
    refund_after: int
    token: str
    recipient: str
    amount: int

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        return cls(
            str(raw["sender"]), int(raw["refundAfter"]), str(raw["token"]), str(raw["recipient"]), int(raw["amount"])
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a recipient signs: ``IImageVault.Claim``. ``deadline`` is Unix time in seconds, ``fee`` is the relayer's."""

    deposit: int
    destination: str
    deadline: int
    relayer: str = NO_ADDRESS
    fee: int = 0

    def __post_init__(self) -> None:
        checked_address(self.destination)
        checked_address(self.relayer)
        if min(self.deposit, self.deadline, self.fee) < 0:
            raise InputError("a claim's numbers are not negative", got=(self.deposit, self.deadline, self.fee))

    def as_tuple(self) -> tuple[int, str, str, int, int]:
        return (self.deposit, self.destination, self.relayer, self.fee, self.deadline)


class ImageVault(Contract):
    """Payments to accounts that may never have been used. Amounts are in wei or the token's smallest unit."""

    artifact_name = "ImageVault"

    def deposit(self, recipient: str, refund_after: int, amount_wei: int, *, account: Signer) -> Receipt:
        return self.send("deposit", recipient, refund_after, account=account, value_wei=amount_wei)

    def deposit_token(self, token: str, amount: int, recipient: str, refund_after: int, *, account: Signer) -> Receipt:
        return self.send("depositToken", token, amount, recipient, refund_after, account=account)

    def claim(self, deposit: int, destination: str, *, account: Signer) -> Receipt:
        return self.send("claim", deposit, destination, account=account)

    def claim_for(self, claim: Claim, signature: bytes, *, account: Signer) -> Receipt:
        """Send what the recipient signed: 65 bytes r ‖ s ‖ v, v 27 or 28."""
        return self.send("claimFor", claim.as_tuple(), signature, account=account)

    def refund(self, deposit: int, *, account: Signer) -> Receipt:
        return self.send("refund", deposit, account=account)

    def deposit_of(self, deposit: int) -> Deposit:
        """Raises ``ContractRevertedError``, named ``DepositUnknown`` or ``DepositIsSettled``, if there is none."""
        return Deposit.decode(self.call("depositOf", deposit))

    def claim_digest(self, claim: Claim) -> bytes:
        """What the contract takes the signature over; for comparison, as a node may lie about it."""
        return bytes(self.call("claimDigest", claim.as_tuple()))

    def typed_data(self, claim: Claim) -> dict[str, Any]:
        """The EIP-712 message to sign, with the token and the amount that the deposit has."""
        found = self.deposit_of(claim.deposit)
        return {
            "types": {"EIP712Domain": _fields(_DOMAIN), "Claim": _fields(_CLAIM)},
            "primaryType": "Claim",
            "domain": {
                "name": "pyml ImageVault",
                "version": "1",
                "chainId": self.client.chain_id,
                "verifyingContract": self.address,
            },
            "message": {
                "depositId": claim.deposit,
                "token": found.token,
                "amount": found.amount,
                "destination": claim.destination,
                "relayer": claim.relayer,
                "fee": claim.fee,
                "deadline": claim.deadline,
            },
        }

    def deposits_to(self, recipient: str, *, since_block: int) -> tuple[int, ...]:
        """The ids of payments to an account that were made since a block, settled ones too."""
        recipient = checked_address(recipient)
        logs = NodeLogs(self.client, addresses=(self.address,), topics=(self.topic("Deposited"),))
        made: dict[int, int] = {}
        for page in follow(logs, Cursor(since_block)):
            if page.rewound_to is not None:
                made = {deposit: block for deposit, block in made.items() if block <= page.rewound_to}
            for event in filter(None, map(self.decode_log, page.logs)):
                if event.arguments["recipient"] == recipient:
                    made[int(event.arguments["depositId"])] = event.log.block_number
        return tuple(made)


@dataclass(frozen=True, slots=True)
class KeysContracts:
    """Handles of one deployment."""

    client: Client
    helpers: HelperRegistry
    vault: ImageVault
    since_block: int
    """No deposit is older."""


def open_contracts(client: Client, folder: Path) -> KeysContracts:
    """Handles from ``<folder>/<chainid>.json``, after asking the chain; ``NotDeployedError`` if there are none."""
    records = load_deployments(folder, client.chain_id)
    helpers, vault = (records.require(SYSTEM, name) for name in ("HelperRegistry", "ImageVault"))
    for record in (helpers, vault):
        require_deployed(client, record, load_artifact(record.contract))
    return KeysContracts(
        client,
        HelperRegistry.at(client, helpers.address),
        ImageVault.at(client, vault.address),
        vault.block_number or 0,
    )


def publish_helper(
    registry: HelperRegistry, digest: bytes, account: Signer, *, replaces: bytes | None = None
) -> HelperEntry:
    """Register a helper file, in place of the one that it ``replaces``, unless that was done before.

    ``InputError`` if it was revoked before, or registered without replacing what it should.
    """
    owner = account.address
    if (found := registry.find(owner, digest)) is None:
        if replaces is None:
            registry.register(digest, account=account)
        else:
            registry.replace(replaces, digest, account=account)
        found = registry.find(owner, digest)
    if found is None or not found.is_valid:
        raise InputError("this helper file was revoked", got="0x" + digest.hex(), hint="Enrol again.")
    if replaces is not None:
        old = registry.find(owner, replaces)
        if old is None or old.replacement != found.version:
            raise InputError(
                "this helper file is registered, but not in place of the one named", got="0x" + replaces.hex()
            )
    return found


def pay(
    vault: ImageVault, recipient: str, amount: int, account: Signer, *, lock_s: int, token: str = ETHER
) -> tuple[int, Receipt]:
    """Lock coins for an account and return the deposit's id; tokens are approved first.

    The payer may take them back once ``lock_s`` seconds have passed since the newest block, unless they were claimed;
    the contract takes an hour to five years. Not repeatable: run twice, it pays twice.
    """
    refund_after = vault.client.latest_block().timestamp + lock_s
    if token == ETHER:
        receipt = vault.deposit(recipient, refund_after, amount, account=account)
    else:
        approve(vault.client, token, vault.address, amount, account)
        receipt = vault.deposit_token(token, amount, recipient, refund_after, account=account)
    (event,) = vault.events_in(receipt, "Deposited")
    return int(event.arguments["depositId"]), receipt


_DOMAIN: Final = "string name,string version,uint256 chainId,address verifyingContract"
_CLAIM: Final = (
    "uint256 depositId,address token,uint256 amount,address destination,address relayer,uint256 fee,uint256 deadline"
)


def _fields(text: str) -> list[dict[str, str]]:
    return [{"type": kind, "name": name} for kind, name in (field.split(" ") for field in text.split(","))]


def _checked_digest(digest: bytes) -> bytes:
    if len(digest) != DIGEST_BYTES:
        raise InputError("not the digest of a helper file", expected=f"{DIGEST_BYTES} bytes", got=len(digest))
    return digest
