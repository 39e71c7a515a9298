"""A model's own chat template as the prompt: system text, worked examples as turns, the question, the assistant's turn opened.

The template is the Jinja text of the base's tokenizer, rendered as transformers' `apply_chat_template` does
(https://huggingface.co/docs/transformers/chat_templating). One thing differs on purpose: there is no `strftime_now`, since a
prompt that changed with the date would change its key every day; templates that ask for it have a date of their own to fall back on.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks.domain.errors import UserError, one_sentence
from tasks.domain.fingerprint import digest_of
from tasks.domain.prompts import TEMPLATES, PromptTemplate, conversation_of, hint_of, template_named
from tasks.domain.schema import Hint, Problem
from tasks.domain.settings import ChatSettings, ModelSettings

NAME, VERSION = "tokenizer", 1
OPEN, CLOSE = "<think>", "</think>"
ANSWER = "restem-answer"  # stands for the assistant's text where the text around it is looked for
SHOWN_CHARS = 60
REMEDY = (
    "leave model.chat.system or the system text of the data out, set model.shots = 0, or name another template (model.prompt, "
    "model.chat.template)"
)
Messages = list[dict[str, str]]


def template_of(model: ModelSettings) -> PromptTemplate | ChatTemplate:
    """Return the template that a config's model names; UserError when there is none."""
    if model.prompt != NAME:
        return template_named(model.prompt)
    if not model.chat.template:
        raise UserError(
            'model.prompt = "tokenizer" takes the chat template of the base, and the base is not on this machine yet; '
            "name a local folder as model.base, or start the run, which fetches it"
        )
    return ChatTemplate(model.chat)


@dataclass(frozen=True)
class ChatTemplate:
    """The same seams as `PromptTemplate`, for the chat template in the settings."""

    settings: ChatSettings
    name: ClassVar[str] = NAME
    complete: ClassVar[bool] = True  # the text holds its special tokens, BOS included: a tokenizer must add none

    @property
    def end(self) -> str:
        """Return the token that ends a target."""
        return self.settings.end

    @property
    def stop(self) -> tuple[str, ...]:
        """Return the mark that ends the assistant's turn; ends that the model knows besides are found by their ids."""
        return (self.settings.end,) if self.settings.end else ()

    def render(self, problem: Problem, shots: int, hint: Hint = "none") -> str:
        """Return the prompt text, special tokens included; UserError where the template refuses the turns, or leaves one out."""
        turns = self.messages(problem, shots, hint)
        text = rendered(self.settings, turns)
        _check_written(turns, text)
        return text

    def messages(self, problem: Problem, shots: int, hint: Hint = "none") -> Messages:
        """Return the turns: system, worked examples, what came before in the problem's conversation, its question."""
        chat = conversation_of(problem)
        system = chat.system or self.settings.system
        turns: Messages = [{"role": "system", "content": system}] if system else []
        for asked, answer in [*self._examples(problem, shots), *chat.earlier]:
            turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
        asked = chat.question if chat.earlier else self._like.ask(problem)
        told = hint_of(problem, hint)
        return [*turns, {"role": "user", "content": f"{asked} ({told})" if told else asked}]

    def cut(self, text: str) -> str:
        """Return the text before the end of the turn, which is what may be graded."""
        return text.split(self.settings.end, 1)[0] if self.settings.end else text

    def target(self, text: str) -> str:
        """Return what is trained on: the turn without trailing blanks and, where the settings drop it, without its reasoning."""
        kept = self.cut(text).rstrip()
        return without_reasoning(kept) if self.settings.reasoning == "drop" else kept

    def worked(self, problem: Problem, solution: str) -> str:
        """Return a solution written by people, as the template joins it to the prompt."""
        return lead_of(self.settings) + solution.strip()

    def specimen(self) -> str:
        """Return a worked solution, with which a tokenizer can be tried; empty where there is none."""
        examples = [one for form in self._like.forms.values() for one in form.examples]
        return lead_of(self.settings) + examples[0].solution if examples else ""

    @property
    def digest(self) -> str:
        """Identity of everything that decides a prompt but the number of shots: template text, tokens, settings, examples."""
        return digest_of({"name": NAME, "version": VERSION, **self.settings.content(), "like": self._like.digest})

    @property
    def _like(self) -> PromptTemplate:
        if self.settings.examples not in TEMPLATES:
            raise UserError(
                f"model.chat.examples {self.settings.examples!r} is no built-in template; use one of {', '.join(TEMPLATES)}"
            )
        return TEMPLATES[self.settings.examples]

    def _examples(self, problem: Problem, shots: int) -> list[tuple[str, str]]:
        form = self._like.forms[self._like.form_of(problem)]
        if shots > len(form.examples):
            raise UserError(
                f"model.chat.examples = {self.settings.examples!r} has {len(form.examples)} worked examples for {problem.source} "
                f"problems, but model.shots is {shots}; lower model.shots or choose another one"
            )
        return [(one.question, one.solution) for one in form.examples[:shots]]


