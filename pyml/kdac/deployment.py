"""Which contracts the kdac system has.

``KeyRegistry`` and ``MessageQueue`` stand for themselves. A ``MessageLog`` belongs to one set of replicas, whose
signatures in turn cover its address, so that it is deployed before the replicas start: give their addresses.

Apart from the handles in ``registries``, so that a deployment needs no network and no cryptography.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyml.chain.artifacts import load_artifact
from pyml.chain.deploy import Plan, Step

SYSTEM: Final = "kdac"


def deployment_plan(replicas: Sequence[str] = ()) -> Plan:
    """The registry of keys and the queue; with the addresses of replicas, in ascending order, their log too."""
    steps = [
        Step("KeyRegistry", load_artifact("KeyRegistry")),
        Step("MessageQueue", load_artifact("MessageQueue")),
    ]
    if replicas:
        steps.append(Step("MessageLog", load_artifact("MessageLog"), (list(replicas),)))
    return Plan(SYSTEM, tuple(steps))
