"""Two small link circuits for one model, and the honest link between its two commitments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyml.ml.integer import IntegerNetwork
from pyml.zk.challenge import Context
from pyml.zk.circuits import link_graph
from pyml.zk.engine import TensorEngine
from pyml.zk.ezkl import EzklEngine
from pyml.zk.ledger import ProofLedger
from pyml.zk.links import ModelLink, prove_link, verify_link
from pyml.zk.model_codec import SecretModel
from pyml.zk.statement import ANY_INPUT, Numerics, Statement
from pyml.zk.witness import architecture_of
from pyml.zk.workspace import Keyed, Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import small_numerics

DEGREES = (9, 10)
"""k of the two commitments."""
LINKABLE = small_numerics(committed_salts=8)
"""Salts enough for a link and something after it."""


@dataclass(frozen=True, slots=True)
class SmallLink:
    """Both circuits with keys, and the model."""

    engine: EzklEngine
    first: Keyed
    second: Keyed
    model: SecretModel

    def prove(self, context: Context, ledger: ProofLedger) -> ModelLink:
        return prove_link(self.first, self.second, self.engine, self.model, context, ledger=ledger)

    def holds(self, link: ModelLink, engine: TensorEngine | None = None) -> bool:
        return verify_link(self.first, self.second, engine or self.engine, link)


def link_circuit(
    home: Path, engine: EzklEngine, srs_of: SrsOf, network: IntegerNetwork, degree: int, numerics: Numerics = LINKABLE
) -> Keyed:
    statement = Statement("model_link", architecture_of(network), 1, ANY_INPUT, "any input", degree, numerics)
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, link_graph(statement))
    return workspace.set_up(circuit, srs_of(circuit.degree))


def small_link(home: Path, engine: EzklEngine, srs_of: SrsOf, model: SecretModel) -> SmallLink:
    first, second = (link_circuit(home, engine, srs_of, model.network, degree) for degree in DEGREES)
    return SmallLink(engine, first, second, model)
