"""The circuits as PyTorch modules, whose ONNX form the engine compiles; C-numbers are those of each ``SPEC.md``.

Everything is exact arithmetic in the BN254 scalar field on integers at scale 0; no value is ever rescaled by the
engine. The one non-linear operator is HardSwish, which on integers is exact ReLU, as a lookup over
[table_low, table_high]: it is activation and range check in one cell. Matrix products with a secret factor are not laid
out; their results are witnesses, checked by random evaluation (Freivalds) at powers of ``challenge``, which is a hash
of the commitments to all private tensors:

    r_i = ρ^i for samples i < N,  s_j = (ρ^N)^j for columns j,  hence r_i·s_j are distinct powers of ρ.

Source: Freivalds 1977; Schwartz-Zippel. The engine's own Freivalds option is never used: it is unsound (rule 1 of
``docs/threat-model.md``). Values are picked with constant-index gathers, which cost no cells; slices would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pyml.errors import CircuitError
from pyml.ml.shapes import LayerShape
from pyml.zk.layout import Layout, committed_layout, witness_layout
from pyml.zk.sparse import SparseColumns
from pyml.zk.statement import Statement


class _Gadgets(nn.Module):
    """What all circuits share: unpacking, range checks, the answer to one sample, and the statement's numbers."""

    def __init__(self, statement: Statement) -> None:
        super().__init__()
        self.statement = statement
        self.committed = committed_layout(statement)
        self.witness = witness_layout(statement)
        self.limb = float(1 << statement.numerics.lookup_bits)

    def dummy_inputs(self) -> tuple[Tensor, ...]:
        """Zero tensors of the right shapes, for export; a circuit without a witness has no such input."""
        return tuple(torch.zeros(size) for size in (self.committed.size, self.witness.size, 1) if size)

    def positive_parts(self, tensor: Tensor, layout: Layout) -> Tensor:
        """ReLU of the looked-up prefix: at once the range check of its entries (C1)."""
        return nn.functional.hardswish(_select(tensor, 0, layout.looked_up))

    def from_limbs(self, parts: dict[str, Tensor], evaluate: _Evaluation) -> Tensor:
        """Random evaluation of the margins Σ 2^(b·i)·margin_i: each limb is the output of a ReLU, so it is >= 0."""
        total = evaluate.at(parts["margin_0"])
        for index in range(1, self.statement.numerics.margin_limbs):
            total = total + self.limb**index * evaluate.at(parts[f"margin_{index}"])
        return total

    def answer(
        self, logits: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], powers: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Checks that the answer is one-hot and strictly ahead of every other class; and its index, the label.

        ``logits`` [1, classes]. ``AccuracyGraph`` does without: its labels are constants.
        """
        classes = self.statement.architecture.sizes[-1]
        answer = values["answer"]
        columns = _select(powers, 0, classes).reshape(-1, 1)
        one_hot = (answer * answer - answer) @ columns
        one_hot = one_hot + (answer.sum(dim=1, keepdim=True) - 1.0) * _select(powers, classes, 1).reshape(1, 1)
        own_logit = (answer * logits).sum(dim=1, keepdim=True)
        lead = (own_logit - logits - 1.0 + 2.0 * answer) @ columns
        margins = lead - self.from_limbs(clipped, _Evaluation(torch.ones(1, 1), columns))
        label = answer @ torch.arange(classes, dtype=torch.float32).reshape(-1, 1)
        return one_hot, margins, label


class _PrivateModel(_Gadgets):
    """Layers with secret weights, whose products are witnesses: what accuracy and inference share."""

    def layers(
        self, committed: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], folded: Tensor, powers: _Powers
    ) -> tuple[list[Tensor], Tensor]:
        """One check a layer (C2, C3) of the model in ``committed``, and Σ_j t_j·z_ij [samples, 1].

        ``folded`` [1, features] is Σ_i r_i x_i over the input samples.
        """
        shape = self.statement.architecture
        weights = _unpack(self.positive_parts(committed, self.committed), self.committed)  # C1
        checks: list[Tensor] = []
        for layer, each in enumerate(shape.shapes, start=1):
            evaluate = powers.evaluation(each)
            product = self._product(layer, weights[f"weights_{layer}"], folded, evaluate, powers)
            if layer == shape.layers:
                scores = values["logits"] @ evaluate.columns
                checks.append(product - evaluate.rows @ scores)  # C3
                return checks, scores
            shift = shape.shifts[layer - 1]
            if shift:
                scaled = float(1 << (self.statement.numerics.lookup_bits - shift)) * product
                high = values[f"high_{layer}"]
                checks.append(scaled - evaluate.at(clipped[f"low_{layer}"]) - self.limb * evaluate.at(high))  # C2
                activations = clipped[f"high_{layer}"]
            else:
                checks.append(product - evaluate.at(values[f"hidden_{layer}"]))  # C2
                activations = clipped[f"hidden_{layer}"]
            folded = _folded(each, activations, powers.rows(shape.shapes[layer]))
        raise CircuitError("a network needs at least one layer")

    def _product(self, layer: int, weights: Tensor, folded: Tensor, evaluate: _Evaluation, powers: _Powers) -> Tensor:
        """Random evaluation [1, 1] of [x, unit]·(U − B) at all samples and positions, from Σ_i r_i x_i."""
        shape = self.statement.architecture
        each, unit = shape.shapes[layer - 1], float(shape.bias_units[layer - 1])
        if each.convolution is None:
            ones = evaluate.rows.sum(dim=1, keepdim=True) * unit
            folded = torch.cat([folded, ones], dim=1)
            product = folded @ (weights @ evaluate.columns)
            return product - float(shape.offset) * folded.sum(dim=1, keepdim=True) * evaluate.columns.sum()
        columns, places = powers.channels(each), powers.positions(each)
        kernel = (weights @ columns - float(shape.offset) * columns.sum()).reshape(-1)  # Σ_c t_c (U − B)_kc
        spread = _transposed(each, kernel, places).reshape(-1, 1)
        bias = _select(kernel, each.fan_in, 1).reshape(1, 1) * places.sum() * unit
        return folded @ spread + bias * evaluate.rows.sum()


class AccuracyGraph(_PrivateModel):
    """``private_model_accuracy``: (weights, witness, ρ) → (ρ, checks…, count) for fixed samples and labels.

    ``inputs`` are integers [samples, features] (float tensor), ``labels`` integers [samples].
    """

    def __init__(self, statement: Statement, inputs: Tensor, labels: Tensor) -> None:
        super().__init__(statement)
        rows, classes = statement.samples, statement.architecture.sizes[-1]
        if inputs.shape != (rows, statement.architecture.sizes[0]) or labels.shape != (rows,):
            raise CircuitError("the data do not fit the statement", got=(tuple(inputs.shape), tuple(labels.shape)))
        if int(labels.min()) < 0 or int(labels.max()) >= classes:
            raise CircuitError("a label is out of range", expected=f"0 to {classes - 1}")
        if int(inputs.min()) < 0 or int(inputs.max()) > statement.architecture.input_max:
            raise CircuitError("a sample is out of range", expected=f"0 to {statement.architecture.input_max}")
        self.inputs = SparseColumns(inputs.float())  # exact: input_max fits the lookup table, hence 24 bits
        self.labels = labels.long()

    def forward(self, committed: Tensor, witness: Tensor, challenge: Tensor) -> tuple[Tensor, ...]:
        """Public outputs, each of one element; see the class."""
        values = _unpack(witness, self.witness)
        clipped = _unpack(self.positive_parts(witness, self.witness), self.witness)  # C1
        shapes = self.statement.architecture.shapes
        powers = _Powers(challenge, self.statement.samples, shapes)
        checks, scores = self.layers(committed, values, clipped, self.inputs.product(powers.rows(shapes[0])), powers)
        checks.extend(self._margins(values, clipped, powers, scores))  # C4, C5
        count = self._correct(clipped).sum().reshape(1)  # C6
        return (challenge, *(check.reshape(1) for check in checks), count)

    def _correct(self, clipped: dict[str, Tensor]) -> Tensor:
        """c_i [samples, 1]: kept in the label's place of the lowest margin limb, which needs no margin."""
        return clipped["margin_0"].gather(1, self.labels.reshape(-1, 1))

    def _margins(
        self, values: dict[str, Tensor], clipped: dict[str, Tensor], powers: _Powers, scores: Tensor
    ) -> tuple[Tensor, Tensor]:
        """c_i·(z_iy − z_ij − 1 + 2·[j = y]) = margin_ij for all i, j; and c_i² = c_i."""
        evaluate = powers.evaluation(self.statement.architecture.shapes[-1])
        correct = self._correct(clipped)
        claimed = evaluate.rows.reshape(-1, 1) * correct
        label_logit = values["logits"].gather(1, self.labels.reshape(-1, 1))
        all_columns = evaluate.columns.sum()
        label_column = torch.index_select(evaluate.columns.reshape(-1), 0, self.labels).reshape(-1, 1)
        lead = label_logit * all_columns - scores - all_columns + 2.0 * label_column
        margins = (claimed * lead).sum() - self.from_limbs(clipped, evaluate)
        boolean = (claimed * correct).sum() - claimed.sum()
        return margins, boolean


