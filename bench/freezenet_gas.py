"""What freezenet's contracts cost: watermarks, integer layers, a round, a dispute, at the current fork's prices.

    python bench/freezenet_gas.py            to bench/results/freezenet_gas.json
    python bench/freezenet_gas.py --quick    one dispute only, to see that it works

A round and its disputes are mined transactions on a devnet that refuses those above 2^24 gas (EIP-7825); what a library
takes is measured inside a call. The network is the 40,000-parameter CNN for digits with random numbers, of which no
price depends but by the zeros among call data. Disputes go all the way down: a challenger who knows better insists on
an operand of each layer in turn, and the miner proves it.

The happy path is what an undisputed solution takes its miner from the reveal, with its answers, to the enrolment; the
commitment before and the collection after are the same under every verifier, and stand beside it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.freezenet.insistence import Target, play_stubborn
from bench.freezenet.stage import Stage, begin_dispute, content_for, enter, marked, open_round, open_stage
from bench.measuring.record import RESULTS, ROOT, write_result
from pyml.chain.artifacts import load_artifact
from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import Solc, find_solc
from pyml.chain.sources import read_with_imports
from pyml.chain.transactions import MAX_CODE_BYTES
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.freezenet.dispute import DisputeCase, Turn
from pyml.freezenet.encoding import encode_affine, encode_weights, layer_tuple
from pyml.freezenet.inference import Int8Layer, Int8Network, predict
from pyml.freezenet.leaf_demands import Tree, demand_leaves, serve_leaves
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.steps import Send
from pyml.freezenet.trainable import small_cnn, small_mlp
from pyml.ml.shapes import LayerShape

SAMPLES: Final = 297
FRACTION_PPM: Final = 300_000
PAPER_SIZE: Final = 1_306_922
TARGETS: Final = {
    "permutation, a position": 2_200,
    "code": 130,
    "exact int8, a product, dearest layer": 70,
    "optimistic happy path": 160_000,
    "one-step proof": 120_000,
    "full dispute": 3_000_000,
}
OPERANDS: Final[dict[str, Target]] = {
    "first layer, weight": (0, 9 * 32 + 5, 4, 0),
    "first layer, sample": (0, 5, 4, 32),
    "second layer, weight": (1, 2 * 32 + 9, 13, 3),
    "second layer, activations": (1, 2 * 32 + 9, 13, 32),
    "dense layer, weight": (2, 6 * 32 + 31, 3, 31),
    "dense layer, activations": (2, 6 * 32 + 31, 3, 32),
    "last layer, weight": (3, 9, 7, 31),
    "last layer, activations": (3, 9, 7, 32),
}
_HARNESSES: Final = [f"tests/contracts/freezenet/{name}.sol" for name in ("WatermarkHarness", "InferenceHarness")]
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    started = time.time()
    config = load_config()
    try:
        solc = find_solc(config.solc)
        with Devnet(DevnetOptions(enforce_tx_gas_cap=True), anvil=config.anvil) as node:
            client = Client.connect(node.url, policy=SendPolicy(deadline_s=30, poll_s=0.01))
            content = _measure(node, client, solc, quick=options.quick)
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    content["targets"] = _verdicts(content)
    output = options.output or RESULTS / "freezenet_gas.json"
    shown = [word for word in arguments if word != "--output" and word != str(options.output)]
    write_result(output, benchmark="freezenet_gas", arguments=shown, started=started, content=content)
    _show(content)
    return 0


def _measure(node: Devnet, client: Client, solc: Solc, *, quick: bool) -> dict[str, Any]:
    network = _random_network([plan.shape for plan in small_cnn()], shifts=[plan.scales.shift for plan in small_cnn()])
    stage = open_stage(node, client, network, fraction_ppm=FRACTION_PPM, samples=SAMPLES)
    hardfork = str(node.rpc.request("anvil_nodeInfo")["hardFork"])
    chain = {"fork": hardfork, "chain_id": client.chain_id, "tx_gas_cap": 2**24, "solc": solc.version}
    harnesses = {
        artifact.name: Contract.deploy(client, account=node.accounts[0], artifact=artifact)
        for artifact in compile_sources(solc, read_with_imports(ROOT, _HARNESSES), wanted=_HARNESSES)
    }
    console.print("libraries …")
    content: dict[str, Any] = {
        "chain": chain,
        "network": {"weights": sum(layer.weight.size for layer in network.layers), "fraction_ppm": FRACTION_PPM},
        "code_bytes": _sizes(),
        "watermark": _watermark(harnesses["WatermarkHarness"]),
        "layers": _layers(harnesses["InferenceHarness"]),
    }
    console.print("a round …")
    case, answers, sample = _open(stage, network)
    content["round"] = dict(stage.gas)
    content["disputes"] = _disputes(stage, case, answers, sample, list(OPERANDS)[2:3] if quick else list(OPERANDS))
    content["demand"] = _demand(stage, case)
    console.print("its end …")
    content["round"] |= _end(stage)
    return content


def _random_network(shapes: Sequence[LayerShape], *, shifts: Sequence[int]) -> Int8Network:
    random = np.random.default_rng(1)
    layers: list[Int8Layer] = []
    for number, shape in enumerate(shapes):
        last = number + 1 == len(shapes)
        layers.append(
            Int8Layer(
                random.integers(-128, 128, (shape.fan_in, shape.fan_out), dtype=np.int8),
                random.integers(-300, 300, shape.fan_out, dtype=np.int16),
                random.integers(-(2**15), 2**15, shape.fan_out, dtype=np.int32),
                0 if last else shifts[number],
                relu=not last,
                convolution=shape.convolution,
                pool=shape.pool,
            )
        )
    return Int8Network(tuple(layers))


def _sizes() -> dict[str, int]:
    names = ("TaskRegistry", "Rounds", "ExactVerifier", "OptimisticVerifier", "LeafDemands", "ProofVerifier")
    return {**{name: load_artifact(name).code_size for name in names}, "limit": MAX_CODE_BYTES}


def _watermark(harness: Contract) -> dict[str, Any]:
    """Means over a thousand of the paper's network, and the dearest of ten hundreds."""
    parts = [harness.call("measure", bytes([7]) * 32, PAPER_SIZE, 100 * part, 100) for part in range(10)]
    names = ("position", "inverse", "code")
    found: dict[str, Any] = {"n": PAPER_SIZE}
    for index, name in enumerate(names):
        gas = [int(part[index]) / 100 for part in parts]
        found[name] = {"mean": sum(gas) / len(gas), "dearest_part": max(gas)}
    return found


