"""The steps of a native proof, each as a process of its own calls it, from the set-up to the verification."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.zk.native_work import NativeWork, inference_work, random_work, read, save, trained_work
from pyml.crypto.bn254 import FELT_BYTES, SCALAR_MODULUS
from pyml.ml.integer import count_correct
from pyml.zk.native import prover, verifier
from pyml.zk.native.circuit import read_key, write_key
from pyml.zk.native.core import load_core
from pyml.zk.native.development_powers import write_insecure_powers
from pyml.zk.native.powers import Powers, load_powers
from pyml.zk.native.prover import Proved, ProverSecrets
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.srs import insecure_path, make_insecure, open_srs

CONTEXT: Final = int.from_bytes(bytes(range(1, FELT_BYTES)), "big")
"""ρ of proofs that go to no chain."""


def make_powers(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Insecure powers of tau of one degree, made and checked unless an earlier run did both."""
    home, degree = Path(asked["home"]), int(asked["degree"])
    started = time.monotonic()
    srs = make_insecure(home, degree, write_insecure_powers)
    made = time.monotonic()
    load_powers(srs, home)
    return {"make_s": made - started, "check_and_load_s": time.monotonic() - made}


def make_work(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A random network of the sizes asked for, or the trained one of a workload's folder, or an answer of another's."""
    folder, degree = Path(asked["folder"]), int(asked.get("degree", 0))
    if "inference_of" in asked:
        work = inference_work(read(Path(asked["inference_of"])))
    elif "trained" in asked:
        work = trained_work(Path(asked["trained"]), asked["network"], asked["samples"], degree=degree)
    else:
        work = random_work(asked["samples"], asked["sizes"], degree=degree)
    save(work, folder)
    shape = work.shape
    return {"degree": shape.degree, "limb_bits": shape.limb_bits, "shifts": list(shape.shifts)}


def set_up(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The verifying key: commitments to samples and labels, which anyone makes once."""
    folder = Path(asked["folder"])
    work, started = read(folder), time.monotonic()
    powers = _powers(asked, work.shape)
    loaded = time.monotonic()
    data = () if work.shape.data_in_witness else prover.commit_data(work.shape, powers.core, work.inputs, work.labels)
    committed = time.monotonic()
    a, b, c, d = (int.from_bytes(powers.core.tau_g2[i : i + FELT_BYTES], "big") for i in range(0, 128, FELT_BYTES))
    write_key(VerifyingKey(work.shape, data, (a, b, c, d)), folder / "key.json")
    return {"load_powers_s": loaded - started, "commit_data_s": committed - loaded}


def prove(asked: Mapping[str, Any]) -> dict[str, Any]:
    """From model and samples in memory to a proof of accuracy; the load of the powers is part of ``total_s``."""

    def step(work: NativeWork, key: VerifyingKey, powers: Powers, secret: ProverSecrets) -> Proved:
        return prover.prove_accuracy(
            key,
            powers.core,
            network=work.network,
            inputs=work.inputs,
            labels=work.labels,
            secrets=secret,
            context=CONTEXT,
            threads=asked.get("threads"),
        )

    measured, work = _proved(asked, step)
    expected = count_correct(work.network, work.inputs.astype(np.int64), work.labels)
    if measured["count"] != expected:
        raise ValueError(f"the proof counts {measured['count']} right answers, the integer model {expected}")
    return {**measured, "count_of_integer_model": expected}


def prove_weights(asked: Mapping[str, Any]) -> dict[str, Any]:
    """That every weight is small: once for each commitment, whatever it is to prove later."""

    def step(work: NativeWork, key: VerifyingKey, powers: Powers, secret: ProverSecrets) -> Proved:
        return prover.prove_weights(
            key.shape, powers.core, network=work.network, secrets=secret, context=CONTEXT, threads=asked.get("threads")
        )

    return _proved(asked, step, name="weights.bin")[0]


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """One answer to a public input."""

    def step(work: NativeWork, key: VerifyingKey, powers: Powers, secret: ProverSecrets) -> Proved:
        return prover.prove_inference(
            key,
            powers.core,
            network=work.network,
            features=work.inputs[0],
            label=int(work.labels[0]),
            secrets=secret,
            context=CONTEXT,
            threads=asked.get("threads"),
        )

    return _proved(asked, step)[0]


def verify(asked: Mapping[str, Any]) -> dict[str, Any]:
    """By the independent verifier, in pure Python; ``valid`` and, for the same proof with one more, ``refused``."""
    folder = Path(asked["folder"])
    key, proof = read_key(folder / "key.json"), (folder / "proof.bin").read_bytes()
    count = int(json.loads((folder / "proof.json").read_text(encoding="utf-8"))["count"])
    commitment = Proved(proof, count, {}).commitment
    started = time.monotonic()
    valid = verifier.verify(key, commitment, CONTEXT, count, proof)
    verified = time.monotonic()
    refused = not verifier.verify(key, commitment, CONTEXT, count - 1, proof)
    return {"verify_s": verified - started, "valid": valid, "refused_with_another_count": refused}


def _proved(
    asked: Mapping[str, Any],
    step: Callable[[NativeWork, VerifyingKey, Powers, ProverSecrets], Proved],
    *,
    name: str = "proof.bin",
) -> tuple[dict[str, Any], NativeWork]:
    folder = Path(asked["folder"])
    work, key = read(folder), read_key(folder / "key.json")
    core = load_core()
    threads = asked.get("threads") or core.thread_count()
    core.set_thread_count(threads)
    secret = ProverSecrets(secrets.randbelow(SCALAR_MODULUS), secrets.token_bytes(prover.SEED_BYTES))
    cpu, started = time.process_time(), time.monotonic()
    powers = _powers(asked, work.shape)
    loaded = time.monotonic()
    made = step(work, key, powers, secret)
    proved, spent = time.monotonic(), time.process_time() - cpu
    (folder / name).write_bytes(made.proof)
    (folder / name).with_suffix(".json").write_text(json.dumps({"count": made.count}), encoding="utf-8")
    measured = {
        "total_s": proved - started,
        "load_powers_s": loaded - started,
        "prove_s": proved - loaded,
        "cpu_s": spent,
        "phases_s": dict(made.timings),
        "proof_bytes": len(made.proof),
        "count": made.count,
        "threads": threads,
        "path": core.path(),
    }
    return measured, work


def _powers(asked: Mapping[str, Any], shape: Shape) -> Powers:
    """From the file of the shape's degree, or of the larger one that ``srs_degree`` names."""
    home = Path(asked["home"])
    path = insecure_path(home, int(asked.get("srs_degree", shape.degree)))
    return load_powers(open_srs(path), home, count=1 << shape.degree)
