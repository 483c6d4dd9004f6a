"""The ezkl engine (halo2, KZG on BN254), the only module that touches ``ezkl``.

Every step runs in a child process (``python -m pyml.zk.ezkl STEP``): a Rust panic, an out-of-memory kill or Ctrl-C then
ends that step with one clear error and gives its memory back, instead of taking the caller along.

Soundness (``specification`` rules, each with a regression test):
* the engine's own Freivalds product is never used (``disable_freivalds``; settings with einsum columns are refused):
  it returns cells that nothing constrains;
* everything is at scale 0, so no division is ever laid out (its gadget accepts two quotients);
* the engine fills a lookup table upwards beyond the range it is given, until the column is full, and takes tables
  from a shared cache unchecked: the range is chosen so that it is full exactly at table_high, every step has a cache
  of its own, and after set-up the table that went into the verifying key is read back and compared, entry by entry;
* private inputs are not range-checked by the engine (``ignore_range_check_inputs_outputs``) because the graph passes
  every value that needs a range through the lookup, and the others need none;
* ``gen_settings`` emits tables in random order, which would change the verifying key: they are sorted and pinned.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS, Point, decode_felt, decompress_point, encode_felt
from pyml.errors import CircuitError, ProofError, PymlError, ResourceError
from pyml.ml.integer import IntArray
from pyml.ml.shapes import Product
from pyml.zk.challenge import tensor_points
from pyml.zk.circuits import LabelledSet
from pyml.zk.engine import CircuitFiles, EntryPoints, KeyFiles, Prepared, Progress, Proof, Tensors, silent
from pyml.zk.layout import committed_layout, witness_layout
from pyml.zk.model_codec import SecretModel
from pyml.zk.secret_folder import secret_folder
from pyml.zk.srs import Srs, require_degree
from pyml.zk.statement import Statement
from pyml.zk.witness import PrivateTensors, accuracy_tensors, committed_model, inference_tensors, salted

ENGINE_VERSION = "23.0.5"
SPARE_ROWS = 16
"""Rows kept free for halo2's blinding; the engine uses ``TABLE_SPARE_ROWS`` of them."""
TABLE_SPARE_ROWS = 8
"""Rows of a table's column that the engine does not fill: 5 blinding factors and 3."""
_COST = {1: 0.71, 2: 1.0, 3: 1.36}
"""Relative proving time per 2^k rows by inner columns, measured (``bench/zk_accuracy.py --columns``).

From 4 on the lookup's degree doubles the extended domain and everything costs more than twice as much.
"""
INNER_COLUMNS = tuple(_COST)

Settings = dict[str, Any]
Challenge = Callable[[bytes], int]


