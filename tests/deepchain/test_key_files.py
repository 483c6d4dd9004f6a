"""Key files: each party opens its own share; nothing secret lies open; what is altered or another's is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyml.crypto.threshold_key_codec import encode_share
from pyml.crypto.threshold_paillier import deal
from pyml.deepchain.key_files import (
    KEY_FILE,
    load_group_key,
    load_key_share,
    run_trusted_dealer,
    save_group_key,
    share_path,
)
from pyml.errors import InputError, KeystoreError
from pyml.store.keystore import Secret
from tests.crypto.insecure_group import insecure_group

GROUP = insecure_group()
PASSWORDS = [Secret(f"password {index}".encode()) for index in range(1, 5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys")
    save_group_key(made, GROUP.key, GROUP.shares, PASSWORDS, scrypt_n=2**14)
    return made


def test_each_party_opens_its_share(folder: Path) -> None:
    key = load_group_key(folder / KEY_FILE, allow_insecure=True)
    assert key == GROUP.key
    for share, password in zip(GROUP.shares, PASSWORDS, strict=True):
        assert load_key_share(share_path(folder, share.index), key, password) == share


def test_no_file_shows_a_secret(folder: Path) -> None:
    written = b"".join(path.read_bytes() for path in folder.iterdir())
    secrets = [encode_share(GROUP.key, share)[-128:] for share in GROUP.shares]
    secrets += [number.to_bytes(64, "big") for number in (GROUP.p, GROUP.q, GROUP.p // 2, GROUP.q // 2)]
    assert not any(secret in written for secret in secrets)
    assert all(share_path(folder, index).stat().st_mode & 0o777 == 0o600 for index in range(1, 5))


def test_anothers_password_opens_nothing(folder: Path) -> None:
    with pytest.raises(KeystoreError, match=r"does not open: wrong password, or the file has been altered$"):
        load_key_share(share_path(folder, 1), GROUP.key, PASSWORDS[1])


def test_an_altered_share_opens_nothing(folder: Path, tmp_path: Path) -> None:
    data = bytearray(share_path(folder, 2).read_bytes())
    data[-20] ^= 1
    (tmp_path / "share").write_bytes(data)
    (tmp_path / "share").chmod(0o600)
    with pytest.raises(KeystoreError, match=r"does not open: wrong password, or the file has been altered$"):
        load_key_share(tmp_path / "share", GROUP.key, PASSWORDS[1])


def test_a_share_of_another_key_is_refused(folder: Path) -> None:
    other, _ = deal(GROUP.p, GROUP.q, parties=4, threshold=3, exponent_bits=448, insecure=True)
    with pytest.raises(InputError, match=r"^a key share belongs to another key$"):
        load_key_share(share_path(folder, 1), other, PASSWORDS[0])


def test_files_are_not_written_over(folder: Path) -> None:
    with pytest.raises(KeystoreError, match="already exists"):
        save_group_key(folder, GROUP.key, GROUP.shares, PASSWORDS, scrypt_n=2**14)


def test_each_party_needs_a_password(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^each party needs a password; expected 4; got 3$"):
        save_group_key(tmp_path, GROUP.key, GROUP.shares, PASSWORDS[:3])
    assert not list(tmp_path.iterdir())


def test_a_key_that_is_insecure_absent_or_endless_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the key is marked insecure"):
        load_group_key(folder / KEY_FILE)
    with pytest.raises(InputError, match=r"does not exist\. The dealer makes it\.$"):
        load_group_key(tmp_path / "absent")
    (tmp_path / "long").write_bytes(bytes(1 << 17))
    with pytest.raises(InputError, match=r"cannot be read: larger than 65536 bytes$"):
        load_group_key(tmp_path / "long")


def test_the_dealer_asks_before_it_makes_an_insecure_key() -> None:
    with pytest.raises(InputError, match=r"^a key of 1024 bits is insecure\. "):
        run_trusted_dealer(bits=1024, parties=3, threshold=2)
    with pytest.raises(InputError, match=r"^a key has the wrong length; expected 2048 or 3072 bits; got 512$"):
        run_trusted_dealer(bits=512, parties=3, threshold=2, allow_insecure=True)
    with pytest.raises(InputError, match=r"^the threshold is out of range"):
        run_trusted_dealer(bits=2048, parties=3, threshold=4)


def test_the_dealer_deals_fresh_keys() -> None:
    key, shares = run_trusted_dealer(bits=1024, parties=3, threshold=2, allow_insecure=True)
    assert key.public.insecure
    assert (key.parties, key.threshold, len(shares)) == (3, 2, 3)
    assert key.public.n != GROUP.key.public.n
