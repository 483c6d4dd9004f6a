"""The ZoKrates program is the integer network: its text is run as Python here, and by ZoKrates itself where it is.

``as_python`` reads the program that the bench generates, statement by statement, so that what is compared with
``pyml.ml.integer.predict`` is the text that is proved and not another writing of it.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import zk_inference
from bench.measuring.processes import run_measured
from bench.zk import zokrates
from pyml.config import load_config
from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import ModelError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, predict

Main = Callable[..., Any]


class AssertionBrokenError(Exception):
    """An ``assert`` of the program does not hold."""


def require(left: int, right: int) -> None:
    if (left - right) % SCALAR_MODULUS:
        raise AssertionBrokenError


def poseidon(inputs: list[int]) -> int:
    """Stands in for the library's hash: any function will do to see what is hashed."""
    assert len(inputs) == 6
    value = 0
    for entry in inputs:
        value = (value * 1_000_003 + entry + 1) % SCALAR_MODULUS
    return value


def as_python(program: str, hashed: Callable[[list[int]], int] = poseidon) -> Main:
    """The program's ``main``; understands what the bench generates and nothing more."""
    lines: list[str] = []
    depth = 0
    for line in re.sub(
        r"\(\n(.*?)\n\)", lambda found: f"({' '.join(found[1].split())})", program, flags=re.DOTALL
    ).splitlines():
        text = line.strip()
        if text == "}":
            depth -= 1
        elif text and not text.startswith("import"):
            lines += ["    " * depth + part for part in translated(text)]
            depth += text.endswith("{")
    names: dict[str, Any] = {"require": require, "poseidon": hashed}
    exec("\n".join(lines), names)
    return names["main"]


def translated(text: str) -> list[str]:
    if found := re.fullmatch(r"def (\w+)(?:<[\w, ]+>)?\((.*)\) -> [\w\[\]]+ \{", text):
        parameters = [
            re.fullmatch(r"(?:private )?field((?:\[\w+\])*) (\w+)", part.strip()) for part in found[2].split(",")
        ]
        head = [f"def {found[1]}({', '.join(match[2] for match in parameters if match)}):"]
        for match in parameters:
            assert match, text
            for level, size in enumerate(re.findall(r"\[(\w+)\]", match[1])):
                length = f"    {size} = len({match[2]}{'[0]' * level})"
                head.append(length if size.isalpha() else length.replace(f"{size} = ", f"assert {size} == "))
        return head
    text = text.replace(" / ", " // ")
    if found := re.fullmatch(r"for u32 (\w+) in 0\.\.(.+) \{", text):
        return [f"for {found[1]} in range({found[2]}):"]
    if found := re.fullmatch(r"assert\((.*?)(?: == (.*))?\);", text):
        return [f"require({found[1]}, {found[2] or 'True'})"]
    assert text.endswith(";"), text
    text = re.sub(r"^field(?:\[[^\]]*\])* (?:mut )?", "", text[:-1])
    while found := re.search(r"\[([^\[\];]+|\[[^;]*\] \* \([^;]*\)); ([^\];]+)\]", text):
        text = text.replace(found[0], f"[{found[1]}] * ({found[2]})")
    return [text.replace("...", "*").replace("true", "True")]


def numbers(argument: Any) -> Any:
    return int(argument) if isinstance(argument, str) else [numbers(part) for part in argument]


def run(network: IntegerNetwork, given: list[Any], *, committed: bool = False) -> Any:
    return as_python(zokrates.program(network, committed=committed))(*numbers(given))


def random_network(seed: int, *, bits: int = 4, widths: tuple[int, ...] = (5, 4, 3)) -> IntegerNetwork:
    draw = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    layers = [
        IntegerLayer(draw.integers(-half, half, (rows, columns)), draw.integers(-half, half, columns), 1 << index)
        for index, (rows, columns) in enumerate(itertools.pairwise(widths))
    ]
    return IntegerNetwork(tuple(layers), bits, 3)


def random_sample(seed: int, network: IntegerNetwork) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, network.input_max + 1, network.sizes[0])


def constant_network(first: int, second: int, *, bits: int = 4) -> IntegerNetwork:
    """All weights of a layer alike, but for a second class that is as far from the first as it can be."""
    half = 1 << (bits - 1)
    last = np.full((4, 2), second)
    last[:, 1] = -half if second >= 0 else half - 1
    hidden = IntegerLayer(np.full((5, 4), first), np.full(4, first), 2)
    return IntegerNetwork((hidden, IntegerLayer(last, np.array([second, int(last[0, 1])]), 4)), bits, 3)