def _layers(harness: Contract) -> list[dict[str, Any]]:
    """Each layer of both small networks, with its pool and rounding."""
    found: list[dict[str, Any]] = []
    for model, plans in (("64-32-10 perceptron", small_mlp()), ("40,000-parameter CNN", small_cnn())):
        network = _random_network([plan.shape for plan in plans], shifts=[plan.scales.shift for plan in plans])
        for number, layer in enumerate(network.layers):
            inputs: NDArray[np.int8] = np.random.default_rng(2).integers(-128, 128, layer.shape.inputs, dtype=np.int8)
            packed = encode_weights(layer)
            words = [int.from_bytes(packed[start : start + 32], "big") for start in range(0, len(packed), 32)]
            gas = int(harness.call("measure", layer_tuple(layer), inputs.tobytes(), words, encode_affine(layer)))
            products = layer.shape.positions * layer.weight.size
            row = {"model": model, "layer": number, "kind": _kind(layer.shape), "products": products, "gas": gas}
            found.append({**row, "gas_a_product": gas / products})
    return found


def _kind(shape: LayerShape) -> str:
    if shape.convolution is None:
        return f"dense {shape.fan_in} to {shape.fan_out}"
    geometry = shape.convolution
    kernel = "x".join(map(str, geometry.kernel))
    size = f"{geometry.height}x{geometry.width}"
    pool = "" if shape.pool is None else f", pool {shape.pool.size}"
    return f"convolution {kernel}, {geometry.in_channels} to {shape.fan_out}, {size}{pool}"


def _open(stage: Stage, network: Int8Network) -> tuple[DisputeCase, bytes, int]:
    """Into the challenge phase, with a sample that the network answers."""
    random = np.random.default_rng(3)
    inputs = random.integers(0, 128, (SAMPLES, network.inputs), dtype=np.int8)
    samples = SampleSet.salted(inputs, random.integers(0, network.classes, SAMPLES))
    open_round(stage, samples)
    holding = marked(network, stage.architecture, stage.seed)
    content = content_for(stage, holding)
    answered = predict(holding, inputs) == samples.labels
    if not answered.any():
        raise PymlError("the random network answers no sample")
    answers = enter(stage, content, samples, answered)
    sample = int(np.flatnonzero(answered)[0])
    return DisputeCase.of(stage.architecture, content, stage.seed, samples, sample), answers, sample


