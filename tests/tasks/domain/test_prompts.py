"""Prompt templates: what the model sees, where it is stopped, and what it is trained on."""

import json
from dataclasses import replace

import pytest

from tasks.domain.errors import UserError
from tasks.domain.prompts import TEMPLATES, PromptForm, PromptTemplate, template_named
from tasks.domain.schema import Problem

WORDS = Problem("p/1", "gsm8k", "train", "math", "Ann has 3 hats and buys 4. How many has she?", gold="7")
HUMANEVAL = json.dumps({"prompt": "def one():\n    '''One.'''\n", "test": "assert one() == 1", "entry_point": "one"})
MBPP = json.dumps({"prompt": "", "test": "assert one() == 1", "entry_point": "one"})
STDIN = json.dumps({"inputs": ["1\n"], "outputs": ["1\n"]})
METHOD = json.dumps({"inputs": [[1]], "outputs": [1], "fn_name": "one"})


def code_problem(tests: str, **meta: str) -> Problem:
    return Problem("c/1", "code", "train", "code", "Print one.", tests=tests, meta=meta)


def test_an_arithmetic_prompt_is_the_question_and_a_line_break() -> None:
    problem = replace(WORDS, question="12+34=?")
    assert template_named("arithmetic").render(problem, 0) == "12+34=?\n"


def test_the_next_question_of_a_few_shot_completion_is_cut() -> None:
    completion = " 3 + 4 = 7\n#### 7\n\nQuestion: What is 1 + 1?\nAnswer: #### 2"
    template = template_named("gsm8k")
    assert "2" not in template.cut(completion)
    assert template.target(completion) == " 3 + 4 = 7\n#### 7"


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_no_text_holds_a_stop_string_after_the_cut(name: str) -> None:
    template = TEMPLATES[name]
    text = "".join(f"words {stop} more words " for stop in template.stop) + "end"
    assert not any(stop in template.cut(text) for stop in template.stop)
    assert template.cut("no stop string here") == "no stop string here"


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_prompt_and_target_are_a_prefix_of_what_the_model_saw(name: str) -> None:
    template = TEMPLATES[name]
    problem = code_problem(STDIN) if name == "code" else WORDS
    prompt, text = template.render(problem, 0), "  first line\nlast line  \n\n" + "".join(template.stop[:1])
    assert (prompt + text).startswith(prompt + template.target(text))
    assert template.target(text) == "  first line\nlast line"


@pytest.mark.parametrize("name", ["gsm8k", "math", "chat"])
def test_shots_stand_before_the_question_each_with_its_solution(name: str) -> None:
    template = TEMPLATES[name]
    zero, two = template.render(WORDS, 0), template.render(WORDS, 2)
    examples = template.forms["only"].examples[:2]
    assert two.endswith(zero)
    assert all(two.count(example.solution) == 1 for example in examples)


def test_a_worked_example_is_what_a_stopped_completion_looks_like() -> None:
    template = template_named("gsm8k")
    example = template.forms["only"].examples[0]
    after_answer = template.render(WORDS, 1).split("\nAnswer:", 1)[1]
    assert template.target(after_answer) == template.worked(WORDS, example.solution)


def test_more_shots_than_examples_are_refused() -> None:
    with pytest.raises(UserError, match="8 worked examples"):
        template_named("gsm8k").render(WORDS, 9)
    with pytest.raises(UserError, match="0 worked examples"):
        template_named("arithmetic").render(WORDS, 1)


def test_word_problem_examples_end_in_the_answer_mark_and_hold_no_calculator_marks() -> None:
    examples = template_named("gsm8k").forms["only"].examples
    assert len(examples) >= 8
    assert all("#### " in example.solution.splitlines()[-1] for example in examples)
    assert not any("<<" in example.solution for example in examples)


def test_competition_examples_end_in_a_box() -> None:
    examples = template_named("math").forms["only"].examples
    assert len(examples) >= 4
    assert all(example.solution.count("\\boxed{") == 1 for example in examples)


def test_equations_of_word_problem_examples_hold() -> None:
    for example in template_named("gsm8k").forms["only"].examples:
        for line in example.solution.splitlines()[:-1]:
            words = line.rstrip(".").split()
            at = words.index("=")
            start = next(i for i in range(at) if all(w.isdigit() or w in "+-*/" for w in words[i:at]))
            assert eval("".join(words[start:at])) == int(words[at + 1])


def test_a_function_body_continues_the_prompt_itself() -> None:
    prompt = template_named("code").render(code_problem(HUMANEVAL), 2)
    assert prompt.endswith("```python\ndef one():\n    '''One.'''\n")


@pytest.mark.parametrize("tests", [MBPP, STDIN, METHOD])
def test_a_program_begins_in_an_open_fence(tests: str) -> None:
    assert template_named("code").render(code_problem(tests), 0).endswith("Print one.\n```python\n")


def test_starter_code_is_shown() -> None:
    prompt = template_named("code").render(code_problem(METHOD, starter_code="class Solution:\n"), 0)
    assert "Start from:\nclass Solution:" in prompt


def test_the_closing_fence_ends_a_program() -> None:
    assert template_named("code").target("print(1)\n```\n\nAnother task") == "print(1)"


def test_chat_turns_end_where_the_model_ends_its_own() -> None:
    template = template_named("chat")
    assert template.render(WORDS, 0).endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert template.target("7<|im_end|>\n<|im_start|>user") == "7"


def test_every_character_of_a_template_is_in_its_digest() -> None:
    template = template_named("gsm8k")
    form = template.forms["only"]
    first = replace(form.examples[0], solution=form.examples[0].solution + " ")
    variants = [
        replace(template, version=2),
        replace(template, stop=("Q:",)),
        replace(template, forms={"only": replace(form, closing="\nA:")}),
        replace(template, forms={"only": replace(form, examples=(first, *form.examples[1:]))}),
    ]
    assert len({template.digest, *(variant.digest for variant in variants)}) == 5


def test_templates_have_different_digests() -> None:
    assert len({template.digest for template in TEMPLATES.values()}) == len(TEMPLATES)


def test_an_unknown_template_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="arithmetic, programs, plain, gsm8k"):
        template_named("gsm8")


OWN = PromptTemplate("own", 1, (), {"only": PromptForm("Q ", " A")})


def test_a_template_of_your_own_is_imported() -> None:
    assert template_named(f"{__name__}:OWN").render(WORDS, 0).startswith("Q Ann")


@pytest.mark.parametrize("path", ["no.such.module:X", f"{__name__}:MISSING", f"{__name__}:WORDS"])
def test_a_wrong_path_to_a_template_is_a_user_error(path: str) -> None:
    with pytest.raises(UserError, match=r"package.module:ATTRIBUTE|PromptTemplate"):
        template_named(path)
