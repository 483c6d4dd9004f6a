"""Values that go to a node and come back: transactions, receipts, logs, blocks. Hashes are lower-case ``0x…``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import is_address, to_checksum_address

from pyml.errors import ChainError, InputError

MAX_CODE_BYTES: Final = 0x6000
"""EIP-170: the largest contract that a chain accepts (24,576 bytes)."""
MAX_INIT_CODE_BYTES: Final = 2 * MAX_CODE_BYTES
"""EIP-3860: the largest creation code."""
MAX_TX_GAS: Final = 2**24
"""EIP-7825 (Osaka): the most gas that one transaction may ask for."""


def checked_address(text: str) -> str:
    """The EIP-55 form; raises ``InputError`` on anything but a 20-byte hexadecimal address, or on a wrong checksum."""
    digits = text[2:]
    mixed = digits not in (digits.lower(), digits.upper())
    if not text.startswith("0x") or not is_address(text.lower()) or (mixed and to_checksum_address(text) != text):
        raise InputError("not an Ethereum address", expected="0x and 40 hexadecimal digits (EIP-55)", got=repr(text))
    return to_checksum_address(text)


def to_hex(data: bytes) -> str:
    return "0x" + data.hex()


@dataclass(frozen=True, slots=True)
class Transaction:
    """What to do; who pays, nonce and fees are decided when it is sent. ``to=None`` creates a contract."""

    to: str | None
    data: bytes = b""
    value_wei: int = 0
    gas: int | None = None
    """Gas limit; estimated, with a margin, when absent."""

    def __post_init__(self) -> None:
        if self.to is not None:
            object.__setattr__(self, "to", checked_address(self.to))
        if self.value_wei < 0:
            raise InputError("a transaction's value is negative", expected="≥ 0 wei", got=self.value_wei)
        if self.to is None and len(self.data) > MAX_INIT_CODE_BYTES:
            raise InputError(
                "contract creation code is too large (EIP-3860)",
                expected=f"at most {MAX_INIT_CODE_BYTES} bytes",
                got=len(self.data),
            )

    def as_call(self, sender: str | None) -> dict[str, str]:
        """The object that ``eth_call`` and ``eth_estimateGas`` take."""
        fields = {"data": to_hex(self.data), "value": hex(self.value_wei)}
        if self.to is not None:
            fields["to"] = self.to
        if sender is not None:
            fields["from"] = sender
        if self.gas is not None:
            fields["gas"] = hex(self.gas)
        return fields


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the chain stores it."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction."""

    tx_hash: str
    block_number: int
    block_hash: str
    gas_used: int
    effective_gas_price_wei: int
    succeeded: bool
    contract_address: str | None
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The header fields that pyml uses."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    gas_limit: int
    base_fee_wei: int | None
    """``None`` on a chain from before EIP-1559."""


def decode_log(raw: Any) -> Log:
    """A log from JSON-RPC; ``ChainError`` if fields are missing or malformed."""
    try:
        return Log(
            address=to_checksum_address(raw["address"]),
            topics=tuple(_bytes(topic) for topic in raw["topics"]),
            data=_bytes(raw["data"]),
            block_number=int(raw["blockNumber"], 16),
            block_hash=raw["blockHash"].lower(),
            tx_hash=raw["transactionHash"].lower(),
            log_index=int(raw["logIndex"], 16),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainError(f"node sent a malformed log ({type(error).__name__}: {error})") from error


def decode_receipt(raw: Any) -> Receipt:
    """A receipt from JSON-RPC; ``ChainError`` if fields are missing or malformed."""
    try:
        created = raw.get("contractAddress")
        return Receipt(
            tx_hash=raw["transactionHash"].lower(),
            block_number=int(raw["blockNumber"], 16),
            block_hash=raw["blockHash"].lower(),
            gas_used=int(raw["gasUsed"], 16),
            effective_gas_price_wei=int(raw.get("effectiveGasPrice") or "0x0", 16),
            succeeded=int(raw["status"], 16) == 1,
            contract_address=to_checksum_address(created) if created else None,
            logs=tuple(decode_log(log) for log in raw["logs"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainError(f"node sent a malformed receipt ({type(error).__name__}: {error})") from error


def decode_block(raw: Any) -> Block:
    """A block header from JSON-RPC; ``ChainError`` if fields are missing or malformed."""
    try:
        base_fee = raw.get("baseFeePerGas")
        return Block(
            number=int(raw["number"], 16),
            hash=raw["hash"].lower(),
            parent_hash=raw["parentHash"].lower(),
            timestamp=int(raw["timestamp"], 16),
            gas_limit=int(raw["gasLimit"], 16),
            base_fee_wei=None if base_fee is None else int(base_fee, 16),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainError(f"node sent a malformed block ({type(error).__name__}: {error})") from error


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
