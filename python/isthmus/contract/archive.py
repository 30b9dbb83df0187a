# SPDX-License-Identifier: MIT
"""The archive around a contract: read it, verify its bytes, write the contract into it.

Only `zipfile` and `json` touch the file here: nothing is unpickled, extracted or executed.

The payload sums protect what is loaded. The *seal*, the comment at the end of the archive,
is the SHA-256 of all bytes before the digest: it also covers what zip keeps beside the
payload (names, dates, padding), so that no flipped bit in the file goes unseen.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from ..errors import ContractError, ModelFileError
from .terms import Contract

CONTRACT_ENTRY: Final = "extra/isthmus.json"
DIGEST_ENTRY: Final = "extra/isthmus.json.sha256"
_SEAL: Final = b"isthmus sha256 "
_SEAL_SIZE: Final = len(_SEAL) + 64
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Verification:
    """What `verify_file` found to be right."""

    contract: Contract
    n_entries: int
    """Payload entries whose sum was compared."""
    is_sealed: bool
    """Whether the sum over the whole file was there to be compared."""


def read_contract(path: Path | str) -> Contract:
    """Read the contract in a model file, after comparing its own checksum.

    Raises
    ------
    ModelFileError
        If the file is absent, unreadable or no zip archive.
    ContractError
        If it has no contract, or one that is damaged or malformed.
    """
    with _opened(Path(path)) as archive:
        return _read_contract(archive, _root_of(archive))


def has_contract(path: Path | str) -> bool:
    """Tell whether a model file has a contract, right or wrong, or the sum of one.

    Raises
    ------
    ModelFileError
        If the file is absent, unreadable or no zip archive.
    """
    with _opened(Path(path)) as archive:
        own = (f"/{CONTRACT_ENTRY}", f"/{DIGEST_ENTRY}")
        return any(name.endswith(own) for name in archive.namelist())


def verify_file(path: Path | str) -> Verification:
    """Compare every byte of a model file with the sums in it.

    Raises
    ------
    ModelFileError
        If the file is absent, unreadable or no zip archive.
    ContractError
        If an entry was changed, added or removed; the message names it.
    """
    with _opened(Path(path)) as archive:
        root = _root_of(archive)
        contract = _read_contract(archive, root)
        n_entries = _verify_payload(archive, root, contract)
        return Verification(contract, n_entries, _verify_seal(archive))


def payload_sums(path: Path | str) -> dict[str, str]:
    """Return the SHA-256 of every payload entry, by its name below the root folder."""
    with _opened(Path(path)) as archive:
        return dict(_payload(archive, _root_of(archive)))


def write_contract(path: Path | str, contract: Contract) -> Contract:
    """Write a contract into a model file, atomically; return it with its payload sums.

    The sums are computed here, over whatever the archive holds, so the contract is written
    last. A contract that is there already is replaced.

    Raises
    ------
    ModelFileError
        If the file cannot be read, or its folder cannot be written.
    """
    path = Path(path)
    with _opened(path) as archive:
        root = _root_of(archive)
        contract = replace(contract, payload_sha256=dict(_payload(archive, root)))
        has_contract = f"{root}/{CONTRACT_ENTRY}" in archive.namelist()
        try:
            copy = _temporary_beside(path)
            try:
                _copy_archive(archive, copy, without_contract=has_contract, root=root)
                _append_contract(copy, root, contract)
                _seal(copy)
                shutil.copymode(path, copy)
                copy.replace(path)
            finally:
                copy.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as error:
            raise ModelFileError(f"'{path}' cannot be written: {error.strerror}") from error
    return contract


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Reading


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; a damaged one is a `ContractError` that names the path."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ModelFileError(
            f"'{path}' is no model file (a zip archive): {error}"
        ) from error
    except OSError as error:
        raise ModelFileError(
            f"'{path}' cannot be read: {error.strerror or error}"
        ) from error
    except (ValueError, NotImplementedError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"'{path}' has a damaged zip directory: {error}") from error
    with archive:
        try:
            yield archive
        except ContractError as error:
            raise ContractError(f"'{path}': {error}") from error


def _root_of(archive: zipfile.ZipFile) -> str:
    """Return the one folder everything lies in."""
    names = archive.namelist()
    roots = {name.partition("/")[0] for name in names}
    if len(roots) != 1 or any("/" not in name for name in names):
        raise ContractError(f"entries lie in {len(roots)} root folders, expected one")
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ContractError(f"entry '{twice[0]}' is in the archive twice")
    return roots.pop()


def _digest_of(archive: zipfile.ZipFile, name: str) -> str:
    """Return the SHA-256 of an entry's content."""
    total = hashlib.sha256()
    for block in _blocks(archive, name):
        total.update(block)
    return total.hexdigest()


def _blocks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    # zipfile reports damage by errors without a common base: BadZipFile, struct.error,
    # zlib.error, EOFError, NotImplementedError, ValueError, ...
    try:
        with archive.open(name) as entry:
            while block := entry.read(_BLOCK):
                yield block
    except Exception as error:
        raise ContractError(f"entry '{name}' is damaged: {error}") from error


