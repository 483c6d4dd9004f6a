"""Handles for deployed contracts: call and send by function name, with custom errors as ``ContractRevertedError``.

Subclass it once per contract and give each function a typed method:

    class ModelRegistry(Contract):
        artifact_name = "ModelRegistry"

        def owner(self, model_id: bytes) -> str:
            return self.call("ownerOf", model_id)

        def register(self, commitment: bytes, *, account: Signer) -> Receipt:
            return self.send("register", commitment, account=account)

    registry = ModelRegistry.deploy(client, account=signer)      # or ModelRegistry.at(client, address)

Results: one output as its value, several as a tuple; structs as dictionaries, addresses as EIP-55 strings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from eth_abi.exceptions import DecodingError
from web3.exceptions import Web3Exception

from pyml.chain.abi import AbiEntry, decode_event, decode_values, signature, topic
from pyml.chain.accounts import Signer
from pyml.chain.artifacts import Artifact, load_artifact
from pyml.chain.client import BlockId, Client
from pyml.chain.reverts import ErrorCatalogue
from pyml.chain.sending import OnSigned, SendPolicy
from pyml.chain.transactions import Log, Receipt, Transaction, checked_address
from pyml.errors import ChainError, InputError, IntegrityError, NotDeployedError


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log."""

    name: str
    arguments: dict[str, Any]
    log: Log


class Contract:
    """One contract at one address on one chain."""

    artifact_name: ClassVar[str] = ""
    """The artefact of a subclass."""
    error_sources: ClassVar[tuple[str, ...]] = ()
    """Artefacts of the contracts that it calls, whose errors may come through it."""

    def __init__(
        self, client: Client, artifact: Artifact, address: str, *, errors_from: Sequence[Artifact] = ()
    ) -> None:
        self.client = client
        self.artifact = artifact
        self.address = checked_address(address)
        self.errors = ErrorCatalogue(artifact.name, (artifact.abi, *(other.abi for other in errors_from)))
        self._encoder = client.rpc.web3.eth.contract(abi=[dict(entry) for entry in artifact.abi])
        self._events = {topic(entry): entry for entry in artifact.abi if entry["type"] == "event"}
        self._has_code = False

    @classmethod
    def at(cls, client: Client, address: str, *, artifact: Artifact | None = None) -> Self:
        """A handle, after checking that this very contract is there (``NotDeployedError``, ``IntegrityError``)."""
        handle = cls._handle(client, address, artifact)
        handle.require_deployed()
        return handle

    @classmethod
    def deploy(
        cls,
        client: Client,
        *args: object,
        account: Signer,
        artifact: Artifact | None = None,
        libraries: Mapping[str, str] | None = None,
    ) -> Self:
        """Deploy with these constructor arguments and return the handle."""
        chosen = artifact or load_artifact(cls.artifact_name)
        receipt = deploy(client, chosen, *args, account=account, libraries=libraries)
        return cls.at(client, str(receipt.contract_address), artifact=chosen.link(libraries) if libraries else chosen)

    def __repr__(self) -> str:
        return f"{self.artifact.name}({self.address} on chain {self.client.chain_id})"

    def require_deployed(self) -> None:
        """Raise ``NotDeployedError`` or ``IntegrityError`` unless this very contract is at the address."""
        require_code(self.client, self.artifact, self.address)
        self._has_code = True

    def call(
        self, function: str, *args: object, sender: str | None = None, value_wei: int = 0, block: BlockId = "latest"
    ) -> Any:
        """Run a function without a transaction and return its decoded result."""
        outputs = self._function(function, len(args))["outputs"]
        tx = Transaction(self.address, self.encode(function, *args), value_wei)
        data = self.client.call(tx, sender=sender, block=block, errors=self.errors)
        if not data:
            self._require_code()
        try:
            values = decode_values(outputs, data)
        except (DecodingError, OverflowError, UnicodeDecodeError) as error:
            raise ChainError(f"{self!r}: the result of {function} does not decode with its ABI") from error
        return values[0] if len(values) == 1 else (values or None)

    def send(
        self,
        function: str,
        *args: object,
        account: Signer,
        value_wei: int = 0,
        gas: int | None = None,
        policy: SendPolicy | None = None,
    ) -> Receipt:
        """Run a function in a transaction and wait for it; errors as in ``Sender.send``, and ``NotDeployedError``."""
        data = self.encode(function, *args)
        self._require_code()  # a transaction to an address without code succeeds and does nothing
        tx = Transaction(self.address, data, value_wei, gas)
        return self.client.send(tx, account, errors=self.errors, policy=policy)

    def estimate_gas(self, function: str, *args: object, sender: str, value_wei: int = 0) -> int:
        """Gas that the function would need now, without margin."""
        self._require_code()
        tx = Transaction(self.address, self.encode(function, *args), value_wei)
        return self.client.estimate_gas(tx, sender, errors=self.errors)

    def encode(self, function: str, *args: object) -> bytes:
        """Call data; ``InputError`` if the arguments do not fit. An overload is chosen as ``name(type,type)``."""
        entry = self._function(function, len(args))
        try:
            return bytes.fromhex(self._encoder.encode_abi(signature(entry), args=list(args)).removeprefix("0x"))
        except (Web3Exception, ValueError, TypeError, OverflowError) as error:
            raise InputError(
                f"arguments of {self.artifact.name}.{function} do not fit", expected=signature(entry)
            ) from error

    def events_in(self, receipt: Receipt, name: str | None = None) -> tuple[Event, ...]:
        """This contract's events in a receipt, in order; only those called ``name`` if given."""
        events = (self.decode_log(log) for log in receipt.logs if log.address == self.address)
        return tuple(event for event in events if event is not None and name in (None, event.name))

    def decode_log(self, log: Log) -> Event | None:
        """``None`` if the log is of an event that the ABI does not have."""
        entry = self._events.get(log.topics[0]) if log.topics else None
        return None if entry is None else Event(str(entry["name"]), decode_event(entry, log), log)

    def topic(self, name: str) -> bytes:
        """Topic 0 of an event, for filtering."""
        found = [word for word, entry in self._events.items() if entry["name"] == name]
        if len(found) != 1:
            raise InputError(f"{self.artifact.name} has {len(found)} events named {name!r}", expected="one")
        return found[0]

    @classmethod
    def _handle(cls, client: Client, address: str, artifact: Artifact | None) -> Self:
        errors_from = [load_artifact(name) for name in cls.error_sources]
        return cls(client, artifact or load_artifact(cls.artifact_name), address, errors_from=errors_from)

    def _function(self, name: str, argument_count: int) -> AbiEntry:
        functions = [entry for entry in self.artifact.abi if entry["type"] == "function"]
        found = [entry for entry in functions if name in (entry["name"], signature(entry))]
        fitting = [entry for entry in found if len(entry["inputs"]) == argument_count]
        if len(fitting) == 1:
            return fitting[0]
        shown = [signature(entry) for entry in found or functions]
        raise InputError(
            f"{self.artifact.name} has no single function {name} with {argument_count} arguments", expected=shown
        )

    def _require_code(self) -> None:
        if not self._has_code:
            if not self.client.code(self.address):
                raise _absent(self.client, self.artifact.name, self.address)
            self._has_code = True


