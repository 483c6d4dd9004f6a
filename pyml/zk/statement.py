"""What is proved, free of any engine: architecture, numeric parameters, data set; one digest over all of it.

Source: sCrypt, "Zero-Knowledge Private Machine Learning on Bitcoin" (private input, private model). Everything in this
module is public: it is written to ``circuit.toml``, pinned by ``digests.toml`` and registered on chain as
``statementDigest``. Weights never enter it; the shifts and bias units of the architecture do, and tell the magnitude
of a layer to within a factor of two.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast

from pyml.errors import CircuitError
from pyml.ml.shapes import Convolution, LayerShape, Pool, require_chain

Kind = Literal["private_model_accuracy", "private_model_inference", "model_link", "private_input"]
KINDS: tuple[Kind, ...] = ("private_model_accuracy", "private_model_inference", "model_link", "private_input")
ANY_INPUT = "0" * 64
"""The subject of inference and link circuits: they are about no particular data."""

MAX_FEATURES = 1 << 13
"""Of a public input: as ``contracts/zk/Features.sol`` has it."""
MAX_DEGREE = 26
"""Largest k: the powers of tau end at 2^26 (``srs.py``)."""
GUARD_ROWS = 64
"""Rows of the lookup table left free below -2**lookup_bits, so that it fits 2**(lookup_bits + 1) rows with blinding."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network in the integers: ``h = [x, unit]·W``, then ``x = pool(max(h >> shift, 0))``; the last h are the logits.

    A convolution takes the product at each position of its kernel (``pyml.ml.shapes``).
    """

    sizes: tuple[int, ...]
    """Widths of the flat values between layers, from input to logits."""
    bias_units: tuple[int, ...]
    """Value of the constant input column of each layer: the power of two that its biases count in."""
    shifts: tuple[int, ...]
    """Bits dropped (floor) after each hidden layer; one fewer than layers."""
    weight_bits: int
    input_max: int
    convolutions: tuple[LayerShape, ...] = ()
    """Shapes of the first layers, where these are convolutions; the others are dense."""

    def __post_init__(self) -> None:
        layers = len(self.sizes) - 1
        if layers < 1 or min(self.sizes) < 1 or self.sizes[-1] < 2:
            raise CircuitError("an architecture needs positive widths and at least two classes", got=self.sizes)
        if len(self.bias_units) != layers or len(self.shifts) != layers - 1:
            raise CircuitError(
                "bias units or shifts do not match the number of layers",
                expected=(layers, layers - 1),
                got=(len(self.bias_units), len(self.shifts)),
            )
        if any(unit < 1 or unit & (unit - 1) or unit > 2**24 for unit in self.bias_units):
            raise CircuitError("a bias unit is not a power of two up to 2^24", got=self.bias_units)
        if any(shift < 0 for shift in self.shifts) or not 2 <= self.weight_bits <= 16 or self.input_max < 1:
            raise CircuitError(
                "shifts, weight_bits or input_max are out of range", got=(self.shifts, self.weight_bits, self.input_max)
            )
        if len(self.convolutions) >= layers or any(shape.convolution is None for shape in self.convolutions):
            raise CircuitError("convolutions come first, and the last layer is dense", got=self.convolutions)
        if tuple(shape.outputs for shape in self.shapes) != self.sizes[1:] or self.shapes[0].inputs != self.sizes[0]:
            raise CircuitError("the convolutions do not fit the widths", got=self.sizes)
        require_chain(self.shapes)

    @property
    def shapes(self) -> tuple[LayerShape, ...]:
        """Every layer's shape."""
        dense = self.sizes[len(self.convolutions) :]
        return (*self.convolutions, *(LayerShape(*pair) for pair in itertools.pairwise(dense)))

    @property
    def layers(self) -> int:
        return len(self.sizes) - 1

    @property
    def offset(self) -> int:
        """B: weights enter as w + B, which the lookup shows to be non-negative."""
        return 1 << (self.weight_bits - 1)

    @property
    def parameters(self) -> int:
        """Weights and biases together."""
        return sum((shape.fan_in + 1) * shape.fan_out for shape in self.shapes)