class PrivateInputGraph(_Gadgets):
    """``private_input``: (input, witness, ρ) → (ρ, checks…, label) for a fixed model.

    ``weights`` are integer matrices [fan_in, fan_out], ``biases`` integer vectors [fan_out] in units of 1 (float
    tensors holding exact integers).
    """

    def __init__(self, statement: Statement, weights: list[Tensor], biases: list[Tensor]) -> None:
        super().__init__(statement)
        expected = [(shape.fan_in, shape.fan_out) for shape in statement.architecture.shapes]
        if [tuple(weight.shape) for weight in weights] != expected or len(biases) != len(weights):
            raise CircuitError("the model does not fit the statement", expected=expected)
        self.weights = [weight.float() for weight in weights]
        self.biases = [bias.float().reshape(1, -1) for bias in biases]

    def forward(self, committed: Tensor, witness: Tensor, challenge: Tensor) -> tuple[Tensor, ...]:
        """Public outputs, each of one element; see the class."""
        shape = self.statement.architecture
        values = _unpack(witness, self.witness)
        clipped = _unpack(self.positive_parts(witness, self.witness), self.witness)  # C1
        widest = max(each.pre_activations for each in shape.shapes)
        powers = _powers(challenge, max(widest, *shape.sizes, shape.sizes[-1] + 1))
        features = _select(committed, 0, shape.sizes[0])
        relu = nn.functional.hardswish
        top = float(shape.input_max)
        bounded = top - relu(top - relu(features))  # C1: clamped to [0, input_max]
        checks = [(features - bounded) @ _select(powers, 0, shape.sizes[0]).reshape(-1, 1)]  # C2

        activations = bounded.reshape(1, -1)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            each = shape.shapes[layer - 1]
            product = _laid_out(each, activations, weight, bias)
            if layer == shape.layers:
                return (
                    challenge,
                    *(check.reshape(1) for check in [*checks, *self.answer(product, values, clipped, powers)]),
                )
            shift = shape.shifts[layer - 1]
            if shift:
                columns = _select(powers, 0, each.pre_activations).reshape(-1, 1)
                scaled = float(1 << (self.statement.numerics.lookup_bits - shift)) * (product @ columns)
                limbs = clipped[f"low_{layer}"] @ columns + self.limb * (values[f"high_{layer}"] @ columns)
                checks.append(scaled - limbs)  # C3
                activations = clipped[f"high_{layer}"]
            else:
                activations = relu(product)
            activations = _pooled(each, activations)
        raise CircuitError("a network needs at least one layer")


