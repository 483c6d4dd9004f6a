"""A set proved in parts with real proofs and claimed on a devnet: resumed, refused, added up."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.sending import SendPolicy
from pyml.errors import ContractRevertedError, InputError, IntegrityError, ModelError, ProofError
from pyml.ml.integer import IntegerNetwork, correct
from pyml.zk.challenge import Context
from pyml.zk.chunks import PartTask, Prover, claim_set, prove_set
from pyml.zk.claims import AccuracyClaim, verify_claim
from pyml.zk.deployment import deployment_plan
from pyml.zk.engine import silent
from pyml.zk.ezkl import read_settings
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.registries import ZkContracts, open_contracts
from pyml.zk.set_folder import SetFolder, claim_path, read_part_claim
from pyml.zk.srs import open_srs
from pyml.zk.workers import Act, Results, in_processes, on_ray
from tests.zk.conftest import SrsOf
from tests.zk.small_sets import DEGREE, NUMERICS, digits, nearest_mean, small_set

QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
PARTS, SAMPLES = 2, 70
pytestmark = pytest.mark.usefixtures("quick_engine")  # for steps in this process; workers have their own


class KilledError(BaseException):
    """Stands for kill -9 where the test says; real ones are in ``tests/cli/test_chunks.py``."""


def here(
    act: Act[PartTask, AccuracyClaim], tasks: Sequence[PartTask], secret: bytes, *, killed_after: int = PARTS
) -> Results[PartTask, AccuracyClaim]:
    """Runs the parts in this process; gives up after some."""
    for number, task in enumerate(tasks):
        if number == killed_after:
            raise KilledError
        yield task, act(task, secret, silent)


def never(
    act: Act[PartTask, AccuracyClaim], tasks: Sequence[PartTask], secret: bytes
) -> Results[PartTask, AccuracyClaim]:
    """Nothing is left to prove."""
    assert not tasks
    yield from ()


@pytest.fixture(scope="module")
def node() -> Iterator[Devnet]:
    with Devnet() as node:
        yield node


@pytest.fixture(scope="module")
def contracts(node: Devnet, tmp_path_factory: pytest.TempPathFactory) -> ZkContracts:
    folder = tmp_path_factory.mktemp("deployments")
    client = Client.connect(node.url, policy=QUICK)
    deploy_system(client, deployment_plan(), node.accounts[0], folder=folder, policy=QUICK)
    return open_contracts(client, folder)


@pytest.fixture(scope="module")
def owner(node: Devnet) -> Signer:
    return node.accounts[0]


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    return nearest_mean(digits())


@pytest.fixture(scope="module")
def model(network: IntegerNetwork) -> SecretModel:
    return SecretModel(network, tuple(range(1, NUMERICS.committed_salts + 1)))


@pytest.fixture(scope="module")
def prover(contracts: ZkContracts, owner: Signer, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Prover:
    context = Context(contracts.client.chain_id, contracts.accuracy.address, owner.address)
    return Prover(tmp_path_factory.mktemp("home"), None, srs_of(DEGREE).path, context)


@pytest.fixture(scope="module")
def interrupted(
    quick_engine: object, prover: Prover, model: SecretModel, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A set of which one part was proved, and its ledger."""
    path = tmp_path_factory.mktemp("interrupted")
    folder = small_set(path / "set", samples=SAMPLES)
    with pytest.raises(KilledError):
        prove_set(folder, prover, model, ledger=ledger(path), run=partial(here, killed_after=1))
    return path