@dataclass(frozen=True, slots=True)
class Numerics:
    """Sizes of the gadgets; every one is public and part of the digest."""

    lookup_bits: int = 13
    """b: the table is exact ReLU at least from -2**b + GUARD_ROWS, and exactly up to 2**b - 1; a limb holds b bits."""
    margin_limbs: int = 2
    """Limbs of a logit margin: margins below 2**(lookup_bits * margin_limbs) can be proved."""
    committed_salts: int = 256
    """Random field elements behind the committed tensor; it may appear in one proof fewer (``proof_limit``)."""
    witness_salts: int = 4
    """Random field elements behind the witness tensor, fresh in every proof."""
    lookup_salts: int = 384
    """Random table entries that pass the lookup, fresh in every proof: the engine commits to how often each table
    entry is looked up, and blinds neither that commitment nor its evaluation."""

    def __post_init__(self) -> None:
        if not 8 <= self.lookup_bits <= 22 or not 1 <= self.margin_limbs <= 4:
            raise CircuitError("lookup_bits or margin_limbs out of range", got=(self.lookup_bits, self.margin_limbs))
        if min(self.committed_salts, self.witness_salts) < 2 or self.lookup_salts < 1:
            raise CircuitError("tensors without salt would reveal the secret", expected="at least 2 salt entries each")

    @property
    def proof_limit(self) -> int:
        """Proofs that t salts hide: each reveals one linear relation on them, and the commitment itself is one more."""
        return self.committed_salts - 1

    @property
    def table_low(self) -> int:
        return -(1 << self.lookup_bits) + GUARD_ROWS

    @property
    def table_high(self) -> int:
        return (1 << self.lookup_bits) - 1


