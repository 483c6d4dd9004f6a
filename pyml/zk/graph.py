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

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pyml.errors import CircuitError
from pyml.zk.layout import Layout, committed_layout, witness_layout
from pyml.zk.statement import Statement


class _Gadgets(nn.Module):
    """What both circuits share: unpacking, powers, and the statement's numbers."""

    def __init__(self, statement: Statement) -> None:
        super().__init__()
        self.statement = statement
        self.committed = committed_layout(statement)
        self.witness = witness_layout(statement)
        self.limb = float(1 << statement.numerics.lookup_bits)

    def dummy_inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Zero tensors of the right shapes, for export."""
        return torch.zeros(self.committed.size), torch.zeros(self.witness.size), torch.zeros(1)

    def positive_parts(self, tensor: Tensor, layout: Layout) -> Tensor:
        """ReLU of the looked-up prefix: at once the range check of its entries (C1)."""
        return nn.functional.hardswish(_select(tensor, 0, layout.looked_up))

    def from_limbs(self, parts: dict[str, Tensor], evaluate: _Evaluation) -> Tensor:
        """Random evaluation of the margins Σ 2^(b·i)·margin_i: each limb is the output of a ReLU, so it is >= 0."""
        total = evaluate.at(parts["margin_0"])
        for index in range(1, self.statement.numerics.margin_limbs):
            total = total + self.limb**index * evaluate.at(parts[f"margin_{index}"])
        return total


class AccuracyGraph(_Gadgets):
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
        self.inputs = inputs.float()  # exact: input_max fits the lookup table, hence 24 bits
        self.labels = labels.long()

    def forward(self, committed: Tensor, witness: Tensor, challenge: Tensor) -> tuple[Tensor, ...]:
        """Public outputs, each of one element; see the class."""
        shape, rows = self.statement.architecture, self.statement.samples
        weights = _unpack(self.positive_parts(committed, self.committed), self.committed)  # C1
        values = _unpack(witness, self.witness)
        clipped = _unpack(self.positive_parts(witness, self.witness), self.witness)  # C1
        row_powers = _powers(challenge, rows).reshape(1, rows)
        column_base = _select(row_powers.reshape(-1), rows - 1, 1) * challenge
        powers = _powers(column_base, max(shape.sizes[1:]))

        checks: list[Tensor] = []
        activations = self.inputs
        for layer in range(1, shape.layers + 1):
            evaluate = _Evaluation(row_powers, _select(powers, 0, shape.sizes[layer]).reshape(-1, 1))
            folded = row_powers @ activations  # Σ_i r_i x_i
            ones = row_powers.sum(dim=1, keepdim=True) * float(shape.bias_units[layer - 1])
            folded = torch.cat([folded, ones], dim=1)
            product = folded @ (weights[f"weights_{layer}"] @ evaluate.columns)
            product = product - float(shape.offset) * folded.sum(dim=1, keepdim=True) * evaluate.columns.sum()
            shift = shape.shifts[layer - 1] if layer < shape.layers else 0
            if layer == shape.layers:
                scores = values["logits"] @ evaluate.columns
                checks.append(product - row_powers @ scores)  # C3
                checks.extend(self._margins(values, clipped, evaluate, row_powers, scores))  # C4, C5
            elif shift:
                scaled = float(1 << (self.statement.numerics.lookup_bits - shift)) * product
                high = values[f"high_{layer}"]
                checks.append(scaled - evaluate.at(clipped[f"low_{layer}"]) - self.limb * evaluate.at(high))  # C2
                activations = clipped[f"high_{layer}"]
            else:
                checks.append(product - evaluate.at(values[f"hidden_{layer}"]))  # C2
                activations = clipped[f"hidden_{layer}"]
        count = self._correct(clipped).sum().reshape(1)  # C6
        return (challenge, *(check.reshape(1) for check in checks), count)

    def _correct(self, clipped: dict[str, Tensor]) -> Tensor:
        """c_i [samples, 1]: kept in the label's place of the lowest margin limb, which needs no margin."""
        return clipped["margin_0"].gather(1, self.labels.reshape(-1, 1))

    def _margins(
        self,
        values: dict[str, Tensor],
        clipped: dict[str, Tensor],
        evaluate: _Evaluation,
        row_powers: Tensor,
        scores: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """c_i·(z_iy − z_ij − 1 + 2·[j = y]) = margin_ij for all i, j; and c_i² = c_i."""
        correct = self._correct(clipped)
        claimed = row_powers.reshape(-1, 1) * correct
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
        sizes = statement.architecture.sizes
        expected = [(sizes[index], sizes[index + 1]) for index in range(len(sizes) - 1)]
        if [tuple(weight.shape) for weight in weights] != expected or len(biases) != len(weights):
            raise CircuitError("the model does not fit the statement", expected=expected)
        self.weights = [weight.float() for weight in weights]
        self.biases = [bias.float().reshape(1, -1) for bias in biases]

    def forward(self, committed: Tensor, witness: Tensor, challenge: Tensor) -> tuple[Tensor, ...]:
        """Public outputs, each of one element; see the class."""
        shape = self.statement.architecture
        values = _unpack(witness, self.witness)
        clipped = _unpack(self.positive_parts(witness, self.witness), self.witness)  # C1
        powers = _powers(challenge, max(*shape.sizes, shape.sizes[-1] + 1))
        features = _select(committed, 0, shape.sizes[0])
        relu = nn.functional.hardswish
        top = float(shape.input_max)
        bounded = top - relu(top - relu(features))  # C1: clamped to [0, input_max]
        checks = [(features - bounded) @ _select(powers, 0, shape.sizes[0]).reshape(-1, 1)]  # C2

        activations = bounded.reshape(1, -1)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            product = activations @ weight + bias
            if layer == shape.layers:
                return (
                    challenge,
                    *(check.reshape(1) for check in [*checks, *self._answer(product, values, clipped, powers)]),
                )
            shift = shape.shifts[layer - 1]
            if shift:
                columns = _select(powers, 0, shape.sizes[layer]).reshape(-1, 1)
                scaled = float(1 << (self.statement.numerics.lookup_bits - shift)) * (product @ columns)
                limbs = clipped[f"low_{layer}"] @ columns + self.limb * (values[f"high_{layer}"] @ columns)
                checks.append(scaled - limbs)  # C3
                activations = clipped[f"high_{layer}"]
            else:
                activations = relu(product)
        raise CircuitError("a network needs at least one layer")

    def _answer(
        self, logits: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], powers: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The answer is one-hot (C4), strictly ahead of every other class (C5), and its index is the label (C6)."""
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


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Random evaluation of a matrix: rows [1, N] times matrix times columns [n, 1]."""

    rows: Tensor
    columns: Tensor

    def at(self, matrix: Tensor) -> Tensor:
        return self.rows @ (matrix @ self.columns)


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
