"""The same inference in ZoKrates, the tool of the source article: program, arguments, and the package that runs them.

Statement: "I know weights and biases in [-B, B) under which the logit of the returned class of the public input is
strictly greater than every other"; ``committed`` adds "and their salted commitment is the one returned". Made by
``zokrates-js`` (WASM, one thread), which is installed into a folder of the bench and is no part of the project.

Ranges, which are what makes field elements integers:
* a weight or bias is given as the bits of w + B, highest first, each shown to be 0 or 1, so w is in [-B, B);
* every sum of a layer is then an integer within ``LayerBounds.worst_low`` and ``worst_high``, which follow from the
  architecture and are tiny against the field, so no sum wraps;
* a pre-activation h is given as the bits of h + 2^n for the least n with -2^n <= h < 2^n, which are unique: the first
  bit says whether h >= 0, and bit times h is ReLU;
* the answer is a one-hot row, and its logit's lead of one or more over each other logit is given as bits likewise.
Public inputs are for the verifier to check. The commitment packs a neuron's offset weights, as many as fit 252 bits,
into field elements and chains Poseidon over five elements at a time, from a random salt.

Weights are one array a neuron, which the compiler takes several times faster than one array a layer.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import ModelError, PymlError
from pyml.ml.integer import IntArray, IntegerNetwork, bounds, hidden, predict

PACKAGE, VERSION = "zokrates-js", "1.1.9"
INTEGRITY = "sha512-Z5GyrSkV2SzeB/Im2jV6z4LokRAY+G4O8U81zdgjHpgm62p1XLEfiCjkAIrkHDLGij/EH/ETlHpZtoRYYoSp7g=="
"""Of the package as npm has it."""
INSTALL_TIMEOUT_S = 300.0
PACKED_BITS = 252
"""Bits in a packed field element: fewer than the field has."""
_ABSORBED = 5
"""Elements a call of Poseidon takes in beside the state; the library's largest has six inputs."""

_FUNCTIONS = """\
def number<N>(field[N] bits) -> field {
    field mut value = 0;
    for u32 i in 0..N {
        assert(bits[i] * bits[i] == bits[i]);
        value = 2 * value + bits[i];
    }
    return value;
}

def dot<I, B>(field[I] x, field[I][B] weights) -> field {
    field mut sum = 0;
    for u32 i in 0..I {
        sum = sum + x[i] * (number(weights[i]) - 2 ** (B - 1));
    }
    return sum;
}

def affine<O, I, B>(field[I] x, field[O][I][B] weights) -> field[O] {
    field[O] mut h = [0; O];
    for u32 o in 0..O {
        h[o] = dot(x, weights[o]);
    }
    return h;
}

def relu<O, N>(field[O] h, field[O][N] bits) -> field[O] {
    field[O] mut y = [0; O];
    for u32 o in 0..O {
        assert(number(bits[o]) == h[o] + 2 ** (N - 1));
        y[o] = bits[o][0] * h[o];
    }
    return y;
}

def answer<C, M>(field[C] logits, field[C] chosen, field[C][M] leads) -> field {
    field mut ones = 0;
    field mut label = 0;
    field mut top = 0;
    field mut index = 0;
    for u32 c in 0..C {
        assert(chosen[c] * chosen[c] == chosen[c]);
        ones = ones + chosen[c];
        label = label + index * chosen[c];
        top = top + chosen[c] * logits[c];
        index = index + 1;
    }
    assert(ones == 1);
    for u32 c in 0..C {
        assert(number(leads[c]) == top - logits[c] - 1 + chosen[c]);
    }
    return label;
}
"""

