"""Theft and front-running, on a chain against the real contracts: copied commitments, copied solutions, late entries.

Source: specification, section 4. A thief reads everything that a miner sends, and goes first where he can:

1. he copies a commitment out of the pool and bonds it as his own;
2. when the miner opens it, he sends the same solution and salt;
3. with another account that never committed, he sends them too;
4. he commits the copied solution afterwards, as he does the moment the test set is out;
5. had he got the solution before commitments closed, he could bond and open it as his: ``under_his_seed`` is what it
   answers then.

The contract stops 1 to 4: the miner's address is in the commitment, and commitments end before anything is shown. The
seed stops 5. The round is settled without a judge: its threshold is out of reach, so that the honest miner gets the
bond back when the solution is opened, and what is lost is the thief's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.devnet import DevNode
from pyml.errors import ChainError, ContractRevertedError
from pyml.freezenet.answers import pack_answers
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.inference import Int8Network, predict
from pyml.freezenet.registries import ExactVerifier, Phase, Rounds, TaskRegistry, Terms
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Content, Solution, content_of, network_of

BOND_WEI: Final = 10**18
PHASE_BLOCKS: Final = 8
_SALT: Final = bytes(31) + b"\x01"
_TASK: Final = 0
_ROUND: Final = 0

Train = Callable[[bytes], Int8Network]
"""From a seed to a network that holds its watermark."""
Commit = Callable[[Solution, bytes, str], bytes]
"""The commitment to a solution, under a salt, of a miner."""


@dataclass(frozen=True, slots=True)
class Theft:
    """What came of each attempt: the contract's error, or nothing where it was accepted."""

    copied_commitment: str | None
    copied_opening: str | None
    opening_without_commitment: str | None
    late_commitment: str | None
    honest_correct: int
    stolen_correct: int
    samples: int
    thief_wei: int
    """What the thief ends with, less what he began with and without gas."""
    miner_wei: int

    @property
    def succeeds(self) -> bool:
        """Whether the thief opened what he copied."""
        return self.copied_opening is None or self.opening_without_commitment is None or self.late_commitment is None


@dataclass(slots=True)
class _Stage:
    """Accounts, contracts and the chain's clock."""

    node: DevNode
    client: Client
    rounds: Rounds
    sponsor: Signer
    miner: Signer
    thief: Signer
    other: Signer

    def go_to(self, phase: Phase) -> None:
        """The next transaction is in the first block of the phase."""
        self._mine_to(self.rounds.round(_TASK, _ROUND).first_block(phase) - 1)

    def end(self) -> None:
        """Behind the last phase."""
        self._mine_to(self.rounds.round(_TASK, _ROUND).last_block(Phase.ENROL))

    def tried(self, account: Signer, function: str, *args: Any, value_wei: int = 0) -> str | None:
        """Send it; the name of the contract's error, or nothing if it was accepted."""
        try:
            self.rounds.send(function, _TASK, _ROUND, *args, account=account, value_wei=value_wei)
        except ContractRevertedError as error:
            return error.name
        return None

    def must(self, account: Signer, function: str, *args: Any, value_wei: int = 0) -> None:
        """Send it."""
        self.rounds.send(function, _TASK, _ROUND, *args, account=account, value_wei=value_wei)

    def _mine_to(self, block: int) -> None:
        blocks = block - self.client.block_number()
        if blocks < 0:
            raise ChainError("the round is further than it should be", expected=f"block {block}")
        if blocks:
            self.node.rpc.request("anvil_mine", hex(blocks))


def play(
    node: DevNode,
    architecture: Architecture,
    test: tuple[NDArray[np.int8], NDArray[Any]],
    train: Train,
    *,
    rounds: Artifact | None = None,
    commit: Commit = Solution.commitment,
) -> Theft:
    """One round with an honest miner and a thief on a development chain of one's own.

    ``rounds`` and ``commit`` may be other ones, to see what is stolen where a commitment does not name its miner.
    """
    samples = SampleSet.salted(*test)
    stage = _opened(node, architecture, samples, rounds)
    stage.must(stage.other, "fixBeacon")
    seeds = [stage.rounds.seed(_TASK, _ROUND, each.address) for each in (stage.miner, stage.thief)]
    network = train(seeds[0])
    content = content_of(network, architecture, seeds[0])
    solution = content.solution()
    commitment = commit(solution, _SALT, stage.miner.address)
    copied = stage.tried(stage.thief, "commit", commitment, value_wei=BOND_WEI)
    stage.must(stage.miner, "commit", commitment, value_wei=BOND_WEI)
    stage.go_to(Phase.TEST)
    stage.must(stage.sponsor, "revealTestSet", samples.tree.root, bytes.fromhex(samples.digest))
    late = stage.tried(stage.other, "commit", commit(solution, _SALT, stage.other.address), value_wei=BOND_WEI)
    stage.go_to(Phase.REVEAL)
    answered = predict(network, samples.inputs) == samples.labels
    opening = solution.as_tuple(), _SALT, pack_answers(answered)
    opened_copy = stage.tried(stage.thief, "reveal", *opening)
    opened_none = stage.tried(stage.other, "reveal", *opening)
    stage.must(stage.miner, "reveal", *opening)
    stage.end()
    stage.must(stage.sponsor, "settle")
    return Theft(
        copied,
        opened_copy,
        opened_none,
        late,
        int(answered.sum()),
        under_his_seed(content, architecture, seeds[1], samples),
        len(samples),
        stage.rounds.credit(stage.thief.address) - BOND_WEI,
        stage.rounds.credit(stage.miner.address) - BOND_WEI,
    )


def under_his_seed(content: Content, architecture: Architecture, seed: bytes, samples: SampleSet) -> int:
    """Correct answers of a copied solution with the thief's watermark, which whoever judges puts in."""
    network = network_of(content, architecture, seed)
    return int((predict(network, samples.inputs) == samples.labels).sum())


def _opened(node: DevNode, architecture: Architecture, samples: SampleSet, rounds: Artifact | None) -> _Stage:
    """Contracts, one task of which the threshold is every sample, and its first round."""
    client = Client.connect(node.url)
    sponsor, miner, thief, other = _four(node.accounts)
    tasks = TaskRegistry.deploy(client, account=sponsor)
    made = Rounds.deploy(client, tasks.address, account=sponsor, artifact=rounds)
    judge = ExactVerifier.deploy(client, made.address, tasks.address, account=sponsor)
    terms = Terms(
        training_root=bytes(31) + b"\x01",
        verifier=judge.address,
        fraction_ppm=architecture.fraction_ppm,
        samples=len(samples),
        threshold=len(samples),
        threshold_floor=1,
        threshold_step=0,
        target_solutions=1,
        miner_bond=BOND_WEI,
        sponsor_bond=BOND_WEI,
        commit_blocks=PHASE_BLOCKS,
        test_blocks=PHASE_BLOCKS,
        reveal_blocks=PHASE_BLOCKS,
        challenge_blocks=PHASE_BLOCKS,
    )
    tasks.send("register", terms.as_tuple(), [*architecture.layers], account=sponsor)
    made.send("openRound", _TASK, samples.seal, account=sponsor, value_wei=2 * BOND_WEI)
    return _Stage(node, client, made, sponsor, miner, thief, other)


def _four(accounts: Sequence[Signer]) -> tuple[Signer, Signer, Signer, Signer]:
    sponsor, miner, thief, other, *_ = accounts
    return sponsor, miner, thief, other
