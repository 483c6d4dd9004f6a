"""``pyml keys``: keys that open with a similar picture, text or sound and a password, and what they can do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli import keys_attack, keys_evaluate, keys_figures, keys_paper
from pyml.cli.terminal import Json, PasswordFile, connect, password, phases, show, signer
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.deploy import Plan
    from pyml.keys.domains import Domain
    from pyml.keys.helper_file import Helper
    from pyml.ml.embedders.protocol import Embedder
    from pyml.store.keystore import Secret

app = typer.Typer(
    no_args_is_help=True,
    help="Keys and addresses that open with a similar picture, text or sound and a password.\n\n"
    "Start with `pyml keys enrol photo.jpg`, then `pyml keys recover photo.jpg`. "
    "A picture that others have is no secret: the password is what holds.",
)

Items = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Pictures, or files of another --domain; - reads a text from the standard input.",
        show_default=False,
    ),
]
ItemOptions = Annotated[
    list[Path], typer.Option("--picture", "--item", help="Picture, or file of another --domain; repeat it for several.")
]
DomainName = Annotated[str, typer.Option("--domain", help="What the key hangs on: image, text or sound.")]
HelperFile = Annotated[Path, typer.Option("--helper", help="Helper file that enrolment wrote.")]
EmbedderFile = Annotated[
    Path | None, typer.Option("--embedder", help="Description of an ONNX embedder; without, the one that is built in.")
]
NetworkFile = Annotated[
    str | None, typer.Option("--network", help="The ONNX file that --embedder describes: a path or a URL.")
]
Rpc = Annotated[str | None, typer.Option(help="Node of the chain.")]
Account = Annotated[str | None, typer.Option(help="Stored account that pays and owns.")]
Deployments = Annotated[Path, typer.Option(help="Where deployments are recorded.")]


@app.command()
def enrol(
    items: Items,
    domain: DomainName = "image",
    out: Annotated[Path, typer.Option(help="Helper file to write; it is public.")] = Path("helper.json"),
    threshold: Annotated[int, typer.Option(min=1, help="How many of the files recovery needs.")] = 1,
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Make a new random key that opens with similar pictures, texts or sounds and a password.

    Keep the helper file: without it, pictures and password are worth nothing. Whoever has all three has the key.
    """
    from pyml.keys.domains import domain_named
    from pyml.keys.helper_file import write_helper
    from pyml.keys.vault import enrol as enrolled
    from pyml.keys.wallet import addresses, features_of_views, identity

    if out.exists():
        raise InputError(f"{out} exists already", hint="Name another file; keep the old one until it is empty.")
    kind = domain_named(domain)
    secret = _secret(kind, items, password_file, confirm=True)
    with phases(as_json=as_json) as begin:
        begin(f"looking at the {kind.plural}")
        eye, shown = _embedder(kind, embedder, network), _opened(kind, items)
        seen = [features_of_views(kind, eye, item) for item in shown]
        begin("making the key")
        helper, entropy = enrolled(seen, secret, embedder=identity(kind, eye), threshold=threshold, code=kind.code)
        write_helper(out, helper)
    described = {"helper": str(out), **_described(kind, helper), **addresses(entropy)}
    show(described, as_json=as_json, title="enrolled")


