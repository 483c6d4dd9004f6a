"""An EVM chain of one's own: anvil as a child process, or a Hardhat node for the same tests.

    with Devnet() as devnet:
        client = Client.connect(devnet.url)
        client.send(..., devnet.accounts[0])

The node listens on 127.0.0.1 on a port that the kernel gives it (port 0, read back from its output, so nobody can
take the port in between), answers a health check before ``start`` returns, and ends with this process in every
case (see ``lifeline``). State is saved through ``anvil_dumpState`` to a temporary file that is then renamed.
"""

from __future__ import annotations

import atexit
import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from pyml.chain.accounts import Signer, dev_signers
from pyml.chain.lifeline import TiedProcess
from pyml.chain.rpc import Rpc
from pyml.chain.tools import SOURCE_ROOT, find_anvil, find_hardhat
from pyml.errors import ChainError, IntegrityError
from pyml.files import write_atomically

_HOST: Final = "127.0.0.1"
_PORT = re.compile(r":(\d+)/?\s*$")
_ACCOUNTS: Final = 10


class DevNode(Protocol):
    """What tests and the demo need of a development chain."""

    @property
    def url(self) -> str: ...
    @property
    def accounts(self) -> tuple[Signer, ...]: ...
    @property
    def rpc(self) -> Rpc: ...
    def start(self) -> Self: ...
    def stop(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class DevnetOptions:
    """Settings of anvil; the defaults mine each transaction at once on chain id 31337."""

    chain_id: int = 31337
    port: int = 0
    """0 lets the kernel choose."""
    block_time_s: float | None = None
    """Mine at this interval instead of at once."""
    automine: bool = True
    """False: mine only on ``evm_mine``."""
    hardfork: str | None = None
    """``cancun``, ``prague``, ``osaka`` …; anvil's newest when absent."""
    enforce_tx_gas_cap: bool = False
    """Refuse transactions above 2^24 gas as public chains do (EIP-7825)."""
    state: Path | None = None
    """Continue from this file if it exists, and save to it on ``stop``."""
    start_timeout_s: float = 20.0

    def arguments(self) -> list[str]:
        """anvil's command line, less the program."""
        words = ["--host", _HOST, "--port", str(self.port), "--chain-id", str(self.chain_id)]
        words += ["--accounts", str(_ACCOUNTS), "--no-cors"]
        if self.block_time_s is not None:
            words += ["--block-time", f"{self.block_time_s:g}"]
        elif not self.automine:
            words.append("--no-mining")
        if self.hardfork is not None:
            words += ["--hardfork", self.hardfork]
        if self.enforce_tx_gas_cap:
            words.append("--enable-tx-gas-limit")
        if self.state is not None and self.state.exists():
            words += ["--load-state", str(self.state)]
        return words


class _Node:
    """The part that anvil and Hardhat share: start, find the port, check health, stop."""

    def __init__(self, chain_id: int, start_timeout_s: float) -> None:
        self._chain_id = chain_id
        self._start_timeout_s = start_timeout_s
        self._process: TiedProcess | None = None
        self._rpc: Rpc | None = None
        self._url = ""
        self._accounts: tuple[Signer, ...] = ()

    @property
    def url(self) -> str:
        """The JSON-RPC URL; raises ``ChainError`` when not running."""
        self._require_running()
        return self._url

    @property
    def rpc(self) -> Rpc:
        """Direct JSON-RPC for the node's own methods (``evm_mine``, ``anvil_reorg`` …)."""
        rpc = self._rpc
        if rpc is None:
            raise ChainError("the devnet is not running", hint="Call start(), or use it in a with statement.")
        return rpc

    @property
    def pid(self) -> int:
        return self._require_running().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def accounts(self) -> tuple[Signer, ...]:
        """Funded accounts, whose keys are public: for development chains only."""
        if not self._accounts:
            self._accounts = dev_signers(_ACCOUNTS)
        return self._accounts

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Return when the node answers; raises ``ToolMissingError`` or ``ChainError`` with the node's own words."""
        if self.running:
            return self
        command, cwd = self._command()
        process = TiedProcess(command, cwd=cwd)
        try:
            line = process.wait_for_line(self._ready_line(), self._start_timeout_s)
            port = _PORT.search(line) if line else None
            if port is None:
                said = " ".join(process.tail().split()[-60:])
                limit = f"within {self._start_timeout_s:g} s"
                raise ChainError("the devnet did not start", expected=limit, got=said or "no output")
            url = f"http://{_HOST}:{port[1]}"
            rpc = Rpc(url)
            chain_id = int(rpc.request("eth_chainId"), 16)
            if chain_id != self._chain_id:
                raise ChainError("the devnet has another chain id", expected=self._chain_id, got=chain_id)
        except BaseException:
            process.stop()
            raise
        self._process, self._rpc, self._url = process, rpc, url
        atexit.register(self.stop)  # so that state is saved even by a program that forgets to stop the node
        return self

    def stop(self) -> None:
        """End the node; harmless when it is not running."""
        atexit.unregister(self.stop)
        process, self._process, self._rpc = self._process, None, None
        if process is not None:
            process.stop()

    def _require_running(self) -> TiedProcess:
        if self._process is None:
            raise ChainError("the devnet is not running", hint="Call start(), or use it in a with statement.")
        return self._process

    def _command(self) -> tuple[Sequence[str], Path | None]:
        raise NotImplementedError

    def _ready_line(self) -> str:
        raise NotImplementedError


class Devnet(_Node):
    """anvil."""

    def __init__(
        self, options: DevnetOptions | None = None, *, anvil: Path | None = None, project_root: Path | None = None
    ) -> None:
        self.options = options or DevnetOptions()
        super().__init__(self.options.chain_id, self.options.start_timeout_s)
        self._anvil = anvil
        self._project_root = project_root

    def save_state(self, path: Path) -> None:
        """Write the whole chain (accounts, blocks, receipts) so that ``DevnetOptions.state`` can continue from it."""
        dumped = self.rpc.request("anvil_dumpState")
        try:
            state = gzip.decompress(bytes.fromhex(dumped.removeprefix("0x")))
        except (ValueError, AttributeError, OSError, EOFError, zlib.error) as error:
            raise IntegrityError("anvil's state dump cannot be read") from error
        write_atomically(path, state)

    def stop(self) -> None:
        """Save the state if a file was given, then end anvil."""
        try:
            if self.options.state is not None and self.running:
                self.save_state(self.options.state)
        finally:
            super().stop()

    def _command(self) -> tuple[Sequence[str], Path | None]:
        anvil = find_anvil(self._anvil, project_root=self._project_root)
        return [str(anvil), *self.options.arguments()], None

    def _ready_line(self) -> str:
        return "Listening on "


class HardhatNode(_Node):
    """``npx hardhat node`` of the project, whose configuration decides fork and chain id (31337 by default)."""

    def __init__(
        self,
        *,
        project_root: Path | None = None,
        command: Sequence[str] | None = None,
        chain_id: int = 31337,
        start_timeout_s: float = 60.0,
    ) -> None:
        super().__init__(chain_id, start_timeout_s)
        self._project_root = project_root or SOURCE_ROOT
        self._hardhat = command

    def _command(self) -> tuple[Sequence[str], Path | None]:
        hardhat = self._hardhat or find_hardhat(self._project_root)
        return [*hardhat, "node", "--hostname", _HOST, "--port", "0"], self._project_root

    def _ready_line(self) -> str:
        return "JSON-RPC server at "
