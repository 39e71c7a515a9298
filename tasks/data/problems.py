"""The problem sets of a run as artifacts: loaded and checked once, then named by their content."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tasks.data.known_golds import KnownGolds
from tasks.data.sources import Loaded, check_disjoint, data_revision, load_source
from tasks.domain.contamination import check_contamination
from tasks.domain.corrections import corrected
from tasks.domain.errors import UserError
from tasks.domain.extensions import LOADERS
from tasks.domain.rewards.grader import grader_for
from tasks.domain.schema import Problem, Split, to_table
from tasks.domain.settings import DataSettings, SourceSettings, VerifySettings
from tasks.store.artifacts import ArtifactRef, TableWriter
from tasks.store.slots import PROBLEMS, TRANSFER, Slot, transfer_place
from tasks.store.workspace import Workspace, log, store_at

VERSION = "2"
NOTHING_KNOWN = KnownGolds()


@dataclass(frozen=True)
class ProblemSet:
    """A stored set of problems; rows are read once per process."""

    store_url: str
    ref: ArtifactRef

    def all(self) -> list[Problem]:
        return _rows(self.store_url, self.ref)

    def select(self, ids: Sequence[str]) -> list[Problem]:
        by_id = _by_id(self.store_url, self.ref)
        return [by_id[name] for name in ids]


@dataclass(frozen=True)
class ProblemSets:
    """Train is sampled and trained on, val decides, test is reported and decides nothing."""

    train: ProblemSet
    val: ProblemSet
    test: ProblemSet
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what the report says of the sets
    transfer: Mapping[str, ProblemSet] = field(
        default_factory=dict
    )  # further test sets by name; they decide nothing either


@dataclass(frozen=True)
class ReadSets:
    """The sets as their sources give them now, each gold checked with the run's own grader. Nothing is stored yet.

    `problems` has train, val, test and, as `transfer NAME`, every transfer set. Train holds only problems that can be graded;
    `left_out` names the others.
    """

    sources: DataSettings
    problems: dict[str, list[Problem]]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def transfer(self) -> dict[str, list[Problem]]:
        """Return the transfer sets by their own names."""
        return {name: self.problems[transfer_set(name)] for name in self.sources.transfer}


def read_sets(data: DataSettings) -> dict[str, Loaded]:
    """Read train, val, test and the transfer sets; refuse them unless train and val share no question with one that is tested."""
    loaded = {
        name: load_source(source, _role(name), data.max_bad_gold_share) for name, source in _sources(data).items()
    }
    loaded = {name: replace(one, problems=corrected(one.problems, data.corrections)) for name, one in loaded.items()}
    train, val = (loaded[name].problems for name in ("train", "val"))
    for tested in _tested(data):
        check_disjoint(train, val, loaded[tested].problems, tested)
    return loaded


def graded_sets(
    loaded: dict[str, Loaded], data: DataSettings, verify: VerifySettings, known: KnownGolds = NOTHING_KNOWN
) -> ReadSets:
    """Check every gold with the run's own grader, unless it is `known`; UserError where too many fail."""
    sets = {name: one.problems for name, one in loaded.items()}
    left_out = check_gold(sets, data, verify, known)
    sets["train"] = [problem for problem in sets["train"] if problem.id not in left_out]
    notes = tuple(note for name, source in _sources(data).items() if (note := _few_tests(name, source, loaded[name])))
    for tested in _tested(data):
        notes += check_contamination(sets["train"], sets[tested], data.max_contaminated_share, tested)
    return ReadSets(data, sets, tuple(sorted(left_out)), notes)


def store_sets(workspace: Workspace, read: ReadSets) -> ProblemSets:
    """Store the sets and return them as artifacts."""
    stored = {
        name: _store(workspace, name, source, read.problems[name]) for name, source in _sources(read.sources).items()
    }
    transfer = {name: stored[transfer_set(name)] for name in read.sources.transfer}
    return ProblemSets(stored["train"], stored["val"], stored["test"], read.left_out, read.notes, transfer)


