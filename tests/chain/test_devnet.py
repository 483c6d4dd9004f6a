"""The devnet starts, works, saves its state, and never outlives its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyml.chain.client import Client
from pyml.chain.devnet import Devnet, DevnetOptions, DevNode, HardhatNode
from pyml.chain.tools import find_anvil
from pyml.chain.transactions import MAX_TX_GAS, Transaction
from pyml.errors import ChainError, ToolMissingError, TransactionFailedError

ROOT = Path(__file__).parents[2]
# The child forks once after the devnet is up: a copy of the parent must not keep the lifeline open.
PARENT = """
import os, sys, time
from pyml.chain.devnet import Devnet
devnet = Devnet().start()
fork = os.fork()
if fork == 0:
    time.sleep(60)
    os._exit(0)
print(devnet.pid, fork, flush=True)
sys.stdin.readline()
{then}
"""


def is_alive(pid: int) -> bool:
    """False for a zombie as well: it runs nothing and holds no port."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float = 8.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def start_parent(then: str) -> tuple[subprocess.Popen[str], int, int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(then=then)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    devnet, fork = map(int, parent.stdout.readline().split())
    assert is_alive(devnet)
    # Only now may the parent end: one that ended at once took anvil along before it could be seen alive.
    parent.stdin.write("\n")
    parent.stdin.close()
    return parent, devnet, fork


def test_runs_on_a_free_port_and_stops() -> None:
    with Devnet() as first, Devnet() as second:
        assert first.url != second.url
        assert Client.connect(first.url, expected_chain_id=31337).block_number() == 0
        pid, url = first.pid, first.url
    assert not is_alive(pid)
    with pytest.raises(ChainError, match="cannot be reached"):
        Client.connect(url)
    assert not first.running
    first.stop()  # a second time is harmless
    with pytest.raises(ChainError, match="devnet is not running"):
        _ = first.url