class EzklEngine:
    """``Engine`` over the ``ezkl`` package."""

    name = f"ezkl-{ENGINE_VERSION}"
    folder = ""
    source_file = CircuitFiles(Path()).graph.name
    compiled_file = CircuitFiles(Path()).compiled.name
    has_proving_key = True

    def compile(self, statement: Statement, files: CircuitFiles, *, progress: Progress = silent) -> None:
        progress("laying out the circuit")
        candidates: list[tuple[float, Settings]] = []
        for columns in INNER_COLUMNS:
            settings = self._settings(statement, files, columns)
            candidates.append((_COST[columns] * 2 ** settings["run_args"]["logrows"], settings))
        settings = min(candidates, key=lambda candidate: candidate[0])[1]
        if statement.degree and settings["run_args"]["logrows"] > statement.degree:
            raise CircuitError(
                "the circuit does not fit the degree of the model's commitment",
                expected=f"k = {settings['run_args']['logrows']} or more",
                got=statement.degree,
            )
        require_sound_settings(settings, statement)
        files.settings.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        progress("compiling the circuit")
        _step("compile_circuit", model=files.graph, compiled_circuit=files.compiled, settings_path=files.settings)

    def degree(self, files: CircuitFiles) -> int:
        return int(read_settings(files.settings)["run_args"]["logrows"])

    def set_up(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, *, progress: Progress = silent) -> None:
        require_degree(srs, self.degree(files))
        progress("making proving and verifying keys")
        with tempfile.TemporaryDirectory(prefix="pyml-table-") as cache:
            self._long_step(
                "setup",
                cache=Path(cache),
                model=files.compiled,
                vk_path=keys.verifying_key,
                pk_path=keys.proving_key,
                srs_path=srs.path,
            )
            require_exact_table(Path(cache), read_settings(files.settings))
        progress("writing the verifying-key artefact")
        _step(
            "create_evm_vka",
            vk_path=keys.verifying_key,
            settings_path=files.settings,
            vka_path=keys.artefact,
            srs_path=srs.path,
            decimals=0,
        )

    def artefact(self, keys: KeyFiles) -> tuple[bytes, ...]:
        return read_artefact(keys.artefact)

    def proof_length(self, keys: KeyFiles) -> int:
        return proof_length(read_artefact(keys.artefact))

    def entry_points(self, statement: Statement) -> EntryPoints:
        return tensor_points(statement)

    def commit_model(
        self, statement: Statement, files: CircuitFiles, keys: KeyFiles, srs: Srs, model: SecretModel
    ) -> tuple[Point, ...]:
        tensor = salted(committed_model(statement, model.network), model.salts, committed_layout(statement))
        return self.commit(files, keys, srs, tensor)

    def prepare_accuracy(
        self, statement: Statement, model: SecretModel, data: LabelledSet, product: Product
    ) -> Prepared:
        return _prepared(
            accuracy_tensors(
                statement, model.network, data.inputs, data.labels, model_salts=model.salts, product=product
            )
        )

    def prepare_inference(self, statement: Statement, model: SecretModel, sample: IntArray) -> Prepared:
        return _prepared(inference_tensors(statement, model.network, sample, model_salts=model.salts))

    def commit(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, tensor: Sequence[int]) -> tuple[Point, ...]:
        with secret_folder(_witness_bytes(len(tensor))) as folder:
            message = folder / "tensor.json"
            message.write_text(json.dumps([encode_felt(value) for value in tensor]), encoding="utf-8")
            points = _step(
                "kzg_commit",
                message=message,
                vk_path=keys.verifying_key,
                settings_path=files.settings,
                srs_path=srs.path,
            )
        return tuple(Point(int(x, 16), int(y, 16)) for x, y in points)

    def prove(
        self,
        files: CircuitFiles,
        keys: KeyFiles,
        srs: Srs,
        tensors: Tensors,
        challenge: Challenge,
        *,
        progress: Progress = silent,
    ) -> Proof:
        with secret_folder(_witness_bytes(8 * (len(tensors.committed) + len(tensors.witness)))) as folder:
            progress("committing to the private tensors")
            points = self._witness(files, keys, srs, tensors, 1, folder)
            rho = challenge(b"".join(point.encode() for point in points))
            progress("computing the witness")
            committed = self._witness(files, keys, srs, tensors, rho, folder)
            if committed != points:
                raise ProofError("the engine committed to the same tensors in two different ways")
            progress("proving")
            output = folder / "proof.json"
            self._long_step(
                "prove",
                witness=folder / "witness.json",
                model=files.compiled,
                pk_path=keys.proving_key,
                proof_path=output,
                srs_path=srs.path,
            )
            proof = _read_proof(output)
        if proof.data[: POINT_BYTES * len(points)] != b"".join(point.encode() for point in points):
            raise ProofError("the proof does not begin with the commitments to its private tensors")
        return proof

    def verify(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, proof: Proof) -> bool:
        if not all(0 <= output < SCALAR_MODULUS for output in proof.outputs):
            return False  # as on chain: a number has one form
        if len(proof.data) != self.proof_length(keys):
            return False  # the engine ignores what follows a proof
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "proof.json"
            path.write_text(_proof_json(proof), encoding="utf-8")
            return bool(
                _step(
                    "verify",
                    proof_path=path,
                    settings_path=files.settings,
                    vk_path=keys.verifying_key,
                    srs_path=srs.path,
                )
            )

    def export_verifier(
        self, files: CircuitFiles, keys: KeyFiles, srs: Srs, destination: Path, *, reusable: bool
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "verifier.sol"
            _step(
                "create_evm_verifier",
                vk_path=keys.verifying_key,
                settings_path=files.settings,
                sol_code_path=source,
                abi_path=Path(folder) / "verifier.abi",
                srs_path=srs.path,
                reusable=reusable,
            )
            shutil.copyfile(source, destination)

    def _long_step(self, step: str, *, cache: Path | None = None, **arguments: Path) -> None:
        """Set-up or proof: what another build of the engine can take over."""
        _step(step, cache=cache, **arguments)

    def _settings(self, statement: Statement, files: CircuitFiles, columns: int) -> Settings:
        numerics = statement.numerics
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "settings.json"
            _step(
                "gen_settings",
                model=files.graph,
                output=output,
                py_run_args={
                    "input_visibility": "polycommit",
                    "output_visibility": "public",
                    "param_visibility": "fixed",
                    "input_scale": 0,
                    "param_scale": 0,
                    "num_inner_cols": columns,
                    "decomp_base": 128,
                    "decomp_legs": 2,
                    "lookup_range": [numerics.table_low, numerics.table_high],
                    "disable_freivalds": True,
                    "ignore_range_check_inputs_outputs": True,
                },
            )
            settings = read_settings(output)
        table = numerics.table_high - numerics.table_low + 1
        longest = max(committed_layout(statement).size, witness_layout(statement).size)
        rows = max(settings["num_rows"], table, longest) + SPARE_ROWS
        degree = (rows - 1).bit_length()
        degree = max(degree, statement.degree)
        settings["run_args"]["logrows"] = degree
        settings["run_args"]["lookup_range"] = list(full_table(degree, numerics.table_high))
        return canonical_settings(settings)

    def _witness(
        self, files: CircuitFiles, keys: KeyFiles, srs: Srs, tensors: Tensors, rho: int, folder: Path
    ) -> tuple[Point, ...]:
        data = folder / "input.json"
        inputs = [tensor for tensor in (tensors.committed, tensors.witness, (rho,)) if tensor]
        rows = [[encode_felt(value) for value in tensor] for tensor in inputs]
        data.write_text(json.dumps({"input_data": rows}), encoding="utf-8")
        output = folder / "witness.json"
        _step(
            "gen_witness",
            data=data,
            model=files.compiled,
            output=output,
            vk_path=keys.verifying_key,
            srs_path=srs.path,
        )
        witness = json.loads(output.read_text(encoding="utf-8"))
        low, high = read_settings(files.settings)["run_args"]["lookup_range"]
        if witness["min_lookup_inputs"] < low or witness["max_lookup_inputs"] > high:  # the prover would never return
            raise ProofError(
                "a private value is outside the lookup table",
                expected=f"[{low}, {high}]",
                got=f"[{witness['min_lookup_inputs']}, {witness['max_lookup_inputs']}]",
            )
        processed = witness["processed_inputs"]["polycommit"]
        return tuple(decompress_point(bytes.fromhex(point)) for tensor in processed[:-1] for point in tensor)


def _prepared(tensors: PrivateTensors) -> Prepared:
    return Prepared(Tensors(tensors.committed, tensors.witness), tensors.result)


def read_settings(path: Path) -> Settings:
    """Read ``settings.json``; ``CircuitError`` if it is not JSON of the expected form."""
    try:
        settings = cast("Settings", json.loads(path.read_text(encoding="utf-8")))
        int(settings["run_args"]["logrows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CircuitError(f"{path} is not the settings file of a circuit: {error}") from error
    return settings


def canonical_settings(settings: Settings) -> Settings:
    """The same settings with tables sorted and the time of day removed, so that equal circuits have equal keys."""
    result = dict(settings)
    result["required_range_checks"] = sorted(settings["required_range_checks"])
    result["required_lookups"] = sorted(settings["required_lookups"], key=lambda op: json.dumps(op, sort_keys=True))
    result["einsum_params"] = {**settings["einsum_params"], "equations": _sorted_equations(settings)}
    result["timestamp"] = 0
    return result


def require_sound_settings(settings: Settings, statement: Statement) -> None:
    """Refuse settings under which a forged proof could verify; ``CircuitError`` names the rule."""
    run = settings["run_args"]
    numerics = statement.numerics
    wanted: dict[str, tuple[object, object]] = {
        "engine version": (ENGINE_VERSION, settings["version"]),
        "built-in Freivalds (unsound)": (True, run["disable_freivalds"]),
        "einsum columns (unsound Freivalds product)": (0, settings["einsum_params"]["total_einsum_col_size"]),
        "input scale": (0, run["input_scale"]),
        "parameter scale": (0, run["param_scale"]),
        "output scales": ({0}, set(settings["model_output_scales"])),
        "lookup tables": (
            [] if statement.kind == "model_link" else [{"HardSwish": {"scale": 1.0}}],
            settings["required_lookups"],
        ),
        "lookup range": (list(full_table(run["logrows"], numerics.table_high)), list(run["lookup_range"])),
        "input visibility": ("KZGCommit", _visibility(run["input_visibility"])),
        "output visibility": ("Public", _visibility(run["output_visibility"])),
        "parameter visibility": ("Fixed", _visibility(run["param_visibility"])),
        "dynamic lookups": (0, settings["num_dynamic_lookups"]),
        "shuffles": (0, settings["num_shuffles"]),
        "public outputs": ([[1]] * statement.public_outputs, settings["model_instance_shapes"]),
        "private tensors": (
            [size for size in (committed_layout(statement).size, witness_layout(statement).size, 1) if size],
            settings["module_sizes"]["polycommit"],
        ),
    }
    for rule, (expected, got) in wanted.items():
        if expected != got:
            raise CircuitError(f"the circuit's settings break a soundness rule: {rule}", expected=expected, got=got)


def full_table(degree: int, table_high: int) -> tuple[int, int]:
    """The lookup range that fills a column of 2^degree rows and ends at ``table_high``."""
    return table_high + 1 - (1 << degree) + TABLE_SPARE_ROWS, table_high


def require_exact_table(cache: Path, settings: Settings) -> None:
    """Compare the table that set-up used with exact ReLU on the settings' range; ``CircuitError`` if it is any other.

    The engine leaves its tables in ``cache/<operator>_<scale>_<low>_<high>/{inputs,outputs}``, 32 little-endian bytes
    an entry. Its two range-check tables are there as well; no operator of the graphs uses them.
    """
    low, high = settings["run_args"]["lookup_range"]
    table = cache / "cache" / f"hardswish_1_{low}_{high}"
    expected = {table.name} if settings["required_lookups"] else set[str]()
    unused = {f"rangecheck_{first}_{last}" for first, last in settings["required_range_checks"]}
    found = {folder.name for folder in table.parent.iterdir()} if table.parent.is_dir() else set[str]()
    if found - unused != expected:
        raise CircuitError("set-up used other lookup tables", expected=sorted(expected), got=sorted(found - unused))
    if not expected:
        return
    wanted = {"inputs": range(low, high + 1), "outputs": (max(value, 0) for value in range(low, high + 1))}
    for name, values in wanted.items():
        expected = b"".join((value % SCALAR_MODULUS).to_bytes(32, "little") for value in values)
        if (table / name).read_bytes() != expected:
            raise CircuitError(f"the lookup table of the verifying key is not ReLU on [{low}, {high}]", got=table.name)


def read_artefact(path: Path) -> tuple[bytes, ...]:
    """The 32-byte words of a verifying-key artefact (a little-endian u64 count, then the words)."""
    data = path.read_bytes()
    count = int.from_bytes(data[:8], "little")
    if len(data) != 8 + 32 * count:
        raise CircuitError(f"{path} is not a verifying-key artefact", expected=f"{8 + 32 * count} bytes", got=len(data))
    return tuple(data[8 + 32 * index : 40 + 32 * index] for index in range(count))


def proof_length(artefact: Sequence[bytes]) -> int:
    """Bytes of a proof, from the artefact's table of commitments and its number of evaluations.

    The reusable verifier reads a proof of any length by these two and ignores what follows, so the length is fixed in
    ``CircuitRegistry``. Layout: word 3 counts evaluations; from word 33, low end first, one byte with the number of
    words and then, for each phase, the bytes of its commitments (16 bits) and its challenges (8 bits). Two opening
    points follow the evaluations.
    """
    words = [int.from_bytes(word, "big") for word in artefact]
    commitments, table = 0, words[33] >> 8
    for index in range(words[33] & 0xFF):
        while table:
            commitments += table & 0xFFFF
            table >>= 24
        table = words[34 + index]
    return commitments + 32 * words[3] + 2 * POINT_BYTES


def generate_insecure_srs(path: Path, degree: int) -> None:
    """Write a structured reference string whose toxic waste this machine has seen: development chains only."""
    _step("gen_srs", srs_path=path, logrows=degree)


def _sorted_equations(settings: Settings) -> list[list[Any]]:
    equations = [[name, dict(sorted(sizes.items()))] for name, sizes in settings["einsum_params"]["equations"]]
    return sorted(equations, key=lambda item: json.dumps(item, sort_keys=True))


def _visibility(value: object) -> str:
    return next(iter(cast("dict[str, object]", value))) if isinstance(value, dict) else str(value)


def _read_proof(path: Path) -> Proof:
    written = json.loads(path.read_text(encoding="utf-8"))
    outputs = tuple(decode_felt(text) for row in written["instances"] for text in row)
    return Proof(bytes.fromhex(written["hex_proof"].removeprefix("0x")), outputs)


def _proof_json(proof: Proof) -> str:
    return json.dumps(
        {
            "protocol": None,
            "instances": [[encode_felt(value) for value in proof.outputs]],
            "proof": list(proof.data),
            "hex_proof": "0x" + proof.data.hex(),
            "split": None,
            "pretty_public_inputs": None,
            "timestamp": None,
            "version": ENGINE_VERSION,
        }
    )


def _witness_bytes(entries: int) -> int:
    return 2**20 + 400 * entries


def _step(step: str, *, cache: Path | None = None, **arguments: object) -> Any:
    """Run one engine call in a child process and return its JSON result; ``cache`` keeps the engine's tables."""
    if cache is None:
        with tempfile.TemporaryDirectory(prefix="pyml-table-") as folder:
            return _step(step, cache=Path(folder), **arguments)
    request = json.dumps({name: str(value) if isinstance(value, Path) else value for name, value in arguments.items()})
    child = subprocess.Popen(
        ["env", f"EZKL_REPO_PATH={cache}", sys.executable, "-m", "pyml.zk.ezkl", step],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        answer, noise = child.communicate(request)
    except BaseException:
        child.kill()
        child.wait()
        raise
    if child.returncode == 0:
        return json.loads(answer)
    raise failure(step, child.returncode, noise)


def failure(step: str, code: int, noise: str) -> PymlError:
    """What a step of the engine that ended with ``code`` means to its user."""
    lines = [line.strip() for line in noise.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if "Error" in line or "panic" in line), lines[-1] if lines else "")
    lowered = noise.lower()
    if code in (-9, 137) or "memory allocation" in lowered:
        return ResourceError(
            f"the engine was killed in {step}, most likely for want of memory",
            hint="Use fewer samples or a machine with more memory.",
        )
    if "no space left" in lowered or "os error 28" in lowered or "file too large" in lowered:
        return ResourceError(
            f"the disk is full: the engine could not finish {step}", hint="Free some space; run again."
        )
    kind = CircuitError if step in {"gen_settings", "compile_circuit", "setup"} else ProofError
    return kind(f"the engine failed in {step}: {reason[:400]}")


def _serve(step: str) -> None:
    """The child's side: read arguments from standard input, call the engine, write a JSON result."""
    import ezkl as package  # its type stubs are incomplete

    ezkl: Any = package
    answer = os.dup(1)
    os.dup2(2, 1)  # the engine prints to standard output; keep it out of the result
    arguments = cast("dict[str, Any]", json.load(sys.stdin))
    result: object
    if step == "gen_settings":
        run_args = ezkl.PyRunArgs()
        for name, value in arguments.pop("py_run_args").items():
            setattr(run_args, name, tuple(cast("list[int]", value)) if isinstance(value, list) else value)
        result = ezkl.gen_settings(py_run_args=run_args, **arguments)
    elif step == "kzg_commit":
        message = json.loads(Path(arguments.pop("message")).read_text(encoding="utf-8"))
        points = ezkl.kzg_commit(message=message, **arguments)
        result = [[ezkl.felt_to_big_endian(point.x), ezkl.felt_to_big_endian(point.y)] for point in points]
    elif step == "gen_witness":
        ezkl.gen_witness(**arguments)
        result = True
    elif step == "prove":
        ezkl.prove(**arguments)
        result = True
    elif step == "verify":
        result = _verify_quietly(ezkl, arguments)
    elif step == "create_evm_verifier":
        result = _write_verifier(ezkl, arguments)
    elif step == "create_evm_vka":
        result = bool(asyncio.run(_awaited(ezkl.create_evm_vka, arguments)))
    else:
        result = bool(getattr(ezkl, step)(**arguments))
    os.write(answer, json.dumps(result).encode())
    os._exit(0)  # the engine's threads sometimes abort while the interpreter shuts down, after the work is done


def _verify_quietly(ezkl: Any, arguments: dict[str, Any]) -> bool:
    """The engine raises for a false proof, and in other words for a key, string or settings it cannot use."""
    try:
        return bool(ezkl.verify(**arguments))
    except RuntimeError as error:
        if "Failed to run verify: [halo2]" in str(error):
            return False
        raise


async def _awaited(function: Callable[..., Any], arguments: dict[str, Any]) -> object:
    return await function(**arguments)


def _write_verifier(ezkl: Any, arguments: dict[str, Any]) -> bool:
    """The engine writes the source and then wants to download a compiler for the ABI, which is not needed."""
    try:
        asyncio.run(_awaited(ezkl.create_evm_verifier, arguments))
    except RuntimeError:
        if not Path(arguments["sol_code_path"]).is_file():
            raise
    return True


if __name__ == "__main__":
    _serve(sys.argv[1])
