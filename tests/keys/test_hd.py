"""Words, seeds and paths by published vectors and against the BIPs written out; wrong ones are refused."""

from __future__ import annotations

import hmac
import json
import unicodedata
from hashlib import pbkdf2_hmac
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.secp256k1.secp256k1 import privtopub

from pyml.crypto.base58 import decode_check
from pyml.crypto.secp256k1 import ORDER
from pyml.errors import InputError
from pyml.keys.addresses import ethereum, p2pkh, p2wpkh
from pyml.keys.hd import (
    BITCOIN_PATH,
    BITCOIN_SEGWIT_PATH,
    ENTROPY_BYTES,
    ETHEREUM_PATH,
    entropy_of,
    key_at,
    key_from_seed,
    seed,
    words,
)
from pyml.store.keystore import Secret

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys_wallets.json").read_text(encoding="utf-8"))
ABOUT = "abandon " * 11 + "about"
BAD_WORDS = "^the words are not those of BIP-39; expected 12 to 24 English words with a right checksum$"

entropies = st.sampled_from(ENTROPY_BYTES).flatmap(lambda size: st.binary(min_size=size, max_size=size))
indices = st.integers(0, 2**31 - 1).flatmap(lambda index: st.sampled_from([f"{index}", f"{index}'"]))
paths = st.lists(indices, max_size=5).map(lambda steps: "/".join(["m", *steps]))


@pytest.mark.parametrize("vector", VECTORS["bip39"], ids=lambda vector: vector["words"].split()[-1])
def test_published_words_and_seeds(vector: dict[str, str]) -> None:
    phrase = words(Secret(bytes.fromhex(vector["entropy"])))
    assert phrase.reveal.decode() == vector["words"]
    assert entropy_of(phrase).reveal.hex() == vector["entropy"]
    assert seed(phrase, passphrase=Secret(vector["passphrase"].encode())).reveal.hex() == vector["seed"]


@pytest.mark.parametrize("vector", VECTORS["bip32"], ids=lambda vector: f"{vector['id']} {vector['path']}")
def test_published_keys(vector: dict[str, str]) -> None:
    key = key_from_seed(Secret(bytes.fromhex(vector["seed"])), vector["path"])
    assert decode_check(vector["xprv"])[-32:] == key.reveal
    assert key.reveal.hex() == vector["secret"]


def test_first_addresses_of_known_words() -> None:
    entropy = Secret(bytes.fromhex(VECTORS["first_addresses"]["entropy"]))
    expected = {key["path"]: (key["secret"], key["address"]) for key in VECTORS["first_addresses"]["keys"]}
    makers = {ETHEREUM_PATH: ethereum, BITCOIN_PATH: p2pkh, BITCOIN_SEGWIT_PATH: p2wpkh}
    assert expected.keys() == makers.keys()
    for path, address in makers.items():
        key = key_at(entropy, path)
        assert (key.reveal.hex(), address(key.public)) == expected[path]


@given(entropies)
def test_words_round_trip(entropy: bytes) -> None:
    phrase = words(Secret(entropy))
    assert entropy_of(phrase).reveal == entropy
    assert len(phrase.reveal.split()) == len(entropy) * 3 // 4


@given(st.binary(min_size=16, max_size=64), paths)
@settings(max_examples=20)
def test_keys_are_those_of_bip_32(master: bytes, path: str) -> None:
    assert key_from_seed(Secret(master), path).reveal == by_hand(master, path)


def by_hand(master: bytes, path: str) -> bytes:
    """CKDpriv from the text of BIP-32, points by py_ecc."""
    left = hmac.digest(b"Bitcoin seed", master, "sha512")
    for step in path.split("/")[1:]:
        index = int(step.rstrip("'")) + (step.endswith("'") << 31)
        x, y = privtopub(left[:32])
        parent = b"\0" + left[:32] if step.endswith("'") else bytes([2 + y % 2]) + x.to_bytes(32, "big")
        child = hmac.digest(left[32:], parent + index.to_bytes(4, "big"), "sha512")
        secret = (int.from_bytes(child[:32], "big") + int.from_bytes(left[:32], "big")) % ORDER
        left = secret.to_bytes(32, "big") + child[32:]
    return left[:32]


