"""Which problems: three disjoint sets, transfer sets beside them, and what a person corrects in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from tasks.domain.extensions import LOADERS
from tasks.domain.settings.base import Settings


class SourceSettings(Settings):
    """These settings describe one set of problems."""

    kind: Annotated[str, AfterValidator(LOADERS.check)] = Field(
        "arithmetic",
        description="Which loader reads it; `table` is any jsonl/parquet file or Hub data set by column mapping.",
        json_schema_extra=LOADERS.select,
    )
    path: str | None = Field(
        None,
        description="File, folder, pattern (part-*.parquet), fsspec URL (s3://...) or Hub data set id (hf:NAME). None: the loader's Hub default.",
    )
    split: str = Field("train", description="Split of a Hub data set; for `arithmetic`, which disjoint operand set.")
    revision: str | None = Field(None, description="Hub revision; resolved to a commit when the run is planned.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Our field (id, question, gold, tests, level) -> their column; a dotted path leads into a nested one.",
    )
    limit: int | None = Field(None, ge=1, description="At most this many problems, after the filters.")
    offset: int = Field(0, ge=0, description="Skip this many problems, after the filters and before the limit.")
    shuffle_seed: int | None = Field(
        None, description="Shuffle with this seed before offset and limit; None keeps the order."
    )
    levels: tuple[str, ...] = Field((), description="Only these levels; empty: all.")
    max_calculations: int | None = Field(None, ge=1, description="gsm8k: only problems with at most this many <<a=b>>.")
    min_tests: int = Field(1, ge=0, description="Code: only problems with at least this many tests.")
    hidden_tests: int = Field(
        0, ge=0, description="Code: hold back this many tests of each problem, to measure false positives; one stays."
    )


class ProblemCorrection(Settings):
    """This record is what a person corrects in a problem: its gold or its tests, or the problem goes."""

    problem: str = Field(min_length=1)
    gold: str | None = None
    tests: str | None = None
    drop: bool = False


class Overruled(Settings):
    """This record is a person's word on one completion of a problem, named by the digest of its text."""

    problem: str = Field(min_length=1)
    text: str = Field(pattern="^[0-9a-f]{16}$")
    label: Literal["correct", "wrong"]


class DataSettings(Settings):
    """Three disjoint sets: train is sampled and trained on, val decides, test is reported and decides nothing.

    `transfer` names further test sets, of other sources, which are reported beside it.
    """

    LATER = frozenset({"transfer"})

    train: SourceSettings = SourceSettings(split="train", limit=400)
    val: SourceSettings = SourceSettings(split="val", limit=100)
    test: SourceSettings = SourceSettings(split="test", limit=200)

    @field_validator("val", "test", mode="before")
    @classmethod
    def _own_split(cls, value: Any, info: ValidationInfo) -> Any:
        """A set that names no split gets its own: nobody means to test on train."""
        if not isinstance(value, dict) or "split" in value:
            return value
        built_in = str(value.get("kind", "arithmetic")).startswith("arithmetic")
        return value | {"split": "train" if info.field_name == "val" and not built_in else info.field_name}

    transfer: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")], SourceSettings] = Field(
        {},
        description="Further test sets by name, say of another source: the base and every iteration are evaluated on them.",
    )

    @field_validator("transfer", mode="before")
    @classmethod
    def _test_split(cls, value: Any) -> Any:
        """A transfer set that names no split is the source's test."""
        if not isinstance(value, dict):
            return value
        return {name: {"split": "test"} | one if isinstance(one, dict) else one for name, one in value.items()}

    corrections: tuple[ProblemCorrection, ...] = Field(
        (), description="Golds that are wrong and problems that go; in a config the name of a file (docs/audit.md)."
    )
    max_bad_gold_share: float = Field(
        0.01, ge=0, le=1, description="Train problems whose gold fails its own grader are left out up to this share."
    )
    max_contaminated_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Test problems that share 13 words in a row with a train problem: above this, refused.",
    )
