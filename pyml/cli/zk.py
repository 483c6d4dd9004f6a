"""``pyml zk``: prove a private model's accuracy, or what a public model says of a private input.

The order of work: train (or bring an ONNX file) → export → setup → commit → deploy → prove → verify → claim; and then
infer: the model that was certified answers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli import bounty
from pyml.cli.audit import audit
from pyml.cli.chunks import claim_set, export_set, prove_set
from pyml.cli.circuits import (
    Account,
    Deployments,
    Device,
    Folder,
    Rpc,
    SrsFile,
    dataset_of,
    find_srs_for,
    make_insecure_for,
    open_circuit,
    open_keyed,
    require_srs,
)
from pyml.cli.infer import infer
from pyml.cli.link import link
from pyml.cli.plan import plan as plan_proof
from pyml.cli.register import register
from pyml.cli.terminal import (
    Json,
    PasswordFile,
    address_of,
    connect,
    password,
    phases,
    share_done,
    show,
    signer,
    stopwatch,
)
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.deploy import Plan
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.workspace import Keyed

app = typer.Typer(
    no_args_is_help=True,
    help="Private machine-learning proofs.\n\n"
    "Typical order: `train` → `export` → `setup` → `commit` → `deploy` → `prove` → `verify` → `claim` → `infer`.\n\n"
    "A *circuit folder* holds the public statement; a *model file* is the encrypted secret model with its salts.",
)

_Data = Annotated[str, typer.Option("--data", help="Data set; `pyml data list` shows them.")]


@app.command()
def train(
    data: _Data = "digits",
    sizes: Annotated[
        str, typer.Option(help="Widths from input to output; with convolutions for instance 1x8x8:c8k3-max2-c16k3-10.")
    ] = "64-32-10",
    epochs: Annotated[int, typer.Option(min=1)] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Fixes initial weights and order of samples.")] = 0,
    learning_rate: Annotated[float, typer.Option()] = 2e-3,
    device: Device = "cpu",
    out: Annotated[Path, typer.Option(help="ONNX file to write.")] = Path("model.onnx"),
    checkpoint: Annotated[Path | None, typer.Option(help="Save and resume training here.")] = None,
    as_json: Json = False,
) -> None:
    """Train a perceptron or small CNN and write it as ONNX. Any other ONNX file of such a network will do as well."""
    from pyml.ml.networks import cnn, mlp, parse_shapes, parse_sizes
    from pyml.ml.onnx_file import write_onnx
    from pyml.ml.training import TrainingConfig
    from pyml.ml.training import train as train_model

    dataset = dataset_of(load_config(), data)
    model = cnn(parse_shapes(sizes), seed=seed) if ":" in sizes else mlp(parse_sizes(sizes), seed=seed)
    config = TrainingConfig(epochs=epochs, seed=seed, learning_rate=learning_rate)
    elapsed = stopwatch()
    with share_done("training", as_json=as_json) as report:
        result = train_model(model, dataset, config, device=device, checkpoint=checkpoint, progress=report)
    write_onnx(model, dataset.features, out)
    show(
        {
            "model": str(out),
            "data": data,
            "sizes": sizes,
            "train_accuracy": round(result.train_accuracy, 4),
            "test_accuracy": round(result.test_accuracy, 4),
            "seconds": round(elapsed(), 2),
        },
        as_json=as_json,
        title="trained",
    )


@app.command()
def export(
    model: Annotated[Path, typer.Argument(help="ONNX file of a perceptron or small CNN.")],
    data: _Data = "digits",
    kind: Annotated[str, typer.Option(help="private_model_accuracy or private_input.")] = "private_model_accuracy",
    samples: Annotated[int, typer.Option(min=1, help="Public test samples that the accuracy is proved on.")] = 100,
    start: Annotated[int, typer.Option(min=0, help="First of them.")] = 0,
    bits: Annotated[int, typer.Option(min=2, max=13, help="Width of weights and biases.")] = 8,
    input_bits: Annotated[int | None, typer.Option(min=1, help="Keep so many bits of each input value.")] = None,
    engine: Annotated[
        str, typer.Option(help="ezkl, or native: whole test sets in seconds, perceptrons only, experimental.")
    ] = "ezkl",
    out: Annotated[Path, typer.Option(help="Circuit folder to write.")] = Path("circuit"),
    as_json: Json = False,
) -> None:
    """Quantise a model, show what that costs, and write the public statement of a circuit for it."""
    from pyml.ml.onnx_file import read_onnx
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.circuits import accuracy_statement, input_statement, labelled_set
    from pyml.zk.preparation import prepare

    kinds = ("private_model_accuracy", "private_input")
    if kind not in kinds:
        raise InputError("unknown kind of circuit", expected=" or ".join(kinds), got=kind)
    if engine not in ("ezkl", "native") or (engine == "native" and kind != kinds[0]):
        raise InputError("no such engine for this kind of circuit", expected="ezkl, or native for accuracy", got=engine)
    layers = read_onnx(model)
    dataset = dataset_of(load_config(), data)
    prepared = prepare(layers, dataset, weight_bits=bits, input_bits=input_bits)
    network, report = prepared.quantisation.network, prepared.report
    if kind == "private_input":
        statement = input_statement(network, f"{model.stem} for {data}")
        folder = CircuitFolder.create(out, statement, network)
    else:
        chosen = labelled_set(dataset, samples=samples, start=start, input_bits=input_bits)
        folder = CircuitFolder.create(out, accuracy_statement(prepared.architecture, chosen), native=engine == "native")
    show(
        {
            "circuit": str(folder.path),
            "engine": engine,
            "statement": folder.statement.digest,
            "architecture": "-".join(map(str, prepared.architecture.sizes)),
            "shifts": list(prepared.architecture.shifts),
            "test_samples": report.samples,
            "float_accuracy": round(report.float_accuracy, 4),
            "integer_accuracy": round(report.integer_accuracy, 4),
            "same_answers": round(report.agreement, 4),
            "largest_logit_error": round(report.max_logit_error, 4),
            "largest_logit": round(report.max_float_logit, 4),
        },
        as_json=as_json,
        title="exported; quantisation cost on the test split",
    )


@app.command()
def srs(
    degree: Annotated[int | None, typer.Argument(help="k: for circuits of up to 2^k rows.")] = None,
    file: Annotated[Path | None, typer.Option(help="Import this public file instead of downloading.")] = None,
    insecure: Annotated[bool, typer.Option(help="Make one here: development chains only.")] = False,
    as_json: Json = False,
) -> None:
    """Get a structured reference string: the public powers of tau (pinned SHA-256), or an insecure local one."""
    from pyml.zk import srs as strings
    from pyml.zk.ezkl import generate_insecure_srs

    home = load_config().home
    if (degree is None) == (file is None):
        raise InputError("give either a degree k or a --file to import", hint="For instance: pyml zk srs 15")
    with share_done("structured reference string", as_json=as_json) as report:
        if file is not None:
            found = strings.import_public(home, file)
        elif insecure:
            found = strings.make_insecure(home, degree or 0, generate_insecure_srs)
        else:
            found = strings.download_public(home, degree or 0, progress=report)
    show(
        {"file": str(found.path), "k": found.degree, "sha256": found.digest, "insecure": found.insecure},
        as_json=as_json,
    )


@app.command()
def setup(
    folder: Folder,
    srs_file: SrsFile = None,
    insecure: Annotated[bool, typer.Option(help="Make an insecure SRS if there is none: dev chains only.")] = False,
    as_json: Json = False,
) -> None:
    """Compile the circuit and make its keys; what was made before is checked and reused."""
    from pyml.zk.circuit_folder import CircuitFolder

    config, elapsed = load_config(), stopwatch()
    with phases(as_json=as_json) as begin:
        circuit_folder = CircuitFolder.open(folder)
        workspace, circuit = open_circuit(config, circuit_folder, begin)
        found = find_srs_for(config, circuit, srs_file)
        if found is None and insecure:
            begin("making an insecure structured reference string")
            found = make_insecure_for(config, circuit_folder, circuit)
        keyed = workspace.set_up(circuit, require_srs(found, circuit), progress=begin)
        circuit_folder.pin_keys(keyed)
    show(_keyed_summary(keyed, circuit_folder) | {"seconds": round(elapsed(), 2)}, as_json=as_json, title="set up")


@app.command()
def commit(
    folder: Folder,
    model: Annotated[Path, typer.Argument(help="ONNX file that the circuit was exported from.")],
    out: Annotated[Path, typer.Option(help="Encrypted model file to write.")] = Path("model.secret"),
    srs_file: SrsFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Salt and encrypt the integer model, and show its commitment: what the registry will know of it."""
    from pyml.ml.onnx_file import read_onnx
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.circuits import parse_set_name
    from pyml.zk.claims import commit_model
    from pyml.zk.model_codec import SecretModel
    from pyml.zk.model_file import ledger_of, save_model
    from pyml.zk.preparation import prepare_for
    from pyml.zk.witness import secure_felt

    config = load_config()
    layers = read_onnx(model)
    circuit_folder = CircuitFolder.open(folder)
    statement = circuit_folder.statement
    if statement.kind != "private_model_accuracy":
        raise InputError("only a private model is committed to", expected="a private_model_accuracy circuit")
    with phases(as_json=as_json) as begin:
        keyed, workspace = open_keyed(config, circuit_folder, srs_file, begin)
        dataset = dataset_of(config, parse_set_name(statement.subject_name)[0])
        begin("quantising")
        prepared = prepare_for(layers, dataset, statement.architecture, statement.numerics)
        salts = tuple(secure_felt() for _ in range(statement.numerics.committed_salts))
        secret = SecretModel(prepared.quantisation.network, salts)
        begin("committing")
        commitment = commit_model(keyed, workspace.engine, secret)
    save_model(secret, out, password(password_file, confirm=True))
    ledger_of(out, secret).record_all((), commitments=[commitment])  # before it is shown
    show({"commitment": "0x" + commitment.hex(), "model_file": str(out), "proofs": secret.proof_limit}, as_json=as_json)


