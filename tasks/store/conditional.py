"""Puts an object on the condition that none is there, on any S3 service that honours If-None-Match.

The HTTP status of the answer decides, and nothing else: services word the body of a 412 in their own ways, and s3fs
tells errors by that wording (AWS and moto give FileExistsError, SeaweedFS 4.48 gives OSError EINVAL), but it keeps the answer in
`__cause__`. 409 says that another put of the same object is on its way, which may yet fail ("Conditional writes" in the
S3 user guide), so it is tried again and never read as "exists".
"""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import Any

from tasks.domain.errors import StoreUnavailable

CONFLICT_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
log = logging.getLogger("restem.store")


def create(fs: Any, path: str, data: bytes) -> bool:
    """Put the object; return True, or False where another object is there. Raises StoreUnavailable while 409 is the answer."""
    for wait_s in CONFLICT_WAITS_S:
        try:
            with fs.open(path, "xb") as stream:
                stream.write(data)
            return True
        except OSError as error:
            status = status_of(error)
            if _says_exists(error, status):
                return _is_ours(fs, path, data)
            if status != HTTPStatus.CONFLICT:
                raise
            log.debug("%s: another put is on its way; trying again in %g s", path, wait_s)
            time.sleep(wait_s)
    raise StoreUnavailable(
        f"the store answered 409 (another put is on its way) to each of {len(CONFLICT_WAITS_S)} puts of {path}; "
        "run again, and look whether the service is well"
    )


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of a service's answer, from the error or what caused it; None where there was no answer."""
    cause: BaseException | None = error
    while cause is not None:
        answer = getattr(cause, "response", None)
        if isinstance(answer, dict) and "HTTPStatusCode" in answer.get("ResponseMetadata", {}):
            return int(answer["ResponseMetadata"]["HTTPStatusCode"])
        cause = cause.__cause__
    return None


def _says_exists(error: OSError, status: int | None) -> bool:
    """Other file systems than S3 have no status: there the kind of the error is the answer."""
    return status == HTTPStatus.PRECONDITION_FAILED or (status is None and isinstance(error, FileExistsError))


def _is_ours(fs: Any, path: str, data: bytes) -> bool:
    """Return whether the object is this very put's: s3fs repeats a put whose answer was lost and meets its own object."""
    fs.invalidate_cache()
    return bool(fs.cat_file(path) == data)
