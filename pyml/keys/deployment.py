"""Which contracts the keys system has; neither needs the other.

Apart from the handles in ``registries``, so that a deployment needs no network and no cryptography: Brownie's
environment has neither.
"""

from __future__ import annotations

from typing import Final

from pyml.chain.artifacts import load_artifact
from pyml.chain.deploy import Plan, Step

SYSTEM: Final = "keys"


def deployment_plan() -> Plan:
    """The registry of helper files, and the vault for payments to accounts of images."""
    return Plan(
        SYSTEM,
        (
            Step("HelperRegistry", load_artifact("HelperRegistry")),
            Step("ImageVault", load_artifact("ImageVault")),
        ),
    )
