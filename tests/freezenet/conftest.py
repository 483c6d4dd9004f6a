"""What several freezenet tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bench.freezenet.stage import content_for, enter, marked, open_round, open_stage
from pyml.chain.client import Client
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.errors import ToolMissingError
from pyml.freezenet.samples import SampleSet
from tests.freezenet.dispute_stage import FRACTION_PPM, SAMPLES, Setting, mixed_network, rewound


@pytest.fixture(scope="session")
def disputed_round() -> Iterator[Setting]:
    try:
        node = Devnet(DevnetOptions(enforce_tx_gas_cap=True)).start()
    except ToolMissingError as error:
        pytest.skip(str(error))
    try:
        client = Client.connect(node.url, policy=SendPolicy(deadline_s=10, poll_s=0.01))
        random = np.random.default_rng(5)
        stage = open_stage(node, client, mixed_network(3), fraction_ppm=FRACTION_PPM, samples=SAMPLES)
        inputs = random.integers(-128, 128, (SAMPLES, stage.architecture.inputs), dtype=np.int8)
        samples = SampleSet.salted(inputs, np.arange(SAMPLES) % stage.architecture.classes)
        open_round(stage, samples)
        network = marked(mixed_network(3), stage.architecture, stage.seed)
        content = content_for(stage, network)
        answers = enter(stage, content, samples, np.ones(SAMPLES, dtype=np.bool_))
        yield Setting(stage, network, content, samples, answers)
    finally:
        node.stop()


@pytest.fixture
def setting(disputed_round: Setting) -> Iterator[Setting]:
    """As it was made: a test's transactions are undone behind it."""
    with rewound(disputed_round.stage):
        disputed_round.stage.gas.clear()
        yield disputed_round
