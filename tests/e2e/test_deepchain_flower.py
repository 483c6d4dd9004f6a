"""Members that train with Flower apps, through contracts instead of Flower's server: the whole way, one round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.dealer import Conditions
from pyml.deepchain.simulation import SIMULATED_WINDOWS, Cast, Simulation
from pyml.deepchain.trainer import decode_weights, encode_weights
from pyml.ml.datasets import floats, load
from pyml.store.blobs import BlobStore
from tests.deepchain.test_flower import LAYOUT, START, project, python

__all__ = ["project", "python"]  # fixtures
PRIMES = Path(__file__).parents[1] / "vectors" / "deepchain_primes.json"


@pytest.mark.long
def test_flower_apps_train_one_model_on_chain(tmp_path: Path, python: Path, project: Path) -> None:
    blobs = BlobStore((tmp_path / "blobs").as_uri())
    agreement = Agreement(network="flower", weights=blobs.put(encode_weights(START)), clip=1.0)
    np.savez(tmp_path / "initial.npz", weight=LAYOUT.split(START)["weight"], bias=LAYOUT.split(START)["bias"])
    words = ["--flower-python", str(python), "--flower-project", str(project)]
    words += ["--flower-initial", str(tmp_path / "initial.npz"), "--flower-app"]
    apps = {"party-0": "softmax_regression:app", "party-1": "older_client:app"}
    cast = Cast(parties=2, workers=2, words={name: (*words, app) for name, app in apps.items()})
    with (
        Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet,
        Simulation(
            devnet.url,
            tmp_path,
            cast,
            bits=1024,
            threshold=2,
            agreement=agreement,
            conditions=Conditions(rounds=2, committee=1, windows=SIMULATED_WINDOWS),
            primes=PRIMES,
        ) as simulation,
    ):
        simulation.prepare()
        group = simulation.open_group()
        simulation.start(group)
        view = simulation.run(group, timeout_s=600)
        results = [str(simulation.result(name)["weights"]) for name in apps]
    assert all(each.accepted for each in view.history.rounds.values())
    assert results[0] == results[1]
    split, digits = LAYOUT.split(decode_weights(blobs.get(results[0]))), load("digits")
    logits = floats(digits.test_images, pixel_max=digits.pixel_max) @ split["weight"] + split["bias"]
    assert (logits.argmax(axis=1) == digits.test_labels).mean() > 0.8
