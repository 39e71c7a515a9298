"""Prompt templates: how a problem becomes the text that the model continues, in sampling and in training alike.

A prompt is `instruction + examples + question`, and a completion is what follows it. Stop strings belong to the template: a
few-shot model goes on with the next question and its answer, and neither the grader nor the trainer may ever read that.
The digest of a template covers every character of it; change `version` when the code below renders differently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

from tasks.domain.dotted import imported
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of
from tasks.domain.golds import with_each_gold
from tasks.domain.schema import Hint, Problem
from tasks.domain.worked_examples import (
    COMPETITION_PROBLEMS,
    FUNCTION_BODIES,
    FUNCTION_PROGRAMS,
    STDIN_PROGRAMS,
    WORD_PROBLEMS,
    WorkedExample,
)


@dataclass(frozen=True)
class PromptForm:
    """The fixed text around a question. `closing` ends where the completion begins; `separator` ends a worked example."""

    opening: str
    closing: str
    separator: str = "\n\n"
    instruction: str = ""
    lead: str = ""  # what stands between `closing` and a solution written by people
    examples: tuple[WorkedExample, ...] = ()

    def render(self, question: str, shots: int, earlier: Sequence[tuple[str, str]] = ()) -> str:
        """Return worked examples, the `earlier` turns of the problem's own conversation, and the question."""
        worked = [(example.question, f"{self.lead}{example.solution}") for example in self.examples[:shots]]
        turns = [
            f"{self.opening}{asked}{self.closing}{answer}{self.separator}"
            for asked, answer in [*worked, *((asked, self.lead + answer) for asked, answer in earlier)]
        ]
        return f"{self.instruction}{''.join(turns)}{self.opening}{question}{self.closing}"


def only_form(problem: Problem) -> str:
    """Return the one form of templates that treat all problems alike."""
    return "only"


def question_of(problem: Problem) -> str:
    return problem.question


@dataclass(frozen=True)
class Conversation:
    """What a problem asks last, the turns before it as (user, assistant), and the system text ("" for none)."""

    question: str
    earlier: tuple[tuple[str, str], ...] = ()
    system: str = ""


def conversation_of(problem: Problem) -> Conversation:
    """Return the turns of a problem; most are one question."""
    texts = [str(turn["content"]) for turn in problem.chat.get("turns", ())] or [problem.question]
    return Conversation(
        texts[-1], tuple(zip(texts[:-1:2], texts[1::2], strict=True)), str(problem.chat.get("system", ""))
    )


@dataclass(frozen=True)
class PromptTemplate:
    """A template is one way to ask: `form_of` picks the form by problem, `ask` writes the problem's own text."""

    name: str
    version: int
    stop: tuple[str, ...]
    forms: Mapping[str, PromptForm]
    form_of: Callable[[Problem], str] = field(default=only_form)
    ask: Callable[[Problem], str] = field(default=question_of)
    complete: ClassVar[bool] = False  # the tokenizer puts its BOS in front
    end: ClassVar[str] = ""  # the tokenizer's EOS ends a target
    system: tuple[str, str] = ("", "\n\n")  # what stands around the system text of a problem that has one

    def render(self, problem: Problem, shots: int, hint: Hint = "none") -> str:
        """Return the prompt text; UserError when the template has fewer worked examples than `shots`.

        A hint stands in parentheses behind the question; the worked examples have none (STaR, arXiv 2203.14465).
        """
        form = self.forms[self.form_of(problem)]
        if shots > len(form.examples):
            raise UserError(
                f"Prompt template {self.name!r} has {len(form.examples)} worked examples for {problem.source} problems, but "
                f"model.shots is {shots}; lower model.shots or choose another model.prompt."
            )
        chat, told = conversation_of(problem), hint_of(problem, hint)
        asked = self.ask(replace(problem, question=chat.question))
        system = f"{self.system[0]}{chat.system}{self.system[1]}" if chat.system else ""
        return system + form.render(f"{asked} ({told})" if told else asked, shots, chat.earlier)

    def cut(self, text: str) -> str:
        """Return the text before the first stop string, which is what may be graded."""
        ends = [at for at in (text.find(stop) for stop in self.stop) if at >= 0]
        return text[: min(ends)] if ends else text

    def target(self, text: str) -> str:
        """Return what is trained on: a prefix of the completion, without text after a stop string and without trailing blanks.

        The trainer appends EOS, so the tuned model stops by itself where the base had to be stopped.
        """
        return self.cut(text).rstrip()

    def worked(self, problem: Problem, solution: str) -> str:
        """Return a solution written by people, as it follows this template's prompt."""
        return self.forms[self.form_of(problem)].lead + solution.strip()

    def specimen(self) -> str:
        """Return the solution of a worked example, as it follows a prompt; empty where there is none."""
        forms = (form for form in self.forms.values() if form.examples)
        return next((form.lead + form.examples[0].solution for form in forms), "")

    @property
    def digest(self) -> str:
        """Identity of the text: name, version, stop strings, fixed text and worked examples. The number of shots is not in it."""
        forms = {name: asdict(form) for name, form in self.forms.items()}
        return digest_of({"name": self.name, "version": self.version, "stop": self.stop, "forms": forms})


