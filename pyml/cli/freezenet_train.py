"""``pyml freezenet train`` and ``verify``: a network under a watermark, and what somebody else finds in its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from pyml.cli.circuits import Device, dataset_of
from pyml.cli.terminal import Json, share_done, show, stopwatch
from pyml.config import load_config, torchrun_place
from pyml.errors import DatasetError, InputError

if TYPE_CHECKING:
    from pyml.freezenet.experiment import Experiment, Scheme
    from pyml.freezenet.network_file import NetworkFile
    from pyml.freezenet.trainable import TrainableNetwork
    from pyml.freezenet.training import Mode, Trained
    from pyml.ml.datasets import Dataset

Data = Annotated[str, typer.Option(help="digits, mnist, fashion-mnist or cifar10.")]
Network = Annotated[str, typer.Option(help="mlp, cnn or paper; by the data when absent.")]
SchemeName = Annotated[str, typer.Option("--mode", help="v1, or reference: the paper's scheme, for study only.")]
Samples = Annotated[int | None, typer.Option(min=1, help="Train on so many images, from the first; on all without.")]
Block = Annotated[str | None, typer.Option(help="Text that the watermark is drawn from, off chain.")]
WatermarkSeed = Annotated[
    str | None, typer.Option("--watermark-seed", help="32 bytes in hex: a miner's seed in a round on chain; v1 only.")
]

_BLOCK = "pyml"
_PROGRESS_BATCHES = 10


def train(
    data: Data = "digits",
    network: Network = "",
    mode: SchemeName = "v1",
    fraction: Annotated[float, typer.Option(help="Share of the weights that is watermarked, 0 to 1.")] = 0.7,
    hold: Annotated[
        str, typer.Option(help="mask: gradients; replace: weights after each batch, as published.")
    ] = "mask",
    block: Block = None,
    watermark_seed: WatermarkSeed = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images; tuned when absent.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images in a batch; tuned when absent.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam; tuned when absent.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Fixes first weights and order of images.")] = 0,
    samples: Samples = None,
    until: Annotated[float | None, typer.Option(help="Stop after the first epoch of this test accuracy.")] = None,
    device: Device = "cpu",
    out: Annotated[Path, typer.Option(help="Network to write; its curve goes beside it, as .csv and .png.")] = Path(
        "network.fzn"
    ),
    checkpoint: Annotated[Path | None, typer.Option(help="Save and resume training here.")] = None,
    as_json: Json = False,
) -> None:
    """Train a network under a watermark and write it as it is handed in: v1 in integers, without the watermark's codes.

    Under torchrun several processes train one network: torchrun --nproc-per-node 2 -m pyml freezenet train.
    """
    from pyml.freezenet.architecture import Architecture
    from pyml.freezenet.trainable import architecture
    from pyml.freezenet.training import Processes
    from pyml.freezenet.training import train as trained_under

    processes, elapsed = Processes(*torchrun_place()), stopwatch()
    shown = first_samples(dataset_of(load_config(), data), samples)
    experiment = _experiment(shown, network, mode, fraction, hold, block, (epochs, batch, learning_rate), seed)
    mark_seed = _seed(watermark_seed, experiment, block)
    fresh = experiment.fresh(shown)
    if experiment.integer:
        Architecture(architecture(fresh.plans), experiment.fraction_ppm)  # refused now rather than after training
    quiet = as_json or processes.rank > 0
    with share_done("training", as_json=quiet) as report:
        done = trained_under(
            fresh,
            shown,
            replace(experiment.config, checkpoint_batches=100),
            held=experiment.held(fresh, mark_seed),
            device=device,
            processes=processes,
            checkpoint=checkpoint,
            progress=report,
            progress_batches=_PROGRESS_BATCHES,
            until=until,
        )
    if processes.rank > 0:
        return
    file = _file(experiment, fresh, shown, mark_seed)
    _write(out, file, experiment, done)
    show({**_described(out, file), **_accuracy(done), "seconds": round(elapsed(), 1)}, as_json=as_json, title="trained")


def verify(
    file: Annotated[Path, typer.Argument(help="Network that `train` wrote.")],
    data: Annotated[str | None, typer.Option(help="Test set to judge by; that of the file when absent.")] = None,
    threshold: Annotated[int | None, typer.Option(min=1, help="How many correct answers are asked for.")] = None,
    architecture: Annotated[str | None, typer.Option(help="Hash that the architecture must have.")] = None,
    block: Block = None,
    watermark_seed: WatermarkSeed = None,
    as_json: Json = False,
) -> None:
    """Judge a network: its architecture, its watermark, and its answers on the test set; exit code 1 if it fails.

    Under v1 the watermark is put in by whoever verifies, so it always holds: a network that was trained under another
    one answers at random instead. --block and --watermark-seed say whose it must be; without them the file is believed.
    """
    from pyml.freezenet.network_file import read_network

    found = read_network(file)
    dataset = dataset_of(load_config(), found.header.data if data is None else data)
    if threshold is not None and threshold > len(dataset.test_labels):
        raise InputError(
            "the threshold is above the test size", expected=f"at most {len(dataset.test_labels)}", got=threshold
        )
    _require_architecture(architecture, found)
    holds, correct = _judged(found, dataset, block, watermark_seed)
    valid = holds and correct >= (threshold or 0)
    result = {
        **_described(file, found),
        "watermark_holds": holds,
        "correct": correct,
        "tested": len(dataset.test_labels),
        "threshold": threshold or 0,
        "valid": valid,
    }
    show(result, as_json=as_json, title="verified")
    if not valid:
        raise typer.Exit(1)


def default_network(data: str) -> str:
    """The paper's for CIFAR-10, else the small CNN."""
    return "paper" if data == "cifar10" else "cnn"


