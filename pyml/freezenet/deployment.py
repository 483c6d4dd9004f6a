"""Which contracts the freezenet system has and in which order they are created.

Apart from the handles in ``registries``, so that a deployment needs neither torch nor a network: Brownie's environment
has neither.
"""

from __future__ import annotations

from typing import Final

from pyml.chain.artifacts import load_artifact
from pyml.chain.deploy import Plan, Ref, Step

SYSTEM: Final = "freezenet"


def deployment_plan() -> Plan:
    """Tasks, rounds, the judges that a task may name, and what one of them asks for leaves."""
    book = (Ref("Rounds"), Ref("TaskRegistry"))
    return Plan(
        SYSTEM,
        (
            Step("TaskRegistry", load_artifact("TaskRegistry")),
            Step("Rounds", load_artifact("Rounds"), (Ref("TaskRegistry"),)),
            Step("ExactVerifier", load_artifact("ExactVerifier"), book),
            Step("LeafDemands", load_artifact("LeafDemands"), book),
            Step("OptimisticVerifier", load_artifact("OptimisticVerifier"), (*book, Ref("LeafDemands"))),
        ),
    )
