"""Post-training quantisation of perceptrons and small CNNs to integers for circuits that never rescale.

A float layer h = a @ W + b becomes h' = a' @ W' + unit * b' with a' = a / s_a, W' = round(W / s_w), h' = h / s_a / s_w:
scales multiply from layer to layer, and since ReLU, maxima, sums and the order of logits do not mind a positive factor,
nothing is divided except by ``2**shift`` (rounding down), and that only where the pre-activations met in calibration
would not fit ``activation_max``, with a quarter of it kept as headroom.

Weights and biases both live in [-B, B - 1] (symmetric, one scale a tensor), because both pass the same lookup in the
circuit; the bias reaches its scale through ``unit``, the smallest power of two at which it fits, which makes its
rounding error, at most unit / 2, as small as the range allows. The unit is public and so tells the magnitude of the
largest bias to within a factor of two.

The only freedom is how far to clip each weight tensor. It is chosen layer by layer from a fixed grid, for the least
mean squared error of the *logits* on the first calibration inputs when the layers behind it are still float. Shifts
follow from all calibration inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError, ModelError
from pyml.ml.affine import AffineLayer, forward
from pyml.ml.integer import IntArray, IntegerLayer, IntegerNetwork, correct, logits, predict, require_inputs
from pyml.ml.shapes import require_chain

CLIP_GRID = tuple(step / 40 for step in range(40, 11, -1))
"""Clipping thresholds tried, as a share of the tensor's greatest magnitude: 1, 0.975, … 0.3."""

SEARCH_SAMPLES = 2_000
"""Calibration inputs that clipping is chosen on; more would only make it slower."""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """An integer network and the factors that lead back: float input = input_scale * integer, logit likewise."""

    network: IntegerNetwork
    input_scale: float
    logit_scale: float
    clips: tuple[float, ...]
    """The share of each layer's greatest weight that was kept (1 means nothing was clipped)."""


@dataclass(frozen=True, slots=True)
class QuantisationReport:
    """What quantisation cost on the given samples; logit errors are in float units. Ties count as wrong throughout."""

    samples: int
    float_accuracy: float
    integer_accuracy: float
    agreement: float
    max_logit_error: float
    mean_logit_error: float
    max_float_logit: float

    @property
    def accuracy_loss(self) -> float:
        """Float accuracy minus integer accuracy."""
        return self.float_accuracy - self.integer_accuracy


def quantise(
    layers: Sequence[AffineLayer],
    calibration: IntArray,
    *,
    input_scale: float,
    input_max: int,
    bits: int = 8,
    activation_max: int | None = None,
) -> Quantisation:
    """Quantise float layers trained on inputs ``input_scale * integer`` with integer inputs in [0, input_max].

    ``calibration`` holds integer inputs [samples, features]; a few hundred are enough. Deterministic. For images made
    by ``datasets.integers(…, bits=…)`` the scale is ``2**datasets.input_shift(…) / pixel_max``. ``activation_max``
    bounds hidden pre-activations after their shift, as the circuit's lookup table does; ``None`` never shifts.
    """
    _require_arguments(layers, calibration, input_scale, input_max, bits, activation_max)
    inputs = np.asarray(calibration)
    exact = inputs[:SEARCH_SAMPLES].astype(np.float64) * input_scale
    target = forward(layers, exact)
    activations, scale = exact / input_scale, input_scale
    done: list[IntegerLayer] = []
    clips: list[float] = []
    for index in range(len(layers)):
        chosen = min(
            (
                _try_clip(layers[index:], 1 << (bits - 1), clip, activations, scale, activation_max, target)
                for clip in CLIP_GRID
            ),
            key=lambda trial: trial.error,
        )
        layer, scale = chosen.layer, chosen.scale
        if activation_max is not None and index + 1 < len(layers):
            so_far = IntegerNetwork((*done, replace(layer, pool=None)), bits, input_max)
            layer = replace(layer, shift=_shift(logits(so_far, inputs), activation_max))
        activations = _activations(layer, chosen.pre)
        scale *= 2**layer.shift
        done.append(layer)
        clips.append(chosen.clip)
    return Quantisation(IntegerNetwork(tuple(done), bits, input_max), input_scale, scale, tuple(clips))


def measure(
    quantisation: Quantisation, layers: Sequence[AffineLayer], inputs: IntArray, labels: IntArray
) -> QuantisationReport:
    """Compare the integer network with the float layers on integer inputs [samples, features] and their labels."""
    network = quantisation.network
    values = require_inputs(network, inputs)
    if not len(values):
        raise InputError("no samples to measure on")
    float_logits = forward(layers, values.astype(np.float64) * quantisation.input_scale)
    integer_logits = logits(network, values).astype(np.float64) * quantisation.logit_scale
    errors = np.abs(integer_logits - float_logits)
    float_answers = _strict_answers(float_logits)
    matched = correct(network, values, labels)
    return QuantisationReport(
        samples=len(values),
        float_accuracy=float((float_answers == np.asarray(labels)).mean()),
        integer_accuracy=float(matched.mean()),
        agreement=float((float_answers == predict(network, values)).mean()),
        max_logit_error=float(errors.max()),
        mean_logit_error=float(errors.mean()),
        max_float_logit=float(np.abs(float_logits).max()),
    )


