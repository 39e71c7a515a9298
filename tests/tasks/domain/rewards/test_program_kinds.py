"""Whole completions of many shapes: what the program must hold, and what it must not."""

from __future__ import annotations

import pytest

from tasks.domain.rewards.programs import find_program

T = "```"
CASES = [
    ("solution before usage", f"{T}python\nclass Solution:\n    def f(self, x): return x\n{T}\nUsage:\n{T}python\nprint(Solution().f(3))\n{T}", "f", ["class Solution"], ["print(Solution"]),
    ("first of two, second uses", f"{T}python\ndef f(x): return x\n{T}\nExample:\n{T}python\nprint(f(1))\n{T}", "f", ["def f"], ["print(f(1))"]),
    ("second corrects", f"{T}python\ndef f(x): return x\n{T}\nWait, wrong:\n{T}python\ndef f(x): return x+1\n{T}", "f", ["x+1"], []),
    ("helper earlier", f"{T}python\nimport math\ndef helper(x): return math.sqrt(x)\n{T}\nNow:\n{T}python\ndef f(x): return helper(x)\n{T}", "f", ["import math","def helper","def f"], []),
    ("indented fence", f"1. Here:\n\n   {T}python\n   def f(x):\n       return x\n   {T}\n", "f", ["def f(x):\n    return x"], ["```"]),
    ("closed on its line", f"{T}python\ndef f(x):\n    return x{T}\ndone", "f", ["return x"], ["```","done"]),
    ("think in string", f"{T}python\ndef f(x):\n    return '<think>' + x + '</think>'\n{T}", "f", ["'<think>'"], []),
    ("thinking first", f"<think>\n{T}python\ndef f(x): return 0\n{T}\n</think>\n{T}python\ndef f(x): return 1\n{T}", "f", ["return 1"], ["return 0"]),
    ("fence in docstring", f'{T}python\ndef f(x):\n    """\n    Example:\n    {T}\n    f(1)\n    {T}\n    """\n    return x\n{T}', "f", ["return x"], []),
    ("answer tag", "<answer>\ndef f(x):\n    return x\n</answer>", "f", ["def f"], ["answer>"]),
    ("answer tag fence", f"<answer>\n{T}python\ndef f(x):\n    return x\n{T}\n</answer>", "f", ["def f"], ["answer>","```"]),
    ("begin tag", "[BEGIN]\ndef f(x):\n    return x\n[DONE]", "f", ["def f"], ["BEGIN","DONE"]),
    ("python tag", "<python>\ndef f(x):\n    return x\n</python>", "f", ["def f"], ["python>"]),
    ("prose before", "Here is the solution:\n\ndef f(x):\n    return x\n\nThis works because it returns x.", "f", ["def f"], ["Here is","This works"]),
    ("tilde fence", "~~~python\ndef f(x): return x\n~~~", "f", ["def f"], ["~~~"]),
    ("four marks", f"````python\ndef f(x):\n    '''\n    {T}\n    '''\n    return x\n````", "f", ["return x"], ["````"]),
    ("py label", f"{T}py\ndef f(x): return x\n{T}", "f", ["def f"], ["py\n"]),
    ("Python3 label", f"{T}Python3\ndef f(x): return x\n{T}", "f", ["def f"], ["Python3"]),
    ("no label", f"{T}\ndef f(x): return x\n{T}", "f", ["def f"], []),
    ("text block after", f"{T}python\ndef f(x): return x\n{T}\nOutput:\n{T}text\n5\n{T}", "f", ["def f"], ["\n5"]),
    ("bash before", f"{T}bash\npip install x\n{T}\n{T}python\ndef f(x): return x\n{T}", "f", ["def f"], ["pip"]),
    ("unclosed", f"{T}python\ndef f(x):\n    return x\n", "f", ["def f"], ["```"]),
    ("stdin program", f"Reads input.\n{T}python\nn=int(input())\nprint(n)\n{T}\nFor input 3 prints 3:\n{T}\n3\n{T}", None, ["print(n)"], []),
    ("crlf", f"{T}python\r\ndef f(x):\r\n    return x\r\n{T}", "f", ["def f"], ["```"]),
    ("quote fence", f"> {T}python\n> def f(x):\n>     return x\n> {T}", "f", ["def f(x):\n    return x"], [">"]),
    ("test block after", f"{T}python\ndef f(x): return x\n{T}\nTests:\n{T}python\nassert f(1) == 1\nassert f(2) == 2\n{T}", "f", ["def f"], ["assert"]),
    ("class helper later", f"{T}python\ndef f(x): return Node(x).v\n{T}\nwith\n{T}python\nclass Node:\n    def __init__(s,v): s.v=v\n{T}", "f", ["def f","class Node"], []),
    ("a signature last", f"{T}python\ndef f(x):\n    return x\n{T}\nSignature:\n{T}python\ndef f(x: int) -> int:\n    ...\n{T}", "f", ["return x"], ["..."]),
    ("only thinking", f"{T}python\ndef f(x): return x\n{T}\n</think>\nDone.", "f", [], ["def f"]),
    ("thinking in brackets", f"[THINK]\n{T}python\ndef f(x): return 0\n{T}\n[/THINK]\n{T}python\ndef f(x): return 1\n{T}", "f", ["return 1"], ["return 0"]),
    ("channels", f"<|channel|>analysis<|message|>{T}python\ndef f(x): return 0\n{T}<|end|><|start|>assistant<|channel|>final<|message|>{T}python\ndef f(x): return 1\n{T}", "f", ["return 1"], ["return 0"]),
    ("session", f"{T}python\n>>> def f(x):\n...     return x\n...\n>>> f(1)\n1\n{T}", "f", ["def f(x):\n    return x"], [">>>", "\n1\n"]),
    ("session after the program", f"{T}python\ndef f(x): return x\n{T}\n{T}python\n>>> f(1)\n1\n{T}", "f", ["def f"], [">>>", "f(1)"]),
    ("pre and code", '<pre><code class="language-python">def f(x):\n    return x\n</code></pre>', "f", ["def f"], ["<"]),
    ("verbatim", "\\begin{verbatim}\ndef f(x):\n    return x\n\\end{verbatim}", "f", ["def f"], ["verbatim"]),
    ("JSON", '{"reasoning": "easy", "code": "def f(x):\\n    return x\\n"}', "f", ["def f(x):\n    return x"], ["{"]),
    ("a program that is a mapping", '{"code": 5}', None, ['{"code": 5}'], []),
    ("asks itself another", "def f(x):\n    return x\n\nQuestion: write g.\n\nAnswer:\ndef g(x):\n    return 0\n", "f", ["def f"], ["Question", "def g"]),
    ("a heading in a docstring", 'def f(x):\n    """Doc.\n\nExample: f(1)\n"""\n    return x\n', "f", ["return x"], []),
    ("piece by piece", f"Read:\n{T}python\nn=int(input())\n{T}\nthen print:\n{T}python\nprint(n+1)\n{T}", None, ["n=int(input())\nprint(n+1)"], []),
    ("whole, then a piece", f"{T}python\nn=int(input())\nprint(n+1)\n{T}\nThe key:\n{T}python\nprint(n+1)\n{T}", None, ["n=int(input())\nprint(n+1)"], ["print(n+1)\nprint"]),
    ("byte order mark", f"\ufeff{T}python\ndef f(x): return x\n{T}", "f", ["def f"], [T]),
    ("language on a line", "python\ndef f(x):\n    return x\n", "f", ["def f"], ["python"]),
    ("cut end mark", "def f(x):\n    return x\n<|endof", "f", ["def f"], ["<|"]),
    ("answer is", "The answer is:\nf = lambda x: x + 1", "f", ["lambda x"], ["The answer"]),
    ("solution tag","<solution>\ndef f(x):\n    return x\n</solution>","f",["def f"],["solution>"]),
    ("code tag","<code>\ndef f(x):\n    return x\n</code>","f",["def f"],["code>"]),
    ("boxed","\\boxed{\n```python\ndef f(x): return x\n```\n}","f",["def f"],["boxed"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "entry_point", "held", "left_out"), [one[1:] for one in CASES], ids=[one[0] for one in CASES]
)
def test_the_program_is_found(text: str, entry_point: str | None, held: list[str], left_out: list[str]) -> None:
    found = find_program(text, entry_point)
    source = found.source if found else ""
    assert [part for part in held if part not in source] == []
    assert [part for part in left_out if part in source] == []


def test_a_later_block_that_replaces_or_runs_is_no_helper() -> None:
    text = f"{T}python\ndef f(x): return g(x)\n{T}\n{T}python\ndef g(x): return x\nprint(g(1))\n{T}"
    found = find_program(text, "f")
    assert found is not None and "print" not in found.source