@dataclass(frozen=True, slots=True)
class Statement:
    """One circuit's public statement. ``samples`` is 1 for all but ``private_model_accuracy``."""

    kind: Kind
    architecture: Architecture
    samples: int
    subject: str
    """sha256, 64 hexadecimal digits: of the labelled set (accuracy), of the public integer model (private input), or
    ``ANY_INPUT`` (inference, link)."""
    subject_name: str
    degree: int = 0
    """k of the circuit, 0 for the least that fits. A commitment is one under one k, so that circuits which share a
    model's commitment (parts of a set, inference) share k."""
    numerics: Numerics = field(default_factory=Numerics)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CircuitError("unknown circuit", expected=" or ".join(KINDS), got=self.kind)
        if self.samples < 1 or (self.kind != "private_model_accuracy" and self.samples != 1):
            raise CircuitError(
                "wrong number of samples", expected="1 or more for private_model_accuracy, else 1", got=self.samples
            )
        any_input = self.kind in ("private_model_inference", "model_link")
        lowest = 1 if any_input else 0
        highest = MAX_DEGREE if self.private_model else 0
        if not lowest <= self.degree <= highest:
            raise CircuitError(f"wrong degree for {self.kind}", expected=f"{lowest} to {highest}", got=self.degree)
        if any_input != (self.subject == ANY_INPUT):
            raise CircuitError(f"wrong subject for {self.kind}", got=self.subject[:80])
        if len(self.subject) != 64 or set(self.subject) - set("0123456789abcdef"):
            raise CircuitError("subject is not a sha256 digest", got=self.subject[:80])
        high, needed = self.numerics.table_high, 2 * self.architecture.offset - 1
        if needed > high or self.architecture.input_max > high:
            raise CircuitError(
                "weights or inputs are wider than the lookup table",
                expected=f"weight_bits and input_max within {self.numerics.lookup_bits} bits",
                got=(self.architecture.weight_bits, self.architecture.input_max),
                hint="Raise lookup_bits or quantise to fewer bits.",
            )
        if self.kind == "private_model_inference" and (
            self.architecture.input_max >= 1 << 16 or self.architecture.sizes[0] > MAX_FEATURES
        ):
            raise CircuitError(
                "a public input has two bytes a feature",
                expected=f"at most {MAX_FEATURES} features below 2^16",
                got=(self.architecture.sizes[0], self.architecture.input_max),
            )
        if any(shift > self.numerics.lookup_bits for shift in self.architecture.shifts):
            raise CircuitError("a shift is wider than a limb", expected=f"<= {self.numerics.lookup_bits}")

    @property
    def private_model(self) -> bool:
        """Whether the weights are the secret; else the input is."""
        return self.kind != "private_input"

    @property
    def public_outputs(self) -> int:
        """ρ, the checks, the evaluation of a public input, and the result."""
        return self.checks + (3 if self.kind == "private_model_inference" else 2)

    @property
    def checks(self) -> int:
        """Number of public outputs that must be zero."""
        if self.kind == "model_link":
            return 0
        if self.private_model:
            return self.architecture.layers + 2
        return 3 + sum(1 for shift in self.architecture.shifts if shift)

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON form, in hexadecimal; the same on every machine."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """The canonical form; a perceptron has no key ``convolutions``."""
        table: dict[str, Any] = {"version": 1, **asdict(self)}
        table["architecture"].pop("convolutions")
        if self.architecture.convolutions:
            tables = [_convolution_table(shape) for shape in self.architecture.convolutions]
            table["architecture"]["convolutions"] = tables
        return table

    def to_toml(self) -> str:
        """The text of ``circuit.toml``."""
        shape = self.architecture
        numerics = "\n".join(f"{name} = {value}" for name, value in asdict(self.numerics).items())
        return (
            "# Public statement of a pyml circuit. Its sha256 digest (canonical JSON) is registered on chain.\n"
            f'version = 1\nkind = "{self.kind}"\nsamples = {self.samples}\n'
            f'subject = "{self.subject}"\nsubject_name = {_toml_string(self.subject_name)}\ndegree = {self.degree}\n\n'
            "[visibility]\n" + _VISIBILITY[self.kind] + "\n"
            f"[architecture]\nsizes = {list(shape.sizes)}\nbias_units = {list(shape.bias_units)}\n"
            f"shifts = {list(shape.shifts)}\nweight_bits = {shape.weight_bits}\ninput_max = {shape.input_max}\n\n"
            f"{_convolutions_toml(shape.convolutions)}[numerics]\n{numerics}\n"
        )


_VISIBILITY: dict[Kind, str] = {
    "private_model_accuracy": (
        'committed = "private, KZG commitment is public"  # weights and biases\n'
        'witness = "private, KZG commitment is public"  # activations, logits, margins\n'
        'data = "fixed in the verifying key"\nlabels = "fixed in the verifying key"\n'
        'challenge = "public"\nchecks = "public, must be 0"\ncount = "public"\n'
    ),
    "private_model_inference": (
        'committed = "private, KZG commitment is public"  # weights and biases\n'
        'witness = "private, KZG commitment is public"  # input, activations, logits, one-hot answer, margins\n'
        'challenge = "public"\nchecks = "public, must be 0"\n'
        'evaluation = "public, must be the input\'s polynomial at the challenge"\nlabel = "public"\n'
    ),
    "model_link": (
        'committed = "private, KZG commitment is public"  # weights and biases\n'
        'challenge = "public"\nfingerprint = "public, must be that under the other commitment"\n'
    ),
    "private_input": (
        'committed = "private, KZG commitment is public"  # the input\n'
        'witness = "private, KZG commitment is public"  # limbs, one-hot answer, margins\n'
        'model = "fixed in the verifying key"\n'
        'challenge = "public"\nchecks = "public, must be 0"\nlabel = "public"\n'
    ),
}


def _toml_string(text: str) -> str:
    """JSON's escapes are TOML's, but for DEL and for the halves of surrogate pairs, which TOML has no escape for."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_statement(path: Path) -> Statement:
    """Read ``circuit.toml``; raises ``CircuitError`` with the offending key on anything malformed."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CircuitError(f"{path} does not exist", hint="Make it with `pyml zk export`.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise CircuitError(f"{path} cannot be read: {error}") from error
    return statement_from_dict({name: value for name, value in table.items() if name != "visibility"})


def statement_from_dict(table: dict[str, Any]) -> Statement:
    """Inverse of ``Statement.as_dict``; refuses unknown or missing keys and wrong types."""
    known = {"version", "kind", "samples", "subject", "subject_name", "degree", "architecture", "numerics"}
    if set(table) != known or table["version"] != 1:
        raise CircuitError("a circuit statement has the wrong keys", expected=sorted(known), got=sorted(table))
    try:
        shape, numerics = dict(table["architecture"]), dict(table["numerics"])
        if odd := set(numerics) ^ {item.name for item in fields(Numerics)}:
            raise KeyError(", ".join(sorted(odd)))
        architecture = Architecture(
            sizes=_integers(shape.pop("sizes")),
            bias_units=_integers(shape.pop("bias_units")),
            shifts=_integers(shape.pop("shifts")),
            weight_bits=_integer(shape.pop("weight_bits")),
            input_max=_integer(shape.pop("input_max")),
            convolutions=tuple(_convolution(dict(each)) for each in shape.pop("convolutions", [])),
        )
        if shape:
            raise CircuitError("unknown architecture keys", got=sorted(shape))
        return Statement(
            kind=table["kind"],
            architecture=architecture,
            samples=_integer(table["samples"]),
            subject=str(table["subject"]),
            subject_name=str(table["subject_name"]),
            degree=_integer(table["degree"]),
            numerics=Numerics(**{name: _integer(value) for name, value in numerics.items()}),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CircuitError(f"a circuit statement is malformed: {error}") from error


def _convolution_table(shape: LayerShape) -> dict[str, Any]:
    table = {"channels": shape.fan_out, **asdict(_geometry(shape))}
    return table if shape.pool is None else table | {"pool": shape.pool.kind, "pool_size": shape.pool.size}


def _geometry(shape: LayerShape) -> Convolution:
    if shape.convolution is None:
        raise CircuitError("a dense layer is no convolution", got=shape)
    return shape.convolution


def _convolutions_toml(shapes: tuple[LayerShape, ...]) -> str:
    blocks: list[str] = []
    for shape in shapes:
        lines = [f"{name} = {json.dumps(value)}" for name, value in _convolution_table(shape).items()]
        blocks.append("\n".join(["[[architecture.convolutions]]", *lines, "", ""]))
    return "".join(blocks)


def _convolution(table: dict[str, Any]) -> LayerShape:
    """Inverse of ``_convolution_table`` for untrusted input."""
    channels = _integer(table.pop("channels"))
    pool = None
    if "pool" in table:
        pool = Pool(table.pop("pool"), _integer(table.pop("pool_size")))
    convolution = Convolution(
        in_channels=_integer(table.pop("in_channels")),
        height=_integer(table.pop("height")),
        width=_integer(table.pop("width")),
        kernel=_pair(table.pop("kernel")),
        stride=_pair(table.pop("stride")),
        padding=_pair(table.pop("padding")),
    )
    if table:
        raise CircuitError("unknown keys of a convolution", got=sorted(table))
    return LayerShape(convolution.fan_in, channels, convolution, pool)


def _pair(value: object) -> tuple[int, int]:
    numbers = _integers(value)
    if len(numbers) != 2:
        raise TypeError(f"expected rows and columns, got {numbers}")
    return numbers[0], numbers[1]


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"expected an integer, got {value!r}")
    return value


def _integers(values: object) -> tuple[int, ...]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"expected a list of integers, got {values!r}")
    return tuple(_integer(value) for value in cast("list[object]", values))
