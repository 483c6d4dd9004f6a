"""Write tests/vectors/freezenet_watermark.json and freezenet_inference.json anew, after a change of either format.

    python scripts/regenerate_freezenet_vectors.py        some seconds

Both are read by pytest and by forge, so that Python, PyTorch and Solidity answer the same questions. Activations and
logits are computed here from their definition, one number after the other in Python's integers, and by none of the
implementations that are tested with them. Positions and codes come from ``pyml.freezenet``, which
tests/vectors/freezenet_v1.json, made elsewhere, has been checked against.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.freezenet.batch_norm import FixedScales, fold_batch_norm
from pyml.freezenet.binding import SeedContext, tensor_seed
from pyml.freezenet.codes import watermark_codes
from pyml.freezenet.encoding import LayerTuple, encode_affine, encode_weights, layer_tuple, network_architecture
from pyml.freezenet.feistel import MAX_SIZE, inverse_position, position
from pyml.freezenet.inference import Int8Layer, Int8Network
from pyml.ml.shapes import Convolution, Pool

FOLDER: Final = Path(__file__).parents[1] / "tests" / "vectors"
SIZES: Final = (1, 2, 3, 5, 6, 7, 31, 32, 33, 1000, 40746, 1306922, 2**32 + 1, MAX_SIZE)
DRAWS: Final = 8
SAMPLES: Final = 3
WATERMARK_COMMENT: Final = (
    "Made by scripts/regenerate_freezenet_vectors.py. `seeds`: `result` is the seed bound to the other fields. "
    "`permutations`: position P(index) for each of `indices` in [0, n), and `inverses` of the same numbers. `codes`: "
    "the first 64 as unsigned bytes. `tensors`: the seed of each tensor. Numbers beyond 2^53 are strings."
)
INFERENCE_COMMENT: Final = (
    "Made by scripts/regenerate_freezenet_vectors.py, from the definition. A layer is its `Layer` struct, words of "
    "weights and six bytes a channel. For each sample: `inputs`, then of each layer but the last the `activations`, a "
    "byte each, the `logits` as 256-bit numbers in two's complement, and the `result`, a class."
)


def main() -> None:
    """Compute and write."""
    parser = argparse.ArgumentParser(description="Write the watermarks and networks that pytest and forge share.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: where the tests read")
    folder: Path = parser.parse_args().folder
    try:
        contents = {"freezenet_watermark.json": watermark_vectors(), "freezenet_inference.json": inference_vectors()}
        for name, content in contents.items():
            write_atomically(folder / name, json.dumps(content, indent=1).encode() + b"\n")
            print(f"{folder / name}: {(folder / name).stat().st_size} bytes")
    except PymlError as error:
        sys.exit(f"regenerate_freezenet_vectors: {error}")


def watermark_vectors() -> dict[str, Any]:
    """Seeds, permutations, codes."""
    seeds = [keccak(text=f"pyml.freezenet.vector.{index}") for index in range(2)]
    return {
        "comment": WATERMARK_COMMENT,
        "seeds": [_bound_seed(index) for index in range(3)],
        "permutations": [_permutation(seed, n) for seed in seeds for n in SIZES],
        "codes": [
            {"id": f"codes-{index}", "seed": _hex(seed), "result": watermark_codes(seed, 64).view(np.uint8).tolist()}
            for index, seed in enumerate(seeds)
        ],
        "tensors": [
            {
                "id": f"tensor-{tensor}",
                "seed": _hex(seed),
                "tensor": str(tensor),
                "result": _hex(tensor_seed(seed, tensor)),
            }
            for seed in seeds[:1]
            for tensor in (0, 1, 2**64 - 1)
        ],
    }


def inference_vectors() -> dict[str, Any]:
    """Networks with everything that an answer goes through."""
    random = np.random.default_rng(20)
    cases = [_case(name, comment, network, random) for name, comment, network in _networks(random)]
    return {"comment": INFERENCE_COMMENT, "count": len(cases), "cases": cases}


def _bound_seed(index: int) -> dict[str, Any]:
    context = SeedContext(
        chain_id=(31337, 1, 2**64 - 1)[index],
        contract=to_checksum_address(keccak(text=f"contract {index}")[:20]),
        task_id=index,
        round=7 * index,
        beacon=keccak(text=f"beacon {index}"),
        miner=to_checksum_address(keccak(text=f"miner {index}")[:20]),
        length=(0, 914845, 2**63 - 1)[index],
        architecture_hash=keccak(text=f"architecture {index}"),
    )
    return {
        "id": f"seed-{index}",
        "chainId": str(context.chain_id),
        "contract": context.contract,
        "taskId": context.task_id,
        "round": context.round,
        "beacon": _hex(context.beacon),
        "miner": context.miner,
        "length": str(context.length),
        "architectureHash": _hex(context.architecture_hash),
        "result": _hex(context.seed),
    }


def _permutation(seed: bytes, n: int) -> dict[str, Any]:
    step = max(1, n // DRAWS)
    indices = sorted({0, n - 1, *range(0, n, step)})
    return {
        "id": f"n-{n}",
        "seed": _hex(seed),
        "n": str(n),
        "indices": list(map(str, indices)),
        "result": [str(position(seed, n, index)) for index in indices],
        "inverses": [str(inverse_position(seed, n, index)) for index in indices],
    }


def _networks(random: np.random.Generator) -> list[tuple[str, str, Int8Network]]:
    def layer(fan_in: int, outputs: int, shift: int, **shape: Any) -> Int8Layer:
        return Int8Layer(
            random.integers(-128, 128, (fan_in, outputs), dtype=np.int8),
            random.integers(-3, 4, outputs, dtype=np.int16),
            random.integers(-(2**shift) - 1, 2**shift + 1, outputs, dtype=np.int32),
            shift,
            **shape,
        )

    def last(fan_in: int, outputs: int, **shape: Any) -> Int8Layer:
        return layer(fan_in, outputs, 0, relu=False, **shape)

    square, oblong = Convolution(1, 8, 8, (3, 3), padding=(1, 1)), Convolution(2, 5, 7, (2, 3), (2, 1), (1, 0))
    return [
        ("dense", "one layer, nothing but a product", Int8Network((last(5, 3),))),
        ("perceptron", "64-32-10, as for the bundled digits", Int8Network((layer(64, 32, 13), last(32, 10)))),
        (
            "deep",
            "no layer's width is a whole number of words; one without ReLU",
            Int8Network((layer(37, 33, 12), layer(33, 31, 12, relu=False), last(31, 4))),
        ),
        (
            "convolution",
            "padded convolution, pool, dense",
            Int8Network((layer(9, 4, 9, convolution=square, pool=Pool("max", 2)), last(64, 10))),
        ),
        (
            "oblong",
            "stride, kernel and padding differ by side; a convolution gives the logits",
            Int8Network(
                (
                    layer(12, 3, 10, convolution=oblong, relu=False),
                    last(3 * 3 * 5, 2, convolution=Convolution(3, 3, 5, (3, 5))),
                )
            ),
        ),
        ("normalised", "a folded batch normalisation", Int8Network((_normalised(random), last(8, 3)))),
        ("extreme", "the ends of every type", _extreme()),
        ("halves", "sums at and around half of what is dropped, above and below zero", _halves()),
        ("tied", "equal logits: the lowest class", _tied()),
    ]


def _normalised(random: np.random.Generator) -> Int8Layer:
    multiplier, bias = fold_batch_norm(
        random.normal(size=8),
        FixedScales(input_bits=7, weight_bits=6, output_bits=5, shift=14),
        gamma=random.normal(size=8),
        beta=random.normal(size=8),
        mean=random.normal(size=8),
        variance=random.uniform(0.1, 2, 8),
        epsilon=1e-3,
    )
    return Int8Layer(random.integers(-128, 128, (40, 8), dtype=np.int8), multiplier, bias, 14)


def _extreme() -> Int8Network:
    ends = np.full((70, 4), -128, dtype=np.int8)
    ends[:, 1::2] = 127
    multiplier = np.array([-(2**15), 2**15 - 1, 2**15 - 1, -(2**15)], dtype=np.int16)
    bias = np.array([-(2**31), 2**31 - 1, -(2**31), 2**31 - 1], dtype=np.int32)
    return Int8Network(
        (Int8Layer(ends, multiplier, bias, 31, relu=False), Int8Layer(ends[:4], multiplier, bias, 0, relu=False))
    )


def _halves() -> Int8Network:
    weight = np.zeros((3, 16), dtype=np.int8)
    bias = np.array([-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 510, 511, -514, -515], dtype=np.int32)
    ones, zeros = np.ones(16, dtype=np.int16), np.zeros(2, dtype=np.int32)
    first = Int8Layer(weight, ones, bias, 2, relu=False)
    return Int8Network((first, Int8Layer(np.ones((16, 2), dtype=np.int8), ones[:2], zeros, relu=False)))


def _tied() -> Int8Network:
    weight = np.tile(np.array([[1, 5, 5, -7, 5]], dtype=np.int8), (6, 1))
    return Int8Network((Int8Layer(weight, np.ones(5, dtype=np.int16), np.zeros(5, dtype=np.int32), relu=False),))


def _case(name: str, comment: str, network: Int8Network, random: np.random.Generator) -> dict[str, Any]:
    inputs = random.integers(-128, 128, (SAMPLES, network.inputs), dtype=np.int8)
    if name == "extreme":
        inputs[0], inputs[1] = -128, 127
    if name == "tied":
        inputs[0], inputs[1] = 1, 0
    return {
        "id": name,
        "comment": comment,
        "flags": [],
        "architecture": _hex(network_architecture(network)),
        "layerCount": len(network.layers),
        "layers": [
            {
                "layer": list(map(int, layer_tuple(layer))),
                "weights": _hex(encode_weights(layer)),
                "affine": _hex(encode_affine(layer)),
            }
            for layer in network.layers
        ],
        "samples": [_sample(network, sample.tolist()) for sample in inputs],
    }


def _sample(network: Int8Network, inputs: list[int]) -> dict[str, Any]:
    values, found = inputs, list[str]()
    for layer in network.layers[:-1]:
        values = _activate(layer, _weigh(layer, values))
        found.append(_signed_bytes(values))
    logits = _weigh(network.layers[-1], values)
    return {
        "inputs": _signed_bytes(inputs),
        "activations": found,
        "logits": [hex(logit % 2**256) for logit in logits],
        "result": logits.index(max(logits)),
    }


def _weigh(layer: Int8Layer, values: Sequence[int]) -> list[int]:
    """Multiplier times sum plus bias, for each channel at each place, by the definition of a convolution."""
    channels, height, width, outputs, rows, columns, down, right, top, side, *_ = layer_tuple(layer)
    weight = layer.weight.tolist()
    out_height, out_width = _out_sides(layer_tuple(layer))
    found: list[int] = []
    for output in range(outputs):
        for y in range(out_height):
            for x in range(out_width):
                total = 0
                for c in range(channels):
                    for i in range(rows):
                        for j in range(columns):
                            row, column = y * down + i - top, x * right + j - side
                            if 0 <= row < height and 0 <= column < width:
                                value = values[(c * height + row) * width + column]
                                total += value * weight[(c * rows + i) * columns + j][output]
                if not -(2**31) <= total < 2**31:
                    raise PymlError("a sum leaves int32", got=total)
                found.append(int(layer.multiplier[output]) * total + int(layer.bias[output]))
    return found


def _activate(layer: Int8Layer, values: Sequence[int]) -> list[int]:
    rounded = [(2 * value + 2**layer.shift) // 2 ** (layer.shift + 1) for value in values]  # floor(v / 2^s + 1/2)
    saturated = [max(-128, min(127, value)) for value in rounded]
    rectified = [max(0, value) for value in saturated] if layer.relu else saturated
    side = 1 if layer.pool is None else layer.pool.size
    height, width = _out_sides(layer_tuple(layer))
    return [
        max(
            rectified[(channel * height + y * side + i) * width + x * side + j]
            for i in range(side)
            for j in range(side)
        )
        for channel in range(len(layer.bias))
        for y in range(height // side)
        for x in range(width // side)
    ]


def _out_sides(layer: LayerTuple) -> tuple[int, int]:
    _, height, width, _, rows, columns, down, right, top, side, *_ = layer
    return (height + 2 * top - rows) // down + 1, (width + 2 * side - columns) // right + 1


def _signed_bytes(values: Sequence[int]) -> str:
    return _hex(bytes(value % 256 for value in values))


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    main()
