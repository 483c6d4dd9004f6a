"""Set-up and proofs by an ``ezkl`` command of one's own, for instance one that was built for a GPU.

PyPI has no GPU build of the engine's version. Whoever builds ezkl's command line with CUDA names it in
``PYML_EZKL_BIN``; it takes over the two long steps. Artefacts are the same, since the version must be: keys made by one
are used by the other. The command is trusted with the witness, as the package is; its proofs are verified before they
are handed out.

What was tried: the protocol, with a command that calls the package. No CUDA build was at hand.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from pyml.errors import ProofError, ToolMissingError
from pyml.zk.engine import CircuitFiles, KeyFiles, Progress, Proof, Tensors, silent
from pyml.zk.ezkl import ENGINE_VERSION, Challenge, EzklEngine, failure
from pyml.zk.srs import Srs

_FLAGS = {
    "setup": {"model": "compiled-circuit", "srs_path": "srs-path", "vk_path": "vk-path", "pk_path": "pk-path"},
    "prove": {
        "witness": "witness",
        "model": "compiled-circuit",
        "pk_path": "pk-path",
        "proof_path": "proof-path",
        "srs_path": "srs-path",
    },
}
"""The package's argument and the command's flag, for each step that it takes over."""


class ExternalEzklEngine(EzklEngine):
    """``EzklEngine`` with set-up and proofs by ``command``; ``ToolMissingError`` unless it is of the same version."""

    def __init__(self, command: Path) -> None:
        self._command = command
        try:
            done = subprocess.run(
                [str(command), "--version"], capture_output=True, text=True, timeout=60, errors="replace", check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolMissingError(
                f"{command} does not run: {error}", hint="Correct or unset PYML_EZKL_BIN."
            ) from error
        if ENGINE_VERSION not in done.stdout.split():
            raise ToolMissingError(
                f"{command} is not the ezkl that circuits are pinned to",
                expected=f"ezkl {ENGINE_VERSION}",
                got=" ".join(done.stdout.split())[:80] or f"exit code {done.returncode}",
                hint="Build that version, or unset PYML_EZKL_BIN.",
            )

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
        proof = super().prove(files, keys, srs, tensors, challenge, progress=progress)
        if not self.verify(files, keys, srs, proof):
            raise ProofError(f"the proof that {self._command} made does not verify")
        return proof

    def _long_step(self, step: str, *, cache: Path | None = None, **arguments: Path) -> None:
        if cache is None:
            with tempfile.TemporaryDirectory(prefix="pyml-table-") as folder:
                self._long_step(step, cache=Path(folder), **arguments)
            return
        words = [word for name, path in arguments.items() for word in (f"--{_FLAGS[step][name]}", str(path))]
        done = subprocess.run(
            ["env", f"EZKL_REPO_PATH={cache}", str(self._command), step, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise failure(step, done.returncode, done.stdout + done.stderr)
