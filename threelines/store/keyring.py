"""The keys of one organisation: made here, kept here, and sealing with them.

Envelope encryption: a key file or a passphrase opens the lock key, the lock key opens the working
keys, and only the working keys touch data. A lost key is lost data: nobody, we included, can open
what was sealed with it. Keep a copy of the key file apart from the backups.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from threelines.records import ThreelinesError, filled

Purpose = Literal["content", "identity", "match", "audit"]
"""`content` seals coded case data, `identity` the vault, `match` keys HMACs, `audit` the chain."""

PURPOSES: tuple[Purpose, ...] = ("content", "identity", "match", "audit")
FORMAT: Literal["threelines-keyring-1"] = "threelines-keyring-1"
SCRYPT_COST = 17
"""log2 of N; OWASP's password storage sheet asks for 2^17 with r = 8, p = 1."""
_VERSION = 1
_HEAD = 3 + 12


class KeyringError(ThreelinesError):
    """A key file cannot be used, or a value does not open with it."""


class _Lock(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["file", "passphrase"]
    key: bytes = b""
    salt: bytes = b""
    cost: int = SCRYPT_COST


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    purpose: Purpose
    number: int
    made: str
    sealed: bytes


@filled
class _File(msgspec.Struct, frozen=True, kw_only=True):
    format: Literal["threelines-keyring-1"]
    organisation: str
    lock: _Lock
    keys: tuple[_Key, ...]


class _Held(NamedTuple):
    """What a key file holds, opened. It is replaced as a whole: threads see the keys before or those after."""

    file: _File
    stamp: tuple[int, int]
    """Of the file, from before it was read: one that is replaced meanwhile is read again."""
    keys: Mapping[tuple[str, int], bytes]
    newest: Mapping[str, int]
    ciphers: Mapping[tuple[str, int], AESGCM]


class Keyring:
    """Working keys of one organisation, by purpose and number; the newest number seals.

    Another process may change the keys: the key file is read again where it is not the one that was read.
    """

    def __init__(self, path: Path, file: _File, lock_key: bytes, stamp: tuple[int, int]) -> None:
        self.path = path
        self.organisation = file.organisation
        self._lock_key = lock_key
        self._held = self._opened(file, stamp)

    def _opened(self, file: _File, stamp: tuple[int, int]) -> _Held:
        keys: dict[tuple[str, int], bytes] = {}
        newest: dict[str, int] = {}
        for key in file.keys:
            keys[key.purpose, key.number] = _unlock(self._lock_key, key, file.organisation, self.path)
            newest[key.purpose] = max(key.number, newest.get(key.purpose, 0))
        return _Held(file, stamp, keys, newest, {entry: AESGCM(key) for entry, key in keys.items()})

    @classmethod
    def create(cls, path: Path, *, passphrase: str = "", cost: int = SCRYPT_COST) -> Keyring:
        """Make new keys and write the key file (mode 0600); an existing file is never replaced."""
        if path.exists():
            raise KeyringError(f"{path}: exists already; a key file is never replaced, choose another name")
        if passphrase:
            lock = _Lock(kind="passphrase", salt=secrets.token_bytes(16), cost=cost)
        else:
            lock = _Lock(kind="file", key=secrets.token_bytes(32))
        lock_key = _lock_key(lock, passphrase, path)
        organisation = secrets.token_hex(8)
        keys = tuple(_new_key(lock_key, purpose, 1, organisation) for purpose in PURPOSES)
        file = _File(format=FORMAT, organisation=organisation, lock=lock, keys=keys)
        _write(path, file)
        return cls(path, file, lock_key, _stamp(path))

    @classmethod
    def open(cls, path: Path, *, passphrase: str = "") -> Keyring:
        """Read a key file; refused when others on this machine may read it."""
        stamp, file = _stamp(path), _read(path)
        return cls(path, file, _lock_key(file.lock, passphrase, path), stamp)

    def seal(self, plaintext: bytes, context: bytes, *, purpose: Purpose = "content") -> bytes:
        """Encrypt with AES-256-GCM; `context` must be given again to open it.

        Layout: version (1 byte), key number (2), nonce (12, random), ciphertext and tag.
        """
        held = self._now()
        number = self._number(held, purpose)
        nonce = os.urandom(12)
        head = bytes((_VERSION,)) + number.to_bytes(2)
        return head + nonce + held.ciphers[purpose, number].encrypt(nonce, plaintext, context)

    def open_sealed(self, sealed: bytes, context: bytes, *, purpose: Purpose = "content") -> bytes:
        """Decrypt what `seal` made with the same context and purpose."""
        number = int.from_bytes(sealed[1:3])
        cipher = self._held.ciphers.get((purpose, number))
        if cipher is None:
            self.reload()
            cipher = self._held.ciphers.get((purpose, number))
        if cipher is None or sealed[0] != _VERSION:
            raise KeyringError(
                f"{self.path}: holds no {purpose} key number {number}, which this value was sealed with; "
                "give the key file of this database (a lost key is lost data)"
            )
        try:
            return cipher.decrypt(sealed[3:_HEAD], sealed[_HEAD:], context)
        except InvalidTag:
            raise KeyringError(
                f"{self.path}: a sealed value does not open: it was altered, moved, or sealed for another "
                "organisation; restore it from a backup"
            ) from None

    def opener(self, purpose: Purpose = "content") -> Callable[[bytes, bytes], bytes]:
        """Return `open_sealed` for many values in a row, with the look-ups done once."""
        ciphers = {
            bytes((_VERSION,)) + number.to_bytes(2): cipher.decrypt
            for (known, number), cipher in self._held.ciphers.items()
            if known == purpose
        }

        def opened(sealed: bytes, context: bytes) -> bytes:
            try:
                return ciphers[sealed[:3]](sealed[3:_HEAD], sealed[_HEAD:], context)
            except (KeyError, InvalidTag):  # reads the key file again, or says what is wrong
                return self.open_sealed(sealed, context, purpose=purpose)

        return opened

    def tag(self, value: bytes, context: bytes, *, purpose: Purpose = "match") -> bytes:
        """Return a keyed HMAC-SHA256, for matching only: a plain hash of a name can be guessed."""
        return keyed(self.key(purpose), value, context)

    def key(self, purpose: Purpose) -> bytes:
        """Return the newest key itself: for what has to outlive its rotation, sealed."""
        return self.newest(purpose)[1]

    def newest(self, purpose: Purpose) -> tuple[int, bytes]:
        """Return number and key of the newest one; number 1 is the first, which was never replaced."""
        held = self._now()
        number = self._number(held, purpose)
        return number, held.keys[purpose, number]

    def every(self, purpose: Purpose) -> tuple[bytes, ...]:
        """Return all keys of a purpose: more than one while they are being changed, and after that was stopped."""
        held = self._now()
        self._number(held, purpose)
        return tuple(key for (known, _), key in held.keys.items() if known == purpose)

    def has(self, purpose: Purpose) -> bool:
        """Say whether this keyring holds a key for the purpose (an analyst's has no identity key)."""
        return purpose in self._held.newest

    def is_old(self, sealed: bytes, purpose: Purpose) -> bool:
        """Say whether a value was sealed with a key that is no longer the newest."""
        return int.from_bytes(sealed[1:3]) != self._held.newest[purpose]

    def looks_sealed(self, value: bytes) -> bool:
        """Say whether bytes have the head of a sealed value of one of these keys."""
        newest = max(self._held.newest.values(), default=0)
        return len(value) >= _HEAD + 16 and value[0] == _VERSION and 1 <= int.from_bytes(value[1:3]) <= newest

    def rotate(self, *purposes: Purpose) -> None:
        """Add a newer key for each purpose and save; old keys stay until `retire`."""
        held = self._now()
        fresh = [
            _new_key(self._lock_key, purpose, self._number(held, purpose) + 1, self.organisation)
            for purpose in purposes
        ]
        self._save(msgspec.structs.replace(held.file, keys=(*held.file.keys, *fresh)))

    def retire(self, *purposes: Purpose) -> int:
        """Destroy all older than the newest key of each purpose; re-seal the data first. Return how many went."""
        newest = self._held.newest  # before the file is read again: what came into it meanwhile stays
        file = self._now().file
        kept = tuple(key for key in file.keys if key.purpose not in purposes or key.number >= newest[key.purpose])
        self._save(msgspec.structs.replace(file, keys=kept))
        return len(file.keys) - len(kept)

    def copy_for(self, path: Path, purposes: Iterable[Purpose]) -> Keyring:
        """Write a key file with some purposes only: an analyst's copy leaves out `identity`."""
        wanted = set(purposes)
        if path.exists():
            raise KeyringError(f"{path}: exists already; a key file is never replaced, choose another name")
        lock = _Lock(kind="file", key=secrets.token_bytes(32))
        held = self._now()
        keys = tuple(
            _lock(lock.key, held.keys[key.purpose, key.number], key, self.organisation)
            for key in held.file.keys
            if key.purpose in wanted
        )
        _write(path, _File(format=FORMAT, organisation=self.organisation, lock=lock, keys=keys))
        return Keyring.open(path)

    def destroy(self) -> None:
        """Overwrite and remove the key file, and forget the keys: the data is lost for good."""
        if self.path.exists():
            with self.path.open("r+b") as file:
                _overwrite(file)
            self.path.unlink()
        self._held = _Held(self._held.file, _stamp(self.path), {}, {}, {})

    def reload(self) -> None:
        """Read the key file again: another process may have rotated."""
        stamp, file = _stamp(self.path), _read(self.path)
        if file.lock != self._held.file.lock:
            raise KeyringError(f"{self.path}: was replaced while in use; start again with the right key file")
        self._held = self._opened(file, stamp)

    def _now(self) -> _Held:
        """Return what the key file holds at this moment."""
        if _stamp(self.path) != self._held.stamp:
            self.reload()
        return self._held

    def _number(self, held: _Held, purpose: Purpose) -> int:
        if purpose not in held.newest:
            raise KeyringError(f"{self.path}: holds no {purpose} key; use a key file that was made for this work")
        return held.newest[purpose]

    def _save(self, file: _File) -> None:
        _write(self.path, file)
        self.reload()


def keyed(key: bytes, value: bytes, context: bytes) -> bytes:
    """Return the HMAC-SHA256 of a value in its context."""
    return hmac.digest(key, len(context).to_bytes(2) + context + value, "sha256")


def _lock_key(lock: _Lock, passphrase: str, path: Path) -> bytes:
    if lock.kind == "file":
        return lock.key
    if not passphrase:
        raise KeyringError(f"{path}: is locked with a passphrase; give it")
    return Scrypt(salt=lock.salt, length=32, n=2**lock.cost, r=8, p=1).derive(passphrase.encode())


def _new_key(lock_key: bytes, purpose: Purpose, number: int, organisation: str) -> _Key:
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return _lock(
        lock_key, secrets.token_bytes(32), _Key(purpose=purpose, number=number, made=made, sealed=b""), organisation
    )


def _lock(lock_key: bytes, key: bytes, entry: _Key, organisation: str) -> _Key:
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(lock_key).encrypt(nonce, key, _name(entry, organisation))
    return msgspec.structs.replace(entry, sealed=sealed)


def _unlock(lock_key: bytes, entry: _Key, organisation: str, path: Path) -> bytes:
    try:
        return AESGCM(lock_key).decrypt(entry.sealed[:12], entry.sealed[12:], _name(entry, organisation))
    except InvalidTag:
        raise KeyringError(f"{path}: the passphrase is wrong or the key file is damaged; try your copy of it") from None


def _name(entry: _Key, organisation: str) -> bytes:
    return f"{FORMAT}:{organisation}:{entry.purpose}:{entry.number}".encode()


def _read(path: Path) -> _File:
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except FileNotFoundError:
        raise KeyringError(f"{path}: no such key file; give the key file that belongs to this database") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyringError(f"{path}: others on this machine may read it; run: chmod 600 {path}")
    try:
        return msgspec.json.decode(raw, type=_File)
    except msgspec.DecodeError as fault:
        raise KeyringError(f"{path}: not a threelines key file ({fault}); restore your copy of it") from None


def _write(path: Path, file: _File) -> None:
    """Write through a temporary file and rename: a crash leaves the old file or the new one, whole.

    The old file is overwritten afterwards: keys that were retired do not stay in free blocks.
    """
    old = path.open("r+b") if path.exists() else None
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(file), indent=1))
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
    if old is not None:
        with old:
            _overwrite(old)


def _overwrite(file: BinaryIO) -> None:
    file.write(os.urandom(os.fstat(file.fileno()).st_size))
    file.flush()
    os.fsync(file.fileno())


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)