def test_starts_again_after_stop() -> None:
    devnet = Devnet()
    with devnet:
        pid = devnet.pid
        assert devnet.start().pid == pid, "starting a running devnet changes nothing"
    with devnet:
        assert devnet.pid != pid


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_anvil_ends_with_its_parent(number: signal.Signals) -> None:
    parent, devnet, fork = start_parent("time.sleep(60)")
    try:
        parent.send_signal(number)
        parent.wait(5)
        assert is_alive(fork), "the forked copy is still there, and must not matter"
        assert wait_until(lambda: not is_alive(devnet))
    finally:
        os.kill(fork, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(devnet, signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
@pytest.mark.parametrize(
    "then", ["sys.exit(3)", "raise RuntimeError('bug')", "os._exit(1)", "os.execlp('true', 'true')"]
)
def test_anvil_ends_however_the_program_ends(then: str) -> None:
    parent, devnet, fork = start_parent(then)
    try:
        parent.wait(8)
        assert wait_until(lambda: not is_alive(devnet))
    finally:
        os.kill(fork, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(devnet, signal.SIGKILL)


def test_state_is_saved_and_continued(tmp_path: Path) -> None:
    options = DevnetOptions(state=tmp_path / "chain.json")
    with Devnet(options) as devnet:
        client = Client.connect(devnet.url)
        receipt = client.send(Transaction(devnet.accounts[1].address, value_wei=7), devnet.accounts[0])
        balance = client.balance_wei(devnet.accounts[1].address)
    assert [path.name for path in tmp_path.iterdir()] == ["chain.json"]
    with Devnet(options) as devnet:
        client = Client.connect(devnet.url)
        assert client.balance_wei(devnet.accounts[1].address) == balance
        again = client.receipt(receipt.tx_hash)
        assert again is not None
        assert again.block_hash == receipt.block_hash
        assert client.send(Transaction(devnet.accounts[1].address, value_wei=1), devnet.accounts[0]).block_number == 2


def test_damaged_state_file_is_named_in_the_error(tmp_path: Path) -> None:
    state = tmp_path / "chain.json"
    state.write_text('{"accounts": ')
    with pytest.raises(ChainError, match="the devnet did not start"):
        Devnet(DevnetOptions(state=state)).start()
    assert state.read_text() == '{"accounts": ', "a file that could not be read is left as it is"


def test_options_reach_anvil() -> None:
    with Devnet(DevnetOptions(chain_id=1337, automine=False, hardfork="cancun")) as devnet:
        client = Client.connect(devnet.url, expected_chain_id=1337)
        devnet.rpc.request("evm_mine")
        assert client.block_number() == 1
    with Devnet(DevnetOptions(block_time_s=0.1)) as devnet:
        client = Client.connect(devnet.url)
        assert wait_until(lambda: client.block_number() >= 2)


def test_gas_cap_of_osaka_is_enforced_when_asked() -> None:
    gas = MAX_TX_GAS + 1
    with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet:
        account, client = devnet.accounts[0], Client.connect(devnet.url)
        with pytest.raises(TransactionFailedError, match=r"refuses the gas limit.*EIP-7825"):
            client.send(Transaction(account.address, gas=gas), account)
        assert client.send(Transaction(account.address, gas=MAX_TX_GAS), account).succeeded
    with Devnet() as devnet:
        assert Client.connect(devnet.url).send(Transaction(account.address, gas=gas), account).succeeded


def test_taken_port_is_reported_with_anvils_words() -> None:
    with Devnet() as devnet:
        port = int(devnet.url.rpartition(":")[2])
        with pytest.raises(ChainError, match=r"devnet did not start.*in use"):
            Devnet(DevnetOptions(port=port)).start()


def test_accounts_are_anvils(anvil: Devnet) -> None:
    unlocked = [str(address).lower() for address in anvil.rpc.request("eth_accounts")]
    assert [account.address.lower() for account in anvil.accounts] == unlocked
    assert all(account.dev_only for account in anvil.accounts)
    assert "junk" not in repr(anvil.accounts)


def test_missing_anvil_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolMissingError, match=r"anvil is not at .*absent"):
        Devnet(anvil=tmp_path / "absent").start()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"not installed.*\./dev.*PYML_ANVIL"):
        find_anvil(project_root=tmp_path)


def test_anvil_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def program(*parts: str) -> Path:
        path = tmp_path.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return path

    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    by_user = program("home", ".foundry", "bin", "anvil")
    root = tmp_path / "project"
    assert find_anvil(project_root=root) == by_user
    in_project = program("project", "node_modules", "@foundry-rs", "anvil-linux-amd64", "bin", "anvil")
    assert find_anvil(project_root=root) == in_project
    on_path = program("path", "anvil")
    assert find_anvil(project_root=root) == on_path
    assert find_anvil(by_user, project_root=root) == by_user
    by_user.chmod(0o644)
    with pytest.raises(ToolMissingError):
        find_anvil(by_user, project_root=root)


def test_program_that_is_not_anvil_does_not_start(tmp_path: Path) -> None:
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\necho 'cannot run here'\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(ChainError, match=r"devnet did not start.*cannot run here"):
        Devnet(anvil=program).start()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(ChainError, match=r"devnet did not start; expected within 0.3 s; got no output"):
        Devnet(DevnetOptions(start_timeout_s=0.3), anvil=program).start()


def test_hardhat_needs_a_project(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match=r"no Hardhat project.*hardhat\.config\.js"):
        HardhatNode(project_root=tmp_path).start()


def test_either_node_serves_the_same_protocol(node: DevNode) -> None:
    client = Client.connect(node.url, expected_chain_id=31337)
    before = client.balance_wei(node.accounts[3].address)
    receipt = client.send(Transaction(node.accounts[3].address, value_wei=5), node.accounts[0])
    assert receipt.succeeded
    assert client.balance_wei(node.accounts[3].address) == before + 5