@app.command()
def deploy(
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Deploy the zk contracts, or continue an interrupted deployment (as `pyml deploy --system zk`)."""
    from pyml.chain.deploy import deploy_system
    from pyml.zk.deployment import SYSTEM, deployment_plan

    config = load_config()
    client = connect(config, rpc)
    payer = signer(client, config, account, password_file)
    with share_done("deploying", as_json=as_json) as report:
        records = deploy_system(client, deployment_plan(), payer, folder=deployments, progress=report)
    found = {name: record.address for name, record in records.systems[SYSTEM].items()}
    show(found, as_json=as_json, title=f"zk on chain {client.chain_id}")


@app.command()
def prove(
    folder: Folder,
    model: Annotated[Path | None, typer.Option(help="Encrypted model file (accuracy).")] = None,
    sample: Annotated[
        Path | None, typer.Option("--input", help="Private input: JSON list of integers, or .npy.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Claim file to write.")] = Path("claim.json"),
    threshold: Annotated[int | None, typer.Option(help="Claim at least so many correct.")] = None,
    purpose: Annotated[str, typer.Option(help="What the attestation is for (hashed).")] = "",
    device: Device = "cpu",
    rpc: Rpc = None,
    account: Account = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Make a claim that only this account can use, on this chain, with this contract."""
    from eth_utils.crypto import keccak

    from pyml.ml.devices import product_on
    from pyml.zk.challenge import Context
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.claims import Claim, prove_accuracy, prove_input, write_claim
    from pyml.zk.model_file import ledger_of, open_model, read_sample
    from pyml.zk.registries import open_contracts

    config, elapsed = load_config(), stopwatch()
    circuit_folder = CircuitFolder.open(folder)
    if circuit_folder.statement.kind == "private_model_inference":
        raise InputError("an answer of a private model is proved by `pyml zk infer`")
    private_input = circuit_folder.statement.kind == "private_input"
    if (model is None) == (sample is None) or private_input != (sample is not None):
        wanted = "--input FILE" if private_input else "--model FILE"
        raise InputError(f"a {circuit_folder.statement.kind} circuit proves about something private", expected=wanted)
    client = connect(config, rpc)
    contracts = open_contracts(client, deployments)
    prover = address_of(client, config, account)
    secret = None if model is None else open_model(model, password(password_file))
    with phases(as_json=as_json) as begin:
        keyed, workspace = open_keyed(config, circuit_folder, srs_file, begin)
        if sample is not None:
            claim: Claim = prove_input(
                keyed,
                workspace.engine,
                circuit_folder.entry(keyed, client.chain_id),
                circuit_folder.network(),
                read_sample(sample, circuit_folder.statement.architecture.sizes[0]),
                Context(client.chain_id, contracts.inputs.address, prover),
                purpose=keccak(text=purpose),
                progress=begin,
            )
        elif model is not None and secret is not None:
            claim = prove_accuracy(
                keyed,
                workspace.engine,
                circuit_folder.entry(keyed, client.chain_id),
                secret,
                circuit_folder.labelled_set(lambda name: dataset_of(config, name)),
                Context(client.chain_id, contracts.accuracy.address, prover),
                threshold=threshold,
                ledger=ledger_of(model, secret),
                product=product_on(device),
                progress=begin,
            )
        else:
            raise InputError("nothing to prove")
    write_claim(claim, out)
    what = "label" if private_input else "count"
    show(
        {
            "claim": str(out),
            what: claim.result,
            "samples": circuit_folder.statement.samples,
            "proof_bytes": len(claim.proof),
            "prover": prover,
            "seconds": round(elapsed(), 2),
        },
        as_json=as_json,
        title="proved",
    )


@app.command()
def verify(
    folder: Folder,
    claim_file: Annotated[Path, typer.Argument(metavar="CLAIM", help="Claim file, as `prove` wrote it.")],
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Check a claim off chain. Exit code 0: it holds; 1: it is false; 2: it could not be checked."""
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.claims import read_claim, verify_claim

    config, elapsed = load_config(), stopwatch()
    read = read_claim(claim_file)
    circuit_folder = CircuitFolder.open(folder)
    with phases(as_json=as_json) as begin:
        keyed, workspace = open_keyed(config, circuit_folder, srs_file, begin)
        begin("verifying")
        entry = circuit_folder.entry(keyed, read.context.chain_id)
        valid = verify_claim(keyed, workspace.engine, entry, read)
    unchecked = (
        {"not_checked": "the verifier contract; that weights are small integers"} if circuit_folder.native else {}
    )
    show({"valid": valid, "result": read.result, "seconds": round(elapsed(), 2)} | unchecked, as_json=as_json)
    if not valid:
        raise typer.Exit(1)


@app.command()
def claim(
    folder: Folder,
    claim_file: Annotated[Path, typer.Argument(metavar="CLAIM", help="Claim file, as `prove` wrote it.")],
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Have the contract accept a claim; registers circuit and model where that has not been done."""
    from pyml.chain.solc import find_solc
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.claims import AccuracyClaim, InferenceClaim, InputAttestation, read_claim
    from pyml.zk.native.registration import require_ranges, require_verifier
    from pyml.zk.registries import (
        open_contracts,
        register_circuit,
        register_proved_model,
        submit_answer,
        submit_attestation,
        submit_claim,
    )

    config = load_config()
    circuit_folder = CircuitFolder.open(folder)
    read = read_claim(claim_file)
    client = connect(config, rpc, chain_id=read.context.chain_id)
    contracts = open_contracts(client, deployments)
    payer = signer(client, config, account, password_file)
    if payer.address != read.context.prover:
        raise InputError("the claim belongs to another account", expected=read.context.prover, got=payer.address)
    with phases(as_json=as_json) as begin:
        keyed, _ = open_keyed(config, circuit_folder, srs_file, begin)
        entry = circuit_folder.entry(keyed, client.chain_id)
        if circuit_folder.native and not isinstance(read, InputAttestation):
            begin("comparing the verifier")
            require_verifier(contracts, keyed, entry, find_solc(config.solc))
            require_ranges(contracts, keyed, read.commitment)
        begin("registering the circuit")
        register_circuit(contracts, keyed, payer, entry=entry)
        if not isinstance(read, InputAttestation):
            begin("registering the model")
            register_proved_model(contracts, read, circuit_folder.statement.numerics.proof_limit, payer)
        begin("claiming")
        match read:
            case AccuracyClaim():
                receipt = submit_claim(contracts, keyed, entry, read, payer)
            case InferenceClaim():
                receipt = submit_answer(contracts, keyed, entry, read, payer)
            case InputAttestation():
                receipt = submit_attestation(contracts, keyed, entry, read, payer)
    show(
        {"accepted": True, "result": read.result, "gas": receipt.gas_used, "transaction": receipt.tx_hash},
        as_json=as_json,
        title="accepted on chain",
    )


app.command()(infer)
app.command()(register)
app.command()(link)
app.command()(audit)
app.command(name="plan")(plan_proof)
app.command()(export_set)
app.command()(prove_set)
app.command()(claim_set)
app.add_typer(bounty.app, name="bounty")


def plan() -> Plan:
    """The deployment plan of this system, for `pyml deploy --system zk`."""
    from pyml.zk.deployment import deployment_plan

    return deployment_plan()


def _keyed_summary(keyed: Keyed, circuit_folder: CircuitFolder) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "statement": keyed.circuit.statement.digest,
        "k": keyed.circuit.degree,
        "srs": keyed.srs.path.name,
        "insecure": keyed.srs.insecure,
        "vka_digest": "0x" + keyed.vka_digest.hex(),
        "proof_bytes": keyed.proof_length,
    }
    if circuit_folder.native:  # its id follows from its verifier, which each chain has of its own
        return summary
    return summary | {
        "circuit_id": "0x" + keyed.entry().identifier().hex(),
        "proving_key_mb": round(keyed.files.proving_key.stat().st_size / 1e6, 1),
    }
