"""The verifier contract of one circuit: constants, in a file that inherits ``contracts/zk/native/NativeVerifier.sol``.

Source: ``circuits/native_accuracy/SPEC.md``, section 3, and ``contracts/zk/native/Key.sol``, which reads the constants.
The text depends on the verifying key, the architecture's weight bits and the address of ``WeightRanges`` alone, so
whoever has these writes the same file, and the pinned compiler makes the same code of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from eth_abi.abi import encode
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from pyml.chain.artifacts import Artifact
from pyml.chain.build import compile_sources
from pyml.chain.solc import Solc, settings_for
from pyml.chain.sources import read_with_imports
from pyml.chain.tools import SOURCE_ROOT
from pyml.crypto.challenges import domain
from pyml.errors import CircuitError, InputError
from pyml.zk.native.key import key_digest
from pyml.zk.native.layout import LAST_DEGREE_A, LAST_DEGREE_B, ROUND_DEGREE_A, ROUND_DEGREE_B, Layout
from pyml.zk.native.packing import Column
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.native.transcript import point_words

CONTRACT: Final = "NativeCircuitVerifier"
SOURCE_NAME: Final = f"contracts/generated/{CONTRACT}.sol"
ARCHITECTURE_DOMAIN: Final = domain("pyml.zk.WeightRanges.architecture.v1")
_BASE: Final = "contracts/zk/native/NativeVerifier.sol"
_OPENING_WORDS: Final = 8 * 2 + 7 + 2
"""Eight points, seven scalars, two hints."""
_MAX_UNIT: Final = 1 << 192

_TEMPLATE: Final = """\
// SPDX-License-Identifier: MIT
// Written by pyml.zk.native.solidity; do not edit. sha256 of the constants: {digest}
pragma solidity 0.8.37;

import {{IWeightRanges}} from "../zk/native/IWeightRanges.sol";
import {{NativeVerifier}} from "../zk/native/NativeVerifier.sol";

/// @title {contract}
/// @notice Experimental. N = {samples}; widths {widths}; {kind}. `Key` says what the words mean.
contract {contract} is NativeVerifier {{
    IWeightRanges private constant _RANGES = IWeightRanges({ranges});
    bytes private constant _CONSTANTS =
{constants};

    function _constants() internal pure override returns (bytes memory) {{
        return _CONSTANTS;
    }}

    function _ranges() internal pure override returns (IWeightRanges) {{
        return _RANGES;
    }}
}}
"""


def verifier_sources(key: VerifyingKey, ranges: str) -> dict[str, str]:
    """The generated file with all that it imports, by unit name: what the compiler gets."""
    generated = verifier_source(key, ranges)
    imported = read_with_imports(source_root(), [_BASE])
    return {**imported, SOURCE_NAME: generated}


def compile_verifier(key: VerifyingKey, ranges: str, solc: Solc) -> Artifact:
    """The contract that ``CircuitRegistry`` names as the circuit's dedicated verifier."""
    sources = verifier_sources(key, ranges)
    artifacts = compile_sources(solc, sources, wanted=[SOURCE_NAME], settings=settings_for(_BASE))
    return next(artifact for artifact in artifacts if artifact.name == CONTRACT)


def source_root() -> Path:
    """The folder that holds ``contracts/``: the checkout, or the package that carries a copy of it."""
    package = Path(__file__).resolve().parents[2]
    return package if (package / "contracts" / "zk" / "native").is_dir() else SOURCE_ROOT


def verifier_source(key: VerifyingKey, ranges: str) -> str:
    """The generated file; ``ranges`` is the address of ``WeightRanges`` on the chain that the verifier is for."""
    if not is_checksum_address(ranges):
        raise InputError("the address of WeightRanges is not a checksummed address", got=ranges)
    words = constants(key)
    digest = hashlib.sha256(b"".join(word.to_bytes(32, "big") for word in words)).hexdigest()
    return _TEMPLATE.format(
        contract=CONTRACT,
        digest=digest,
        samples=f"{key.shape.samples:,}",
        widths=", ".join(map(str, key.shape.widths)),
        kind="the sample is in the witness" if key.shape.data_in_witness else "samples and labels are in the key",
        ranges=ranges,
        constants="\n".join(f'        hex"{word:064x}"' for word in words),
    )


