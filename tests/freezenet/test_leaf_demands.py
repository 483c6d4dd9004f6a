"""Leaves on demand, on a devnet: served, hidden, refused."""

from __future__ import annotations

from typing import Any

import pytest

from bench.freezenet.stage import MINER_BOND
from pyml.errors import ContractRevertedError, InputError
from pyml.freezenet.leaf_demands import Tree, content_from, demand_leaves, rows_of, serve_leaves
from pyml.freezenet.steps import Send
from tests.freezenet.dispute_stage import BYSTANDER, REJECTED, UNDECIDED, Setting, flips


def test_all_leaves_that_were_served_are_the_solution(setting: Setting) -> None:
    stage, architecture = setting.stage, setting.stage.architecture
    demands, challenger = stage.contracts["demands"], stage.challenger
    leaves: dict[tuple[Tree, int], bytes] = {}
    for number, row in enumerate(rows_of(architecture)):
        fee = 2 * int(demands.call("feeFor", row[2]))
        demand = demand_leaves(stage.task, stage.round, stage.miner.address, architecture, row=row, fee_wei=fee)
        stage.send(demand, challenger)
        assert setting.verdict() == UNDECIDED
        receipt = stage.send(serve_leaves(setting.content, number, row=row), stage.node.accounts[BYSTANDER])
        (event,) = demands.events_in(receipt, "LeavesServed")
        leaves |= {(row[0], row[1] + i): bytes(leaf) for i, leaf in enumerate(event.arguments["contents"])}
        assert receipt.gas_used <= 150_000 + 6_000 * row[2]
    assert content_from(architecture, leaves).encode() == setting.content.encode()
    assert setting.credit("demands", BYSTANDER) == stage.client.balance_wei(demands.address)
    with pytest.raises(InputError, match="missing"):
        content_from(architecture, {key: leaves[key] for key in list(leaves)[1:]})


def test_a_miner_who_hides_leaves_loses(setting: Setting) -> None:
    stage = setting.stage
    demands, optimistic = stage.contracts["demands"], stage.contracts["optimistic"]
    row = (Tree.FREE, 3, 2)
    fee = 2 * int(demands.call("feeFor", 2))
    step = demand_leaves(stage.task, stage.round, stage.miner.address, stage.architecture, row=row, fee_wei=fee)
    stage.send(step, stage.challenger)
    key = (stage.task, stage.round, stage.miner.address)
    with pytest.raises(ContractRevertedError, match="DeadlineNotPassed"):
        demands.call("claimUnserved", 0)
    with pytest.raises(ContractRevertedError, match="NothingHidden"):
        optimistic.call("rejectHidden", *key)
    stage.skip_to(int(demands.call("demandOf", 0)["deadline"]) + 2)
    with pytest.raises(ContractRevertedError, match="DeadlinePassed"):
        demands.call("serve", *serve_leaves(setting.content, 0, row=row).arguments)
    stage.send(Send("demands", "claimUnserved", (0,)), stage.node.accounts[BYSTANDER])
    assert setting.verdict() == REJECTED
    assert setting.credit("demands", 2) == fee
    stage.send(Send("optimistic", "rejectHidden", key), stage.node.accounts[BYSTANDER])
    assert setting.credit("rounds", 2) == MINER_BOND // 2
    with pytest.raises(ContractRevertedError, match="AlreadyRejected"):
        optimistic.call("rejectHidden", *key)


def test_demands_and_answers_that_are_none_are_refused(setting: Setting) -> None:
    stage, architecture = setting.stage, setting.stage.architecture
    demands = stage.contracts["demands"]
    stage.node.rpc.request("anvil_mine", hex(1))

    def refused(error: str, function: str, *arguments: object, value_wei: int = 0) -> None:
        with pytest.raises(ContractRevertedError) as caught:
            demands.call(function, *arguments, value_wei=value_wei, sender=stage.challenger.address)
        assert caught.value.name == error

    def asked(row: tuple[Tree, int, int]) -> tuple[object, ...]:
        miner = stage.miner.address
        return demand_leaves(stage.task, stage.round, miner, architecture, row=row, fee_wei=0).arguments

    refused("LengthMismatch", "demand", *asked((Tree.FREE, 0, 0)), value_wei=10**18)
    refused("LengthMismatch", "demand", *asked((Tree.FREE, 0, 65)), value_wei=10**18)
    refused("IndexOutOfRange", "demand", *asked((Tree.NUMBERS, 95, 2)), value_wei=10**18)
    refused("FeeTooLow", "demand", *asked((Tree.FREE, 0, 1)))
    row = (Tree.NUMBERS, 84, 4)  # two channels, two words
    stage.send(Send("demands", "demand", asked(row), 10**16), stage.challenger)
    served: tuple[Any, ...] = serve_leaves(setting.content, 0, row=row).arguments
    number, solution, contents, path = served
    demands.call("serve", number, solution, contents, path)
    refused("NotDemanded", "serve", 1, solution, contents, path)
    refused("LengthMismatch", "serve", number, solution, contents[1:], path)
    refused("LengthMismatch", "serve", number, solution, (contents[0] + b"\0", *contents[1:]), path)
    for flipped in flips(solution):
        refused("SolutionMismatch", "serve", number, flipped, contents, path)
    for flipped in flips(contents):
        refused("NotUnderRoot", "serve", number, solution, flipped, path)
    for flipped in flips(path):
        refused("NotUnderRoot", "serve", number, solution, contents, flipped)
    stage.skip_to(stage.phase(3)[0] + 202)
    stage.node.rpc.request("anvil_mine", hex(1))
    refused("OutsidePhase", "demand", *asked((Tree.FREE, 0, 1)), value_wei=10**18)
