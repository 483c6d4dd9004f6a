"""ABI decoding into named values: structs become dictionaries, addresses EIP-55 strings, bytes stay bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyml.chain.transactions import Log
from pyml.errors import ChainError

AbiEntry = Mapping[str, Any]


def type_of(parameter: AbiEntry) -> str:
    """The canonical type, with a struct written out: ``(uint256,bytes)[2]``."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(type_of(component) for component in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def signature(entry: AbiEntry) -> str:
    """``name(type,type)`` of a function, error or event."""
    return f"{entry['name']}({','.join(type_of(parameter) for parameter in entry['inputs'])})"


def selector(entry: AbiEntry) -> bytes:
    """The four bytes that identify a function or error."""
    return keccak(text=signature(entry))[:4]


def topic(entry: AbiEntry) -> bytes:
    """Topic 0 of an event."""
    return keccak(text=signature(entry))


def decode_values(parameters: Sequence[AbiEntry], data: bytes) -> tuple[Any, ...]:
    """Decode ``data``; raises ``eth_abi``'s ``DecodingError`` if it does not fit."""
    values = decode([type_of(parameter) for parameter in parameters], data)
    return tuple(_named(parameter, value) for parameter, value in zip(parameters, values, strict=True))


def decode_named(parameters: Sequence[AbiEntry], data: bytes) -> dict[str, object]:
    """The same by name; a nameless parameter gets its index."""
    values = decode_values(parameters, data)
    return {
        str(parameter.get("name") or index): value
        for index, (parameter, value) in enumerate(zip(parameters, values, strict=True))
    }


def decode_event(entry: AbiEntry, log: Log) -> dict[str, object]:
    """An event's arguments in order; an indexed string, bytes, array or struct is there as its hash only."""
    indexed = [parameter for parameter in entry["inputs"] if parameter.get("indexed")]
    rest = [parameter for parameter in entry["inputs"] if not parameter.get("indexed")]
    if len(indexed) != len(log.topics) - (0 if entry.get("anonymous") else 1):
        raise ChainError(f"event {entry['name']} has another number of indexed fields than its ABI says")
    words = iter(log.topics[len(log.topics) - len(indexed) :])
    try:
        plain = iter(decode_values(rest, log.data))
        return {
            str(parameter.get("name") or index): _indexed(parameter, next(words))
            if parameter.get("indexed")
            else next(plain)
            for index, parameter in enumerate(entry["inputs"])
        }
    except (DecodingError, OverflowError, UnicodeDecodeError) as error:
        raise ChainError(f"event {entry['name']} does not decode with its ABI") from error


def _indexed(parameter: AbiEntry, word: bytes) -> object:
    kind = str(parameter["type"])
    hashed = kind in ("string", "bytes") or kind.startswith("tuple") or kind.endswith("]")
    return word if hashed else decode_values([parameter], word)[0]


def _named(parameter: AbiEntry, value: Any) -> Any:
    kind = str(parameter["type"])
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return tuple(_named(element, item) for item in cast(Sequence[Any], value))
    if kind == "tuple":
        components = cast(Sequence[AbiEntry], parameter["components"])
        return {
            str(component.get("name") or index): _named(component, item)
            for index, (component, item) in enumerate(zip(components, value, strict=True))
        }
    return to_checksum_address(value) if kind == "address" else value
