"""A small network of every kind of layer, and moves that a side makes against its better knowledge."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.freezenet.stage import Stage
from pyml.freezenet.activations import trace_sample
from pyml.freezenet.dispute import DisputeCase
from pyml.freezenet.inference import Int8Layer, Int8Network, predict
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Content
from pyml.ml.shapes import Convolution, Pool

FRACTION_PPM = 300_000
SAMPLES = 20
REJECTED, ACCEPTED, UNDECIDED = 2, 1, 0
BYSTANDER = 3


@dataclass(frozen=True, eq=False)
class Setting:
    """A round in its challenge phase: the miner claims every sample, and most of them falsely."""

    stage: Stage
    network: Int8Network
    content: Content
    samples: SampleSet
    answers: bytes

    def case(self, sample: int) -> DisputeCase:
        stage = self.stage
        return DisputeCase.of(stage.architecture, self.content, stage.seed, self.samples, sample)

    @property
    def right(self) -> int:
        """A sample that the network answers."""
        return int(np.flatnonzero(predict(self.network, self.samples.inputs) == self.samples.labels)[0])

    def verdict(self) -> int:
        stage = self.stage
        return int(stage.contracts["optimistic"].call("verdictOf", stage.task, stage.round, stage.miner.address))

    def credit(self, contract: str, account: int) -> int:
        stage = self.stage
        return int(stage.contracts[contract].call("creditOf", stage.node.accounts[account].address))


def mixed_network(seed: int) -> Int8Network:
    """A padded convolution with a pool, a strided one of 35 channels, a dense layer, and logits."""
    random = np.random.default_rng(seed)
    first = Convolution(3, 8, 8, (3, 3), padding=(1, 1))
    second = Convolution(35, 4, 4, (2, 3), stride=(2, 1), padding=(0, 1))

    def layer(fan_in: int, outputs: int, **shape: Any) -> Int8Layer:
        last = outputs == 5
        return Int8Layer(
            random.integers(-128, 128, (fan_in, outputs), dtype=np.int8),
            random.integers(-300, 300, outputs, dtype=np.int16),
            random.integers(-(2**16), 2**16, outputs, dtype=np.int32),
            0 if last else 16,
            relu=outputs in (35, 40),
            **shape,
        )

    return Int8Network(
        (
            layer(27, 35, convolution=first, pool=Pool("max", 2)),
            layer(210, 6, convolution=second),
            layer(48, 40),
            layer(40, 5),
        )
    )


def changed(network: Int8Network, number: int, random: np.random.Generator, share: float) -> Int8Network:
    """The network with some weights of one layer drawn anew."""
    weight = np.array(network.layers[number].weight)
    places = random.integers(0, weight.size, max(1, int(weight.size * share)))
    weight.reshape(-1)[places] = random.integers(-128, 128, len(places))
    layers = list(network.layers)
    layers[number] = replace(layers[number], weight=weight)
    return Int8Network(tuple(layers))


def with_network(case: DisputeCase, network: Int8Network, inputs: np.ndarray[Any, np.dtype[np.int8]]) -> DisputeCase:
    """A miner who committed to one network and computes with another."""
    return replace(case, network=network, trace=trace_sample(network, inputs))


@contextmanager
def rewound(stage: Stage) -> Generator[None]:
    """The chain as it was before, afterwards."""
    snapshot = stage.node.rpc.request("evm_snapshot")
    try:
        yield
    finally:
        stage.node.rpc.request("evm_revert", snapshot)


def flips(value: Any) -> Iterator[Any]:
    """The value with one bit changed, here and there."""
    match value:
        case bytes():
            for place in {0, len(value) // 2, len(value) - 1} if value else set[int]():
                yield value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
        case bool():
            yield not value
        case int():
            yield value ^ 1
        case _:
            for place in {0, len(value) // 2, len(value) - 1} if value else set[int]():
                for changed_part in flips(value[place]):
                    yield (*value[:place], changed_part, *value[place + 1 :])