_COMMITMENT = """
def holds<O, I, B, E>(field[O][I][B] weights, field[E] packed) -> bool {
    for u32 o in 0..O {
        field[E / O * PER_ELEMENT][B] row = [...weights[o], ...[[0; B]; E / O * PER_ELEMENT - I]];
        for u32 e in 0..E / O {
            field mut value = 0;
            for u32 i in 0..PER_ELEMENT {
                value = value * 2 ** B + number(row[e * PER_ELEMENT + i]);
            }
            assert(packed[o * (E / O) + e] == value);
        }
    }
    return true;
}

def commitment<P>(field[P] packed, field salt) -> field {
    field mut state = salt;
    for u32 block in 0..P / 5 {
        field[6] mut inputs = [state; 6];
        for u32 i in 0..5 {
            inputs[i + 1] = packed[block * 5 + i];
        }
        state = poseidon(inputs);
    }
    return state;
}
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the program's arrays need; by the architecture alone."""

    pre_activation_bits: tuple[int, ...]
    """Of each hidden layer, sign offset included."""
    lead_bits: int
    per_element: int
    """Weights packed in a field element."""
    elements: tuple[int, ...]
    """Of each layer: as many for each of its neurons as the neuron's weights and bias need."""
    padding: int
    """Zero elements behind the last one, up to a multiple of what Poseidon takes in."""


class ZokratesUnavailableError(PymlError):
    """Node, npm or the package is not there."""


