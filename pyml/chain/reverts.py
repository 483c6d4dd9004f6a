"""Turn revert bytes into an error's name and arguments, with the errors of every contract that may be called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.exceptions import DecodingError

from pyml.chain.abi import decode_named, selector
from pyml.errors import ContractRevertedError

# https://docs.soliditylang.org/en/v0.8.37/control-structures.html#panic-via-assert-and-error-via-require
_PANICS: Final[Mapping[int, str]] = {
    0x00: "generic compiler panic",
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "value outside an enum",
    0x22: "storage byte array wrongly encoded",
    0x31: "pop on an empty array",
    0x32: "array index out of bounds",
    0x41: "too much memory allocated",
    0x51: "call to an uninitialised function pointer",
}
_BUILT_IN: Final[tuple[dict[str, Any], ...]] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


@dataclass(frozen=True, slots=True)
class Revert:
    """Why a call was refused. ``name`` is ``Error``, ``Panic``, a custom error's name, or ``Unknown``, ``Empty``."""

    name: str
    arguments: dict[str, object]

    def __str__(self) -> str:
        shown = ", ".join(
            f"{key}={'0x' + value.hex() if isinstance(value, bytes) else value}"
            for key, value in self.arguments.items()
        )
        return f"{self.name}({shown})"


class ErrorCatalogue:
    """The custom errors known for a contract: its own first, then those of the contracts that it calls."""

    def __init__(self, contract: str, abis: Iterable[Sequence[Mapping[str, Any]]] = ()) -> None:
        self.contract = contract
        self._errors: dict[bytes, Mapping[str, Any]] = {}
        for abi in (*abis, _BUILT_IN):
            for entry in abi:
                if entry.get("type") == "error":
                    self._errors.setdefault(selector(entry), entry)

    def decode(self, data: bytes) -> Revert:
        """Never fails: bytes come from a contract that need not be ours."""
        if not data:
            return Revert("Empty", {})
        entry = self._errors.get(data[:4])
        if entry is None:
            return Revert("Unknown", {"data": data})
        try:
            arguments = decode_named(entry["inputs"], data[4:])
        except (DecodingError, OverflowError, UnicodeDecodeError):
            return Revert("Unknown", {"data": data})
        if entry["name"] == "Panic" and entry in _BUILT_IN:
            arguments["meaning"] = _PANICS.get(int(str(arguments["code"])), "unknown panic code")
        return Revert(str(entry["name"]), arguments)

    def error(self, data: bytes) -> ContractRevertedError:
        """The exception for revert bytes."""
        revert = self.decode(data)
        hint = None
        if revert.name == "Empty":
            hint = "It gave no reason: a missing function, a failed low-level check, or too little gas."
        elif revert.name == "Unknown":
            hint = "The error is not in the ABIs given; pass the ABI of the called contract as well."
        return ContractRevertedError(self.contract, revert.name, revert.arguments, hint=hint)
