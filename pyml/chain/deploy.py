"""Deploy a system from a plan, so that it can be interrupted at any point and continued.

Before a transaction is handed to a node its hash and the address that it will create are on disk (``pending``). A
second run adopts what was mined meanwhile, waits for what is still in the pool, reuses what is there and matches,
and deploys the rest.

    PLAN = Plan("zk", (
        Step("Verifier", load_artifact("Halo2VerifierReusable")),
        Step("ModelRegistry", load_artifact("ModelRegistry")),
        Step("AccuracyRegistry", load_artifact("AccuracyRegistry"), (Ref("ModelRegistry"), Ref("Verifier"))),
    ))
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, cast

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode as rlp_encode  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.contract import deploy, encode_constructor
from pyml.chain.deployments import Deployment, Deployments, load_deployments, require_deployed
from pyml.chain.sending import SendPolicy
from pyml.chain.transactions import Receipt, to_hex
from pyml.errors import ChainError, InputError, IntegrityError, NotDeployedError

Progress = Callable[[str, float], None]
"""Told what is being done and the fraction done, 0 to 1."""
_PENDING_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Ref:
    """The address of an earlier step."""

    step: str


@dataclass(frozen=True, slots=True)
class Step:
    """One contract to deploy."""

    name: str
    artifact: Artifact
    args: tuple[object, ...] = ()
    """Constructor arguments; a ``Ref`` stands for an address."""
    libraries: Mapping[str, Ref] = field(default_factory=dict[str, Ref])


@dataclass(frozen=True, slots=True)
class Plan:
    """A system's contracts in the order of deployment."""

    system: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        known: set[str] = set()
        for step in self.steps:
            wanted = {item.step for item in (*step.args, *step.libraries.values()) if isinstance(item, Ref)}
            if step.name in known or not wanted <= known:
                raise InputError(
                    f"plan of {self.system}: step {step.name} is doubled or refers to a later one",
                    expected=f"some of {sorted(known)}",
                    got=sorted(wanted),
                )
            known.add(step.name)


def deploy_system(
    client: Client,
    plan: Plan,
    account: Signer,
    *,
    folder: Path,
    policy: SendPolicy | None = None,
    progress: Progress | None = None,
) -> Deployments:
    """Bring every step of the plan onto the chain and into ``<folder>/<chainid>.json``; returns the records."""
    policy = policy or SendPolicy()
    with _locked(folder):
        run = _Run(client, plan, account, folder, policy, load_deployments(folder, client.chain_id))
        for done, step in enumerate(plan.steps):
            if progress is not None:
                progress(f"{plan.system}: {step.name}", done / len(plan.steps))
            run.complete(step)
        if progress is not None:
            progress(f"{plan.system}: deployed", 1.0)
        return run.deployments


@dataclass(slots=True)
class _Run:
    client: Client
    plan: Plan
    account: Signer
    folder: Path
    policy: SendPolicy
    deployments: Deployments

    def complete(self, step: Step) -> None:
        """Leave the step deployed and recorded, by reuse, adoption or a new transaction."""
        args = tuple(self._address(item) if isinstance(item, Ref) else item for item in step.args)
        libraries = {name: self._address(ref) for name, ref in step.libraries.items()}
        encoded = to_hex(encode_constructor(self.client, step.artifact, *args))
        old = self.deployments.find(self.plan.system, step.name)
        same = old is not None and (old.artifact_digest, old.constructor_arguments, dict(old.libraries)) == (
            step.artifact.digest,
            encoded,
            libraries,
        )
        if old is None or not same or not self._usable(step, old):
            self._deploy(step, args, libraries, encoded)

    def _usable(self, step: Step, old: Deployment) -> bool:
        """True if the recorded contract is on the chain (and recorded as such); False if it must be deployed anew."""
        if old.state == "pending":
            return self._adopted(step, old)
        try:
            require_deployed(self.client, old, step.artifact)
        except (NotDeployedError, IntegrityError) as error:
            if self.client.is_dev:
                return False  # the devnet was restarted
            error.hint = "Nothing was sent. Check the node; to deploy again, remove the record from the file."
            raise
        return True

    def _adopted(self, step: Step, old: Deployment) -> bool:
        """Wait for an interrupted run's transaction if a node has it, and record it when it was mined."""
        deadline = time.monotonic() + self.policy.deadline_s
        while (found := self._mined(old)) is None:
            if not any(self.client.transaction_input(tx_hash) for tx_hash in old.tx_hashes):
                found = self._mined(old)  # it may have been mined between the two questions
                break
            if time.monotonic() > deadline:
                raise ChainError(
                    f"{step.name}: transaction {old.tx_hashes[-1]} of an interrupted run is still waiting",
                    hint="Run this again later, or replace the transaction from your wallet.",
                )
            time.sleep(_PENDING_POLL_S)
        if found is None or not found.succeeded:
            return False
        adopted = replace(old, state="deployed", block_number=found.block_number, tx_hashes=(found.tx_hash,))
        require_deployed(self.client, adopted, step.artifact)
        self._record(step, adopted)
        return True

    def _mined(self, old: Deployment) -> Receipt | None:
        found = (self.client.receipt(tx_hash) for tx_hash in old.tx_hashes)
        return next((receipt for receipt in found if receipt is not None), None)

    def _deploy(self, step: Step, args: tuple[object, ...], libraries: dict[str, str], encoded: str) -> None:
        before = self.deployments
        pending: Deployment | None = None

        def journal(tx_hash: str, nonce: int) -> None:
            nonlocal pending
            address = created_address(self.account.address, nonce)
            earlier = pending.tx_hashes if pending is not None and pending.address == address else ()
            pending = Deployment(
                contract=step.artifact.name,
                address=address,
                artifact_digest=step.artifact.digest,
                deployer=self.account.address,
                constructor_arguments=encoded,
                tx_hashes=(*earlier, tx_hash),
                block_number=None,
                libraries=libraries,
                state="pending",
            )
            self.deployments = before  # so that a second version supersedes nothing
            self._record(step, pending)

        receipt = deploy(
            self.client,
            step.artifact,
            *args,
            account=self.account,
            libraries=libraries or None,
            on_signed=journal,
            policy=self.policy,
        )
        if pending is None or receipt.contract_address != pending.address:
            raise ChainError(f"{step.name} was created at an unexpected address", got=receipt.contract_address)
        done = replace(pending, state="deployed", block_number=receipt.block_number, tx_hashes=(receipt.tx_hash,))
        self._record(step, done)

    def _record(self, step: Step, record: Deployment) -> None:
        self.deployments = self.deployments.with_record(self.plan.system, step.name, record)
        self.deployments.save(self.folder)

    def _address(self, ref: Ref) -> str:
        return self.deployments.require(self.plan.system, ref.step).address


def created_address(sender: str, nonce: int) -> str:
    """Where ``sender`` creates a contract with this nonce: the last 20 bytes of keccak-256 of RLP(sender, nonce)."""
    return to_checksum_address(keccak(cast(bytes, rlp_encode([bytes.fromhex(sender[2:]), nonce])))[12:])


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """One deployment at a time into a folder; the lock goes with the process, so a crash leaves none."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ChainError(f"another deployment is writing to {folder}", hint="Wait until it has finished.") from None
    else:
        yield
    finally:
        os.close(descriptor)
