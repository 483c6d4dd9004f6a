"""Merkle trees: RFC 6962's definition, forgeries, and Solidity on the same inputs.

``tests/vectors/merkle.json`` feeds forge with what ``vectors`` here says; run this file as a module to write
it anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import find_solc
from pyml.chain.sources import read_with_imports
from pyml.crypto.merkle import MerkleTree, leaf_hash, node_hash, root_of
from pyml.errors import ContractRevertedError, InputError, ToolMissingError

ROOT = Path(__file__).parents[2]
HARNESS = "tests/contracts/shared/MerkleTreeHarness.sol"
VECTORS = ROOT / "tests" / "vectors" / "merkle.json"

contents = st.lists(st.binary(max_size=70), min_size=1, max_size=40)


def definition(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1: split at the greatest power of two below the number of leaves."""
    if len(leaves) == 1:
        return keccak(b"\x00" + leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return keccak(b"\x01" + definition(leaves[:half]) + definition(leaves[half:]))


def vectors() -> dict[str, Any]:
    """Rows of trees of all shapes; leaf i is 1 + i mod 40 bytes, the k-th of them 7 i + k."""
    cases: list[dict[str, Any]] = []
    for count, first, length in [
        *((count, count // 2, 1) for count in (1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 200)),
        *((count, count - 1, 1) for count in (3, 5, 6, 7, 9, 11, 13, 17, 33)),
        *((count, count // 3, count // 2) for count in (2, 3, 5, 8, 13, 21, 34, 55)),
        *((count, 0, count) for count in (2, 3, 7, 10)),
    ]:
        tree = MerkleTree.of([content(index) for index in range(count)])
        path = [f"0x{sibling.hex()}" for sibling in tree.path(first, length)]
        root = f"0x{definition([content(index) for index in range(count)]).hex()}"
        cases.append(
            {
                "id": f"leaves {first} to {first + length - 1} of {count}",
                "leaves": count,
                "first": first,
                "length": length,
                "path": path,
                "result": root,
            }
        )
    comment = "Roots by RFC 6962's definition; leaf i is 1 + i mod 40 bytes, the k-th of them 7 i + k mod 256."
    return {"comment": comment, "count": len(cases), "cases": cases}


def content(index: int) -> bytes:
    return bytes((7 * index + k) % 256 for k in range(1 + index % 40))


@pytest.fixture(scope="module")
def harness() -> Iterator[Contract]:
    try:
        solc = find_solc()
        devnet = Devnet(DevnetOptions())
        with devnet:
            client = Client.connect(devnet.url, policy=SendPolicy(deadline_s=10, poll_s=0.01))
            (artifact,) = compile_sources(solc, read_with_imports(ROOT, [HARNESS]), wanted=[HARNESS])
            yield Contract.deploy(client, account=devnet.accounts[0], artifact=artifact)
    except ToolMissingError as error:
        pytest.skip(str(error))


def test_vectors_are_those_of_the_file() -> None:
    assert json.loads(VECTORS.read_text()) == vectors()


@given(contents)
def test_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    tree = MerkleTree.of(leaves)
    assert tree.root == definition(leaves)
    assert tree.count == len(leaves)


@given(contents, st.data())
def test_every_row_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(leaves) - 1))
    length = data.draw(st.integers(1, len(leaves) - first))
    tree = MerkleTree.of(leaves)
    path = tree.path(first, length)
    assert root_of(leaves[first : first + length], first=first, count=len(leaves), path=path) == tree.root


def test_leaves_are_no_nodes() -> None:
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert leaf_hash(left + right) != node_hash(left, right)
    assert node_hash(left, right) != node_hash(right, left)


@given(contents, st.data())
def test_a_flipped_bit_leads_elsewhere(leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(leaves) - 1))
    tree = MerkleTree.of(leaves)
    path = list(tree.path(first))
    forged = leaves[first] + b"\x00"
    assert root_of([forged], first=first, count=len(leaves), path=path) != tree.root
    for level in range(len(path)):
        changed = [*path]
        changed[level] = bytes([changed[level][0] ^ 1]) + changed[level][1:]
        assert root_of([leaves[first]], first=first, count=len(leaves), path=changed) != tree.root


@given(st.integers(0, 31), st.integers(0, 31))
def test_another_place_leads_elsewhere(first: int, other: int) -> None:
    leaves = [content(index) for index in range(32)]
    tree = MerkleTree.of(leaves)
    root = root_of([leaves[first]], first=other, count=32, path=tree.path(first))
    assert (root == tree.root) == (first == other)


def test_an_empty_tree_is_refused() -> None:
    with pytest.raises(InputError, match="a Merkle tree has at least one leaf"):
        MerkleTree.of([])


@pytest.mark.parametrize(("first", "length"), [(-1, 1), (4, 1), (0, 5), (3, 2), (0, 0), (2, -1)])
def test_rows_outside_the_tree_are_refused(first: int, length: int) -> None:
    tree = MerkleTree.of([b"a", b"b", b"c", b"d"])
    with pytest.raises(InputError, match="leaves are out of range"):
        tree.path(first, length)
    with pytest.raises(InputError, match="leaves are out of range"):
        root_of([b""] * length, first=first if length > 0 else 0, count=4, path=[])


@given(contents, st.data())
def test_paths_of_another_length_are_refused(leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(leaves) - 1))
    path = MerkleTree.of(leaves).path(first)
    with pytest.raises(InputError, match="a Merkle path is too long") as caught:
        root_of([leaves[first]], first=first, count=len(leaves), path=[*path, bytes(32)])
    assert (caught.value.expected, caught.value.got) == (len(path), len(path) + 1)
    if path:
        with pytest.raises(InputError, match="a Merkle path is too short"):
            root_of([leaves[first]], first=first, count=len(leaves), path=path[:-1])


@pytest.mark.parametrize("size", [0, 31, 33])
def test_paths_of_other_than_hashes_are_refused(size: int) -> None:
    with pytest.raises(InputError, match="a Merkle path has an element that is no hash"):
        root_of([b"a"], first=0, count=2, path=[bytes(size)])


@settings(max_examples=25, deadline=None)
@given(contents, st.data())
def test_solidity_agrees(harness: Contract, leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(leaves) - 1))
    length = data.draw(st.integers(1, len(leaves) - first))
    path = MerkleTree.of(leaves).path(first, length)
    row = leaves[first : first + length]
    assert harness.call("rootOf", row, first, len(leaves), path) == definition(leaves)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.binary(max_size=8), max_size=5),
    st.integers(0, 6),
    st.integers(0, 9),
    st.lists(st.binary(min_size=32, max_size=32), max_size=5),
)
def test_solidity_refuses_what_python_refuses(
    harness: Contract, row: list[bytes], first: int, count: int, path: list[bytes]
) -> None:
    try:
        expected = root_of(row, first=first, count=count, path=path)
    except InputError:
        with pytest.raises(ContractRevertedError) as caught:
            harness.call("rootOf", row, first, count, path)
        assert caught.value.name in {"LeavesOutOfRange", "PathTooShort", "PathTooLong"}
    else:
        assert harness.call("rootOf", row, first, count, path) == expected


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1) + "\n")
