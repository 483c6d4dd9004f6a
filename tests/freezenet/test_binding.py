"""The seed: vectors, that every part binds it, and contexts that are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyml.errors import InputError
from pyml.freezenet.binding import MAX_TENSORS, SeedContext, tensor_seed

OURS = json.loads((Path(__file__).parents[1] / "vectors" / "freezenet_watermark.json").read_text(encoding="utf-8"))


def context_of(vector: dict[str, Any]) -> SeedContext:
    return SeedContext(
        chain_id=int(vector["chainId"]),
        contract=vector["contract"],
        task_id=vector["taskId"],
        round=vector["round"],
        beacon=bytes.fromhex(vector["beacon"][2:]),
        miner=vector["miner"],
        length=int(vector["length"]),
        architecture_hash=bytes.fromhex(vector["architectureHash"][2:]),
    )


CONTEXT = context_of(OURS["seeds"][1])


@pytest.mark.parametrize("vector", OURS["seeds"], ids=lambda vector: vector["id"])
def test_seeds_that_forge_reads(vector: dict[str, Any]) -> None:
    assert "0x" + context_of(vector).seed.hex() == vector["result"]


def test_encoding_is_the_contract_s_word_for_word() -> None:
    """abi.encode of a string and eight words: the string's offset stands first, its bytes last."""
    words = [
        (9 * 32).to_bytes(32, "big"),
        CONTEXT.chain_id.to_bytes(32, "big"),
        bytes(12) + bytes.fromhex(CONTEXT.contract[2:]),
        CONTEXT.task_id.to_bytes(32, "big"),
        CONTEXT.round.to_bytes(32, "big"),
        CONTEXT.beacon,
        bytes(12) + bytes.fromhex(CONTEXT.miner[2:]),
        CONTEXT.length.to_bytes(32, "big"),
        CONTEXT.architecture_hash,
        (12).to_bytes(32, "big"),
        b"freezenet/v1".ljust(32, b"\0"),
    ]
    assert CONTEXT.seed == keccak(b"".join(words))


def test_every_part_binds() -> None:
    other = to_checksum_address("0x" + "11" * 20)
    changed = [
        replace(CONTEXT, chain_id=CONTEXT.chain_id + 1),
        replace(CONTEXT, contract=other),
        replace(CONTEXT, task_id=CONTEXT.task_id + 1),
        replace(CONTEXT, round=CONTEXT.round + 1),
        replace(CONTEXT, beacon=bytes(32)),
        replace(CONTEXT, miner=other),
        replace(CONTEXT, length=CONTEXT.length + 1),
        replace(CONTEXT, architecture_hash=bytes(32)),
    ]
    assert len({CONTEXT.seed, *(each.seed for each in changed)}) == 9


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("chain_id", -1, "the seed's chain_id is not a 256-bit number; got -1"),
        ("task_id", 2**256, f"the seed's task_id is not a 256-bit number; got {2**256}"),
        ("round", True, "the seed's round is not a 256-bit number; got True"),
        ("length", 1.5, "the seed's length is not a 256-bit number; got 1.5"),
        ("miner", "0x" + "ab" * 20, f"the seed's miner is not an EIP-55 address; got 0x{'ab' * 20}"),
        ("contract", "", "the seed's contract is not an EIP-55 address; got"),
        ("beacon", bytes(31), f"the seed's beacon is not 32 bytes; got {bytes(31)}"),
        ("architecture_hash", "00" * 32, f"the seed's architecture_hash is not 32 bytes; got {'00' * 32}"),
    ],
)
def test_wrong_context(field: str, value: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(CONTEXT, **{field: value})  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == message


@pytest.mark.parametrize("vector", OURS["tensors"], ids=lambda vector: vector["id"])
def test_tensor_seeds_that_forge_reads(vector: dict[str, Any]) -> None:
    assert "0x" + tensor_seed(bytes.fromhex(vector["seed"][2:]), int(vector["tensor"])).hex() == vector["result"]


@pytest.mark.parametrize("tensor", [-1, MAX_TENSORS, False, 0.0])
def test_wrong_tensor(tensor: Any) -> None:
    with pytest.raises(InputError) as caught:
        tensor_seed(bytes(32), tensor)
    assert str(caught.value) == f"a tensor's number is out of range; expected 0 to {MAX_TENSORS - 1}; got {tensor}"


def test_wrong_seed_of_a_tensor() -> None:
    with pytest.raises(InputError, match=r"^a seed has the wrong length; expected 32 bytes; got 16$"):
        tensor_seed(bytes(16), 0)