def sizes_of(network: IntegerNetwork) -> Sizes:
    """Raises ``ModelError`` for a network that the program has no gadget for."""
    if any(layer.shift or layer.convolution is not None or layer.pool is not None for layer in network.layers):
        raise ModelError("the ZoKrates program is for dense layers without shifts")
    limits = bounds(network)
    per_element = PACKED_BITS // network.bits
    elements = tuple(layer.fan_out * -(-(layer.fan_in + 1) // per_element) for layer in network.layers)
    return Sizes(
        pre_activation_bits=tuple((-limit.worst_low - 1).bit_length() + 1 for limit in limits[:-1]),
        lead_bits=(limits[-1].worst_high - limits[-1].worst_low).bit_length(),
        per_element=per_element,
        elements=elements,
        padding=-sum(elements) % _ABSORBED,
    )


def program(network: IntegerNetwork, *, committed: bool) -> str:
    """The program for networks of this architecture; no weight is in it."""
    sizes = sizes_of(network)
    parameters = [f"field[{network.sizes[0]}] x"]
    steps: list[str] = []
    values = "x"
    for number, layer in enumerate(network.layers, start=1):
        parameters.append(f"private field[{layer.fan_out}][{layer.fan_in + 1}][{network.bits}] weights_{number}")
        steps.append(f"field[{layer.fan_out}] h_{number} = affine([...{values}, {layer.bias_unit}], weights_{number});")
        if number < len(network.layers):
            width = sizes.pre_activation_bits[number - 1]
            parameters.append(f"private field[{layer.fan_out}][{width}] bits_{number}")
            steps.append(f"field[{layer.fan_out}] y_{number} = relu(h_{number}, bits_{number});")
        values = f"y_{number}"
    classes, last = network.sizes[-1], len(network.layers)
    parameters += [f"private field[{classes}] chosen", f"private field[{classes}][{sizes.lead_bits}] leads"]
    label = f"answer(h_{last}, chosen, leads)"
    if not committed:
        return _FUNCTIONS + _main(parameters, [*steps, f"return {label};"], "field")
    parameters += [f"private field[{count}] packed_{number}" for number, count in enumerate(sizes.elements, start=1)]
    parameters.append("private field salt")
    steps += [f"assert(holds(weights_{number}, packed_{number}));" for number in range(1, last + 1)]
    packed = ", ".join([*(f"...packed_{number}" for number in range(1, last + 1)), *["0"] * sizes.padding])
    steps.append(f"return [{label}, commitment([{packed}], salt)];")
    imported = 'import "hashes/poseidon/poseidon" as poseidon;\n\n'
    chain = _COMMITMENT.replace("PER_ELEMENT", str(sizes.per_element))
    return imported + _FUNCTIONS + chain + _main(parameters, steps, "field[2]")


def _main(parameters: Sequence[str], steps: Sequence[str], result: str) -> str:
    given, body = ",\n    ".join(parameters), "\n    ".join(steps)
    return f"\ndef main(\n    {given}\n) -> {result} {{\n    {body}\n}}\n"


def random_salt() -> int:
    """Hides the weights in their commitment."""
    return secrets.randbelow(SCALAR_MODULUS)


def arguments(network: IntegerNetwork, sample: IntArray, *, salt: int | None) -> list[Any]:
    """What ``program`` takes for one sample [features], in order: nested lists of decimals; a salt if it is committed.

    Raises ``ModelError`` where the two greatest logits are equal: a tie is no answer.
    """
    sizes = sizes_of(network)
    label = int(predict(network, sample[None])[0])
    if label < 0:
        raise ModelError("the two greatest logits are equal, so there is no answer to prove")
    levels = hidden(network, sample[None])
    result: list[Any] = [_decimals(sample)]
    offset = 1 << (network.bits - 1)
    packed: list[list[str]] = []
    for number, layer in enumerate(network.layers):
        rows = [[int(value) + offset for value in row] for row in np.vstack([layer.weight, layer.bias]).T]
        result.append([[_bits(value, network.bits) for value in row] for row in rows])
        packed.append([str(element) for row in rows for element in _packed(row, network.bits, sizes.per_element)])
        if number < len(sizes.pre_activation_bits):
            width = sizes.pre_activation_bits[number]
            result.append([_bits(int(value) + (1 << (width - 1)), width) for value in levels[number][0]])
    logits = [int(value) for value in levels[-1][0]]
    chosen = [int(index == label) for index in range(len(logits))]
    leads = [logits[label] - value - 1 + one for value, one in zip(logits, chosen, strict=True)]
    result += [_decimals(chosen), [_bits(lead, sizes.lead_bits) for lead in leads]]
    return result if salt is None else [*result, *packed, str(salt)]


def _packed(row: Sequence[int], bits: int, per_element: int) -> list[int]:
    """Numbers of so many bits, the first one highest, with zeros behind the last."""
    padded = [*row, *[0] * (-len(row) % per_element)]
    packed: list[int] = []
    for start in range(0, len(padded), per_element):
        element = 0
        for value in padded[start : start + per_element]:
            element = (element << bits) + value
        packed.append(element)
    return packed


def _bits(value: int, width: int) -> list[str]:
    return list(f"{value:0{width}b}")


def _decimals(values: Sequence[int] | NDArray[Any]) -> list[str]:
    return [str(int(value)) for value in values]


def install(home: Path) -> Path:
    """The package's folder, made with npm once; raises ``ZokratesUnavailableError`` with the reason."""
    folder = home / "bench" / f"{PACKAGE}-{VERSION}"
    if not shutil.which("node"):
        raise ZokratesUnavailableError("node is not on PATH")
    if not (folder / "node_modules" / PACKAGE).is_dir():
        _install(folder)
    installed = json.loads((folder / "node_modules" / ".package-lock.json").read_text(encoding="utf-8"))
    got = installed["packages"][f"node_modules/{PACKAGE}"]["integrity"]
    if got != INTEGRITY:
        raise ZokratesUnavailableError(f"{PACKAGE} {VERSION} is not the pinned one", expected=INTEGRITY, got=got)
    return folder


def _install(folder: Path) -> None:
    if not shutil.which("npm"):
        raise ZokratesUnavailableError("npm is not on PATH")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        temporary = Path(name) / folder.name
        temporary.mkdir()
        words = ["npm", "install", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            subprocess.run(
                [*words, "--prefix", str(temporary)], capture_output=True, check=True, timeout=INSTALL_TIMEOUT_S
            )
        except subprocess.SubprocessError:  # npm's words name the registry, which is nobody's business
            raise ZokratesUnavailableError(f"npm could not install {PACKAGE} {VERSION}: is there a network?") from None
        temporary.replace(folder)


def describe() -> dict[str, Any]:
    """What the result says of the tool."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=30)
    return {
        "package": f"{PACKAGE} {VERSION}",
        "scheme": "Groth16 on bn128 (BN254), ark backend",
        "threads": 1,
        "node": node.stdout.strip(),
    }