def without_reasoning(text: str) -> str:
    """Return a completion without what stands between the marks; where the prompt opened them, they are closed at once."""
    head, mark, answer = text.rpartition(CLOSE)
    if not mark:
        return text
    if OPEN in head:
        return head.split(OPEN, 1)[0] + answer.lstrip()
    return f"{CLOSE}{answer}"


def rendered(settings: ChatSettings, messages: Sequence[dict[str, str]], *, open_turn: bool = True) -> str:
    """Return the text of these turns, with the assistant's opened behind them; UserError where the template refuses."""
    import jinja2

    thinking = {} if settings.thinking == "default" else {"enable_thinking": settings.thinking == "on"}
    try:
        return str(
            _compiled(settings.template).render(
                messages=list(messages), tools=None, documents=None, add_generation_prompt=open_turn, **settings.tokens, **thinking,
            )
        )  # fmt: skip
    except (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:  # its code's own
        roles = ", ".join(one["role"] for one in messages)
        raise UserError(
            f"the model's chat template refuses the turns {roles}: {one_sentence(error)}; {REMEDY}"
        ) from error


def _check_written(turns: Messages, text: str) -> None:
    """Refuse a template that drops what the run says: the system text, which some ignore, or a question. Answers may lose their reasoning.

    It may write other whitespace, and escape the text for JSON or HTML: nothing is lost then.
    """
    words = _words(text)
    told = [one for one in turns if one["role"] != "assistant"]
    lost = next(
        (one for one in told if not any(_words(form) in words for form in _written_forms(one["content"]))), None
    )
    if lost is not None:
        raise UserError(
            f"the model's chat template leaves out the {lost['role']}'s text {lost['content'].strip()[:SHOWN_CHARS]!r}, or does not "
            f"write it as it is; {REMEDY}"
        )


def _words(text: str) -> str:
    return " ".join(text.split())


def _written_forms(content: str) -> Iterator[str]:
    """Yield a text as it is, and as Jinja's filters escape it."""
    yield content
    import markupsafe  # comes with Jinja

    yield str(markupsafe.escape(content))
    for ascii_only in (False, True):
        yield json.dumps(content.strip(), ensure_ascii=ascii_only)[1:-1]


def lead_of(settings: ChatSettings) -> str:
    """Return what the template writes between an opened turn and the assistant's text; "" where it joins them otherwise."""
    opened, whole = _around(settings)
    between = whole.split(ANSWER, 1)[0].removeprefix(opened)
    return between if whole.startswith(opened) and not between.strip() else ""


def closing_of(settings: ChatSettings) -> str:
    """Return what the template writes behind the assistant's text; UserError where it leaves the text out."""
    _, whole = _around(settings)
    if ANSWER not in whole:
        raise UserError(
            "the model's chat template does not write the assistant's turn; name another (model.chat.template)"
        )
    return whole.rsplit(ANSWER, 1)[1]


def _around(settings: ChatSettings) -> tuple[str, str]:
    asked = [{"role": "user", "content": "restem-question"}]
    whole = rendered(settings, [*asked, {"role": "assistant", "content": ANSWER}], open_turn=False)
    return rendered(settings, asked), whole


def end_of(settings: ChatSettings, special: Sequence[str], eos: str) -> str:
    """Return the token that ends the assistant's turn: the first special one behind its text, else EOS."""
    closing = closing_of(settings)
    found = (
        re.search("|".join(re.escape(one) for one in sorted(special, key=len, reverse=True)), closing)
        if special
        else None
    )
    return found.group() if found else eos


@functools.lru_cache(maxsize=16)
def _compiled(template: str) -> Any:
    """Compile once; the environment is sandboxed, since a template is text that comes with a model."""
    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks the assistant's text for masks; here it is only passed through."""

        tags = {"generation"}  # noqa: RUF012  Jinja's interface

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    def as_json(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = as_json
    environment.globals["raise_exception"] = refuse
    try:
        return environment.from_string(template)
    except jinja2.TemplateError as error:
        raise UserError(
            f"the chat template is not Jinja: {one_sentence(error)}; correct model.chat.template"
        ) from error