def _disputes(
    stage: Stage, case: DisputeCase, answers: bytes, sample: int, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        console.print(f"dispute: {name} …")
        stage.gas.clear()
        number = begin_dispute(stage, sample, answers)
        dispute = play_stubborn(stage, number, case, OPERANDS[name])
        if dispute.turn is not Turn.OVER or stage.gas[-1][0] != "prove":
            raise PymlError("the miner could not prove his operand", got=stage.gas[-1][0])
        miners = ("trace", "open", "openLeaf", "sums", "operands", "prove")
        found[name] = {
            "turns": [{"function": function, "gas": gas} for function, gas in stage.gas],
            "total": sum(gas for _, gas in stage.gas),
            "by_the_miner": sum(gas for function, gas in stage.gas if function in miners),
            "proof": stage.gas[-1][1],
        }
    return found


def _demand(stage: Stage, case: DisputeCase) -> dict[str, Any]:
    """Demanding and serving one leaf, and as many as may be."""
    found: dict[str, Any] = {}
    for length in (1, 64):
        row = (Tree.FREE, 0, length)
        number = int(stage.contracts["demands"].call("demandCount"))
        fee = 2 * int(stage.contracts["demands"].call("feeFor", length))
        step = demand_leaves(stage.task, stage.round, stage.miner.address, stage.architecture, row=row, fee_wei=fee)
        stage.send(step, stage.challenger)
        stage.send(serve_leaves(case.content, number, row=row), stage.miner)
        gas = dict(stage.gas[-2:])
        found[f"{length} leaves"] = gas | {"fee_covers": 150_000 + 6_000 * length}
    return found


def _end(stage: Stage) -> dict[str, int]:
    """Enrolment, settlement and payment of an undisputed solution."""
    stage.gas.clear()
    key = (stage.task, stage.round)
    stage.skip_to(stage.phase(4)[0])
    stage.send(Send("rounds", "enrol", (*key, stage.miner.address)), stage.miner)
    stage.skip_to(stage.phase(4)[1] + 1)
    stage.send(Send("rounds", "settle", key), stage.sponsor)
    stage.send(Send("rounds", "collect", (*key, stage.miner.address)), stage.miner)
    stage.send(Send("rounds", "withdraw", ()), stage.miner)
    return dict(stage.gas)


def _verdicts(content: dict[str, Any]) -> dict[str, Any]:
    paid, disputes = content["round"], content["disputes"].values()
    got = {
        "permutation, a position": max(content["watermark"][name]["dearest_part"] for name in ("position", "inverse")),
        "code": content["watermark"]["code"]["dearest_part"],
        "exact int8, a product, dearest layer": max(layer["gas_a_product"] for layer in content["layers"]),
        "optimistic happy path": paid["reveal"] + paid["enrol"],
        "one-step proof": max(dispute["proof"] for dispute in disputes),
        "full dispute": max(dispute["total"] for dispute in disputes),
    }
    return {name: {"at_most": most, "got": got[name], "met": got[name] <= most} for name, most in TARGETS.items()}


def _show(content: dict[str, Any]) -> None:
    screen = Console()
    layers = Table("layer", "products", "gas", "gas a product", title="exact inference", box=SIMPLE)
    for row in content["layers"]:
        layers.add_row(row["kind"], f"{row['products']:,}", f"{row['gas']:,}", f"{row['gas_a_product']:.1f}")
    disputes = Table("operand", "turns", "all", "the miner's", "the proof", title="disputes", box=SIMPLE)
    for name, row in content["disputes"].items():
        numbers = (len(row["turns"]), row["total"], row["by_the_miner"], row["proof"])
        disputes.add_row(name, *(f"{number:,}" for number in numbers))
    screen.print(layers, disputes)
    screen.print("round: " + ", ".join(f"{name} {gas:,}" for name, gas in content["round"].items()))
    for name, verdict in content["targets"].items():
        met = "met" if verdict["met"] else "[red]missed[/red]"
        screen.print(f"{name}: {verdict['got']:,.0f} of {verdict['at_most']:,} gas: {met}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one dispute")
    parser.add_argument("--output", type=Path, default=None)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
