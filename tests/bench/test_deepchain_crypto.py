"""The benchmark of an encrypted round runs as it is called; its peers are measured elsewhere."""

from __future__ import annotations

from pathlib import Path

from bench.deepchain.crypto_peers import LACKS
from bench.deepchain_crypto import PEERS
from tests.bench.test_scripts import quick_result


def test_a_small_round_is_measured(tmp_path: Path) -> None:
    result = quick_result("deepchain_crypto", tmp_path / "home", tmp_path / "result.json")
    ours = result["pyml"]
    assert ours["sums_exact"]
    assert ours["bytes"]["ciphertexts"] == ours["ciphertexts"] * 256
    assert ours["bytes"]["decryption_share"] == ours["ciphertexts"] * 128
    assert all(step["cpu_s"] > 0 for step in ours["steps"].values())
    assert result["peers"] == []
    assert "targets" not in result  # they speak of another size


def test_every_peer_is_said_to_lack_something() -> None:
    assert set(PEERS) == set(LACKS)
