"""Halmos on this project, from an environment of its own: theorems about the payments of ``contracts/zk/Bounty.sol``,
``contracts/keys/ImageVault.sol``, ``contracts/freezenet/OptimisticVerifier.sol``, ``contracts/freezenet/Rounds.sol``,
``contracts/deepchain/Escrow.sol``.

``tests/contracts/symbolic/`` states them for all amounts, times, senders, signatures and answers of the registries at
once, and beside them false ones, whose counterexamples show that the true ones are about something.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.tooling.conftest import Run, find_tool

ROOT = Path(__file__).parents[2]
SYMBOLIC = ROOT / "tests" / "contracts" / "symbolic"
CONTRACTS = ("Bounty", "Dispute", "Escrow", "ImageVault", "Rounds")
SLOW = {
    "check_CancellingCreditsTheSponsorAlone",
    "check_CoinsHeldAreOwnedAfterAnyCall",
    "check_CoinsHeldAreThoseOwed",
    "check_CoinsHeldAreThoseOwedAfterAnyCall",
    "check_CollectingCreditsTheMinerAlone",
    "check_FreeCoinsFallOnlyByTheirOwnerOrItsController",
    "check_NoCallMovesABystandersBalance",
    "check_RecipientCanAlwaysClaimWhatWaits",
    "check_RevealingReturnsAtMostTheSendersOwnBond",
    "check_SettlingCreditsTheSponsorAlone",
}


def _stated(file: str) -> set[str]:
    return set(re.findall(r"function (check_\w+)", (SYMBOLIC / file).read_text(encoding="utf-8")))


def _verdicts(run: Run, folder: Path, contract: str, match: str) -> dict[str, str]:
    """``PASS``, ``FAIL``, ``TIMEOUT`` or ``ERROR`` by theorem; only what the theorems import is compiled."""
    halmos = find_tool("halmos", ROOT / ".dev" / "halmos" / "bin" / "halmos")
    find_tool("forge")
    sources = str(SYMBOLIC.relative_to(ROOT))
    environment = {
        "FOUNDRY_OUT": str(folder / "out"),
        "FOUNDRY_CACHE_PATH": str(folder / "cache"),
        "FOUNDRY_SRC": sources,
        "FOUNDRY_TEST": sources,
        "PATH": f"{Path(halmos).parent}:{os.environ['PATH']}",  # its solver lies beside it
    }
    command = (halmos, "--root", ROOT, "--forge-build-out", folder / "out", "--no-status")
    chosen = ("--match-contract", f"^{contract}", "--match-test", match)
    answer = run(*command, *chosen, environment=environment, timeout_s=600)
    plain = re.sub(r"\x1b\[\d+m", "", answer.stdout)
    verdicts = {theorem: verdict for verdict, theorem in re.findall(r"^\[(\w+)\] (check_\w+)", plain, re.MULTILINE)}
    assert verdicts, answer.stdout
    return verdicts


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("halmos")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_payments_are_proved_and_false_theorems_are_not(run: Run, build: Path, contract: str) -> None:
    proofs, falsehoods = _stated(f"{contract}.t.sol") - SLOW, _stated(f"{contract}Reachability.t.sol")
    assert _verdicts(run, build, contract, f"^(?!{'|'.join(SLOW)})check_") == {
        **dict.fromkeys(proofs, "PASS"),
        **dict.fromkeys(falsehoods, "FAIL"),
    }


@pytest.mark.long
@pytest.mark.parametrize("contract", CONTRACTS)
def test_payments_are_proved_after_any_call(run: Run, build: Path, contract: str) -> None:
    proofs = _stated(f"{contract}.t.sol") & SLOW
    assert _verdicts(run, build, contract, f"^({'|'.join(SLOW)})") == dict.fromkeys(proofs, "PASS")
