"""Records that are nested: dotted paths, lists of messages, several golds, and a sentence for every other type."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.data.sources import load_problems
from tasks.domain.errors import UserError
from tasks.domain.golds import alternatives
from tasks.domain.prompts import TEMPLATES, template_named
from tasks.domain.schema import Problem, from_table, to_table
from tasks.domain.settings import SourceSettings

USER, BOT, SYSTEM = "user", "assistant", "system"
TURNS = [(SYSTEM, "Be brief."), (USER, "1+1?"), (BOT, "2"), (USER, "2+2?")]


def load(tmp_path: Path, rows: list[dict[str, Any]], kind: str = "table", **settings: Any) -> list[Problem]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return load_problems(SourceSettings.model_validate({"kind": kind, "path": str(path), **settings}), "train")


def messages(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in turns]


@pytest.mark.parametrize(
    "row",
    [
        {"q": "A?", "reward_model": {"ground_truth": "5"}},
        {"q": "A?", "reward_model": json.dumps({"ground_truth": "5"})},
        {"q": "A?", "reward_model.ground_truth": "5"},
        {"q": "A?", "reward_model": {"ground_truth": 5}},
    ],
    ids=["object", "json-text", "name-with-a-dot", "number"],
)
def test_a_dotted_path_leads_into_a_column(tmp_path: Path, row: dict[str, Any]) -> None:
    (problem,) = load(tmp_path, [row], columns={"question": "q", "gold": "reward_model.ground_truth"})
    assert (problem.question, problem.gold) == ("A?", "5")


def test_a_dotted_path_leads_into_lists_and_parquet(tmp_path: Path) -> None:
    rows = [{"q": "A?", "extra_info": {"answers": ["5", "6"]}}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    settings = SourceSettings(
        kind="table", path=str(tmp_path / "rows.parquet"), columns={"question": "q", "gold": "extra_info.answers.1"}
    )
    assert load_problems(settings, "train")[0].gold == "6"


def test_a_path_that_leads_nowhere_names_the_fields_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"reward_model.gold or answer, found the columns question, reward_model \(ground_truth\)"
    ):
        load(
            tmp_path,
            [{"question": "A?", "reward_model": {"ground_truth": "5"}}],
            columns={"gold": "reward_model.gold"},
        )


@pytest.mark.parametrize("kind", ["table", "math", "gsm8k"])
def test_one_message_of_the_user_is_the_question_itself(tmp_path: Path, kind: str) -> None:
    answer = "#### 5" if kind == "gsm8k" else "5"
    (chat,) = load(tmp_path, [{"question": messages((USER, "A?")), "answer": answer}], kind)
    (plain,) = load(tmp_path, [{"question": "A?", "answer": answer}], kind)
    assert chat == plain


@pytest.mark.parametrize(
    "asked",
    [
        messages(*TURNS),
        [{"from": {USER: "human", BOT: "gpt"}.get(role, role), "value": text} for role, text in TURNS],
        [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in TURNS],
    ],
    ids=["openai", "sharegpt", "parts"],
)
def test_messages_become_turns_with_the_system_text(tmp_path: Path, asked: list[Any]) -> None:
    (problem,) = load(tmp_path, [{"question": asked, "answer": "4"}])
    prompt = template_named("chat").render(problem, 0)
    assert prompt == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n"
        "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n"
    )
    worded = template_named("gsm8k").render(problem, 0)
    assert worded == "Be brief.\n\nQuestion: 1+1?\nAnswer: 2\n\nQuestion: 2+2?\nAnswer:"


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_template_writes_every_turn_once(tmp_path: Path, name: str) -> None:
    (problem,) = load(tmp_path, [{"question": messages(*TURNS), "answer": "4"}])
    prompt = template_named(name).render(problem, 0)
    places = [prompt.index(text) for _, text in TURNS]
    assert places == sorted(places)
    assert [prompt.count(text) for text in ("Be brief.", "1+1?", "2+2?")] == [1, 1, 1]


def test_the_same_question_in_another_conversation_is_another_problem(tmp_path: Path) -> None:
    asked = [[(SYSTEM, "Be brief."), (USER, "A?")], [(SYSTEM, "Be long."), (USER, "A?")], [(USER, "A?")]]
    problems = load(tmp_path, [{"question": messages(*one), "answer": "4"} for one in asked])
    assert len({problem.id for problem in problems}) == 3
    assert from_table(to_table(problems, Problem), Problem) == problems


def test_several_golds_are_alternatives(tmp_path: Path) -> None:
    one, three = load(
        tmp_path, [{"question": "A?", "gold": ["1/2"]}, {"question": "B?", "gold": ["1/2", " 0.5", 2, None]}]
    )
    assert alternatives(one.gold) == ("1/2",)
    assert alternatives(three.gold) == ("1/2", "0.5", "2")


@pytest.mark.parametrize("kind, column", [("math", "answer"), ("table", "gold")])
def test_lists_of_golds_never_become_python_text(tmp_path: Path, kind: str, column: str) -> None:
    (problem,) = load(tmp_path, [{"question": "A?", column: ["300"]}], kind)
    assert problem.gold == '["300"]' and alternatives(problem.gold) == ("300",)


@pytest.mark.parametrize("gold", ["5", "[1, 2]", '["a", 1]', "[1,2)", '["a" or "b"]', "", None, '{"a": 1}'])
def test_a_single_gold_is_not_taken_for_alternatives(gold: str | None) -> None:
    assert alternatives(gold) == ()


@pytest.mark.parametrize(
    "kind, row, sentence",
    [
        ("table", {"question": {"text": "A?"}, "gold": "1"}, "line 1: question is an object, expected text or a number"),
        ("table", {"question": ["A?"], "gold": "1"}, "question is a list"),
        ("math", {"problem": "A?", "answer": {"value": 1}}, "answer or gold is an object"),
        ("math", {"problem": "A?", "answer": [["1"]]}, "answer or gold is a list"),
        ("table", {"question": "A?", "gold": True}, "gold or answer is a boolean"),
        ("gsm8k", {"question": "A?", "answer": ["#### 1"]}, "answer or gold is a list"),
        ("table", {"question": "A?", "gold": "1", "level": [3]}, "a level is a list"),
        ("table", {"question": messages((USER, "A?"), (BOT, "5")), "gold": "1"}, "does not end with a message of the user"),
        ("table", {"question": messages((USER, "A?"), (USER, "B?")), "gold": "1"}, "the turns are user, user"),
        ("table", {"question": messages(("tool", "A?")), "gold": "1"}, "has the role 'tool'"),
        ("table", {"question": messages((USER, " ")), "gold": "1"}, "is empty"),
        ("table", {"question": messages((USER, "A?"), (SYSTEM, "B")), "gold": "1"}, "stands behind a turn"),
        ("table", {"question": [{"role": USER, "content": [{"type": "image"}]}], "gold": "1"}, "content of a message is a list"),
    ],
)  # fmt: skip
def test_any_other_type_is_refused_with_its_sentence(
    tmp_path: Path, kind: str, row: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        load(tmp_path, [row], kind)


def test_a_pattern_names_several_files(tmp_path: Path) -> None:
    for number in (2, 1):
        rows = [{"question": f"{number}?", "gold": str(number)}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"part-{number}.parquet")
    (tmp_path / "other.jsonl").write_text('{"question": "no", "gold": "0"}\n')
    settings = SourceSettings(kind="table", path=f"{tmp_path}/part-*.parquet")
    assert [one.gold for one in load_problems(settings, "train")] == ["1", "2"]
    with pytest.raises(UserError, match="matches no file"):
        load_problems(SourceSettings(kind="table", path=f"{tmp_path}/none-*.parquet"), "train")