class InferenceGraph(_PrivateModel):
    """``private_model_inference``: (weights, witness, ρ) → (ρ, checks…, ρ^n + Σ ρ^i x_i, label).

    The input is public, but a witness here: whoever verifies knows it and evaluates its polynomial at ρ himself (C6),
    so that one key serves every input, and a proof has one public number for it instead of hundreds.
    """

    def forward(self, committed: Tensor, witness: Tensor, challenge: Tensor) -> tuple[Tensor, ...]:
        """Public outputs, each of one element; see the class."""
        sizes = self.statement.architecture.sizes
        values = _unpack(witness, self.witness)
        clipped = _unpack(self.positive_parts(witness, self.witness), self.witness)  # C1
        shapes = self.statement.architecture.shapes
        powers = _Powers(challenge, 1, shapes, least=max(sizes[0] + 1, *sizes, sizes[-1] + 1))
        inputs = values["input"]
        checks, _ = self.layers(committed, values, clipped, powers.rows(shapes[0]) @ inputs, powers)
        one_hot, margins, label = self.answer(values["logits"], values, clipped, powers.of_challenge)  # C4, C5, C7
        evaluation = inputs @ _select(powers.of_challenge, 0, sizes[0]).reshape(-1, 1)
        evaluation = evaluation + _select(powers.of_challenge, sizes[0], 1)  # C6, monic: the number of features counts
        outputs = [*checks, one_hot, margins, evaluation, label]
        return (challenge, *(output.reshape(1) for output in outputs))


