"""Where a completion states its answer: every form is found, on made-up values, and its near misses stay wrong."""

from __future__ import annotations

from random import Random

import pytest

from tasks.domain.rewards.extraction import labels as places
from tests.tasks.domain.rewards.test_math_reward import accepted

COUNT = 10
LABELS = (
    "The answer is {}.", "Answer: {}", "**Final answer:** {}", "# Answer\n{}", "The correct answer is {}", "答案是{}。", "答案：{}", "答え：{}", "정답은 {}입니다.",
    "Ответ: {}.", "Die Antwort ist {}.", "Das Ergebnis lautet {}.", "La réponse est {}.", "La respuesta es {}.", "A resposta é {}.", "La risposta è {}.",
    "Het antwoord is {}.", "【答案】{}", "Итак, ответ {}.", "Therefore, the answer is: {}",
)  # fmt: skip
WRAPPERS = (
    "<answer>{}</answer>", "<answer>The answer is {}.</answer>", "[ANSWER]{}[/ANSWER]", "<answer>\n{}", "Answer:\n```\n{}\n```", "```\n{}\n```", "`{}`",
    "The answer is `{}`.", "The answer is {} ✓", "✅ {}", "Answer: **{}**", 'The answer is "{}".', "{} ✔", "**{}**", r"\boxed{{{}}} ■", "> **{}**", "We get **{}**.",
    "<solution>{}</solution>", "<result>{}</result>", "The answer is <b>{}</b>.", '```json\n{{"answer": {}}}\n```', "Final: {}", "(Answer) {}", "It's {}.",
)  # fmt: skip
EXPLAINED = (
    "The answer is {0}, since {1} is too large.", "The answer is {0}, because there are {1} more.", "The answer is {0}, which is less than {1}.",
    "The answer is {0}, not {1}.", "Answer: {0} (because {1} is no solution).", "The answer is {0} as we found above for {1}.",
    "The answer is {0} rather than {1}.", "The answer is {0} (from part {1}).", "The answer is {0} using {1} equations.", "The answer is {0}; there are {1} groups.",
    "The answer is {0}, that is, {1} groups of them.", "The answer is ${0}$, given that $x={1}$.",
)  # fmt: skip
RUN_ON = (
    "\n\nQuestion: How many are {1}?\nAnswer: {1}", "\n\n### Problem 2\nFind x.\n\n\\boxed{{{1}}}", "\n\nUser: and now?\nThe answer is {1}.", "\n\n题目：求值\n答案：{1}",
    "\n\nProblem: Next.\nSolution: The answer is {1}.",
)  # fmt: skip
LATER = (
    r"\boxed{{{1}}} Wait, no. The answer is {0}.", r"\boxed{{{1}}} is wrong. \boxed{{{0}}}", "Answer: {1}\nCorrection: the answer is {0}.",
    r"I get \boxed{{{1}}}." "\n\nI made a mistake. The correct answer is ${0}$.", "<answer>{1}</answer> No. <answer>{0}</answer>",
    "\\boxed{{{1}}}\n\nAnswer: {0}", "\\boxed{{{1}}}\n\n**Final Answer**\n{0}", "Initially I thought \\boxed{{{1}}}, but **Final answer: {0}**",
)  # fmt: skip
KEPT = (
    r"\boxed{{{0}}}. The answer is approximately {1}.", r"\boxed{{{0}}}. A wrong answer is {1}.", r"\boxed{{{0}}}. If the answer is {1}, nothing fits.",
    r"\boxed{{{0}}}. The answer is not {1}.", r"\boxed{{{0}}}. The answer is above.", r"\boxed{{{0}}}. There were {1} steps.",
)  # fmt: skip
JOINED = (
    r"\boxed{{{0}}} and \boxed{{{1}}}",
    r"\boxed{{{0}}}, \boxed{{{1}}}",
    r"$x=\boxed{{{0}}}$ or $x=\boxed{{{1}}}$",
    "The answer is {0} and {1}.",
)


def pairs() -> list[tuple[str, str]]:
    """An answer and another, as whole numbers, fractions and formulas."""
    random = Random(7)
    forms = ("{}", "-{}", r"\frac{{{}}}{{101}}", r"\sqrt{{{}}}", "{}.25")
    numbers = [random.sample(range(11, 99), 2) for _ in range(COUNT)]
    return [
        (forms[at % len(forms)].format(n), forms[at % len(forms)].format(m))
        for at, (n, m) in enumerate(numbers)
        if n % m
    ]