def hint_of(problem: Problem, hint: Hint) -> str:
    """Return what a second try is told: the gold answer or a solution by people; empty where the problem has none."""
    if hint == "solution":
        return str(problem.meta.get("solution") or "").strip()
    return (with_each_gold(problem)[0].gold or "").strip() if hint == "answer" else ""


def code_form(problem: Problem) -> str:
    """Complete a function (HumanEval), write one that passes asserts (MBPP), or a program on stdin (APPS)."""
    tests = json.loads(problem.tests or "{}")
    if "test" in tests:
        return "body" if tests.get("prompt") else "function"
    return "method" if tests.get("fn_name") else "program"


def code_question(problem: Problem) -> str:
    """The question, with the signature that the tests will call where there is one."""
    tests = json.loads(problem.tests or "{}")
    if tests.get("prompt"):
        return str(tests["prompt"])
    starter = str(problem.meta.get("starter_code") or "").strip()
    return f"{problem.question}\n\nStart from:\n{starter}" if starter else problem.question


FENCE = "\n```"


def _code_form(task: str, examples: tuple[WorkedExample, ...], inside_fence: bool = False) -> PromptForm:
    opening, closing = (f"{task}\n\n```python\n", "") if inside_fence else (f"{task}\n\n", f"{FENCE}python\n")
    return PromptForm(opening, closing, separator=f"{FENCE}\n\n", examples=examples)


TEMPLATES: dict[str, PromptTemplate] = {
    template.name: template
    for template in (
        PromptTemplate("arithmetic", 1, (), {"only": PromptForm("", "\n")}),
        PromptTemplate("programs", 1, (), {"only": PromptForm("", "\n")}),
        PromptTemplate("plain", 1, (), {"only": PromptForm("", "\n")}),
        PromptTemplate(
            "gsm8k",
            1,
            ("Question:",),
            {"only": PromptForm("Question: ", "\nAnswer:", lead=" ", examples=WORD_PROBLEMS)},
        ),
        PromptTemplate(
            "math",
            1,
            ("Problem:",),
            {"only": PromptForm("Problem:\n", "\n\nSolution:\n", examples=COMPETITION_PROBLEMS)},
        ),
        PromptTemplate(
            "code",
            1,
            (FENCE,),
            {
                "body": _code_form("Complete this Python function.", FUNCTION_BODIES, inside_fence=True),
                "function": _code_form("Solve this task in Python.", FUNCTION_PROGRAMS),
                "method": _code_form("Solve this task in Python.", ()),
                "program": _code_form("Write a Python program that reads stdin and prints the answer.", STDIN_PROGRAMS),
            },
            code_form,
            code_question,
        ),
        PromptTemplate(
            "chat",
            1,
            ("<|im_end|>",),
            {
                "only": PromptForm(
                    "<|im_start|>user\n",
                    "<|im_end|>\n<|im_start|>assistant\n",
                    separator="<|im_end|>\n",
                    examples=WORD_PROBLEMS,
                )
            },
            system=("<|im_start|>system\n", "<|im_end|>\n"),
        ),
    )
}


def template_named(name: str) -> PromptTemplate:
    """Return a built-in template, or one of yours as `package.module:ATTRIBUTE`.

    `chat` is ChatML, the format of Qwen and SmolLM among others. Other chat formats live in their tokenizer:
    `model.prompt = "tokenizer"` (tasks/domain/chat_template.py).
    """
    if name in TEMPLATES:
        return TEMPLATES[name]
    if ":" in name:
        return _own(name)
    raise UserError(
        f"There is no prompt template {name!r}; use one of {', '.join(TEMPLATES)}, tokenizer (the model's own), or your own as package.module:ATTRIBUTE."
    )


def _own(path: str) -> PromptTemplate:
    try:
        template = imported(path)
    except ImportError as error:
        raise UserError(
            f"Prompt template {path!r} cannot be imported ({error}); expected package.module:ATTRIBUTE."
        ) from error
    if not isinstance(template, PromptTemplate):
        raise UserError(f"{path!r} is a {type(template).__name__}, expected a tasks.domain.prompts.PromptTemplate.")
    return template
