"""Makes keys of artifacts in the Prefect interface: a different key for each thing, whatever its name is."""

from __future__ import annotations

import re

from tasks.domain.fingerprint import digest_of

SAFE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DIGEST = re.compile(r".*-[0-9a-f]{8}")
DIGEST_CHARACTERS = 8


def artifact_key(kind: str, *names: str) -> str:
    """Return the key of an artifact of that kind for these names (a run; a run, a stage and an iteration; ...).

    Prefect's keys are lower-case letters, digits and single dashes. A name of this form stands in the key unchanged. Where
    other names could give the same text (`A.b` and `a-b`, `a-b` with `c` and `a` with `b-c`) a digest of the names is added.
    """
    slug = "-".join(_slug(name) for name in names)
    plain = all(SAFE.fullmatch(name) and not DIGEST.fullmatch(name) for name in names)
    clear = plain and all("-" not in name for name in names[1:])
    return f"{kind}-{slug}" if clear else f"{kind}-{slug}-{digest_of(list(names))[:DIGEST_CHARACTERS]}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run"