shapes = st.sampled_from([(5, 4, 3), (3, 2), (4, 3, 5, 2)])
seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(2, 7), shapes, st.booleans())
def test_program_answers_as_the_integer_network(seed: int, bits: int, widths: tuple[int, ...], committed: bool) -> None:
    network = random_network(seed, bits=bits, widths=widths)
    sample = random_sample(seed, network)
    label = int(predict(network, sample[None])[0])
    if label < 0:
        with pytest.raises(ModelError, match="the two greatest logits are equal, so there is no answer to prove"):
            zokrates.arguments(network, sample, salt=None)
        return
    got = run(network, zokrates.arguments(network, sample, salt=7 if committed else None), committed=committed)
    assert (got[0] if committed else got) == label


@pytest.mark.parametrize("first", [-8, 7])
@pytest.mark.parametrize("second", [-8, 7])
def test_widths_hold_the_most_extreme_sums(first: int, second: int) -> None:
    """Every weight at an end of its range and every feature at its greatest: honest bits always fit."""
    network = constant_network(first, second)
    sample = np.full(5, network.input_max)
    label = int(predict(network, sample[None])[0])
    assert run(network, zokrates.arguments(network, sample, salt=None)) == label


def test_pre_activation_bits_are_the_fewest() -> None:
    """One bit fewer would not hold the least sum: 8 · (5 · 3 + 2) = 136 > 2^7."""
    network = constant_network(-8, 7)
    assert zokrates.sizes_of(network).pre_activation_bits == (9,)


def test_no_sum_comes_near_the_field() -> None:
    network = random_network(1, bits=16, widths=(64, 32, 10))
    assert max(*zokrates.sizes_of(network).pre_activation_bits, zokrates.sizes_of(network).lead_bits) < 60


PLACES = {"sample": 0, "weights_1": 1, "bits_1": 2, "weights_2": 3, "chosen": 4, "leads": 5}


def a_number(argument: Any) -> tuple[list[Any], int]:
    """The list and place of the first number in an argument."""
    while isinstance(argument[0], list):
        argument = argument[0]
    return argument, 0


@pytest.mark.parametrize("value", ["2", "-1", str(SCALAR_MODULUS - 1), "half"])
@pytest.mark.parametrize("name", ["weights_1", "bits_1", "weights_2", "leads"])
def test_what_is_no_bit_is_refused(name: str, value: str) -> None:
    network, given = fixed()
    bits, place = a_number(given[PLACES[name]])
    bits[place] = str(pow(2, -1, SCALAR_MODULUS)) if value == "half" else value
    with pytest.raises(AssertionBrokenError):
        run(network, given)


@pytest.mark.parametrize("name", ["bits_1", "chosen", "leads"])
def test_any_other_witness_is_refused(name: str) -> None:
    """The bits of sums and leads and the answer follow from weights and input: each flipped one is refused."""
    network, honest = fixed()
    run(network, honest)
    flat = json.dumps(honest[PLACES[name]])
    for match in re.finditer(r'"([01])"', flat):
        forged = copy.deepcopy(honest)
        forged[PLACES[name]] = json.loads(flat[: match.start(1)] + str(1 - int(match[1])) + flat[match.end(1) :])
        with pytest.raises(AssertionBrokenError):
            run(network, forged)


def test_another_class_cannot_be_chosen() -> None:
    """Not even with the leads that would go with it: they are negative."""
    network, honest = fixed()
    label = run(network, honest)
    for other in set(range(3)) - {label}:
        forged = copy.deepcopy(honest)
        forged[PLACES["chosen"]] = [str(int(index == other)) for index in range(3)]
        with pytest.raises(AssertionBrokenError):
            run(network, forged)


ONE_LAYER = IntegerNetwork((IntegerLayer(np.zeros((2, 2), np.int64), np.zeros(2, np.int64), 1),), 4, 3)
"""Weights w are given as digits of w + 8; with input (1, 0) and no bias the logits are each class's first weight."""
LEAD_BITS = zokrates.sizes_of(ONE_LAYER).lead_bits
ZERO = list("1000")