def _payload(archive: zipfile.ZipFile, root: str) -> Iterator[tuple[str, str]]:
    own = {f"{root}/{CONTRACT_ENTRY}", f"{root}/{DIGEST_ENTRY}"}
    for name in archive.namelist():
        if name not in own and not name.endswith("/"):
            yield name.removeprefix(f"{root}/"), _digest_of(archive, name)


def _read_contract(archive: zipfile.ZipFile, root: str) -> Contract:
    names = archive.namelist()
    for entry in (CONTRACT_ENTRY, DIGEST_ENTRY):
        if f"{root}/{entry}" not in names:
            raise ContractError(f"has no entry '{entry}': exported without isthmus.export?")
    text = b"".join(_blocks(archive, f"{root}/{CONTRACT_ENTRY}"))
    stated = b"".join(_blocks(archive, f"{root}/{DIGEST_ENTRY}")).strip()
    found = hashlib.sha256(text).hexdigest().encode()
    if stated != found:
        raise ContractError(
            f"isthmus.json has SHA-256 {found.decode()[:12]}..., expected"
            f" {stated[:12].decode(errors='replace')}..."
        )
    try:
        return Contract.from_json(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ContractError(f"isthmus.json is not UTF-8: {error}") from error


def _verify_payload(archive: zipfile.ZipFile, root: str, contract: Contract) -> int:
    stated = contract.payload_sha256
    found = dict(_payload(archive, root))
    for name in stated:
        if name not in found:
            raise ContractError(f"entry '{name}' is missing")
    for name, digest in found.items():
        if name not in stated:
            raise ContractError(f"entry '{name}' is not listed in the contract")
        if digest != stated[name]:
            raise ContractError(
                f"entry '{name}' has SHA-256 {digest[:12]}..., the contract says"
                f" {stated[name][:12]}..."
            )
    return len(found)


def _verify_seal(archive: zipfile.ZipFile) -> bool:
    """Compare the sum over the whole file; False if the file has none."""
    assert archive.fp is not None
    size = archive.fp.seek(0, os.SEEK_END)
    if archive.comment == b"":
        archive.fp.seek(size - 22)  # where the end record lies if nothing follows it
        end = archive.fp.read()
        if end.startswith(b"PK\x05\x06") and end.endswith(b"\0\0"):  # no comment is due
            return False
        raise ContractError("the end of the archive is cut off or followed by other bytes")
    archive.fp.seek(max(0, size - _SEAL_SIZE))
    seal = archive.fp.read()
    if archive.comment != seal or not seal.startswith(_SEAL):
        raise ContractError("the comment at its end is not the seal of isthmus")
    found = _sum_of_head(archive.fp, size - 64)
    if seal[len(_SEAL) :] != found:
        raise ContractError(
            f"the file has SHA-256 {found[:12].decode()}..., its seal says"
            f" {seal[len(_SEAL) :][:12].decode(errors='replace')}..."
        )
    return True


def _sum_of_head(file: IO[bytes], n_bytes: int) -> bytes:
    """Return the hexadecimal SHA-256 of the first bytes of a file."""
    total = hashlib.sha256()
    file.seek(0)
    while n_bytes > 0 and (block := file.read(min(_BLOCK, n_bytes))):
        total.update(block)
        n_bytes -= len(block)
    return total.hexdigest().encode()


# Writing


def _temporary_beside(path: Path) -> Path:
    prefix = f".{path.stem}."
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    return Path(name)


def _copy_archive(
    archive: zipfile.ZipFile, target: Path, *, without_contract: bool, root: str
) -> None:
    """Copy byte for byte, or entry by entry if an older contract must go."""
    assert archive.fp is not None
    if not without_contract:
        archive.fp.seek(0)
        with target.open("wb") as file:
            while block := archive.fp.read(_BLOCK):
                file.write(block)
        return
    own = {f"{root}/{CONTRACT_ENTRY}", f"{root}/{DIGEST_ENTRY}"}
    with zipfile.ZipFile(target, "w") as copy:
        for info in archive.infolist():
            if info.filename not in own:
                _copy_entry(archive, copy, info)


def _copy_entry(
    archive: zipfile.ZipFile, copy: zipfile.ZipFile, info: zipfile.ZipInfo
) -> None:
    entry = zipfile.ZipInfo(info.filename)  # dated 1980, as torch itself does
    with copy.open(entry, "w", force_zip64=info.file_size >= 1 << 31) as file:
        for block in _blocks(archive, info.filename):
            file.write(block)


def _append_contract(path: Path, root: str, contract: Contract) -> None:
    text = contract.to_json().encode("utf-8")
    digest = hashlib.sha256(text).hexdigest().encode()
    with zipfile.ZipFile(path, "a", compression=zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{root}/{CONTRACT_ENTRY}"), text)
        archive.writestr(zipfile.ZipInfo(f"{root}/{DIGEST_ENTRY}"), digest)
        archive.comment = _SEAL + b"0" * 64


def _seal(path: Path) -> None:
    """Replace the zeros at the end by the sum of everything before them, and sync."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        total = _sum_of_head(file, size - 64)
        file.seek(size - 64)
        file.write(total)
        file.flush()
        os.fsync(file.fileno())