def check_gold(
    sets: dict[str, list[Problem]], data: DataSettings, verify: VerifySettings, known: KnownGolds
) -> dict[str, str]:
    """Return the train problems to leave out, as id -> reason. UserError above the allowed share, or for any val or test problem.

    A gold that its own grader does not accept makes every solution wrong, silently (DESIGN section 3).
    """
    grader = grader_for(verify)
    found = {split: known.bad(grader, rows) for split, rows in sets.items()}
    bad = {split: {one.problem_id: one.reason for one in ones} for split, ones in found.items()}
    for split in (name for name in bad if name != "train"):
        if bad[split]:
            name, reason = next(iter(bad[split].items()))
            log.warning("%d %s problems have a gold that its grader rejects; they stay in and count as unsolved, e.g. %s: %s",
                        len(bad[split]), split, name, reason)  # fmt: skip
    share = len(bad["train"]) / len(sets["train"])
    if share > data.max_bad_gold_share:
        name, reason = next(iter(bad["train"].items()))
        raise UserError(
            f"{len(bad['train'])} of {len(sets['train'])} train problems ({share:.1%}) have a gold that its grader rejects, "
            f"e.g. {name}: {reason}; at most {data.max_bad_gold_share:.1%} may be left out: mend the gold or the column mapping"
        )
    for split, rows in sets.items():
        known.remember(grader, rows, found[split])
    if bad["train"]:
        log.warning(
            "left out %d train problems whose gold fails its grader: %s", len(bad["train"]), sorted(bad["train"])[:20]
        )
    return bad["train"]


def _few_tests(split: str, source: SourceSettings, loaded: Loaded) -> str:
    """Say how many problems were dropped for too few tests; empty for none."""
    if not loaded.few_tests:
        return ""
    named = ", ".join(loaded.few_tests[:10]) + (", ..." if len(loaded.few_tests) > 10 else "")
    return (
        f"{len(loaded.few_tests)} {split} problems have fewer than {source.min_tests} tests and were left out: {named}"
    )


def transfer_set(name: str) -> str:
    """Return the name of a transfer set among all sets of a run, as messages show it too."""
    return f"{TRANSFER} {name}"


def _sources(data: DataSettings) -> dict[str, SourceSettings]:
    transfer = {transfer_set(name): source for name, source in data.transfer.items()}
    return {"train": data.train, "val": data.val, "test": data.test, **transfer}


def _tested(data: DataSettings) -> list[str]:
    """Return the names of the sets that are reported and decide nothing."""
    return [name for name in _sources(data) if _role(name) == "test"]


def _role(name: str) -> Split:
    return "train" if name == "train" else "val" if name == "val" else "test"


def _slot(name: str) -> str:
    """Return the place of a set in the run."""
    kind, _, own = name.partition(" ")
    return str(Slot(PROBLEMS, kind, transfer_place(own) if own else ""))


def _store(workspace: Workspace, name: str, source: SourceSettings, rows: list[Problem]) -> ProblemSet:
    revision = data_revision(source, rows)
    recipe = workspace.recipe("problems", VERSION, split=_role(name), revision=revision, **_code_of(source))
    manifest = workspace.find(recipe, _slot(name)).manifest
    if manifest is None:
        writer = TableWriter(workspace.store, recipe)
        writer.write(to_table(rows, Problem))
        manifest = writer.commit({"source": source.model_dump(mode="json")})
        workspace.remember(recipe, _slot(name))
    return ProblemSet(workspace.store_url, workspace.store.ref(manifest))


def _code_of(source: SourceSettings) -> dict[str, str]:
    """Return the version of a loader from another package."""
    version = LOADERS.version(source.kind)
    return {} if version is None else {"loader_version": version}


@functools.lru_cache(maxsize=16)
def _rows(store_url: str, ref: ArtifactRef) -> list[Problem]:
    return store_at(store_url).rows(ref, Problem)


@functools.lru_cache(maxsize=16)
def _by_id(store_url: str, ref: ArtifactRef) -> dict[str, Problem]:
    return {problem.id: problem for problem in _rows(store_url, ref)}