@dataclass(frozen=True, slots=True)
class _Trial:
    """One clipping threshold for one layer, not shifted yet, and the mean squared logit error that it leads to."""

    error: float
    clip: float
    layer: IntegerLayer
    scale: float
    pre: NDArray[np.float64]


def _try_clip(
    layers: Sequence[AffineLayer],
    half: int,
    clip: float,
    activations: NDArray[np.float64],
    scale: float,
    activation_max: int | None,
    target: NDArray[np.float64],
) -> _Trial:
    """Quantise the first of ``layers`` with ``clip`` and run the rest of them as floats."""
    rest = layers[1:]
    layer, scale = _quantise_layer(layers[0], half, clip, scale)
    bias = layer.bias.astype(np.float64) * float(layer.bias_unit)
    pre = layer.shape.multiply(activations, layer.weight.astype(np.float64)) + layer.shape.spread(bias)
    outputs = pre * scale
    if rest:
        shift = 0 if activation_max is None else _shift(pre, activation_max)
        outputs = forward(rest, _activations(replace(layer, shift=shift), pre) * (scale * 2**shift))
    return _Trial(float(np.mean((outputs - target) ** 2)), clip, layer, scale, pre)


def _activations(layer: IntegerLayer, pre: NDArray[np.float64]) -> NDArray[np.float64]:
    return layer.shape.reduce(np.maximum(np.floor(pre / 2**layer.shift), 0.0))


def _quantise_layer(layer: AffineLayer, half: int, clip: float, input_scale: float) -> tuple[IntegerLayer, float]:
    top = float(np.abs(layer.weight).max()) * clip
    scale = top / (half - 1) if top > 0 else 1.0
    weight = np.clip(np.rint(layer.weight / scale), -half, half - 1).astype(np.int64)
    out_scale = input_scale * scale
    if not 1e-250 < out_scale < 1e250:
        raise ModelError(f"layer {layer.name}: weights are too large or too small to quantise", got=f"{top:g}")
    with np.errstate(over="ignore"):
        wanted = layer.bias / out_scale
    if not (np.abs(wanted) < 1e250).all():
        raise ModelError(f"layer {layer.name}: biases are too large beside the weights to quantise")
    unit = _bias_unit(wanted, half)
    bias = np.clip(np.rint(wanted / unit), -half, half - 1).astype(np.int64)
    return IntegerLayer(weight, bias, unit, convolution=layer.convolution, pool=layer.pool), out_scale


def _shift(pre: IntArray, activation_max: int) -> int:
    """The fewest bits to drop so that the calibration's pre-activations fill at most three quarters of the range."""
    shift = 0
    while float(np.abs(pre).max()) / 2**shift > 0.75 * activation_max:
        shift += 1
    return shift


def _bias_unit(wanted: NDArray[np.float64], half: int) -> int:
    """The least power of two at which every bias rounds into [-half, half - 1]."""
    unit = 1
    while np.rint(wanted.max() / unit) > half - 1 or np.rint(wanted.min() / unit) < -half:
        unit *= 2
    return unit


def _strict_answers(values: NDArray[np.float64]) -> NDArray[np.int64]:
    top = values.max(axis=1, keepdims=True)
    return np.where((values == top).sum(axis=1) > 1, -1, values.argmax(axis=1)).astype(np.int64)


def _require_arguments(
    layers: Sequence[AffineLayer],
    calibration: IntArray,
    input_scale: float,
    input_max: int,
    bits: int,
    activation_max: int | None,
) -> None:
    require_chain([layer.shape for layer in layers])
    if not 2 <= bits <= 31:
        raise InputError("weight width is out of range", expected="2 to 31 bits", got=bits)
    if activation_max is not None and activation_max < 1:
        raise InputError("activation_max must be positive", got=activation_max)
    if not (np.isfinite(input_scale) and input_scale > 0) or input_max < 1:
        raise InputError("input scale and range must be positive", got=(input_scale, input_max))
    values = np.asarray(calibration)
    features = layers[0].shape.inputs
    if values.ndim != 2 or values.shape[1] != features or not len(values) or values.dtype.kind not in "iu":
        raise InputError(
            "calibration inputs do not fit the network",
            expected=f"integers [samples > 0, {features}]",
            got=f"{values.dtype} {list(values.shape)}",
        )
    if values.min() < 0 or values.max() > input_max:
        raise InputError("a calibration input is out of range", expected=f"[0, {input_max}]", got=int(values.max()))