def constants(key: VerifyingKey) -> list[int]:
    """Header, layers, columns, data points: the words that ``Key.sol`` reads."""
    layout = Layout(key.shape)
    if len(key.data) != layout.data.polynomials:
        raise CircuitError(
            "the key's data does not fit its shape", expected=f"{layout.data.polynomials} points", got=len(key.data)
        )
    places = _places(layout)
    return [
        *_header(key, layout),
        *(_layer_word(layout, layer) for layer in layout.layers),
        *(0 if name not in places else _column_word(places[name]) for name in _column_names(layout)),
        *(coordinate for point in key.data for coordinate in point_words(point)),
    ]


def architecture_id(shape: Shape, tau_g2: Sequence[int]) -> bytes:
    """Under what ``WeightRanges`` records commitments to the weights of such a network."""
    types = ["bytes32", "uint32[]", "uint8", "uint256[4]"]
    return keccak(encode(types, [ARCHITECTURE_DOMAIN, shape.widths, shape.weight_bits, list(tau_g2)]))


def proof_words(layout: Layout) -> int:
    """Length of a proof."""
    points = 1 + layout.stage1.polynomials + 1 + layout.stage2.polynomials
    constraints = 1 + ROUND_DEGREE_A * (layout.v - 1) + LAST_DEGREE_A
    products = 1 + ROUND_DEGREE_B * (layout.rounds_b - 1) + LAST_DEGREE_B
    columns = 4 * layout.hidden + 6 + (0 if layout.shape.data_in_witness else 1)
    factors = 2 * layout.hidden + 2
    return 2 * points + constraints + columns + products + factors + 2 + 2 * layout.n + 1 + _OPENING_WORDS


def _header(key: VerifyingKey, layout: Layout) -> Iterator[int]:
    """The fields of ``Key.Header`` in their order."""
    shape = key.shape
    yield int.from_bytes(key_digest(key), "big")
    yield int.from_bytes(architecture_id(shape, key.tau_g2), "big")
    yield from key.tau_g2
    yield proof_words(layout)
    yield int(shape.data_in_witness)
    yield from (shape.samples, layout.n, layout.hidden, layout.v, layout.rounds_b)
    yield from (shape.limb_bits, shape.margin_limbs, shape.widths[-1])
    yield from (layout.ni, layout.nc, layout.nq, layout.nx)
    yield from (layout.nx, 1) if shape.data_in_witness else (layout.nlow, layout.chunks)
    yield from (layout.stage1.polynomials, layout.stage2.polynomials, layout.data.polynomials)


def _layer_word(layout: Layout, layer: int) -> int:
    """nh_l, nk_l, inputs without the bias, s_l, d_{l-1}, u_l."""
    shape = layout.shape
    activations = layout.nx if layer == 1 else layout.nh(layer - 1)
    shift = shape.shifts[layer - 1] if layer <= layout.hidden else 0
    unit = shape.bias_units[layer - 1]
    if unit >= _MAX_UNIT:
        raise CircuitError("a bias unit does not fit the verifier", expected="less than 2^192", got=unit)
    low = layout.nh(layer) | layout.nk(layer) << 8 | activations << 16 | shift << 24
    return low | shape.widths[layer - 1] << 32 | unit << 64


def _column_names(layout: Layout) -> Iterator[str]:
    """The order of ``Key.columnOf``; Y has a place, if an empty one, in every circuit."""
    for layer in layout.hidden_layers:
        yield from (f"{name}_{layer}" for name in ("G", "L0", "L1", "R"))
    yield from ("GM", "ML", "GT", "M", "c", "Y")
    yield from (f"W_{layer}" for layer in layout.layers)
    yield "K"
    yield from ["XI"] if layout.shape.data_in_witness else (f"X_{chunk}" for chunk in range(layout.chunks))


def _places(layout: Layout) -> dict[str, Column]:
    """Columns by name, their polynomials counted from the first of stage 1: stage 1, S, stage 2, W, data."""
    first, places = 0, dict[str, Column]()
    for packing, cover in ((layout.stage1, 1), (layout.stage2, 0), (layout.model, 0), (layout.data, 0)):
        for column in packing.columns:
            places[column.name] = Column(column.name, column.variables, first + column.polynomial, column.offset)
        first += packing.polynomials + cover
    return places


def _column_word(column: Column) -> int:
    """Variables, polynomial, prefix."""
    return column.variables | column.polynomial << 8 | (column.offset >> column.variables) << 24
