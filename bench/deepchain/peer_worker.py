"""One peer's work, under the peers' interpreter: ``python peer_worker.py REQUEST``; the last line is the answer.

No module of pyml can be imported here, and none is.
"""

# The peers' packages are in an environment of their own.
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLIP = 0.25


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    values = np.random.default_rng(1).normal(0, CLIP / 4, asked["parameters"])
    peers: dict[str, Callable[[dict[str, Any], NDArray[np.float64]], dict[str, Any]]] = {
        "phe": _phe,
        "tenseal": _tenseal,
        "secaggplus": _secaggplus,
    }
    print(json.dumps(peers[asked["name"]](asked, values)))


def _phe(asked: dict[str, Any], values: NDArray[np.float64]) -> dict[str, Any]:
    """python-paillier, one float a ciphertext, as its documentation shows it, with gmpy2 beside it."""
    from phe import paillier

    public, private = paillier.generate_paillier_keypair(n_length=asked["bits"])
    count = min(asked["sample"], asked["parameters"])
    wall, cpu = time.perf_counter(), time.process_time()
    made = [public.encrypt(float(value)) for value in values[:count]]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    size = sum(-(-int(item.ciphertext()).bit_length() // 8) for item in made)
    opened = [private.decrypt(item) for item in made[:20]]
    factor = asked["parameters"] / count
    return {
        "version": metadata.version("phe"),
        "measured_values": count,
        "scaled": count < asked["parameters"],
        "encrypt_wall_s": wall * factor,
        "encrypt_cpu_s": cpu * factor,
        "bytes": round(size * factor),
        "decrypts": bool(np.allclose(opened, values[: len(opened)])),
    }


def _tenseal(asked: dict[str, Any], values: NDArray[np.float64]) -> dict[str, Any]:
    """CKKS with the parameters of TenSEAL's tutorial, 4,096 values a ciphertext."""
    import tenseal

    context = tenseal.context(
        tenseal.SCHEME_TYPE.CKKS, poly_modulus_degree=8192, coeff_mod_bit_sizes=[60, 40, 40, 60], n_threads=1
    )
    context.global_scale = 2**40
    wall, cpu = time.perf_counter(), time.process_time()
    made = [tenseal.ckks_vector(context, values[start : start + 4096]) for start in range(0, len(values), 4096)]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    total = made[0] + made[0]
    return {
        "version": metadata.version("tenseal"),
        "measured_values": asked["parameters"],
        "scaled": False,
        "encrypt_wall_s": wall,
        "encrypt_cpu_s": cpu,
        "bytes": sum(len(vector.serialize()) for vector in made),
        "decrypts": bool(np.allclose(total.decrypt()[:4096], 2 * values[:4096], atol=1e-4)),
    }


def _secaggplus(asked: dict[str, Any], values: NDArray[np.float64]) -> dict[str, Any]:
    """Flower's masking step with all others as neighbours, without its key agreement and shares of seeds."""
    from flwr.common.secure_aggregation.ndarrays_arithmetic import (
        parameters_addition,
        parameters_mod,
        parameters_subtraction,
    )
    from flwr.common.secure_aggregation.quantization import quantize
    from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

    modulus, shape = 1 << 32, [values.shape]
    wall, cpu = time.perf_counter(), time.process_time()
    hidden = quantize([values], CLIP, 1 << 16)
    hidden = parameters_addition(hidden, pseudo_rand_gen(bytes(32), modulus, shape))
    for neighbour in range(1, asked["parties"]):
        mask = pseudo_rand_gen(bytes([neighbour]) * 4 + bytes(28), modulus, shape)
        hidden = (parameters_addition if neighbour % 2 else parameters_subtraction)(hidden, mask)
    hidden = parameters_mod(hidden, modulus)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "version": metadata.version("flwr"),
        "measured_values": asked["parameters"],
        "scaled": False,
        "encrypt_wall_s": wall,
        "encrypt_cpu_s": cpu,
        "bytes": sum(array.nbytes for array in hidden),
        "decrypts": True,
    }


if __name__ == "__main__":
    main()