@given(entropies, st.text(max_size=20))
@settings(max_examples=15)
def test_seeds_are_those_of_bip_39(entropy: bytes, passphrase: str) -> None:
    phrase = words(Secret(entropy))
    salt = unicodedata.normalize("NFKD", "mnemonic" + passphrase).encode()
    expected = pbkdf2_hmac("sha512", phrase.reveal, salt, 2048)
    assert seed(phrase, passphrase=Secret(passphrase.encode())).reveal == expected
    key = key_at(Secret(entropy), ETHEREUM_PATH, passphrase=Secret(passphrase.encode()))
    assert key.reveal == by_hand(expected, ETHEREUM_PATH)


def test_every_path_has_its_own_key() -> None:
    steps = ["m", "m/0", "m/0'", "m/1", "m/0/0", "m/0'/0", "m/0/0'", "m/2147483647", "m/2147483647'"]
    assert len({key_at(Secret(bytes(32)), path).public for path in steps}) == len(steps)


def test_another_passphrase_is_another_wallet() -> None:
    keys = {key_at(Secret(bytes(16)), "m", passphrase=Secret(text)).public for text in (b"", b"a", b"A", b"a ")}
    assert len(keys) == 4


def test_case_and_space_do_not_matter() -> None:
    for text in (ABOUT.upper(), "  " + ABOUT.replace(" ", "\n\t ") + "\n"):
        assert entropy_of(Secret(text.encode())).reveal == bytes(16)
        assert seed(Secret(text.encode())) == seed(Secret(ABOUT.encode()))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"abandon",
        ABOUT[:-6].encode(),
        (ABOUT + " about").encode(),
        ("abandon " * 12).encode(),  # eleven of the 2048 last words fit
        ABOUT.replace("about", "abort").encode(),
        ABOUT.replace("about", "aboutt").encode(),
        ("about " + "abandon " * 11).encode(),
        ("abaco " * 11 + "abete").encode(),
        b"\xff\xfe",
        ABOUT.encode() + b"\xff",
        ("zoo " * 10**5).encode(),
    ],
)
def test_words_that_are_wrong_are_refused(text: bytes) -> None:
    for use in (entropy_of, seed):
        with pytest.raises(InputError, match=BAD_WORDS):
            use(Secret(text))


def test_exchanged_words_are_noticed_as_often_as_the_checksum_says() -> None:
    phrase = words(Secret(bytes(range(32)))).reveal.split()
    accepted = 0
    for place in range(23):
        swapped = [*phrase]
        swapped[place], swapped[place + 1] = phrase[place + 1], phrase[place]
        try:
            entropy_of(Secret(b" ".join(swapped)))
            accepted += 1
        except InputError:
            pass
    assert accepted <= 1  # 8 bits of checksum: 23 / 256 are expected


@pytest.mark.parametrize("length", [0, 15, 17, 31, 33, 64])
def test_entropy_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InputError) as refusal:
        words(Secret(bytes(length)))
    assert str(refusal.value) == f"entropy has the wrong length; expected 16, 20, 24, 28, 32 bytes; got {length}"


@pytest.mark.parametrize("length", [0, 15, 65])
def test_seeds_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(InputError, match=rf"^a seed has the wrong length; expected 16 to 64 bytes; got {length}$"):
        key_from_seed(Secret(bytes(length)), "m")


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "m/", "M", "0", "44'/60'", "m//0", "m/-1", "m/+1", "m/1.5", "m/0x1", "m/01", "m/ 0", " m/0", "m/0 ",
        "m/2147483648", "m/9999999999", "m/99999999999", "m/0''", "m/0h", "m/0H", "m/'", "m/0\n", "m/٣", "m/0/m",
        "m" + "/0" * 256,
    ],
)  # fmt: skip
def test_malformed_paths_are_refused(path: str) -> None:
    with pytest.raises(
        InputError, match=r"^a derivation path is malformed; expected for instance m/44'/60'/0'/0/0; got"
    ):
        key_from_seed(Secret(bytes(16)), path)


def test_a_passphrase_is_text() -> None:
    with pytest.raises(InputError, match=r"^a passphrase is not UTF-8$"):
        key_at(Secret(bytes(16)), "m", passphrase=Secret(b"\xff"))