def one_layer(weights: list[list[str]], chosen: list[int], leads: list[list[str]]) -> Any:
    """Run the one-layer program on input (1, 0) for digits of the two weights that count, and any witness."""
    rows = [[weight, ZERO, ZERO] for weight in weights]
    return run(ONE_LAYER, [["1", "0"], rows, [str(value) for value in chosen], leads])


def lead(value: int) -> list[str]:
    return list(f"{value:0{LEAD_BITS}b}")


def test_one_layer_by_hand() -> None:
    assert one_layer([ZERO, list("1011")], [0, 1], [lead(2), lead(0)]) == 1  # logits 0 and 3


@pytest.mark.parametrize("last", ["0", "1", "-1"])
@pytest.mark.parametrize("label", [0, 1])
def test_a_tie_has_no_proof(label: int, last: str) -> None:
    """Whichever class is chosen, its lead over the other would be -1."""
    leads = [lead(0), lead(0)]
    leads[1 - label][-1] = last
    with pytest.raises(AssertionBrokenError):
        one_layer([ZERO, ZERO], [int(label == 0), int(label == 1)], leads)


def test_a_weight_out_of_range_is_refused() -> None:
    """8 is one too many; its only digits are no bits, and all else would be in order."""
    with pytest.raises(AssertionBrokenError):
        one_layer([["2", "0", "0", "0"], ZERO], [1, 0], [lead(0), lead(7)])


@pytest.mark.parametrize(
    ("logits", "chosen", "leads"),
    [
        ((-5, -3), [0, 0], [4, 2]),  # none, with a top logit of 0
        ((-5, -3), [-1, 2], [2, 3]),  # ones in sum, with a top logit of -1
        ((5, 3), [1, 1], [3, 5]),  # both, with a top logit of 8
    ],
)
def test_what_is_not_one_class_is_refused(logits: tuple[int, int], chosen: list[int], leads: list[int]) -> None:
    """Leads that would be in order: nothing but the one-hot checks stands in the way of another label."""
    weights = [list(f"{value + 8:04b}") for value in logits]
    with pytest.raises(AssertionBrokenError):
        one_layer(weights, chosen, [lead(value) for value in leads])


@given(seeds, st.data())
def test_commitment_is_to_weights_and_salt(seed: int, data: st.DataObject) -> None:
    """Packed elements are those of the weights' bits, and the salt goes into the chain before them."""
    network, sample = network_with_answer(seed)
    honest = zokrates.arguments(network, sample, salt=7)
    _, commitment = run(network, honest, committed=True)
    assert run(network, zokrates.arguments(network, sample, salt=8), committed=True)[1] != commitment
    forged = copy.deepcopy(honest)
    packed = forged[data.draw(st.sampled_from([-3, -2]))]
    element = data.draw(st.integers(0, len(packed) - 1))
    packed[element] = str(int(packed[element]) + 1)
    with pytest.raises(AssertionBrokenError):
        run(network, forged, committed=True)


def test_the_chain_takes_in_salt_and_every_element() -> None:
    network = random_network(1, bits=16, widths=(10, 4, 3))
    given, taken = zokrates.arguments(network, np.arange(10) % 4, salt=7), list[list[int]]()

    def spy(inputs: list[int]) -> int:
        taken.append(inputs)
        return 1000 + len(taken)

    main = as_python(zokrates.program(network, committed=True), spy)
    assert main(*numbers(given))[1] == 1000 + len(taken)
    assert [inputs[0] for inputs in taken] == [7, 1001]
    elements = [element for inputs in taken for element in inputs[1:]]
    assert elements == [*numbers(given[-3]), *numbers(given[-2]), 0, 0, 0]


def test_every_weight_is_packed_once() -> None:
    """Neuron by neuron, bias last, the offset bits in order in elements below 2^252, zeros behind the last."""
    network = random_network(1, bits=16, widths=(10, 16, 3))
    given = zokrates.arguments(network, np.arange(10) % 4, salt=7)
    sizes = zokrates.sizes_of(network)
    assert (sizes.per_element, sizes.elements, sizes.padding) == (15, (16, 3 * 2), 3)
    for layer, packed in zip(network.layers, given[-3:-1], strict=True):
        each = len(packed) // layer.fan_out
        for neuron in range(layer.fan_out):
            elements = packed[each * neuron : each * (neuron + 1)]
            weights = [*layer.weight[:, neuron], layer.bias[neuron]]
            wanted = "".join(f"{int(value) + 2**15:016b}" for value in weights)
            assert "".join(f"{int(element):0240b}" for element in elements) == wanted.ljust(240 * each, "0")