def deploy(
    client: Client,
    artifact: Artifact,
    *args: object,
    account: Signer,
    libraries: Mapping[str, str] | None = None,
    value_wei: int = 0,
    on_signed: OnSigned | None = None,
    policy: SendPolicy | None = None,
) -> Receipt:
    """Create a contract and check that what is on chain is the artefact's code; the address is in the receipt.

    Refused before anything is sent: too large for EIP-170 or EIP-3860, missing libraries, arguments that do not fit
    the constructor, and an artefact marked insecure on a chain that is not a development chain.
    """
    linked = artifact.link(libraries) if libraries else artifact
    code = linked.creation_code()
    linked.require_size()
    if linked.insecure is not None and not client.is_dev:
        raise ChainError(
            f"{linked.name} is insecure ({linked.insecure}) and must stay on development chains",
            expected="chain id 31337 or 1337",
            got=client.chain_id,
        )
    tx = Transaction(None, code + encode_constructor(client, linked, *args), value_wei)
    errors = ErrorCatalogue(f"constructor of {linked.name}", (linked.abi,))
    receipt = client.send(tx, account, errors=errors, on_signed=on_signed, policy=policy)
    if receipt.contract_address is None:
        raise ChainError(f"node {client.rpc.shown} reports no address for the new {linked.name}")
    require_code(client, linked, receipt.contract_address)
    return receipt


def encode_constructor(client: Client, artifact: Artifact, *args: object) -> bytes:
    """ABI-encoded constructor arguments; ``InputError`` if they do not fit."""
    entry = next((entry for entry in artifact.abi if entry["type"] == "constructor"), None)
    wanted = [str(parameter["type"]) for parameter in entry["inputs"]] if entry else []
    mismatch = InputError(f"constructor arguments of {artifact.name} do not fit", expected=wanted, got=list(args))
    if len(args) != len(wanted):
        raise mismatch
    if not args:
        return b""
    try:
        factory = client.rpc.web3.eth.contract(abi=[dict(entry) for entry in artifact.abi], bytecode="0x")
        data = str(factory.constructor(*args).data_in_transaction)
    except (Web3Exception, ValueError, TypeError, OverflowError) as error:
        raise mismatch from error
    return bytes.fromhex(data.removeprefix("0x"))


def require_code(client: Client, artifact: Artifact, address: str) -> None:
    """Raise ``NotDeployedError`` if nothing is at the address, ``IntegrityError`` if it is another contract."""
    code = client.code(address)
    if not code:
        raise _absent(client, artifact.name, address)
    if not artifact.matches_code(code):
        raise IntegrityError(
            f"the code at {address} is not {artifact.name}",
            expected=f"{artifact.code_size} bytes of {artifact.sources_digest}",
            got=f"{len(code)} bytes that differ",
            hint="It was built from other sources or with another compiler, or the address is wrong.",
        )


def _absent(client: Client, name: str, address: str) -> NotDeployedError:
    return NotDeployedError(
        f"{name} is not deployed at {address} on chain {client.chain_id}", hint="Check the address, or run pyml deploy."
    )