@pytest.fixture(scope="module")
def proved(interrupted: Path, prover: Prover, model: SecretModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, taken up again and finished."""
    path = tmp_path_factory.mktemp("proved") / "all"
    shutil.copytree(interrupted, path)
    prove_set(SetFolder.open(path / "set"), prover, model, ledger=ledger(path), run=here)
    return path


@pytest.fixture
def copy(proved: Path, tmp_path: Path) -> SetFolder:
    """A finished set, to be damaged."""
    shutil.copytree(proved, tmp_path / "copy")
    return SetFolder.open(tmp_path / "copy" / "set")


def ledger(path: Path) -> ProofLedger:
    return ProofLedger(path / "proofs", NUMERICS.proof_limit)


def claims_of(folder: SetFolder) -> list[AccuracyClaim]:
    claims = [read_part_claim(part.path) for part in folder.parts]
    return [claim for claim in claims if claim is not None]


def edit(folder: SetFolder, index: int, **changes: object) -> None:
    path = claim_path(folder.parts[index].path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# Proving


def test_interrupted_set_has_what_was_finished(interrupted: Path, prover: Prover) -> None:
    folder = SetFolder.open(interrupted / "set")
    assert [claim_path(part.path).exists() for part in folder.parts] == [True, False]
    assert ledger(interrupted).used == 1


def test_finished_parts_are_kept_and_the_rest_is_proved(interrupted: Path, proved: Path) -> None:
    before, after = (claims_of(SetFolder.open(path / "set")) for path in (interrupted, proved))
    assert after[:1] == before
    assert len(after) == PARTS
    assert ledger(proved).used == PARTS


def test_claims_are_true_and_add_up(proved: Path, prover: Prover, network: IntegerNetwork) -> None:
    folder, srs = SetFolder.open(proved / "set"), open_srs(prover.srs)
    claims = claims_of(folder)
    columns: list[int] = []
    for part, claim in zip(folder.parts, claims, strict=True):
        keyed = prover.open(part, srs, proving=False)
        assert verify_claim(keyed, prover.workspace.engine, keyed.entry(), claim)
        assert keyed.circuit.degree == DEGREE
        columns.append(read_settings(keyed.circuit.files.settings)["run_args"]["num_inner_cols"])
        data = part.labelled_set(prover.load)
        assert claim.count == correct(network, data.inputs, data.labels).sum()
    assert len({claim.model for claim in claims}) == 1
    assert columns[0] > columns[-1]  # the commitment is the same all the same
    images = digits().test_images[:SAMPLES].reshape(SAMPLES, -1).astype(int)
    labels = digits().test_labels[:SAMPLES].astype(int)
    assert sum(claim.count for claim in claims) == correct(network, images, labels).sum()


def test_finished_set_is_checked_and_not_proved_again(copy: SetFolder, prover: Prover, model: SecretModel) -> None:
    seen: list[tuple[str, float]] = []

    def progress(text: str, share: float) -> None:
        seen.append((text, share))

    made = prove_set(copy, prover, model, ledger=ledger(copy.path.parent), run=never, progress=progress)
    assert list(made) == claims_of(copy)
    assert seen[-1] == ("2 of 2 parts proved", 1.0)
    assert ledger(copy.path.parent).used == PARTS


def test_proving_keys_go_and_come_back_the_same(copy: SetFolder, prover: Prover) -> None:
    part, srs, workspace = copy.parts[-1], open_srs(prover.srs), prover.workspace
    left = prover.open(part, srs, proving=False)
    assert not left.files.proving_key.exists()
    assert set(left.digests) == {"verifying.key", "verifying.vka"}
    again = prover.open(part, srs, proving=True)
    assert again.files.proving_key.exists()
    assert {name: again.digests[name] for name in left.digests} == left.digests
    workspace.drop_proving_key(part.statement, srs)
    workspace.drop_proving_key(part.statement, srs)
    assert prover.open(part, srs, proving=False) == left


def test_stray_proving_key_is_removed_and_never_used(copy: SetFolder, prover: Prover) -> None:
    """Killed between the new manifest and the removal; whatever lies there is not what the manifest vouches for."""
    part, srs, workspace = copy.parts[-1], open_srs(prover.srs), prover.workspace
    path = prover.open(part, srs, proving=False).files.proving_key
    path.write_bytes(b"anything")
    assert prover.open(part, srs, proving=True).files.proving_key.stat().st_size > 1000
    workspace.drop_proving_key(part.statement, srs)
    path.write_bytes(b"anything")
    workspace.drop_proving_key(part.statement, srs)
    assert not path.exists()


def test_proved_and_not_written_costs_one_proof(
    copy: SetFolder, prover: Prover, model: SecretModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_path(copy.parts[-1].path).unlink()
    mine = ledger(copy.path.parent)

    def kill(claim: AccuracyClaim, path: Path) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("pyml.zk.chunks.write_claim", kill)
        with pytest.raises(KilledError):
            prove_set(copy, prover, model, ledger=mine, run=here)
    assert mine.used == PARTS + 1
    assert len(claims_of(copy)) == PARTS - 1
    prove_set(copy, prover, model, ledger=mine, run=here)
    assert mine.used == PARTS + 2
    assert len(claims_of(copy)) == PARTS


# Refusals


def test_budget_is_asked_before_anything_is_proved(
    interrupted: Path, tmp_path: Path, prover: Prover, model: SecretModel
) -> None:
    shutil.copytree(interrupted, tmp_path / "copy")
    folder = SetFolder.open(tmp_path / "copy" / "set")
    few = ProofLedger(tmp_path / "copy" / "proofs", 1)
    with pytest.raises(ProofError) as caught:
        prove_set(folder, prover, model, ledger=few, run=here)
    assert str(caught.value).startswith(
        "this commitment has too few proofs left for the set; expected at least 1; got 0."
    )
    assert few.used == 1


def test_claim_about_another_model_is_named(copy: SetFolder, prover: Prover, model: SecretModel) -> None:
    other = replace(model, salts=(*model.salts[:-1], 7))
    with pytest.raises(
        IntegrityError, match=r"part-0000/claim\.json is about another model, account, contract or chain"
    ):
        prove_set(copy, prover, other, ledger=ledger(copy.path.parent), run=never)


def test_claim_of_another_account_is_named(copy: SetFolder, prover: Prover, model: SecretModel, node: Devnet) -> None:
    stranger = replace(prover, context=replace(prover.context, prover=node.accounts[1].address))
    with pytest.raises(IntegrityError, match=r"part-0000/claim\.json is about another model, account"):
        prove_set(copy, stranger, model, ledger=ledger(copy.path.parent), run=never)


@pytest.mark.parametrize("index", range(PARTS))
def test_forged_count_is_named(copy: SetFolder, prover: Prover, model: SecretModel, index: int) -> None:
    edit(copy, index, count=claims_of(copy)[index].count + 1)
    with pytest.raises(IntegrityError, match=rf"part-000{index}/claim\.json is false") as caught:
        prove_set(copy, prover, model, ledger=ledger(copy.path.parent), run=never)
    assert caught.value.hint == "Remove it, and the part is proved again at the price of one of the model's proofs."


def test_claim_in_the_place_of_another_is_named(copy: SetFolder, prover: Prover, model: SecretModel) -> None:
    first, second = (claim_path(part.path) for part in copy.parts[:2])
    shutil.copyfile(first, second)
    with pytest.raises(IntegrityError, match=r"part-0001/claim\.json is false"):
        prove_set(copy, prover, model, ledger=ledger(copy.path.parent), run=never)


def test_one_process_proves_a_set(copy: SetFolder, prover: Prover, model: SecretModel) -> None:
    claim_path(copy.parts[0].path).unlink()

    def meanwhile(act: object, tasks: Sequence[PartTask], secret: bytes) -> Results[PartTask, AccuracyClaim]:
        with pytest.raises(InputError, match="is being proved by another process"):
            prove_set(copy, prover, model, ledger=ledger(copy.path.parent), run=never)
        raise KilledError
        yield

    with pytest.raises(KilledError):
        prove_set(copy, prover, model, ledger=ledger(copy.path.parent), run=meanwhile)


def test_model_of_another_shape_is_refused(copy: SetFolder, prover: Prover, model: SecretModel) -> None:
    wider = replace(model, network=IntegerNetwork(model.network.layers, 6, model.network.input_max))
    for part in copy.parts:
        with pytest.raises(ModelError, match="the model is not of the circuit's architecture"):
            prove_set(copy, prover, wider, ledger=ledger(copy.path.parent), run=here)
        claim_path(part.path).unlink()


# On chain


def test_the_total_is_claimed_part_by_part(
    copy: SetFolder, prover: Prover, contracts: ZkContracts, owner: Signer
) -> None:
    claims = claims_of(copy)
    for missing in range(PARTS):
        path = claim_path(copy.parts[missing].path)
        kept = path.read_text()
        path.unlink()
        with pytest.raises(InputError, match=f"part-000{missing} has no claim yet"):
            claim_set(contracts, copy, prover, owner)
        path.write_text(kept)

    def stop(text: str, share: float) -> None:
        if text == "claiming part-0001":
            raise KilledError

    with pytest.raises(KilledError):
        claim_set(contracts, copy, prover, owner, progress=stop)
    claimed = claim_set(contracts, copy, prover, owner)
    assert claimed.gas_used > 0
    assert (claimed.total.count, claimed.total.samples) == (sum(claim.count for claim in claims), SAMPLES)
    assert claimed.total.set_known_in_advance
    assert claimed.circuits == tuple(sorted(claim.circuit for claim in claims))
    assert claimed.set_digest == keccak(b"".join(claimed.circuits))
    assert claim_set(contracts, copy, prover, owner) == replace(claimed, gas_used=0)
    assert contracts.accuracy.total_of(claimed.model, claimed.circuits[:1]).samples < SAMPLES
    with pytest.raises(ContractRevertedError) as caught:
        contracts.accuracy.total_of(claimed.model, [*claimed.circuits, claimed.circuits[0]])
    assert caught.value.name == "CircuitsNotAscending"


def test_forged_claim_is_refused_on_chain(
    copy: SetFolder, prover: Prover, contracts: ZkContracts, owner: Signer
) -> None:
    claim_set(contracts, copy, prover, owner)
    claim = claims_of(copy)[1]
    edit(copy, 1, count=claim.count + 1)
    with pytest.raises(ContractRevertedError) as caught:
        claim_set(contracts, copy, prover, owner)
    assert caught.value.name == "WitnessAlreadyUsed"
    assert contracts.accuracy.claim_of(claim.model, claim.circuit)["count"] == claim.count


def test_nothing_is_sent_for_claims_that_do_not_go_together(
    copy: SetFolder, prover: Prover, contracts: ZkContracts, owner: Signer, node: Devnet
) -> None:
    sent = contracts.client.block_number()
    with pytest.raises(InputError, match="the claims belong to another account"):
        claim_set(contracts, copy, prover, node.accounts[1])
    stranger = replace(prover, context=replace(prover.context, prover=node.accounts[1].address))
    with pytest.raises(InputError, match=r"part-0000/claim\.json is for another account, contract or chain"):
        claim_set(contracts, copy, stranger, node.accounts[1])
    edit(copy, 1, model="ab" * 32)
    with pytest.raises(InputError, match="the parts are about more than one model"):
        claim_set(contracts, copy, prover, owner)
    assert contracts.client.block_number() == sent


# Real processes


def test_real_workers_prove_the_missing_part(copy: SetFolder, prover: Prover, model: SecretModel) -> None:
    last = copy.parts[-1]
    claim_path(last.path).unlink()
    phases: list[str] = []

    def note(task: PartTask, phase: str) -> None:
        phases.append(f"{task.path.name}: {phase}")

    def run(
        act: Act[PartTask, AccuracyClaim], tasks: Sequence[PartTask], secret: bytes
    ) -> Results[PartTask, AccuracyClaim]:
        return in_processes(act, tasks, secret, workers=2, progress=note)

    made = prove_set(copy, prover, model, ledger=ledger(copy.path.parent), run=run, keep_keys=True)
    assert list(made) == claims_of(copy)
    assert phases[-1] == "part-0001: verifying"
    assert prover.open(last, open_srs(prover.srs), proving=False).files.proving_key.exists()


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_ray_proves_the_missing_part(copy: SetFolder, prover: Prover, model: SecretModel) -> None:
    claim_path(copy.parts[-1].path).unlink()

    def run(
        act: Act[PartTask, AccuracyClaim], tasks: Sequence[PartTask], secret: bytes
    ) -> Results[PartTask, AccuracyClaim]:
        return on_ray(act, tasks, secret, address="local", cores=1, memory_bytes=10**9)

    made = prove_set(copy, prover, model, ledger=ledger(copy.path.parent), run=run)
    assert list(made) == claims_of(copy)
