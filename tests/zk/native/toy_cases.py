"""Small networks, data and shapes of every kind of layout, the same in each run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.ml.integer import IntegerLayer, IntegerNetwork, logits
from pyml.zk.native.reference.prove import Secrets, commit_data
from pyml.zk.native.shape import Shape, VerifyingKey
from tests.zk.native.toy_powers import ToyPowers

POWERS: Final = ToyPowers(tau=0x1D0_5A17_0000_0000_C0FF_EE00_0000_0000_0000_0007)
CONTEXT: Final = 0x0123_4567_89AB_CDEF << 160 | 0xC0DE
SECRETS: Final = Secrets(model_blind=0xB11D << 200 | 0x77, seed=bytes(range(32)))


@dataclass(frozen=True, slots=True)
class Case:
    """One statement with all that its proof is made from."""

    name: str
    comment: str
    shape: Shape
    network: IntegerNetwork
    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]

    @property
    def key(self) -> VerifyingKey:
        """Without data for inference."""
        data = () if self.shape.data_in_witness else commit_data(self.shape, POWERS, self.inputs, self.labels)
        return VerifyingKey(self.shape, data, POWERS.tau_g2)


def make_case(name: str, comment: str, shape: Shape, *, seed: int, input_max: int = 3) -> Case:
    """A random network; labels are its answers, but for every third sample and where two logits tie."""
    rng = np.random.default_rng(seed)
    network = random_network(shape, rng, input_max)
    inputs = rng.integers(0, input_max + 1, (shape.samples, shape.widths[0]))
    labels = np.asarray(logits(network, inputs), dtype=np.int64).argmax(axis=1)
    if not shape.data_in_witness:
        labels[2::3] = rng.integers(0, shape.widths[-1], len(labels[2::3]))
    return Case(name, comment, shape, network, inputs, labels)


def random_network(shape: Shape, rng: np.random.Generator, input_max: int) -> IntegerNetwork:
    """Weights over the whole of their range."""
    half, layers = 1 << (shape.weight_bits - 1), list[IntegerLayer]()
    for layer in range(1, len(shape.widths)):
        before, after = shape.widths[layer - 1 : layer + 1]
        layers.append(
            IntegerLayer(
                weight=rng.integers(-half, half, (before, after)),
                bias=rng.integers(-half, half, after),
                bias_unit=shape.bias_units[layer - 1],
                shift=0 if layer > shape.hidden_layers else shape.shifts[layer - 1],
            )
        )
    return IntegerNetwork(tuple(layers), shape.weight_bits, input_max)


def inference_cases() -> list[Case]:
    """Inputs shorter than and as long as a power of two."""
    return [
        make_case(
            "inference",
            "three features of four, one hidden layer",
            Shape(
                1, (3, 4, 3), (2,), (1, 2), limb_bits=5, margin_limbs=2, degree=8, weight_bits=4, data_in_witness=True
            ),
            seed=6,
        ),
        make_case(
            "inference without slack",
            "eight features: nothing lies beyond them; two hidden layers",
            Shape(
                1,
                (8, 2, 3, 2),
                (4, 3),
                (1, 1, 1),
                limb_bits=5,
                margin_limbs=2,
                degree=9,
                weight_bits=4,
                data_in_witness=True,
            ),
            seed=7,
        ),
    ]


def weights_cases() -> list[Case]:
    """Two layers of unequal sizes; one layer with a table larger than W."""
    return [
        make_case(
            "weights",
            "W_2 lies before W_1; nw > w",
            Shape(1, (3, 4, 5), (2,), (1, 1), limb_bits=5, margin_limbs=2, degree=8, weight_bits=4),
            seed=8,
        ),
        make_case(
            "weights of one layer",
            "nw < w",
            Shape(1, (2, 2), (), (1,), limb_bits=5, margin_limbs=2, degree=8, weight_bits=5),
            seed=9,
        ),
    ]


def cases() -> list[Case]:
    """One of each kind of layout."""
    return [
        make_case(
            "one hidden layer",
            "nk_1 = nx + 1, nk_2 = nh_1, three classes of four, five samples of eight",
            Shape(5, (4, 3, 3), (2,), (1, 1), limb_bits=5, margin_limbs=2, degree=8, weight_bits=4),
            seed=1,
        ),
        make_case(
            "two hidden layers",
            "widths of no symmetry, nk_l = t + 1 for the layer after the 8 neurons only, one margin limb",
            Shape(6, (5, 8, 5, 4), (4, 5), (2, 1, 4), limb_bits=8, margin_limbs=1, degree=9, weight_bits=4),
            seed=3,
        ),
        make_case(
            "no hidden layer",
            "only margins are looked up",
            Shape(4, (4, 3), (), (1,), limb_bits=4, margin_limbs=2, degree=8, weight_bits=4),
            seed=3,
        ),
        make_case(
            "chunks",
            "v = n: X in four columns, several polynomials in every stage; three margin limbs of four",
            Shape(20, (50, 4, 3), (4,), (1, 2), limb_bits=5, margin_limbs=3, degree=9, weight_bits=3),
            seed=5,
        ),
        make_case(
            "one sample",
            "no sample coordinates: ni = 0",
            Shape(1, (3, 2, 2), (2,), (1, 1), limb_bits=4, margin_limbs=3, degree=8, weight_bits=3),
            seed=5,
        ),
    ]
