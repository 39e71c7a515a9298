"""Says in one sentence why a file could not be written: no space, quota, size limit, read-only, permission.

These are the user's to mend, wherever they happen (store, scratch folder, training child), and a retry cannot help. The system says
them by an errno, which libraries pass on in their own ways: as the cause of another error, or only in its text.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.domain.errors import StageFailed, UserError

FOUND = {
    errno.ENOSPC: ("no space is left", "free some space"),
    errno.EDQUOT: ("the disk quota is used up", "free some space or raise the quota"),
    errno.EFBIG: ("a file would pass the size limit", "raise the limit (ulimit -f)"),
    errno.EROFS: ("the file system is read-only", "mount it writable or name another folder"),
    errno.EACCES: ("permission is refused", "correct the rights or name another folder"),
    errno.EPERM: ("permission is refused", "correct the rights or name another folder"),
}
OF_FILES_ONLY = (errno.EACCES, errno.EPERM)  # sockets and signals give them too, and those name no file
# shutil.Error and Rust's libraries (safetensors, tokenizers) keep the number in the text alone
IN_TEXT = re.compile(r"\[Errno (\d+)\]|\(os error (\d+)\)")
PROBE_BYTES = 1 << 20


@dataclass(frozen=True)
class DiskFault:
    """This record says what the system refused, for which file (empty where it was not told), and what helps."""

    found: str
    path: str
    remedy: str

    def sentence(self, place: str) -> str:
        """Return the sentence, which names the file, or else the place where one was written."""
        return f"{self.found} for {self.path or place!r}; {self.remedy} and run again"


def fault_of(error: BaseException) -> DiskFault | None:
    """Return the fault of the disk behind an error, found along its causes; None where there is none."""
    for one in _chain(error):
        number, path = _number(one), _path(one)
        if number in FOUND and (path or number not in OF_FILES_ONLY):
            return DiskFault(FOUND[number][0], path, FOUND[number][1])
    return None


def fault_of_folder(folder: Path) -> DiskFault | None:
    """Return why a megabyte cannot be written into this folder now; None where it can, or where there is no folder.

    A child that died may have been unable to say why: its report needs the same disk.
    """
    probe = folder / f".probe-{secrets.token_hex(4)}"
    try:
        with probe.open("wb") as stream:
            stream.write(bytes(PROBE_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        found = fault_of(error)
        return found and DiskFault(found.found, str(folder), found.remedy)
    finally:
        with suppress(OSError):
            probe.unlink()
    return None


@contextmanager
def disk_faults_told(place: str, *folders: Path) -> Iterator[None]:
    """Turn a failure inside the block into a UserError where a disk is behind it. Where the error does not say, `folders` are tried."""
    try:
        yield
    except (UserError, StageFailed):
        raise
    except Exception as error:  # boundary: the kinds are told apart by errno, not by type
        fault = fault_of(error) or next(filter(None, map(fault_of_folder, folders)), None)
        if fault is None:
            raise
        raise UserError(fault.sentence(place)) from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    told = IN_TEXT.search(str(error))
    return int(told[1] or told[2]) if told else None


def _path(error: BaseException) -> str:
    """Return the file that the system named; of a hard link or a rename that is the new name."""
    if not isinstance(error, OSError):
        return ""
    return os.fsdecode(error.filename2 or error.filename or "") if not isinstance(error.filename, int) else ""
