"""What the tests of ``pyml.zk`` share: the engine's child process and development reference strings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyml.zk import ezkl
from pyml.zk.srs import Srs, make_insecure
from tests.zk.engine_child import EngineChild, engine_child

SrsOf = Callable[[int], Srs]


@pytest.fixture(scope="session")
def child() -> Iterator[EngineChild]:
    """Runs engine steps without starting an interpreter for each."""
    with engine_child() as process:
        yield process


@pytest.fixture(scope="session")
def srs_of(tmp_path_factory: pytest.TempPathFactory, child: EngineChild) -> SrsOf:
    """Insecure strings by degree, each made once a session."""
    home = tmp_path_factory.mktemp("srs")

    def generate(path: Path, degree: int) -> None:
        child.step("gen_srs", srs_path=path, logrows=degree)

    return lambda degree: make_insecure(home, degree, generate)


@pytest.fixture(scope="module")
def quick_engine(child: EngineChild) -> Iterator[ezkl.EzklEngine]:
    """The production engine, its steps run by ``child``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ezkl, "_step", child.step)
        yield ezkl.EzklEngine()
