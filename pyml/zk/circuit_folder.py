"""A circuit as people hand it around: a small folder with its public statement and what pins it.

    circuit.toml    the statement                     written by ``pyml zk export``
    model.json      the public model (private_input)
    settings.json   the engine's settings, pinned     written by ``pyml zk setup`` on the first run, then compared
    digests.toml    SHA-256 of every artefact         likewise

Everything large is in the workspace, found by digest. Whoever has the folder and the data set can make the same
circuit again and see that it is the one a contract verifies.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eth_utils.address import is_checksum_address

from pyml.errors import CircuitError
from pyml.files import write_atomically
from pyml.ml.datasets import Dataset
from pyml.ml.integer import IntegerNetwork
from pyml.zk.challenge import CircuitEntry
from pyml.zk.circuits import (
    LabelledSet,
    accuracy_graph,
    inference_graph,
    input_graph,
    labelled_set,
    link_graph,
    parse_set_name,
)
from pyml.zk.engine import Progress, silent
from pyml.zk.model_codec import decode_network, encode_network, network_digest
from pyml.zk.native.circuit import NATIVE_SETTINGS, data_writer, settings_of
from pyml.zk.statement import Statement, read_statement
from pyml.zk.workspace import Circuit, Keyed, Workspace

WORD_BYTES = 32
LoadDataset = Callable[[str], Dataset]


@dataclass(frozen=True, slots=True)
class CircuitFolder:
    """A folder with a checked ``circuit.toml``."""

    path: Path
    statement: Statement

    @classmethod
    def open(cls, path: Path) -> CircuitFolder:
        """Raises ``CircuitError`` if there is no well-formed statement."""
        return cls(path, read_statement(path / "circuit.toml"))

    @classmethod
    def create(
        cls, path: Path, statement: Statement, network: IntegerNetwork | None = None, *, native: bool = False
    ) -> CircuitFolder:
        """Write the public part of a new circuit; an existing one is kept unless it is the same.

        ``native`` settles which engine the folder is for: its settings follow from the statement and are written now.
        """
        target = path / "circuit.toml"
        if target.exists() and read_statement(target) != statement:
            raise CircuitError(f"{path} already holds another circuit", hint="Name another folder with --out.")
        if target.exists() and cls(path, statement).native != native and (path / "settings.json").exists():
            raise CircuitError(f"{path} is another engine's circuit", hint="Name another folder with --out.")
        if network is not None:
            write_atomically(path / "model.json", encode_network(network))
        if native:
            write_atomically(path / "settings.json", settings_of(statement))
        write_atomically(target, statement.to_toml().encode())
        return cls(path, statement)

    @property
    def native(self) -> bool:
        """Whether the folder is for the native engine: its settings say so."""
        settings = self._pinned_settings()
        return settings is not None and settings.startswith(NATIVE_SETTINGS)

    def entry(self, keyed: Keyed, chain_id: int) -> CircuitEntry:
        """The circuit's entry on a chain; ``CircuitError`` if it needs a verifier of its own and has none there.

        What the folder says of a verifier is only where to look: who relies on it compares its code
        (``pyml.zk.native.registration.require_verifier``).
        """
        if not self.native:
            return keyed.entry()
        table = self._pinned().get(_chain_table(keyed, chain_id))
        if table is None:
            raise CircuitError(
                f"{self.path} has no verifier on chain {chain_id}",
                hint=f"Deploy one with `pyml zk register {self.path}`.",
            )
        try:
            address, code_hash = table["verifier"], bytes.fromhex(table["code_hash"])
            if not is_checksum_address(address) or len(code_hash) != WORD_BYTES:
                raise ValueError("it is no address, or no hash")
        except (KeyError, ValueError) as error:
            raise CircuitError(
                f"{self.path / 'digests.toml'} names no verifier for chain {chain_id}: {error}",
                hint="Remove that table, and register again.",
            ) from error
        return keyed.entry(dedicated_verifier=address, verifier_code_hash=code_hash)

    def note_verifier(self, keyed: Keyed, chain_id: int, entry: CircuitEntry) -> None:
        """Remember the verifier contract of this circuit on a chain."""
        table = {"verifier": entry.dedicated_verifier, "code_hash": entry.verifier_code_hash.hex()}
        self._write_pins({**self._pinned(), _chain_table(keyed, chain_id): table})

    def labelled_set(self, load: LoadDataset) -> LabelledSet:
        """The public samples, checked against the statement's digest."""
        name, start, samples = parse_set_name(self.statement.subject_name)
        input_bits = self.statement.architecture.input_max.bit_length()
        data = labelled_set(load(name), samples=samples, start=start, input_bits=input_bits)
        if data.digest != self.statement.subject:
            raise CircuitError(
                f"{self.statement.subject_name} is not the set that {self.path} pins",
                expected=self.statement.subject,
                got=data.digest,
            )
        return data

    def network(self) -> IntegerNetwork:
        """The public model of a private-input circuit, checked against the statement's digest."""
        path = self.path / "model.json"
        try:
            network = decode_network(path.read_bytes())
        except OSError as error:
            raise CircuitError(f"{path} cannot be read: {error.strerror}") from error
        if network_digest(network) != self.statement.subject:
            raise CircuitError(
                f"{path} is not the model that the circuit pins",
                expected=self.statement.subject,
                got=network_digest(network),
            )
        return network

    def build(self, workspace: Workspace, load: LoadDataset, *, progress: Progress = silent) -> Circuit:
        """Compile, or open what was compiled; settings and digests must be the pinned ones if there are any."""

        def write_source(path: Path) -> None:  # data sets are heavy: opening a compiled circuit does not load them
            if self.native:
                accuracy = self.statement.kind == "private_model_accuracy"
                data_writer(self.statement, self.labelled_set(load) if accuracy else None)(path)
                return
            match self.statement.kind:
                case "private_input":
                    input_graph(self.statement, self.network())(path)
                case "private_model_inference":
                    inference_graph(self.statement)(path)
                case "model_link":
                    link_graph(self.statement)(path)
                case "private_model_accuracy":
                    accuracy_graph(self.statement, self.labelled_set(load))(path)

        if self.statement.kind == "private_input":
            self.network()  # a changed model is refused even where the circuit was compiled before

        settings = self._pinned_settings()
        circuit = workspace.build_circuit(self.statement, write_source, pinned_settings=settings, progress=progress)
        if settings is None:
            write_atomically(self.path / "settings.json", circuit.files.settings.read_bytes())
        self._pin(circuit, workspace.engine.source_file)
        return circuit

    def pin_keys(self, keyed: Keyed) -> None:
        """Note the keys' digests under their SRS, or compare them with those noted."""
        digests = {"verifying.key": keyed.digests["verifying.key"], "vka": keyed.vka_digest.hex()}
        tables = self._pinned()
        table = f"srs-{keyed.srs.digest}"
        if table in tables:
            _require_equal(self.path, table, tables[table], digests)
            return
        self._write_pins({**tables, table: digests})

    def _pinned_settings(self) -> bytes | None:
        path = self.path / "settings.json"
        try:
            return path.read_bytes() if path.exists() else None
        except OSError as error:
            raise CircuitError(f"{path} cannot be read: {error.strerror}") from error

    def _pin(self, circuit: Circuit, source: str) -> None:
        # The engine serialises the compiled circuit from a hash map, so that equal circuits have unequal bytes.
        pinned = {name: circuit.digests[name] for name in (source, "settings.json")}
        digests = {"statement": self.statement.digest, **pinned}
        tables = self._pinned()
        if "circuit" in tables:
            _require_equal(self.path, "circuit", tables["circuit"], digests)
            return
        self._write_pins({**tables, "circuit": digests})

    def _pinned(self) -> dict[str, dict[str, str]]:
        path = self.path / "digests.toml"
        if not path.exists():
            return {}
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            return {name: {str(key): str(value) for key, value in table.items()} for name, table in tables.items()}
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise CircuitError(f"{path} cannot be read: {error}") from error

    def _write_pins(self, tables: dict[str, dict[str, str]]) -> None:
        lines = ["# SHA-256 of this circuit's artefacts (vka: keccak-256 of the verifying-key words). Compared on use."]
        for name, table in tables.items():
            rows = (f"{json.dumps(key)} = {json.dumps(value)}" for key, value in sorted(table.items()))
            lines += ["", f"[{json.dumps(name)}]", *rows]
        write_atomically(self.path / "digests.toml", ("\n".join(lines) + "\n").encode())


def _chain_table(keyed: Keyed, chain_id: int) -> str:
    return f"chain-{chain_id}-{keyed.vka_digest.hex()[:16]}"


def _require_equal(path: Path, table: str, pinned: dict[str, str], found: dict[str, str]) -> None:
    for name, digest in found.items():
        if pinned.get(name) != digest:
            raise CircuitError(
                f"{path}: {name} is not the pinned one ({table})",
                expected=pinned.get(name, "a pinned digest"),
                got=digest,
                hint="Engine, exporter or data differ from when it was pinned.",
            )
