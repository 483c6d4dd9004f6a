"""The native engine behind the protocol of ``pyml.zk.engine``: whole test sets in seconds. Experimental.

Where ezkl's circuits take flat private tensors, this one takes the network, one blind and the samples as they are. The
blind of C_W follows from all salts of the model file, so that the file serves both engines. Each proof is by itself
zero-knowledge, hence the ledger's limit, which is that of the salts, only keeps more than this engine needs.

A claim shows that the weights behind C_W answer; that they are small integers ``WeightRanges`` has to know
(``pyml.zk.native.registration``), and the verifier contract asks it. ``verify`` here cannot ask a chain.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from eth_utils.crypto import keccak

from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS, Point, decode_point
from pyml.crypto.challenges import domain, word
from pyml.errors import CircuitError, InputError, ProofError
from pyml.ml.integer import IntArray, answers, correct_of, hidden, require_inputs
from pyml.ml.shapes import Product
from pyml.zk.challenge import encode_features, evaluate_features
from pyml.zk.circuits import LabelledSet
from pyml.zk.engine import CircuitFiles, EntryPoints, KeyFiles, Prepared, Progress, Proof, silent
from pyml.zk.model_codec import SecretModel, network_digest
from pyml.zk.native import prover, verifier
from pyml.zk.native.circuit import powers_degree, read_data, read_key, read_shape, settings_of, shape_of, write_key
from pyml.zk.native.core import load_core
from pyml.zk.native.powers import Powers, load_powers, tau_g2_of
from pyml.zk.native.prover import ProverSecrets
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.solidity import constants
from pyml.zk.srs import Srs, require_degree
from pyml.zk.statement import Statement

BLIND_DOMAIN: Final = domain("pyml.zk.native.blind.v1")


@dataclass(frozen=True, slots=True, repr=False)
class Private:
    """What a proof is made from."""

    model: SecretModel
    inputs: IntArray
    labels: IntArray

    def __repr__(self) -> str:
        return f"Private({len(self.labels)} samples)"


class NativeEngine:
    """``Engine`` over the compiled core; ``ToolMissingError`` where it was not built."""

    name = "native-1"
    source_file = "data.npy"
    compiled_file = "data.npy"
    folder = "native"
    has_proving_key = False

    def __init__(self, home: Path) -> None:
        """``home`` keeps the record of checked powers of tau."""
        self._home = home

    def compile(self, statement: Statement, files: CircuitFiles, *, progress: Progress = silent) -> None:
        progress("laying out the columns")
        files.settings.write_bytes(settings_of(statement))

    def degree(self, files: CircuitFiles) -> int:
        return powers_degree(files.settings)

    def set_up(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, *, progress: Progress = silent) -> None:
        shape = read_shape(files.settings)
        powers = self.powers(files, srs, progress)
        progress("committing to the samples")
        data = () if shape.data_in_witness else prover.commit_data(shape, powers.core, *read_data(_data_of(files)))
        write_key(VerifyingKey(shape, data, tau_g2_of(srs)), keys.verifying_key)

    def artefact(self, keys: KeyFiles) -> tuple[bytes, ...]:
        """The constants of the verifier contract: what it is made of, but for the address of ``WeightRanges``."""
        return tuple(word(value) for value in constants(read_key(keys.verifying_key)))

    def proof_length(self, keys: KeyFiles) -> int:
        return verifier.proof_length(read_key(keys.verifying_key).shape)

    def entry_points(self, statement: Statement) -> EntryPoints:
        return EntryPoints(1, int(statement.kind == "private_model_inference"), 0)

    def commit_model(
        self, statement: Statement, files: CircuitFiles, keys: KeyFiles, srs: Srs, model: SecretModel
    ) -> tuple[Point, ...]:
        del keys
        powers = self.powers(files, srs, silent)
        return (
            prover.commit_weights(shape_of(statement), powers.core, model.network, blind_of(model, tau_g2_of(srs))),
        )

    def prepare_accuracy(
        self, statement: Statement, model: SecretModel, data: LabelledSet, product: Product
    ) -> Prepared:
        del statement
        logits = hidden(model.network, require_inputs(model.network, data.inputs), product)[-1]
        count = int(correct_of(logits, data.labels).sum())
        return Prepared(Private(model, data.inputs, data.labels), count)

    def prepare_inference(self, statement: Statement, model: SecretModel, sample: IntArray) -> Prepared:
        del statement
        inputs = require_inputs(model.network, np.asarray(sample).reshape(1, -1))
        label = int(answers(hidden(model.network, inputs)[-1])[0])
        if label < 0:
            raise InputError("the model's two greatest logits are equal for this input, so it gives no answer to prove")
        return Prepared(Private(model, inputs, np.array([label])), label)

    def prove(
        self,
        files: CircuitFiles,
        keys: KeyFiles,
        srs: Srs,
        private: Private,
        challenge: Callable[[bytes], int],
        *,
        progress: Progress = silent,
    ) -> Proof:
        key, powers = read_key(keys.verifying_key), self.powers(files, srs, progress)
        asked: list[int] = []

        def context(_count: int, points: tuple[Point, ...]) -> int:
            asked.append(challenge(b"".join(point.encode() for point in points)))
            return asked[-1]

        secret = ProverSecrets(blind_of(private.model, key.tau_g2), secrets.token_bytes(prover.SEED_BYTES))
        if key.shape.data_in_witness:
            label = int(private.labels[0])
            made = prover.prove_inference(
                key,
                powers.core,
                network=private.model.network,
                features=private.inputs[0],
                label=label,
                secrets=secret,
                context=context,
                progress=progress,
            )
            features = encode_features([int(value) for value in private.inputs[0]])
            public = (evaluate_features(features, asked[-1]), label)
        else:
            made = prover.prove_accuracy(
                key,
                powers.core,
                network=private.model.network,
                inputs=private.inputs,
                labels=private.labels,
                secrets=secret,
                context=context,
                progress=progress,
            )
            public = (made.count,)
        proof = Proof(made.proof, (asked[-1], *public))
        progress("verifying")
        if not self.verify(files, keys, srs, proof):
            raise ProofError("the native core made a proof that does not verify", hint="Please report this.")
        return proof

    def verify(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, proof: Proof) -> bool:
        """By the independent verifier, which needs no compiled core and no powers but [τ]_2."""
        key = read_key(keys.verifying_key)
        if key.shape != read_shape(files.settings) or key.tau_g2 != tau_g2_of(srs):
            raise CircuitError(f"{keys.verifying_key} is not of this circuit and these powers of tau")
        wanted = 3 if key.shape.data_in_witness else 2
        if len(proof.outputs) != wanted or not all(0 <= output < SCALAR_MODULUS for output in proof.outputs):
            return False
        try:
            commitment = decode_point(proof.data[:POINT_BYTES])
        except InputError:
            return False
        if key.shape.data_in_witness:
            rho, evaluation, label = proof.outputs
            return verifier.verify_inference(key, commitment, rho, evaluation, label, proof.data)
        rho, count = proof.outputs
        return verifier.verify(key, commitment, rho, count, proof.data)

    def powers(self, files: CircuitFiles, srs: Srs, progress: Progress) -> Powers:
        """The powers of tau that a circuit needs, checked."""
        load_core()
        require_degree(srs, self.degree(files))
        return load_powers(srs, self._home, count=1 << read_shape(files.settings).degree, progress=progress)


def blind_of(model: SecretModel, tau_g2: Sequence[int]) -> int:
    """The blind of C_W: 512 bits of a hash, mod r, so that its distance from uniform is negligible.

    All salts are hashed, and network and [τ]_2 with them: were one blind to hide two networks, or one network under
    two strings of powers, the difference of the commitments would let anyone test a guess of the weights.
    """
    if not model.salts:
        raise CircuitError("the model file has no salts")
    content = bytes.fromhex(network_digest(model.network)) + b"".join(map(word, (*tau_g2, *model.salts)))
    wide = keccak(BLIND_DOMAIN + b"\x00" + content) + keccak(BLIND_DOMAIN + b"\x01" + content)
    return int.from_bytes(wide, "big") % SCALAR_MODULUS


def _data_of(files: CircuitFiles) -> Path:
    return files.folder / NativeEngine.source_file