def test_program_tells_nothing_of_the_weights() -> None:
    for committed in (False, True):
        programs = {zokrates.program(random_network(seed), committed=committed) for seed in range(3)}
        assert len(programs) == 1


@pytest.mark.parametrize("change", [{"shift": 1}])
def test_networks_without_a_gadget_are_refused(change: dict[str, int]) -> None:
    network = random_network(1)
    shifted = IntegerNetwork((replace(network.layers[0], **change), *network.layers[1:]), network.bits, 3)
    with pytest.raises(ModelError, match="the ZoKrates program is for dense layers without shifts"):
        zokrates.program(shifted, committed=False)


def test_without_node_the_reason_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(zokrates.ZokratesUnavailableError, match=r"^node is not on PATH$"):
        zokrates.install(tmp_path)
    assert list(tmp_path.iterdir()) == []


def stand_in(folder: Path, name: str, status: int) -> None:
    """A program of this name that does nothing and ends with this status."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
    path.chmod(0o755)


def test_without_npm_the_reason_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(tmp_path, "node", 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(zokrates.ZokratesUnavailableError, match=r"^npm is not on PATH$"):
        zokrates.install(tmp_path / "home")


def test_a_failed_installation_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(tmp_path, "node", 0)
    stand_in(tmp_path, "npm", 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = r"^npm could not install zokrates-js 1\.1\.9: is there a network\?$"
    with pytest.raises(zokrates.ZokratesUnavailableError, match=reason):
        zokrates.install(tmp_path / "home")
    assert list((tmp_path / "home" / "bench").iterdir()) == []


def test_another_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(tmp_path, "node", 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    modules = tmp_path / "bench" / "zokrates-js-1.1.9" / "node_modules"
    (modules / "zokrates-js").mkdir(parents=True)
    lock = {"packages": {"node_modules/zokrates-js": {"integrity": "sha512-other"}}}
    (modules / ".package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    with pytest.raises(zokrates.ZokratesUnavailableError) as caught:
        zokrates.install(tmp_path)
    assert (caught.value.problem, caught.value.got) == ("zokrates-js 1.1.9 is not the pinned one", "sha512-other")


def test_without_the_package_its_forms_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    options = zk_inference._options([])
    assert zk_inference._zokrates(options, tmp_path) == (None, {"left_out": "node is not on PATH"})


def fixed() -> tuple[IntegerNetwork, list[Any]]:
    network, sample = network_with_answer(5)
    return network, zokrates.arguments(network, sample, salt=None)


def network_with_answer(seed: int) -> tuple[IntegerNetwork, np.ndarray[Any, Any]]:
    while True:
        network = random_network(seed)
        sample = random_sample(seed, network)
        if predict(network, sample[None])[0] >= 0:
            return network, sample
        seed += 1


@pytest.mark.long
@pytest.mark.parametrize("committed", [False, True])
def test_zokrates_itself_agrees(committed: bool, tmp_path: Path) -> None:
    """The real tool: proves the honest answer, refuses a bit of a pre-activation that was flipped."""
    try:
        package = zokrates.install(load_config().home)
    except zokrates.ZokratesUnavailableError as error:
        pytest.skip(error.problem)
    network, sample = network_with_answer(5)
    (tmp_path / "program.zok").write_text(zokrates.program(network, committed=committed), encoding="utf-8")
    given = zokrates.arguments(network, sample, salt=7 if committed else None)

    def step(action: str, arguments: list[Any]) -> dict[str, Any]:
        (tmp_path / "arguments.json").write_text(json.dumps(arguments), encoding="utf-8")
        asked = {"action": action, "folder": str(tmp_path), "package": str(package)}
        return run_measured("bench.zk.zokrates_worker", asked, timeout_s=120).answer

    assert step("prepare", given)["constraints"] > 100
    proved = step("prove", given)
    public = [int(text, 16) for text in proved["inputs"]]
    assert proved["valid"]
    assert public[:6] == [*map(int, sample), predict(network, sample[None])[0]]
    assert len(public) == (7 if committed else 6)
    bits, place = a_number(given[PLACES["bits_1"]])
    bits[place] = str(1 - int(bits[place]))
    assert step("prove", given)["failed"] == "witness"
