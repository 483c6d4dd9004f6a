"""Which contracts the zk system has and in which order they are created.

Apart from the handles in ``registries``, so that a deployment needs neither torch nor the proving engine: Brownie's
environment has neither.
"""

from __future__ import annotations

from typing import Final

from pyml.chain.artifacts import load_artifact
from pyml.chain.deploy import Plan, Ref, Step

SYSTEM: Final = "zk"
REUSABLE_CONTRACT: Final = "Halo2VerifierReusable"


def deployment_plan() -> Plan:
    """Verifier, circuits, models; then what builds on them: claims, attestations, answers, links, bounties."""
    return Plan(
        SYSTEM,
        (
            Step(REUSABLE_CONTRACT, load_artifact(REUSABLE_CONTRACT)),
            Step("CircuitRegistry", load_artifact("CircuitRegistry"), (Ref(REUSABLE_CONTRACT),)),
            Step("ModelRegistry", load_artifact("ModelRegistry")),
            Step("AccuracyRegistry", load_artifact("AccuracyRegistry"), (Ref("ModelRegistry"), Ref("CircuitRegistry"))),
            Step("PrivateInput", load_artifact("PrivateInput"), (Ref("CircuitRegistry"),)),
            Step("PrivateInference", load_artifact("PrivateInference"), (Ref("ModelRegistry"), Ref("CircuitRegistry"))),
            Step("Bounty", load_artifact("Bounty"), (Ref("AccuracyRegistry"),)),
            Step("WeightRanges", load_artifact("WeightRanges")),
            Step("ModelLinks", load_artifact("ModelLinks"), (Ref("ModelRegistry"), Ref("CircuitRegistry"))),
        ),
    )
