"""A round of freezenet with a process for everybody in it: a sponsor, three miners, a challenger, a cheat of each kind.

One miner and the challenger are killed on the way, and started again with the same words. In the end every cheat has
lost its bond, nobody else has lost anything, and every wei is accounted for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.errors import ToolMissingError
from pyml.freezenet.dispute import Turn
from pyml.freezenet.mining import training_set
from pyml.freezenet.registries import Phase, Status, Verdict
from pyml.freezenet.stage import Player, Stage
from pyml.ml.datasets import load

REWARD, BOND, SPONSOR_BOND = 10**18 + 1, 10**17, 3 * 10**17
MINERS = ("miner1", "miner2", "miner3")
DISPUTED = ("weight", "activation", "unserved")
SPONSOR = (
    *("sponsor", "--samples", "20", "--threshold", "8", "--reward", str(REWARD), "--miner-bond", str(BOND)),
    *("--sponsor-bond", str(SPONSOR_BOND), "--commit-blocks", "60", "--test-blocks", "20", "--reveal-blocks", "40"),
)
TRAINING_SET = training_set(load("digits")).digest
MINE = ("mine", "0", "--epochs", "3", "--training-set", TRAINING_SET)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    try:
        with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet:
            built = Stage.build(devnet, tmp_path)
            try:
                yield built
            finally:
                built.close()
    except ToolMissingError as error:
        pytest.skip(str(error))


def test_every_cheat_loses_its_bond_and_nobody_else_anything(stage: Stage) -> None:
    stage.play("sponsor", 0, *SPONSOR, "--verifier", "optimistic", "--challenge-blocks", "480")
    stage.wait("the round is open", lambda: stage.is_open)
    miners = [stage.play(name, account, *MINE) for account, name in enumerate(MINERS, 1)]
    cheats = [stage.cheat(kind, account) for account, kind in enumerate((*DISPUTED, "silence"), 4)]
    challenger = stage.play("challenger", 9, "challenge", "0")
    rounds = stage.contracts.rounds

    stage.wait("the first miner has committed", lambda: rounds.entry(0, 0, miners[0].address).committed)
    miners[0].kill()
    copier = stage.cheat("copy", 8, victim=miners[0].address)
    stage.wait("all have committed", lambda: stage.round.commitments == 8)
    miners[0].start()
    stage.end_phase(Phase.COMMIT)
    stage.wait("the test set is revealed", lambda: stage.round.test_revealed)
    stage.end_phase(Phase.TEST)
    stage.wait("solutions are revealed", lambda: len(rounds.revealed(0, 0)) == 6)
    stage.wait("the copier has tried", lambda: stage.ended("copy"))
    stage.end_phase(Phase.REVEAL)
    stage.wait("a dispute is on its way", lambda: in_dispute(stage))
    challenger.kill()
    challenger.start()
    caught = [cheat.address for cheat in cheats[:3]]
    stage.let_turns_pass("cheats are caught", lambda: all(rounds.entry(0, 0, each).closed for each in caught))
    stage.end_phase(Phase.CHALLENGE)
    stage.wait("miners have enrolled", lambda: stage.round.enrolled == 3)
    stage.end_phase(Phase.ENROL)
    stage.wait("everybody is done", lambda: stage.ended("sponsor", "challenger", *MINERS))

    assert {each.name: json.loads(each.said)["outcome"] for each in (*cheats, copier)} == {
        "weight": "DoesNotFollow",
        "activation": "DoesNotFollow",
        "unserved": "hidden",
        "silence": "silent",
        "copy": "CommitmentMismatch",
    }
    found = challenger.result()["findings"]
    assert found == {
        **dict.fromkeys((each.address for each in miners), "fine"),
        **dict.fromkeys(caught[:2], "false"),
        caught[2]: "hidden",
    }
    assert_ledger(stage, lost=(*cheats, copier), refuted=3)
    assert len(stage.contracts.optimistic.disputes(0, 0, since_block=0)) == 2, "one of each, the kill notwithstanding"
    assert all(miner.result()["outcome"] == "rewarded" for miner in miners)
    assert turns_about(stage, caught[0]) == [*range(Turn.TRACE, Turn.OPEN), *range(Turn.SUMS, Turn.PROVE)]
    assert turns_about(stage, caught[1]) == [Turn.TRACE, Turn.PICK_LAYER, Turn.OPEN_LEAF, Turn.PICK_VALUE]


@pytest.mark.long
def test_a_round_that_is_judged_on_chain(stage: Stage) -> None:
    sponsor = stage.play("sponsor", 0, *SPONSOR, "--challenge-blocks", "40")
    stage.wait("the round is open", lambda: stage.is_open)
    sponsor.kill()
    sponsor.start()
    miners = [stage.play(name, account, *MINE) for account, name in enumerate(MINERS, 1)]
    cheats = [stage.cheat(kind, account) for account, kind in enumerate(("bluff", "silence"), 4)]
    watcher = stage.play("watcher", 9, "watch", "0", "--act")
    rounds, exact = stage.contracts.rounds, stage.contracts.exact
    cheats.append(stage.cheat("copy", 6, victim=miners[0].address))
    stage.wait("all have committed", lambda: stage.round.commitments == 6)
    stage.end_phase(Phase.COMMIT)
    stage.wait("the test set is revealed", lambda: stage.round.test_revealed)
    stage.end_phase(Phase.TEST)
    stage.wait("a proof is on its way", lambda: exact.progress(0, 0, miners[1].address).placed > 0)
    miners[1].kill()
    miners[1].start()
    judged = [*miners, cheats[0]]
    stage.wait("all are judged", lambda: all(exact.progress(0, 0, each.address).verdict for each in judged))
    assert exact.progress(0, 0, cheats[0].address).verdict == Verdict.REJECTED
    stage.wait("the copier has tried", lambda: stage.ended("copy"))
    stage.end_phase(Phase.REVEAL)
    stage.end_phase(Phase.CHALLENGE)
    stage.wait("miners have enrolled", lambda: stage.round.enrolled == 3)
    stage.end_phase(Phase.ENROL)
    stage.wait("everybody is done", lambda: stage.ended("sponsor", "watcher", "bluff", *MINERS))
    assert_ledger(stage, lost=tuple(cheats), refuted=0)
    told = [json.loads(line) for line in (watcher.folder / "out").read_text().splitlines()]
    names = [each.get("event") for each in told]
    assert [names.count(name) for name in ("RoundOpened", "SolutionCommitted", "SolutionRevealed")] == [1, 6, 4]
    assert told[-1]["status"] == "settled"
    assert rounds.count(0) == 1, "a sponsor that was killed opens no second round"


def assert_ledger(stage: Stage, *, lost: tuple[Player, ...], refuted: int) -> None:
    """Coins in = coins out + held, and to whom they went; ``refuted`` of the lost bonds were half the challenger's."""
    assert stage.round.status == Status.SETTLED
    gained = stage.gained()
    assert {name: gained[name] for name in MINERS} == dict.fromkeys(MINERS, REWARD // 3)
    assert gained["sponsor"] == REWARD % 3 - REWARD
    assert {each.name: gained[each.name] for each in lost} == {each.name: -BOND for each in lost}
    assert gained.get("challenger", 0) == refuted * BOND // 2
    burned = int(stage.contracts.rounds.call("burned"))
    assert burned == len(lost) * BOND - refuted * BOND // 2
    assert stage.held == burned
    assert sum(gained.values()) + stage.held == 0


def in_dispute(stage: Stage) -> bool:
    """Whether a miner has taken its first turn."""
    disputes = stage.contracts.optimistic.disputes(0, 0, since_block=0)
    return any(each.dispute.turn >= Turn.PICK_LAYER for each in disputes)


def turns_about(stage: Stage, miner: str) -> list[Turn]:
    """Which turns were taken in the dispute about a miner's solution."""
    disputes = stage.contracts.optimistic.disputes(0, 0, since_block=0)
    (number,) = (each.number for each in disputes if each.dispute.miner == miner)
    return stage.turns(number)
