"""Deploy the contracts of every system to a development chain, with plain Python or with Brownie.

    python scripts/deploy.py                          a devnet of its own, to see that it works
    python scripts/deploy.py --rpc URL [--folder F]   a running devnet; addresses go to F/<chainid>.json
    brownie run deploy --network development          Brownie compiles the contracts and sends the transactions

Both follow the same plan. For a public chain use ``pyml deploy``, which takes its key from an encrypted keystore.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from pyml.chain.accounts import dev_signers
from pyml.chain.client import Client
from pyml.chain.deploy import Plan, Ref, deploy_system
from pyml.chain.devnet import Devnet
from pyml.errors import PymlError
from pyml.freezenet.deployment import deployment_plan as freezenet_plan
from pyml.kdac.deployment import deployment_plan as kdac_plan
from pyml.keys.deployment import deployment_plan as keys_plan
from pyml.zk.deployment import deployment_plan as zk_plan

PLANS = (zk_plan, keys_plan, freezenet_plan, kdac_plan)


def main() -> None:
    """The entry point of both; ``brownie run`` has loaded its project when it calls this."""
    brownie = cast(Any, sys.modules.get("brownie"))
    if brownie is not None and brownie.project.get_loaded_projects():
        for plan in PLANS:
            deploy_with_brownie(brownie, plan())
        return
    options = _parser().parse_args()
    try:
        if options.rpc is None:
            with Devnet() as devnet, tempfile.TemporaryDirectory() as folder:
                deploy_with_pyml(devnet.url, Path(folder))
        else:
            deploy_with_pyml(options.rpc, options.folder)
    except PymlError as error:
        sys.exit(f"deploy: {error}")


def deploy_with_pyml(rpc: str, folder: Path) -> None:
    """From the shipped artefacts, with the first of the accounts that every devnet funds."""
    client = Client.connect(rpc)
    for plan in PLANS:
        deployed = deploy_system(client, plan(), dev_signers(1)[0], folder=folder)
        for name, record in deployed.systems[plan().system].items():
            print(f"{name:24} {record.address}")


def deploy_with_brownie(brownie: Any, plan: Plan) -> dict[str, str]:
    """From the contracts as Brownie compiled them, with its first account."""
    project = brownie.project.get_loaded_projects()[0]
    account = brownie.accounts[0]
    addresses: dict[str, str] = {}
    for step in plan.steps:
        arguments = [addresses[item.step] if isinstance(item, Ref) else item for item in step.args]
        addresses[step.name] = project[step.artifact.name].deploy(*arguments, {"from": account}).address
    for name, address in addresses.items():
        print(f"{name:24} {address}")
    return addresses


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Deploy pyml's contracts to a development chain.")
    parser.add_argument("--rpc", metavar="URL", help="a running devnet (default: one of its own)")
    parser.add_argument("--folder", type=Path, default=Path("deployments"), help="where addresses are recorded")
    return parser


if __name__ == "__main__":
    main()