@pytest.mark.parametrize("form", LABELS + WRAPPERS)
def test_stated_answers_are_found_and_no_others(form: str) -> None:
    for gold, other in pairs():
        shown = f"${gold}$" if "\\" in gold and "`" not in form and "boxed" not in form else gold
        shown_other = shown.replace(gold, other)
        assert accepted(gold, form.format(shown)), (gold, form)
        assert not accepted(gold, form.format(shown_other)), (other, form)
        assert not accepted(gold, f"At first ${gold}$ comes to mind.\n\n" + form.format(shown_other)), (other, form)


@pytest.mark.parametrize("form", EXPLAINED)
def test_an_explanation_is_no_part_of_the_answer(form: str) -> None:
    for gold, other in numbers_of(pairs()):
        assert accepted(gold, form.format(gold, other)), form
        assert not accepted(other, form.format(gold, other)), form


@pytest.mark.parametrize("end", RUN_ON)
@pytest.mark.parametrize("form", ["The answer is {0}.", r"\boxed{{{0}}}", "#### {0}", "Answer: {0}"])
def test_a_question_of_its_own_ends_the_answer(form: str, end: str) -> None:
    for gold, other in numbers_of(pairs()):
        assert accepted(gold, (form + end).format(gold, other)), form + end
        assert not accepted(other, (form + end).format(gold, other)), form + end


@pytest.mark.parametrize("form", LATER + KEPT)
def test_the_last_clear_statement_counts(form: str) -> None:
    for gold, other in numbers_of(pairs()):
        assert accepted(gold, form.format(gold, other)), form
        assert not accepted(other, form.format(gold, other)), form


@pytest.mark.parametrize("form", JOINED)
def test_joined_statements_are_one_answer(form: str) -> None:
    for one, two in numbers_of(pairs()):
        assert accepted(f"{one}, {two}", form.format(one, two)), form
        assert not any(accepted(gold, form.format(one, two)) for gold in (one, two)), form


def numbers_of(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(one, two) for one, two in found if "\\" not in one]


def test_labels_are_those_of_a_whole_scan() -> None:
    """They are looked for only where one of their words stands; a scan of all of the text finds no others."""
    r = Random(0)
    fillers = (
        "The right side, so ans = 3. ",
        "\\left( x \\right) ",
        "A: ",
        "\n**A**: ",
        "\n answer \n",
        "the best choice is ",
        "İ ",
        "Réponse : ",
        "svar: ",
    )
    for _ in range(300):
        text = "".join(r.choice([*fillers, *(label.format(7) + " " for label in LABELS)]) for _ in range(6))
        patterns = (places._ENGLISH, places._ENGLISH_MATH, places._OTHER)
        scanned = {(match.start(), match.end()) for pattern in patterns for match in pattern.finditer(text)}
        assert {(label.start, label.end) for label in places.labels(text) if label.letter is None} == scanned, text


@pytest.mark.parametrize(
    "form", ["#### {1}\n#### {0}", "#### {1}\n\n#### {0}", "Answer: ```{0}```", "the answer's {0}"]
)
def test_the_last_line_of_an_answer_counts(form: str) -> None:
    for gold, other in numbers_of(pairs()):
        assert accepted(gold, form.format(gold, other)), form
        assert not accepted(other, form.format(gold, other)), form
        assert not accepted(f"{gold}, {other}", form.format(gold, other)), form


def test_a_reason_behind_yes_or_no_is_no_part_of_the_answer() -> None:
    for word, other in (("Yes", "No"), ("No", "Yes"), ("True", "False")):
        assert accepted(rf"\text{{{word}}}", f"{word}, because 7 has two divisors.")
        assert not accepted(rf"\text{{{other}}}", f"{word}, because 7 has two divisors.")
        assert not accepted("7", f"{word}, because 7 has two divisors.")


@pytest.mark.parametrize(
    "form",
    [
        "The answer is {0} (mod {1}).",
        "The answer is {0} (base 7).",
        "The answer is {0} ({1}).",
        "The answer is {0} (or {1}).",
        "The answer is {0} ; {1}.",
        "The answer is {0}, that is, {1}.",
        "It's not {0}.",
        "We get **{0}** or **{1}**.",
        "La réponse n'est pas {0}.",
        "Therefore, not {0}.",
        "<result>{0} or {1}</result>",
        "<b>not</b> {0}",
        "\\boxed{{{1}}}, \\boxed{{{0}}}",
        "Answer: {1}\nAnswer: {0}",
    ],
)
def test_what_changes_a_statement_is_no_remark(form: str) -> None:
    for gold, other in numbers_of(pairs()):
        if "/" not in gold and "." not in gold:
            assert not accepted(gold, form.format(gold, other)), form
