"""Hash_DRBG by NIST's CAVP vectors, read in the format of their files; limits of the standard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError, ResourceError
from pyml.freezenet.hash_drbg import MAX_REQUEST_BYTES, RESEED_INTERVAL, HashDrbg

CAVP = json.loads((Path(__file__).parents[1] / "vectors" / "freezenet_hash_drbg.json").read_text(encoding="utf-8"))
ENTROPY, NONCE = bytes(range(32)), bytes(range(16))


def parse_rsp(lines: list[str]) -> list[tuple[str, bytes]]:
    """``Name = hex`` fields of a CAVP response, in order; parameters in brackets and COUNT are left out."""
    fields = (line.partition("=") for line in lines if "=" in line and not line.startswith("["))
    return [(name.strip(), bytes.fromhex(value.strip())) for name, _, value in fields if name.strip() != "COUNT"]


def respond(fields: list[tuple[str, bytes]]) -> bytes:
    """DRBGVS: instantiate, perhaps reseed, and the second of two outputs, each perhaps after a reseed."""
    given_once = dict(fields)
    generator = HashDrbg(given_once["EntropyInput"], given_once["Nonce"], given_once["PersonalizationString"])
    if "EntropyInputReseed" in given_once:
        generator.reseed(given_once["EntropyInputReseed"], given_once["AdditionalInputReseed"])
    additional = [value for name, value in fields if name == "AdditionalInput"]
    fresh = [value for name, value in fields if name == "EntropyInputPR"]
    output = b""
    for index, extra in enumerate(additional):
        if fresh:
            generator.reseed(fresh[index], extra)
        output = generator.generate(len(given_once["ReturnedBits"]), b"" if fresh else extra)
    return output


@pytest.mark.parametrize("case", CAVP["cases"], ids=lambda case: case["id"])
def test_cavp(case: dict[str, Any]) -> None:
    fields = parse_rsp(case["lines"])
    assert respond(fields) == dict(fields)["ReturnedBits"]


@pytest.mark.parametrize("case", CAVP["cases"], ids=lambda case: case["id"])
def test_every_input_counts(case: dict[str, Any]) -> None:
    """One flipped bit in any field that is not empty gives other bits."""
    fields = parse_rsp(case["lines"])
    expected = dict(fields)["ReturnedBits"]
    for index, (name, value) in enumerate(fields):
        if value and name != "ReturnedBits":
            changed = [*fields[:index], (name, bytes([value[0] ^ 1]) + value[1:]), *fields[index + 1 :]]
            assert respond(changed) != expected, name


@given(st.lists(st.integers(0, 200), min_size=1, max_size=5))
def test_is_determined_by_its_inputs_and_requests(sizes: list[int]) -> None:
    first, second = HashDrbg(ENTROPY, NONCE), HashDrbg(ENTROPY, NONCE)
    outputs = [first.generate(size) for size in sizes]
    assert outputs == [second.generate(size) for size in sizes]
    assert list(map(len, outputs)) == sizes
    assert first.generate(32) != first.generate(32)


def test_largest_request() -> None:
    assert len(HashDrbg(ENTROPY, NONCE).generate(MAX_REQUEST_BYTES)) == 65_536


@pytest.mark.parametrize("count", [-1, MAX_REQUEST_BYTES + 1])
def test_request_out_of_range(count: int) -> None:
    with pytest.raises(InputError) as caught:
        HashDrbg(ENTROPY, NONCE).generate(count)
    assert str(caught.value) == f"a Hash_DRBG request is out of range; expected 0 to 65536; got {count}"


def test_too_little_entropy() -> None:
    message = "^Hash_DRBG needs more entropy; expected 32 bytes or more; got 31$"
    with pytest.raises(InputError, match=message):
        HashDrbg(ENTROPY[1:], NONCE)
    with pytest.raises(InputError, match=message):
        HashDrbg(ENTROPY, NONCE).reseed(ENTROPY[1:])


def test_too_short_nonce() -> None:
    with pytest.raises(InputError, match=r"^Hash_DRBG needs a longer nonce; expected 16 bytes or more; got 15$"):
        HashDrbg(ENTROPY, NONCE[1:])


def test_reseed_is_due_after_the_interval() -> None:
    generator = HashDrbg(ENTROPY, NONCE)
    generator._HashDrbg__requests = RESEED_INTERVAL  # pyright: ignore[reportAttributeAccessIssue]
    generator.generate(1)
    with pytest.raises(
        ResourceError, match=f"^Hash_DRBG must be reseeded; expected at most {RESEED_INTERVAL} requests$"
    ):
        generator.generate(1)
    generator.reseed(ENTROPY)
    generator.generate(1)


def test_state_is_not_shown() -> None:
    assert repr(HashDrbg(ENTROPY, NONCE)) == "HashDrbg(…)"