class LinkGraph(_Gadgets):
    """``model_link``: (weights, ρ) → (ρ, Σ ρ^i u_i) over all entries u of the committed tensor, its salts too.

    Two circuits of different k that put out the same number for the same ρ, a hash of both commitments, have committed
    to the same tensor.
    """

    def forward(self, committed: Tensor, challenge: Tensor) -> tuple[Tensor, ...]:
        """Public outputs, each of one element; see the class."""
        fingerprint = committed.reshape(1, -1) @ _powers(challenge, self.committed.size).reshape(-1, 1)
        return challenge, fingerprint.reshape(1)


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Random evaluation of a matrix: rows [1, N] times matrix times columns [n, 1]."""

    rows: Tensor
    columns: Tensor

    def at(self, matrix: Tensor) -> Tensor:
        return self.rows @ (matrix @ self.columns)


class _Powers:
    """Of ρ, for layers of P positions: r_i = ρ^(P·i) for samples, ρ^p for positions, t_c = ρ^(N·P·c) for columns.

    All products r_i·ρ^p·t_c are distinct powers of ρ, the least ones: the degree of a check is N·P·C − 1. Layers with
    as many positions share theirs.
    """

    def __init__(self, challenge: Tensor, samples: int, shapes: Sequence[LayerShape], *, least: int = 1) -> None:
        self._samples = samples
        widest: dict[int, int] = {1: least}
        for shape in shapes:
            widest[shape.positions] = max(widest.get(shape.positions, 1), shape.fan_out)
        self._places: dict[int, Tensor] = {}
        self._rows: dict[int, Tensor] = {}
        self._columns: dict[int, Tensor] = {}
        for count, columns in widest.items():
            places = _powers(challenge, count)
            base = _select(places, count - 1, 1) * challenge if count > 1 else challenge
            rows = _powers(base, samples)
            self._places[count], self._rows[count] = places, rows
            self._columns[count] = _powers(_select(rows, samples - 1, 1) * base, columns)

    @property
    def of_challenge(self) -> Tensor:
        """ρ^0, ρ^1, …: the columns of a single sample."""
        return self._columns[1]

    def rows(self, shape: LayerShape) -> Tensor:
        """r_i [1, N]."""
        return self._rows[shape.positions].reshape(1, self._samples)

    def positions(self, shape: LayerShape) -> Tensor:
        """ρ^p [P]."""
        return self._places[shape.positions]

    def channels(self, shape: LayerShape) -> Tensor:
        """t_c [C, 1]."""
        return _select(self._columns[shape.positions], 0, shape.fan_out).reshape(-1, 1)

    def evaluation(self, shape: LayerShape) -> _Evaluation:
        """For matrices [N, C·P], flat as ``pyml.ml.shapes`` has them."""
        columns = self.channels(shape)
        if shape.positions > 1:
            columns = (columns * self.positions(shape).reshape(1, -1)).reshape(-1, 1)
        return _Evaluation(self.rows(shape), columns)


def _transposed(shape: LayerShape, kernel: Tensor, places: Tensor) -> Tensor:
    """g_q = Σ over the pairs (p, k) with patches[p, k] = q of ρ^p·kernel_k, for each flat input q: [inputs].

    Then Σ_p ρ^p Σ_k x_patches[p, k]·kernel_k = Σ_q x_q·g_q: a convolution is multiplied once, not once a sample.
    """
    pairs: list[list[tuple[int, int]]] = [[] for _ in range(shape.inputs)]
    for pair, target in np.ndenumerate(shape.patches()):
        if target >= 0:
            pairs[int(target)].append((pair[0], pair[1]))
    longest = max(len(each) for each in pairs)
    nothing = (0, shape.fan_in)  # an index behind the kernel, where a zero is put
    table = torch.tensor([[*each, *[nothing] * (longest - len(each))] for each in pairs])  # [inputs, longest, 2]
    weights = torch.cat([_select(kernel, 0, shape.fan_in), torch.zeros(1)])
    at_places = torch.index_select(places, 0, table[:, :, 0].reshape(-1)).reshape(shape.inputs, longest)
    at_kernel = torch.index_select(weights, 0, table[:, :, 1].reshape(-1)).reshape(shape.inputs, longest)
    return torch.einsum("jm,jm->j", at_places, at_kernel)


def _folded(shape: LayerShape, activations: Tensor, rows: Tensor) -> Tensor:
    """Σ_i r_i x_i [1, outputs] of flat activations [N, pre_activations] after the pool.

    A sum is pooled after folding, when there is one row of it; a maximum is not linear and is taken of every sample.
    """
    if shape.pool is None:
        return rows @ activations
    windows = torch.tensor(shape.windows())
    if shape.pool.kind == "max":
        return rows @ _greatest(activations, windows)
    folded = (rows @ activations).reshape(-1)
    return torch.index_select(folded, 0, windows.reshape(-1)).reshape(windows.shape).sum(dim=1).reshape(1, -1)


def _laid_out(shape: LayerShape, values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Flat pre-activations [1, C·P] of one sample [1, inputs], every product in the circuit."""
    if shape.convolution is None:
        return values @ weight + bias
    padded = torch.cat([values.reshape(-1), torch.zeros(1)])
    patches = torch.tensor(shape.patches())
    patches = torch.where(patches < 0, shape.inputs, patches)
    product = torch.index_select(padded, 0, patches.reshape(-1)).reshape(patches.shape) @ weight + bias
    by_channel = torch.arange(product.numel()).reshape(product.shape).t().reshape(-1)
    return torch.index_select(product.reshape(-1), 0, by_channel).reshape(1, -1)