def _experiment(
    dataset: Dataset,
    network: str,
    mode: str,
    fraction: float,
    hold: str,
    block: str | None,
    given: tuple[int | None, int | None, float | None],
    seed: int,
) -> Experiment:
    from pyml.freezenet.experiment import TUNED, Experiment, Setting
    from pyml.freezenet.network_names import NAMES

    name = network or default_network(dataset.name)
    if name not in NAMES:
        raise InputError("unknown network", expected=", ".join(NAMES), got=name)
    tuned, (epochs, batch, learning_rate) = TUNED[name], given
    setting = Setting(
        tuned.epochs if epochs is None else epochs,
        tuned.learning_rate if learning_rate is None else learning_rate,
        tuned.batch_size if batch is None else batch,
    )
    content = (_BLOCK if block is None else block).encode()
    return Experiment(name, cast("Scheme", mode), fraction, setting, block=content, hold=cast("Mode", hold), seed=seed)


def _seed(text: str | None, experiment: Experiment, block: str | None) -> bytes | None:
    """The seed of a v1 watermark, if one was given."""
    if text is None:
        return None
    if not experiment.integer or block is not None:
        raise InputError("--watermark-seed is v1's, and takes the place of --block")
    return _hex(text, "--watermark-seed")


def _hex(text: str, option: str) -> bytes:
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise InputError(f"{option} is not hex", expected="32 bytes as 0x…") from error
    if len(value) != 32:
        raise InputError(f"{option} has the wrong length", expected="32 bytes", got=len(value))
    return value


def first_samples(dataset: Dataset, samples: int | None) -> Dataset:
    """The same with so many training images, from the first."""
    if samples is None:
        return dataset
    if samples > len(dataset.train_labels):
        raise DatasetError("the training set has fewer images", expected=f"{len(dataset.train_labels)}", got=samples)
    return replace(dataset, train_images=dataset.train_images[:samples], train_labels=dataset.train_labels[:samples])


def _file(experiment: Experiment, network: TrainableNetwork, dataset: Dataset, mark_seed: bytes | None) -> NetworkFile:
    from pyml.freezenet.experiment import practice_seed
    from pyml.freezenet.network_file import float_file, integer_file

    name, ppm = experiment.network, experiment.fraction_ppm
    if not experiment.integer:
        return float_file(network, name=name, data=dataset.name, block=experiment.block, fraction_ppm=ppm)
    seed = practice_seed(experiment.block, network.plans, ppm) if mark_seed is None else mark_seed
    return integer_file(
        network.integer_network(), network.plans, name=name, data=dataset.name, seed=seed, fraction_ppm=ppm
    )


def _write(out: Path, file: NetworkFile, experiment: Experiment, done: Trained) -> None:
    from pyml.freezenet.figures import draw_curves, write_table
    from pyml.freezenet.network_file import write_network

    write_network(out, file)
    write_table(out, ("epoch", "test_accuracy"), enumerate(done.curve, start=1))
    label = f"{experiment.scheme}, {experiment.fraction:.0%} watermarked"
    draw_curves(out, {label: [done.curve]}, title=f"{file.header.network} on {file.header.data}")


def _described(path: Path, file: NetworkFile) -> dict[str, Any]:
    header = file.header
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "mode": header.scheme,
        "network": header.network,
        "data": header.data,
        "fraction_ppm": header.fraction_ppm,
        "architecture": "0x" + header.architecture,
    }


def _accuracy(done: Trained) -> dict[str, Any]:
    return {
        "epochs": len(done.curve),
        "loss": round(done.loss, 4),
        "correct": done.correct,
        "tested": done.tested,
        "accuracy": round(done.accuracy, 4),
    }


def _require_architecture(wanted: str | None, file: NetworkFile) -> None:
    if wanted is not None and _hex(wanted, "--architecture").hex() != file.header.architecture:
        raise InputError(
            "the file is of another architecture", expected=f"hash {wanted}", got="0x" + file.header.architecture
        )


def _judged(file: NetworkFile, dataset: Dataset, block: str | None, seed: str | None) -> tuple[bool, int]:
    """Whether the watermark holds, and how many answers are correct."""
    import torch

    from pyml.freezenet.experiment import practice_seed
    from pyml.freezenet.network_names import plans_named
    from pyml.freezenet.training import correct_of, correct_of_integers

    integer = file.header.scheme == "v1"
    plans = plans_named(file.header.network, dataset.shape, classes=dataset.classes, integer=integer)
    content = None if block is None else block.encode()
    if not integer:
        if seed is not None:
            raise InputError("--watermark-seed is v1's", expected="--block for a network of the paper's scheme")
        network = file.float_network(plans)
        return file.watermark_holds(network, content), correct_of(network, dataset, torch.device("cpu"))
    if content is not None and seed is not None:
        raise InputError("--block and --watermark-seed exclude each other")
    wanted = None if seed is None else _hex(seed, "--watermark-seed")
    if content is not None:
        wanted = practice_seed(content, plans, file.header.fraction_ppm)
    return True, correct_of_integers(file.integer_network(plans, wanted), dataset, torch.device("cpu"))
