"""Native circuits and models on a chain: a verifier contract for each circuit, a range proof for each model, once.

Claims then go through the same registries as ezkl's. Each step looks first whether it was done, as in
``pyml.zk.registries``. Outside development chains nothing is registered unless the caller says that it may be: the
engine is experimental, and nobody outside the project has reviewed it.
"""

from __future__ import annotations

import secrets
from typing import Final

from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import Artifact
from pyml.chain.contract import Contract
from pyml.chain.solc import Solc
from pyml.crypto.bn254 import Point
from pyml.errors import CircuitError, InputError, IntegrityError
from pyml.zk.challenge import CircuitEntry, commitment_of
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.engine import Progress, silent
from pyml.zk.model_codec import SecretModel
from pyml.zk.native import prover
from pyml.zk.native.circuit import read_key
from pyml.zk.native.engine import NativeEngine, blind_of
from pyml.zk.native.prover import ProverSecrets
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.solidity import architecture_id, compile_verifier
from pyml.zk.registries import ZkContracts, deploy_verifier, register_circuit
from pyml.zk.srs import DEVELOPMENT_CHAINS, require_allowed
from pyml.zk.workspace import Keyed

WEIGHT_RANGES: Final = "WeightRanges"


def require_experimental(chain_id: int, *, allowed: bool) -> None:
    """Refuse every chain but development chains unless ``allowed``."""
    if chain_id not in DEVELOPMENT_CHAINS and not allowed:
        raise InputError(
            "the native engine is experimental: nobody outside the project has reviewed its arguments",
            expected=f"a development chain, chain id {sorted(DEVELOPMENT_CHAINS)}",
            got=chain_id,
            hint="--experimental goes on all the same; --engine ezkl is the engine for other chains.",
        )


def register_native_circuit(
    contracts: ZkContracts, folder: CircuitFolder, keyed: Keyed, solc: Solc, account: Signer
) -> CircuitEntry:
    """Deploy the circuit's verifier and register the circuit, where that has not been done; notes it in the folder.

    A verifier that the folder names is used only if it is the generated one, asking this ``WeightRanges``.
    """
    client = contracts.client
    require_allowed(keyed.srs, client.chain_id)
    artifact = _compiled(contracts, keyed, solc)
    try:
        entry = folder.entry(keyed, client.chain_id)
    except CircuitError:
        entry = None
    if entry is None or not _is_verifier(contracts, artifact, entry):
        artifact.require_size()
        entry, _ = deploy_verifier(client, keyed, artifact, account)
        folder.note_verifier(keyed, client.chain_id, entry)
    return register_circuit(contracts, keyed, account, entry=entry)


def require_verifier(contracts: ZkContracts, keyed: Keyed, entry: CircuitEntry, solc: Solc) -> None:
    """Refuse an entry whose verifier is not the one generated from these keys, asking this ``WeightRanges``.

    A folder can name any contract; one that accepts everything would make every claim under its circuit id worthless.
    """
    if not _is_verifier(contracts, _compiled(contracts, keyed, solc), entry):
        raise IntegrityError(
            f"{entry.dedicated_verifier} is not the verifier of this circuit",
            hint="Whoever claims or relies on claims under it is deceived; register anew with `pyml zk register`.",
        )


def require_ranges(contracts: ZkContracts, keyed: Keyed, commitment: bytes) -> None:
    """Refuse a model whose weights nobody has shown to be small: its claims would be refused on chain."""
    if not ranges_are_proved(contracts.ranges, read_key(keyed.files.verifying_key), commitment):
        raise InputError(
            "the model's weights are not proved to be small integers",
            hint="`pyml zk register CIRCUIT --model FILE` does so, once.",
        )


def _compiled(contracts: ZkContracts, keyed: Keyed, solc: Solc) -> Artifact:
    return compile_verifier(read_key(keyed.files.verifying_key), contracts.ranges.address, solc)


def _is_verifier(contracts: ZkContracts, artifact: Artifact, entry: CircuitEntry) -> bool:
    code = contracts.client.code(entry.dedicated_verifier)
    return artifact.matches_code(code) and keccak(code) == entry.verifier_code_hash


def ranges_are_proved(ranges: Contract, key: VerifyingKey, commitment: bytes) -> bool:
    """Whether ``WeightRanges`` knows the commitment (keccak-256 of its point) for the key's architecture."""
    return bool(ranges.call("isProved", architecture_id(key.shape, key.tau_g2), commitment))


def prove_ranges(
    contracts: ZkContracts,
    keyed: Keyed,
    engine: NativeEngine,
    model: SecretModel,
    commitment: bytes,
    account: Signer,
    *,
    progress: Progress = silent,
) -> bool:
    """Prove on chain that the weights behind ``commitment`` (``commit_model``) are small; False if that was done."""
    key = read_key(keyed.files.verifying_key)
    ranges, identifier = contracts.ranges, architecture_id(key.shape, key.tau_g2)
    if ranges_are_proved(ranges, key, commitment):
        return False

    def context(_count: int, points: tuple[Point, ...]) -> int:
        shown = commitment_of(points[0].encode())
        return int(ranges.call("challenge", account.address, identifier, key.shape.degree, shown))

    made = prover.prove_weights(
        key.shape,
        engine.powers(keyed.circuit.files, keyed.srs, progress).core,
        network=model.network,
        secrets=ProverSecrets(blind_of(model, key.tau_g2), secrets.token_bytes(prover.SEED_BYTES)),
        context=context,
        progress=progress,
    )
    architecture = (list(key.shape.widths), key.shape.weight_bits, list(key.tau_g2))
    ranges.send("prove", architecture, key.shape.degree, made.proof, account=account)
    return True
