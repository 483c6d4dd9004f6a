"""Deployment plans: complete, resumed after every kind of interruption, reused, and never believed blindly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract, deploy
from pyml.chain.deploy import Plan, Ref, Step, created_address, deploy_system
from pyml.chain.deployments import Deployment, Deployments, load_deployments, require_deployed
from pyml.chain.devnet import Devnet, DevnetOptions, DevNode
from pyml.chain.sending import SendPolicy
from pyml.errors import (
    ChainError,
    ContractRevertedError,
    InputError,
    IntegrityError,
    NotDeployedError,
    TransactionFailedError,
)

QUICK = SendPolicy(deadline_s=10, poll_s=0.01)


class Killed(BaseException):
    """Stands for the process dying at this point."""


def plan(compiled: dict[str, Artifact], limit: int = 100) -> Plan:
    return Plan(
        "toy",
        (
            Step("Inner", compiled["Inner"]),
            Step("Doubling", compiled["Doubling"]),
            Step("Linked", compiled["Linked"], libraries={"Doubling": Ref("Doubling")}),
            Step("Vault", compiled["Vault"], (limit, Ref("Inner"))),
        ),
    )


@pytest.fixture
def deployed(client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path) -> Deployments:
    return deploy_system(client, plan(compiled), node.accounts[0], folder=tmp_path)


def edit(folder: Path, **change: Any) -> None:
    path = folder / "31337.json"
    content = json.loads(path.read_text())
    content["systems"]["toy"]["Vault"].update(change)
    path.write_text(json.dumps(content))


def test_plan_is_deployed_and_recorded(
    client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path
) -> None:
    steps: list[tuple[str, float]] = []

    def watch(what: str, done: float) -> None:
        steps.append((what, done))

    result = deploy_system(client, plan(compiled), node.accounts[0], folder=tmp_path, progress=watch)
    assert steps == [
        ("toy: Inner", 0.0),
        ("toy: Doubling", 0.25),
        ("toy: Linked", 0.5),
        ("toy: Vault", 0.75),
        ("toy: deployed", 1.0),
    ]
    assert load_deployments(tmp_path, 31337) == result
    record = result.require("toy", "Vault")
    handle = Contract.at(client, record.address, artifact=compiled["Vault"])
    assert handle.call("inner") == result.require("toy", "Inner").address
    assert (record.state, record.deployer, len(record.tx_hashes)) == ("deployed", node.accounts[0].address, 1)
    linked = result.require("toy", "Linked")
    assert Contract(client, compiled["Linked"], linked.address).call("fourfold", 5) == 20
    require_deployed(client, linked, compiled["Linked"])
    assert [path.name for path in tmp_path.iterdir()] == ["31337.json"]


def test_second_run_reuses_everything(
    client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path, deployed: Deployments
) -> None:
    nonce = client.transaction_count(node.accounts[0].address)
    assert deploy_system(client, plan(compiled), node.accounts[0], folder=tmp_path) == deployed
    assert client.transaction_count(node.accounts[0].address) == nonce


def test_other_arguments_deploy_that_step_again_and_keep_the_old_address(
    client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path, deployed: Deployments
) -> None:
    again = deploy_system(client, plan(compiled, limit=7), node.accounts[0], folder=tmp_path)
    old, new = deployed.require("toy", "Vault"), again.require("toy", "Vault")
    assert new.address != old.address
    assert again.superseded == (old,)
    assert again.require("toy", "Inner") == deployed.require("toy", "Inner")


@pytest.mark.parametrize("moment", ["before the first hand-over", "after the node accepted", "between two steps"])
def test_interrupted_run_is_continued_without_deploying_twice(
    anvil: Devnet, compiled: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    account, steps = anvil.accounts[0], plan(compiled)
    client = Client.connect(anvil.url, policy=QUICK)
    request = client.rpc.request
    sent: list[str] = []

    def dying(method: str, *params: object, **options: Any) -> object:
        if method == "eth_sendRawTransaction" and len(sent) == 1 and moment == "before the first hand-over":
            raise Killed
        answer = request(method, *params, **options)
        if method == "eth_sendRawTransaction":
            sent.append(str(answer))
            if len(sent) == 2 and moment == "after the node accepted":
                raise Killed
        return answer

    def watch(what: str, _: float) -> None:
        if what == "toy: Linked" and moment == "between two steps":
            raise Killed

    monkeypatch.setattr(client.rpc, "request", dying)
    with pytest.raises(Killed):
        deploy_system(client, steps, account, folder=tmp_path, policy=QUICK, progress=watch)
    half = load_deployments(tmp_path, 31337)
    doubling = half.find("toy", "Doubling")
    assert doubling is not None
    assert doubling.state == ("deployed" if moment == "between two steps" else "pending")
    if doubling.state == "pending":
        with pytest.raises(NotDeployedError):
            half.require("toy", "Doubling")

    whole = deploy_system(Client.connect(anvil.url, policy=QUICK), steps, account, folder=tmp_path)
    assert whole.require("toy", "Inner") == half.require("toy", "Inner")
    assert whole.require("toy", "Doubling").address == doubling.address
    assert client.transaction_count(account.address) == len(steps.steps), "one transaction a step, over both runs"


def test_transaction_of_an_interrupted_run_that_still_waits_is_waited_for(
    anvil: Devnet, compiled: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, steps = anvil.accounts[0], Plan("toy", (Step("Inner", compiled["Inner"]),))
    anvil.rpc.request("evm_setAutomine", False)
    client = Client.connect(anvil.url)
    with pytest.raises(TransactionFailedError, match="did not reach"):
        deploy_system(client, steps, account, folder=tmp_path, policy=SendPolicy(deadline_s=0.2))
    with pytest.raises(ChainError, match="of an interrupted run is still waiting"):
        deploy_system(client, steps, account, folder=tmp_path, policy=SendPolicy(deadline_s=0.2))
    anvil.rpc.request("evm_mine")
    record = deploy_system(client, steps, account, folder=tmp_path).require("toy", "Inner")
    assert record.address == created_address(account.address, 0)
    assert client.transaction_count(account.address, "pending") == 1


def test_constructor_that_reverts_leaves_no_record(
    client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path
) -> None:
    with pytest.raises(ContractRevertedError, match=r"constructor of Vault refused the call: LimitExceeded"):
        deploy_system(client, plan(compiled, limit=0), node.accounts[0], folder=tmp_path)
    records = load_deployments(tmp_path, 31337)
    assert set(records.systems["toy"]) == {"Inner", "Doubling", "Linked"}
    with pytest.raises(NotDeployedError, match=r"Vault of system toy is not deployed on chain 31337.*--system toy"):
        records.require("toy", "Vault")


def test_restarted_devnet_gets_everything_anew(compiled: dict[str, Artifact], tmp_path: Path) -> None:
    """The new chain even has the same code at the same addresses, from other transactions."""
    found: list[Deployments] = []
    for limit in (100, 101):
        with Devnet() as devnet:
            client = Client.connect(devnet.url)
            if found:
                decoy = replace(QUICK, gas_margin=1.5)  # else it would be the very same transaction
                deploy(client, compiled["Inner"], account=devnet.accounts[0], policy=decoy)
                with pytest.raises(NotDeployedError, match=r"not from its recorded transaction.*restarted"):
                    require_deployed(client, found[0].require("toy", "Inner"), compiled["Inner"])
            found.append(deploy_system(client, plan(compiled, limit), devnet.accounts[0], folder=tmp_path))
            for step in plan(compiled).steps:
                require_deployed(client, found[-1].require("toy", step.name), step.artifact)
    assert found[0].require("toy", "Inner").address != found[1].require("toy", "Inner").address


@pytest.fixture
def public(compiled: dict[str, Artifact], tmp_path: Path) -> Iterator[tuple[Client, Devnet]]:
    """A chain whose id is not a development one, with the plan deployed by an account that is allowed there."""
    with Devnet(DevnetOptions(chain_id=4242)) as devnet:
        yield Client.connect(devnet.url, policy=QUICK), devnet


def test_public_chain_is_not_redeployed_over_a_record_that_does_not_hold(
    public: tuple[Client, Devnet], client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path
) -> None:
    other, devnet = public
    deployed = deploy_system(client, plan(compiled), node.accounts[0], folder=tmp_path)
    replace(deployed, chain_id=4242).save(tmp_path)
    with pytest.raises(NotDeployedError, match=r"Inner is not deployed at .* on chain 4242.*Nothing was sent"):
        deploy_system(other, plan(compiled), devnet.accounts[0], folder=tmp_path)
    assert other.block_number() == 0


@pytest.mark.parametrize("name", ["Inner", "Doubling"])
def test_record_pointing_at_another_contract(
    client: Client, compiled: dict[str, Artifact], tmp_path: Path, deployed: Deployments, name: str
) -> None:
    edit(tmp_path, address=deployed.require("toy", name).address)
    record = load_deployments(tmp_path, 31337).require("toy", "Vault")
    with pytest.raises(IntegrityError, match="is not Vault"):
        require_deployed(client, record, compiled["Vault"])


def test_record_pointing_at_the_same_code_with_other_arguments(
    client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path, deployed: Deployments
) -> None:
    inner = deployed.require("toy", "Inner").address
    forged = deploy(client, compiled["Vault"], 1, inner, account=node.accounts[1])
    edit(tmp_path, address=forged.contract_address)
    with pytest.raises(IntegrityError, match="did not create Vault"):
        require_deployed(client, load_deployments(tmp_path, 31337).require("toy", "Vault"), compiled["Vault"])
    edit(tmp_path, address=forged.contract_address, tx_hashes=[forged.tx_hash])
    with pytest.raises(IntegrityError, match="created with other code or arguments"):
        require_deployed(client, load_deployments(tmp_path, 31337).require("toy", "Vault"), compiled["Vault"])


def test_record_of_another_build(
    client: Client, compiled: dict[str, Artifact], tmp_path: Path, deployed: Deployments
) -> None:
    edit(tmp_path, artifact_digest="sha256:" + "0" * 64)
    with pytest.raises(IntegrityError, match="deployed from another build"):
        require_deployed(client, load_deployments(tmp_path, 31337).require("toy", "Vault"), compiled["Vault"])


def test_record_of_an_address_without_code(
    client: Client, compiled: dict[str, Artifact], tmp_path: Path, deployed: Deployments
) -> None:
    edit(tmp_path, address="0x" + "00" * 19 + "99")
    with pytest.raises(NotDeployedError, match=r"Vault is not deployed at 0x0+99"):
        require_deployed(client, load_deployments(tmp_path, 31337).require("toy", "Vault"), compiled["Vault"])


@pytest.mark.parametrize(
    "change",
    [
        {"address": "0x1234"},
        {"tx_hashes": []},
        {"tx_hashes": "0x12"},
        {"tx_hashes": ["0x12"]},
        {"state": "done"},
        {"block_number": None},
        {"constructor_arguments": "0x0"},
        {"artifact_digest": "md5:00"},
        {"libraries": {"L": "0x12"}},
        {"surprise": 1},
    ],
)
def test_malformed_record(tmp_path: Path, deployed: Deployments, change: dict[str, Any]) -> None:
    edit(tmp_path, **change)
    with pytest.raises(IntegrityError, match=r"31337\.json is not a deployment file"):
        load_deployments(tmp_path, 31337)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a deployment file"),
        ("[]", "not a deployment file"),
        ("{}", "not a deployment file"),
        ('{"schema": 1, "chain_id": 1, "systems": {}, "superseded": []}', "another chain; expected chain id 5; got 1"),
        ('{"schema": 2, "chain_id": 5, "systems": {}, "superseded": []}', "another schema; expected 1; got 2"),
        ('{"schema": 1, "chain_id": 5, "systems": [], "superseded": []}', "not a deployment file"),
    ],
)
def test_malformed_file(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "5.json").write_text(content)
    with pytest.raises(IntegrityError, match=message):
        load_deployments(tmp_path, 5)


def test_no_file_means_nothing_deployed(tmp_path: Path) -> None:
    with pytest.raises(NotDeployedError, match="AccuracyRegistry of system zk is not deployed on chain 5"):
        load_deployments(tmp_path, 5).require("zk", "AccuracyRegistry")


def test_two_deployments_at_a_time_are_refused(
    client: Client, node: DevNode, compiled: dict[str, Artifact], tmp_path: Path
) -> None:
    def nested(_: str, __: float) -> None:
        deploy_system(client, plan(compiled), node.accounts[1], folder=tmp_path)

    with pytest.raises(ChainError, match="another deployment is writing"):
        deploy_system(client, plan(compiled), node.accounts[0], folder=tmp_path, progress=nested)
    deploy_system(client, plan(compiled), node.accounts[0], folder=tmp_path)


@pytest.mark.parametrize("names", [("A", "A"), ("Later", "A")])
def test_plan_must_refer_backward(compiled: dict[str, Artifact], names: tuple[str, str]) -> None:
    first = Step(names[0], compiled["Vault"], (1, Ref("A"))) if names[0] == "Later" else Step("A", compiled["Inner"])
    with pytest.raises(InputError, match="doubled or refers to a later one"):
        Plan("toy", (first, Step(names[1], compiled["Inner"])))


def test_created_address_is_that_of_the_yellow_paper() -> None:
    # Known values: https://ethereum.stackexchange.com/questions/760
    sender = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    assert created_address(sender, 0) == "0xcd234A471b72ba2F1Ccf0A70FCABA648a5eeCD8d"
    assert created_address(sender, 1) == "0x343c43A37D37dfF08AE8C4A11544c718AbB4fCF8"
    assert created_address(sender, 2) == "0xf778B86FA74E846c4f0a1fBd1335FE81c00a0C91"


def test_record_checks_itself() -> None:
    with pytest.raises(InputError, match="deployment record of X is malformed"):
        Deployment("X", "0x" + "00" * 20, "sha256:" + "0" * 64, "0x" + "00" * 20, "0x", (), 1)
