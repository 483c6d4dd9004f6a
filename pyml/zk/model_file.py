"""The files of a prover: the encrypted secret model with its proof ledger beside it, and private inputs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.files import read_bounded
from pyml.store.keystore import Secret, load_secret, save_secret
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel, decode_secret_model, encode_secret_model

_LABEL = "pyml secret model v1"
_MAX_INPUT_BYTES = 1 << 24


def save_model(model: SecretModel, path: Path, password: Secret) -> None:
    """Encrypt a model and its salts; an existing file is never overwritten."""
    save_secret(path, Secret(encode_secret_model(model)), password, label=_LABEL)


def open_model(path: Path, password: Secret) -> SecretModel:
    """Decrypt a model file; ``KeystoreError`` on a wrong password or an altered file."""
    return decode_secret_model(load_secret(path, password, label=_LABEL).reveal)


def ledger_of(path: Path, model: SecretModel) -> ProofLedger:
    """The proofs made with a model file: a journal beside it. Copy both or neither."""
    return ProofLedger(path.with_name(path.name + ".proofs"), model.proof_limit)


def read_sample(path: Path, features: int) -> NDArray[np.int64]:
    """A private input: a JSON list of integers or an ``.npy`` array; ``InputError`` on anything else."""
    try:
        content = read_bounded(path, _MAX_INPUT_BYTES)
        values = _parse_npy(content) if path.suffix == ".npy" else np.array(json.loads(content.decode()))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not an input: {error}", expected="a JSON list of integers, or .npy") from error
    if values.dtype.kind not in "iu" or values.size != features:
        raise InputError(
            f"{path} does not fit the model",
            expected=f"{features} integers",
            got=f"{values.size} values of type {values.dtype}",
        )
    if values.dtype == np.uint64 and values.max() >= 2**63:
        raise InputError(f"{path} has a number that no model takes", expected="below 2^63", got=values.max())
    return values.reshape(-1).astype(np.int64)


def _parse_npy(content: bytes) -> NDArray[np.generic]:
    try:
        return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError):
        raise
    except Exception as error:  # the header is parsed as Python: TokenError, SyntaxError, TypeError, MemoryError, …
        raise ValueError(f"its header is malformed ({type(error).__name__})") from error
