"""Every error that pyml raises on purpose.

A ``PymlError`` is a mistake or a refusal that the reader can act on: the command line prints it as
one line and leaves with ``exit_code``. Anything else that reaches the user is a bug and keeps its
traceback. A proof that is *false* is not an error inside the library (``verify_*`` returns ``False``);
an error means that something could not be done or checked.
"""

from __future__ import annotations

from typing import ClassVar


class PymlError(Exception):
    """Base of all deliberate errors: what was wrong, what was expected, what came, how to mend it."""

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        problem: str,
        *,
        expected: object = None,
        got: object = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.got = got
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.problem]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        line = "; ".join(parts)
        if self.hint:
            line = f"{line}. {self.hint}"
        return " ".join(line.split())

    def as_dict(self) -> dict[str, str]:
        """The same as ``str(self)``, field by field, for ``--json``."""
        fields = {"error": type(self).__name__, "problem": self.problem}
        for name in ("expected", "got", "hint"):
            value = getattr(self, name)
            if value is not None:
                fields[name] = str(value)
        return fields


class ConfigError(PymlError):
    """A setting, environment variable or configuration file is wrong."""


class UsageError(PymlError):
    """The words of a command are wrong."""


class InputError(PymlError):
    """A file, argument or value that came from outside is not acceptable."""


class ModelError(InputError):
    """A network cannot be used: wrong format, operator, shape or weights."""


class DatasetError(InputError):
    """A data set is absent, malformed or fails its pinned checksum."""


class IntegrityError(PymlError):
    """Stored bytes do not match their digest, checksum or authentication tag."""


class KeystoreError(PymlError):
    """A keystore is absent, unreadable, or does not open with the password given."""


class RecoveryError(PymlError):
    """No key came out: what was shown is not close enough to what was enrolled, or the password is wrong."""


class ToolMissingError(PymlError):
    """A program that this step needs (anvil, solc, an engine) is not to be found."""


class ResourceError(PymlError):
    """The machine ran out of something: disk, memory, time."""


class CircuitError(PymlError):
    """A circuit cannot be built, or its settings break a soundness rule."""


class ProofError(PymlError):
    """A proof could not be made or could not be read (not: a proof that is false)."""


class SrsError(PymlError):
    """The structured reference string is absent, too small, damaged or not allowed here."""


class ChainError(PymlError):
    """An EVM node could not be reached, answered nonsense, or is on another chain."""


class InsufficientFundsError(ChainError):
    """The sending account cannot pay for value plus gas."""


class TransactionFailedError(ChainError):
    """A transaction was mined and failed, or was never mined within its deadline."""


class ContractRevertedError(ChainError):
    """A contract refused a call with one of its custom errors.

    ``name`` is the Solidity error's name (``Error`` for a plain string, ``Panic`` for a panic code),
    ``arguments`` its decoded arguments by parameter name.
    """

    def __init__(
        self,
        contract: str,
        name: str,
        arguments: dict[str, object] | None = None,
        *,
        hint: str | None = None,
    ) -> None:
        self.contract = contract
        self.name = name
        self.arguments = arguments or {}
        shown = ", ".join(f"{key}={_shown(value)}" for key, value in self.arguments.items())
        super().__init__(f"{contract} refused the call: {name}({shown})", hint=hint)


class NotDeployedError(ChainError):
    """No code at the contract's address, or no record of a deployment on this chain."""


def _shown(value: object) -> str:
    return "0x" + bytes(value).hex() if isinstance(value, (bytes, bytearray)) else str(value)