def _pooled(shape: LayerShape, activations: Tensor) -> Tensor:
    """[N, outputs] of flat activations [N, pre_activations]."""
    if shape.pool is None:
        return activations
    windows = torch.tensor(shape.windows())
    if shape.pool.kind == "max":
        return _greatest(activations, windows)
    entries = torch.index_select(activations, 1, windows.reshape(-1))
    return entries.reshape(-1, *windows.shape).sum(dim=2)


def _greatest(activations: Tensor, windows: Tensor) -> Tensor:
    """Maxima [N, outputs] over windows: max(a, b) = a + relu(b − a); activations are limbs, so differences fit."""
    greatest = torch.index_select(activations, 1, windows[:, 0])
    for place in range(1, windows.shape[1]):
        other = torch.index_select(activations, 1, windows[:, place])
        greatest = greatest + nn.functional.hardswish(other - greatest)
    return greatest


def _select(tensor: Tensor, start: int, length: int) -> Tensor:
    return torch.index_select(tensor, 0, torch.arange(start, start + length))


def _unpack(tensor: Tensor, layout: Layout) -> dict[str, Tensor]:
    """The parts that lie inside ``tensor``, which may be just the looked-up prefix."""
    return {
        name: _select(tensor, part.start, part.length).reshape(part.shape)
        for name, part in layout.parts.items()
        if part.start + part.length <= tensor.shape[0]
    }


def _powers(base: Tensor, count: int) -> Tensor:
    """base^0 … base^(count-1) in log2(count) squarings."""
    powers = torch.ones(1)
    while powers.shape[0] < count:
        powers = torch.cat([powers, powers * base])
        base = base * base
    return _select(powers, 0, count)
