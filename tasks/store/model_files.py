"""The files that make a model of somebody else's folder, and their digest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tasks.domain.fingerprint import digest_of_files, sha256_of_file
from tasks.store.manifest import new_attempt

MODEL_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


def digest_of_model(scratch: Path, folder: Path, *, remember: bool = True) -> str:
    """Return the digest of the model's own files; hashes are remembered in `scratch` by (path, size, mtime, inode)."""
    memory = scratch / "sha256.json"
    known: dict[str, str] = json.loads(memory.read_text()) if memory.is_file() else {}
    files = sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)})
    hashes = []
    for path in files:
        status = path.stat()
        name = f"{path}|{status.st_size}|{status.st_mtime_ns}|{status.st_ino}"
        if name not in known:
            known[name] = sha256_of_file(path)
        hashes.append((path.name, known[name]))
    if remember:
        temporary = scratch / f"sha256.{new_attempt()}"
        temporary.write_text(json.dumps(known))
        shutil.move(temporary, memory)
    return digest_of_files(hashes)
