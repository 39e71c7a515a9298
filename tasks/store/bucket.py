"""Makes the bucket of a store on S3 where there is none: `python -m tasks.store.bucket s3://BUCKET/PREFIX`."""

from __future__ import annotations

import sys
import time

from botocore.exceptions import BotoCoreError

from tasks.domain.errors import RestemError, UserError
from tasks.store.objects import ObjectStore

PATIENCE_S, AGAIN_S = 120.0, 1.0


def make_bucket(store: ObjectStore, patience_s: float = PATIENCE_S) -> None:
    """Make the bucket unless it is there, and prove that the store can be used. An error is raised when it still cannot after `patience_s`.

    A service that has just started answers with errors of its own until its parts have found each other.
    """
    ends = time.monotonic() + patience_s
    while True:
        try:
            _make(store)
            store.check()
            return
        except (OSError, RestemError, BotoCoreError) as error:
            if time.monotonic() > ends:
                raise UserError(
                    f"the bucket of {store.root_url} is not ready after {patience_s:.0f} s: {error}"
                ) from error
        time.sleep(AGAIN_S)


def _make(store: ObjectStore) -> None:
    bucket = store.root.partition("/")[0]
    store.fs.invalidate_cache()
    if not store.is_local and not store.fs.exists(bucket):
        store.fs.mkdir(bucket)


if __name__ == "__main__":
    try:
        make_bucket(ObjectStore(sys.argv[1]))
    except UserError as error:
        raise SystemExit(str(error)) from error
