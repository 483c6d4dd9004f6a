"""What every test shares: options, hypothesis profiles, the choice of devnet."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# py_ecc raises the recursion limit to 100,000 when it is imported: beyond what the C stack of the JSON parser bears, so
# that deeply nested input from outside would crash the tests where it is refused in use.
_RECURSION_LIMIT = sys.getrecursionlimit()
if importlib.util.find_spec("py_ecc"):
    importlib.import_module("py_ecc")
sys.setrecursionlimit(_RECURSION_LIMIT)

# A shell starts what it runs in the background with interrupts ignored, and nohup with hang-ups; what the tests
# interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = Path(__file__).parents[1]

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile(  # the same examples in each run, so that a red build is a change of ours
    "ci",
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=_SLOW_IS_FINE,
)
settings.register_profile(
    "long", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pyml")
    group.addoption("--long", action="store_true", help="run the tests marked long, and 1000 examples of each law")
    group.addoption(
        "--devnet", choices=("anvil", "hardhat"), default="anvil", help="the EVM node that end-to-end tests use"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("--long") else "ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked long, and says so in the closing line as deselected rather than skipped."""
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def devnet_kind(request: pytest.FixtureRequest) -> str:
    """``anvil`` or ``hardhat``, as ``--devnet`` says."""
    return str(request.config.getoption("--devnet"))