@app.command()
def recover(
    items: Items,
    helper: HelperFile = Path("helper.json"),
    domain: DomainName = "image",
    keystore: Annotated[str | None, typer.Option(help="Store the Ethereum key as this account of pyml.")] = None,
    words: Annotated[Path | None, typer.Option(help="Write the BIP-39 words to this new file, in the clear.")] = None,
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Open a key and show its addresses; the key itself goes nowhere unless --keystore or --words says so."""
    from pyml.keys import export, hd
    from pyml.keys.domains import domain_named
    from pyml.keys.wallet import addresses

    kind = domain_named(domain)
    secret = _secret(kind, items, password_file)
    entropy, opened = _recovered(kind, items, helper, secret, embedder, network, as_json=as_json)
    result = {**_described(kind, opened), **addresses(entropy)}
    if words is not None:
        export.write_words(words, hd.words(entropy))
        result["words"] = str(words)
    if keystore is not None:
        folder = load_config().home / "accounts"
        stored = export.write_keystore(folder, keystore, hd.key_at(entropy, hd.ETHEREUM_PATH), secret)
        result["account"] = stored.name
    show(result, as_json=as_json, title="opened")


@app.command()
def sign(
    message: Annotated[str, typer.Argument(help="Text to sign; - reads it from the standard input.")],
    items: ItemOptions,
    helper: HelperFile = Path("helper.json"),
    domain: DomainName = "image",
    bitcoin: Annotated[bool, typer.Option("--bitcoin", help="Bitcoin's format instead of Ethereum's.")] = False,
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Sign a message (EIP-191, or Bitcoin's signed message) with the key of an image, text or sound."""
    from pyml.keys import hd, messages
    from pyml.keys.addresses import ethereum, p2pkh
    from pyml.keys.domains import domain_named

    kind = domain_named(domain)
    content = (sys.stdin.read() if message == "-" else message).encode()
    entropy, _ = _recovered(
        kind, items, helper, _secret(kind, items, password_file), embedder, network, as_json=as_json
    )
    if bitcoin:
        key = hd.key_at(entropy, hd.BITCOIN_PATH)
        address, signature = p2pkh(key.public), messages.sign_bitcoin(key, content)
    else:
        key = hd.key_at(entropy, hd.ETHEREUM_PATH)
        address, signature = ethereum(key.public), "0x" + messages.sign_personal(key, content).hex()
    show({"address": address, "signature": signature}, as_json=as_json, title="signed")


@app.command()
def verify(
    message: Annotated[str, typer.Argument(help="Text that was signed; - reads it from the standard input.")],
    address: Annotated[str, typer.Option(help="Whose signature it should be: an Ethereum or P2PKH address.")],
    signature: Annotated[str, typer.Option(help="Hex for Ethereum, Base64 for Bitcoin.")],
    as_json: Json = False,
) -> None:
    """Check a signed message; exit code 1 if the signature is not that of the address."""
    from pyml.keys import messages

    content = (sys.stdin.read() if message == "-" else message).encode()
    if address.startswith("0x"):
        try:
            given = bytes.fromhex(signature.removeprefix("0x"))
        except ValueError as error:
            raise InputError("the signature is not hex", expected="65 bytes as 0x…") from error
        valid = messages.verify_personal(address, content, given)
    else:
        valid = messages.verify_bitcoin(address, content, signature)
    show({"valid": valid, "address": address}, as_json=as_json, title="checked")
    if not valid:
        raise typer.Exit(1)


@app.command()
def encrypt(
    file: Annotated[Path, typer.Argument(help="File to encrypt.")],
    to: Annotated[str, typer.Option(help="The key's public key, as recover shows it.")],
    out: Annotated[Path, typer.Option(help="Encrypted file to write.")],
    as_json: Json = False,
) -> None:
    """Encrypt a file to the key of an image, text or sound (ECIES); only that and the password open it."""
    from pyml.crypto import ecies
    from pyml.keys.wallet import FILE_CONTEXT

    try:
        public = bytes.fromhex(to.removeprefix("0x"))
    except ValueError as error:
        raise InputError("the public key is not hex", expected="33 bytes as 02… or 03…") from error
    box = ecies.encrypt(public, _content(file), context=FILE_CONTEXT)
    _write_new(out, box)
    show({"file": str(out), "bytes": len(box)}, as_json=as_json, title="encrypted")


@app.command()
def decrypt(
    file: Annotated[Path, typer.Argument(help="File that `encrypt` wrote.")],
    items: ItemOptions,
    out: Annotated[Path, typer.Option(help="File to write; readable by you only.")],
    helper: HelperFile = Path("helper.json"),
    domain: DomainName = "image",
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Open a file that was encrypted to the key of an image, text or sound."""
    from pyml.crypto import ecies
    from pyml.keys.domains import domain_named
    from pyml.keys.wallet import FILE_CONTEXT, encryption_key

    kind, box = domain_named(domain), _content(file)
    entropy, _ = _recovered(
        kind, items, helper, _secret(kind, items, password_file), embedder, network, as_json=as_json
    )
    message = ecies.decrypt(encryption_key(entropy), box, context=FILE_CONTEXT)
    _write_new(out, message)
    show({"file": str(out), "bytes": len(message)}, as_json=as_json, title="opened")


@app.command()
def calibrate(
    network: Annotated[str, typer.Argument(help="ONNX network from a picture to a feature vector: a path or a URL.")],
    pictures: Annotated[Path, typer.Option(help="Folder with 20 or more pictures that no key will hang on.")],
    sha256: Annotated[str | None, typer.Option(help="What a URL must send: its SHA-256 in hex.")] = None,
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    side: Annotated[int, typer.Option(min=8, max=1024, help="Side of the network's square input.")] = 224,
    imagenet: Annotated[bool, typer.Option("--imagenet", help="Normalise pixels as torchvision does.")] = False,
    out: Annotated[Path, typer.Option(help="Description to write.")] = Path("embedder.json"),
    as_json: Json = False,
) -> None:
    """Describe an ONNX network, so that keys can be enrolled with it: digest, input, centre of its features."""
    from pyml.keys.pictures import opened, pictures_in
    from pyml.ml.embedders.onnx_pictures import IMAGENET, OnnxPictures, PixelForm, is_url, read_network

    if sha256 is None and is_url(network):
        raise InputError("a network from a URL needs its checksum", expected="--sha256 HEX")
    form = PixelForm(side, IMAGENET.mean, IMAGENET.deviation) if imagenet else PixelForm(side)
    with phases(as_json=as_json) as begin:
        begin("looking at the pictures")
        paths, model = pictures_in(pictures), read_network(network, sha256=sha256, cache=_networks())
        made = OnnxPictures.calibrated(name or Path(network).stem, model, opened(paths), form)
    made.write(out)
    result = {"embedder": str(out), "name": made.name, "digest": made.digest.hex(), "pictures": len(paths)}
    show(result, as_json=as_json, title="described")


@app.command()
def publish(
    helper: HelperFile = Path("helper.json"),
    replaces: Annotated[Path | None, typer.Option(help="Older helper file that this one takes the place of.")] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Say instead that this file is no longer valid.")] = False,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Register a helper file's digest on chain, replace an older one by it, or revoke it."""
    from pyml.keys.helper_file import read_helper
    from pyml.keys.registries import open_contracts, publish_helper

    digest = read_helper(helper).digest()
    old = None if replaces is None else read_helper(replaces).digest()
    if revoke and old is not None:
        raise InputError("--revoke and --replaces exclude each other")
    config = load_config()
    client = connect(config, rpc)
    registry = open_contracts(client, deployments).helpers
    owner = signer(client, config, account, password_file)
    if revoke:
        registry.revoke(digest, account=owner)
    else:
        publish_helper(registry, digest, owner, replaces=old)
    result = {"owner": owner.address, "digest": "0x" + digest.hex(), "valid": not revoke}
    show(result, as_json=as_json, title="revoked" if revoke else "registered")


def _embedder(kind: Domain[Any], description: Path | None, network: str | None) -> Embedder[Any]:
    if (description is None) != (network is None):
        raise InputError("--embedder and --network belong together")
    if description is None or network is None:
        return kind.embedder()
    if kind.name != "image":
        raise InputError("another embedder can be had for pictures only", got=f"--domain {kind.name}")
    from pyml.ml.embedders.onnx_pictures import OnnxPictures

    return OnnxPictures.open(description, network, cache=_networks())


def _networks() -> Path:
    """Where networks from a URL are kept."""
    return load_config().home / "networks"


_STANDARD_INPUT = Path("-")


def _secret(kind: Domain[Any], items: list[Path], password_file: Path | None, *, confirm: bool = False) -> Secret:
    """The password; a text on the standard input is not taken for it."""
    if kind.name == "text" and _STANDARD_INPUT in items:
        if items.count(_STANDARD_INPUT) > 1:
            raise InputError("the standard input holds one text only", got=f"{items.count(_STANDARD_INPUT)} times -")
        if password_file is None and not sys.stdin.isatty():
            raise InputError(
                "the standard input holds the text, so it cannot hold the password", expected="--password-file FILE"
            )
    return password(password_file, confirm=confirm)


def _opened(kind: Domain[Any], paths: list[Path]) -> list[Any]:
    return [
        _text_on_standard_input() if kind.name == "text" and path == _STANDARD_INPUT else kind.open(path)
        for path in paths
    ]


def _text_on_standard_input() -> str:
    from pyml.keys.texts import MAX_BYTES, decode_text

    return decode_text(sys.stdin.buffer.read(MAX_BYTES + 1), "the standard input")


def _recovered(
    kind: Domain[Any],
    items: list[Path],
    helper: Path,
    secret: Secret,
    description: Path | None,
    network: str | None,
    *,
    as_json: bool,
) -> tuple[Secret, Helper]:
    from pyml.keys.helper_file import read_helper
    from pyml.keys.vault import recover as recovered
    from pyml.keys.wallet import features, identity

    opened, shown = read_helper(helper), _opened(kind, items)
    with phases(as_json=as_json) as begin:
        begin("opening")
        eye = _embedder(kind, description, network)
        return recovered(opened, features(eye, shown), secret, embedder=identity(kind, eye)), opened


def plan() -> Plan:
    """The deployment plan of this system, for `pyml deploy --system keys`."""
    from pyml.keys.deployment import deployment_plan

    return deployment_plan()


def _described(kind: Domain[Any], helper: Helper) -> dict[str, object]:
    return {
        "digest": "0x" + helper.digest().hex(),
        "embedder": helper.embedder,
        kind.plural: f"{helper.threshold} of {len(helper.images)}",
    }


_MAX_FILE = 1 << 30


def _content(path: Path) -> bytes:
    from pyml.files import read_bounded

    try:
        return read_bounded(path, _MAX_FILE)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _write_new(path: Path, content: bytes) -> None:
    from pyml.files import write_atomically

    try:
        write_atomically(path, content, mode=0o600, exclusive=True)
    except FileExistsError as error:
        raise InputError(f"{path} exists already", hint="Name another file.") from error


app.command("train")(keys_paper.train)
app.command("derive")(keys_paper.derive)
app.add_typer(keys_figures.app, name="figure")
app.command("evaluate")(keys_evaluate.evaluate)
app.add_typer(keys_attack.app, name="attack")
