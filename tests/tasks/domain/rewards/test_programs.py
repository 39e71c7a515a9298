"""Where the program of a completion is found, and what it is put together with."""

from __future__ import annotations

import pytest

from tasks.domain.rewards.programs import assembled, body_of, complete, defines, find_program, prompt_code

F = "def f(x):\n    return x"
PROMPT = 'import math\n\ndef helper(x):\n    return x\n\ndef f(x: int) -> int:\n    """Twice x."""\n'


@pytest.mark.parametrize(
    ("text", "source", "tag"),
    [
        (F, F, "text"),
        (f"```python\n{F}\n```", F, "fence"),
        (f"Here it is:\n```\n{F}\n```\nIt returns x.", F, "fence"),
        (f"```python\n{F}\n```\nUse it:\n```python\nprint(f(1))\n```", F, "fence"),
        (f"```bash\nls\n```\n```py\n{F}\n```", F, "fence"),
        (f"```python\n{F}", F, "fence"),
        (f"{F}\n```\n\nThis works because ...", F, "open_fence"),
        (f"<think>\n```python\nwrong\n```\n</think>\n```python\n{F}\n```", F, "fence"),
        (f"<think>\nmaybe\n</think>\n{F}", F, "text"),
        (f"Here is the function:\n\n{F}\n\nIt returns what it gets.", F, "text"),
        (f"~~~\n{F}\n~~~", F, "fence"),
        (f"First try:\n```python\ndef f(x):\n    return 0\n```\nBetter:\n```python\n{F}\n```", F, "fence"),
        ("n = int(input())\nprint(n)", "n = int(input())\nprint(n)", "text"),
        ("    return x\n", "    return x", "text"),
        (f"```python\r\n{F}\r\n```".replace("\n    ", "\r\n    "), F, "fence"),
    ],
)
def test_the_program_is_found(text: str, source: str, tag: str) -> None:
    found = find_program(text, "f")
    assert found is not None
    assert (found.source, found.tag) == (source, tag)


@pytest.mark.parametrize("text", ["", "   \n", "```python\n```", "<think>\nstill thinking about def f"])
def test_no_program_is_none(text: str) -> None:
    assert find_program(text, "f") is None


def test_a_long_text_of_marks_is_read_in_linear_time() -> None:
    assert find_program("```\n" * 200_000 + "x", "f") is None
    assert find_program("A b c " * 200_000, "f") is None


@pytest.mark.parametrize(
    ("source", "yes"),
    [
        (F, True),
        ("async def f(): ...", True),
        ("class f: ...", True),
        ("f = 3", True),
        ("  def f(): ...", False),
        ("f2 = 3", False),
    ],
)
def test_a_definition_stands_at_the_top_level(source: str, yes: bool) -> None:
    assert defines(source, "f") is yes


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("    return x\n", "    return x\n"),
        ("return x", "    return x\n"),
        ("y = x\n    return y", "    y = x\n    return y\n"),
        ("y = x\nfor _ in y:\n    y += 1\nreturn y", "    y = x\n    for _ in y:\n        y += 1\n    return y\n"),
        ("if x:\n        return 1\n    return 2", "    if x:\n        return 1\n    return 2\n"),
        ("    return x\n\nprint(f(1))\n", "    return x\n"),
        ("    return g(x)\n\ndef g(x):\n    return x\n\nThis is it.", "    return g(x)\n\ndef g(x):\n    return x\n"),
        ("    return [\n1,\n]", "    return [\n"),
    ],
)
def test_a_completion_of_a_prompt_is_cut_to_the_body(text: str, body: str) -> None:
    assert body_of(text) == body


def runs(source: str) -> int:
    names: dict[str, object] = {}
    exec(source, names)
    return names["f"](3)  # type: ignore[operator,no-any-return]


@pytest.mark.parametrize(
    "program",
    [
        "    return 2 * helper(x)", "return 2 * helper(x)", "def f(x):\n    return 2 * helper(x)", "    y = math.floor(x)\n    return y * 2",
        "y = x\nreturn y + helper(x)", "from __future__ import annotations\ndef f(x):\n    return 6",
    ],
)  # fmt: skip
def test_body_and_whole_function_run_with_the_prompt(program: str) -> None:
    assert runs(complete(program, {"prompt": PROMPT, "entry_point": "f"})) == 6


@pytest.mark.parametrize(
    "program", ["    return 2 * helper(x)", "return 2 * x", "def f(x):\n    return 2 * helper(x)", "f = lambda x: 6"]
)
def test_a_given_program_runs_with_the_prompt(program: str) -> None:
    assert runs(assembled(program, {"prompt": PROMPT, "entry_point": "f"})) == 6


def test_nothing_of_a_given_program_is_cut_off() -> None:
    assert assembled("import os\nos._exit(0)", {"prompt": PROMPT, "entry_point": "f"}).endswith(
        "import os\nos._exit(0)"
    )


@pytest.mark.parametrize("prompt", ["", "Write a function that doubles x.", "def f(", "   "])
def test_a_prompt_of_words_is_left_out(prompt: str) -> None:
    assert not prompt_code(prompt)
    assert complete(F, {"prompt": prompt}) == F


def test_a_prompt_may_end_before_its_body() -> None:
    assert runs(prompt_code("def f(x):\n    # twice x\n").text + "    return 6\n") == 6
    exec(prompt_code("def f(x):\n    # twice x\n").closed)
