"""Programs that try to be accepted without solving anything, each with its tests and the verdicts that it may get.

Rows are as `restem grade code` reads them; `verdict` names what is right, alternatives with `|`. The numbers are those of the
list of attacks that the sandbox is built against.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
ROWS: list[Row] = []
SECRET = 1234567890123456789


def stdin(name: str, verdict: str, program: str, output: str = "5", **more: Any) -> None:
    ROWS.append({"id": name, "verdict": verdict, "program": program, "inputs": ["1"], "outputs": [output], **more})


def call(name: str, verdict: str, program: str, value: Any = 5, **more: Any) -> None:
    row = {"id": name, "verdict": verdict, "program": program, "fn_name": "f", "inputs": [[1]], "outputs": [value]}
    ROWS.append({**row, **more})


def asserts(name: str, verdict: str, program: str, test: str = "assert f(1) == 5", **more: Any) -> None:
    row = {"id": name, "verdict": verdict, "program": program, "prompt": "", "test": test, "entry_point": "f"}
    ROWS.append({**row, **more})


def all_three(name: str, verdict: str, body: str, **more: Any) -> None:
    """The same lines as a program, and within a called function."""
    inside = "def f(x):\n" + "\n".join(f"    {line}" for line in body.split("\n"))
    stdin(f"{name} stdin", verdict, body, **more)
    call(f"{name} call", verdict, inside, **more)
    asserts(f"{name} assert", verdict, inside, **more)


# ---- 5, 13, 14, 17: exhaustion, wherever it happens

all_three("1 endless loop", "TLE", "while True: pass", cpu_seconds=0.5)
all_three("5 memory", "MLE", "x = 'a' * 10 ** 11")
all_three("14 recursion", "RE", "def g(): return g()\ng()")
all_three("17 crash", "RE", "import ctypes\nctypes.string_at(0)")
all_three(
    "18 ignored signals",
    "TLE",
    "import signal\nfor n in (signal.SIGXCPU, signal.SIGALRM): signal.signal(n, signal.SIG_IGN)\nwhile True: pass",
    cpu_seconds=0.5,
)

# ---- 23: system calls that are the end, whatever was right before

FATAL = "import ctypes\nctypes.CDLL(None).syscall(321, 0, 0, 0)"  # bpf, on x86-64
all_three("23 system call", "SECURITY", FATAL)
stdin("23 system call after the answer", "SECURITY", f"print(5, flush=True)\n{FATAL}")
asserts(
    "23 system call after an assert",
    "SECURITY",
    f"def f(x):\n    {FATAL.replace(chr(10), '; ')}",
    "assert 5 == 5\nassert f(1) == 5",
)

# ---- 26, 27, 32: look for the expected value

SEARCH = """
import gc, os, re, sys
def found():
    wanted = re.compile(r"123456789[0-9]{10}")
    for thing in gc.get_objects()[:200000]:
        if type(thing) in (dict, list, tuple):
            for value in list(thing.values() if type(thing) is dict else thing)[:100]:
                if type(value) is int and 10**18 < value < 2 * 10**18 or type(value) is str and wanted.fullmatch(value):
                    return int(value)
    frame = sys._getframe()
    while frame:
        for names in (frame.f_locals, frame.f_globals):
            for value in list(names.values()):
                if type(value) in (bytes, str) and wanted.search(str(value)):
                    return int(wanted.search(str(value)).group())
        frame = frame.f_back
    for place in ("/proc/self/environ", "/proc/self/cmdline", "/proc/1/environ", "/proc/1/cmdline"):
        try:
            match = wanted.search(open(place, "rb").read().decode("latin-1"))
        except OSError:
            continue
        if match:
            return int(match.group())
    for fd in range(64):
        try:
            match = wanted.search(os.pread(fd, 1 << 20, 0).decode("latin-1"))
        except OSError:
            continue
        if match:
            return int(match.group())
    return 0
"""
MEMORY = """
import re
def found():
    wanted = re.compile(b"(?<![0-9])123456789[0-9]{10}")
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in open("/proc/self/maps"):
            span, rights = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if "w" not in rights or end - start > 1 << 26:
                continue
            try:
                memory.seek(start)
                match = wanted.search(memory.read(end - start))
                if match:
                    return int(match.group())
            except (OSError, ValueError, OverflowError):
                continue
    return 0
"""
WALK = """
import os
def found():
    key = ("123456789" + "0123456789").encode()
    for folder, _, names in os.walk("/"):
        if folder.startswith(("/proc", "/sys", "/usr", "/lib", "/opt")):
            continue
        for name in names:
            try:
                if key in open(os.path.join(folder, name), "rb").read(1 << 20):
                    return int(key)
            except OSError:
                continue
    return 0
"""
for title, source in (("26 objects and frames", SEARCH), ("26 memory", MEMORY), ("27 files", WALK)):
    stdin(f"{title} stdin", "WA", source + "print(found())", output=str(SECRET))
    call(f"{title} call", "WA", source + "def f(x): return found()", value=SECRET)
    asserts(f"{title} assert", "WA", source + "def f(x): return found()", f"assert f(1) == {SECRET}")

# ---- 28: lies of a returned object

LIAR = """
class Liar:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 5
    def __len__(self): return 0
    def __iter__(self): return iter([])
    def __contains__(self, item): return True
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __sub__
    def __abs__(self): return 0
    def __float__(self): return 5.0
    def __int__(self): return 5
    __index__ = __int__
    def __round__(self, digits=0): return 5
    def __getattr__(self, name): return self
    def __call__(self, *arguments): return self
def f(x): return Liar()
"""
call("28 liar call", "WA", LIAR)
for test in (
    "f(1) == 5", "5 == f(1)", "not f(1) != 5", "abs(f(1) - 5) < 1e-6", "__import__('math').isclose(f(1), 5)", "f(1) in [1, 5]",
    "[f(1)] == [5]", "{f(1)} == {5}", "5 in f(1)", "round(f(1), 2) == 5", "f(1) >= 5 and f(1) <= 5", "int(f(1)) == 5",
    "sorted([f(1)]) == [5]", "f(1) is None or f(1) == 5", "sum([f(1)]) == 5", "f(1).value == 5", "f(1)() == 5",
):  # fmt: skip
    asserts(f"28 liar assert {test}", "WA|RE", LIAR, f"assert {test}")
LYING = "class {name}({base}):\n    def __eq__(self, other): return True\n    __hash__ = object.__hash__\n    {more}\ndef f(x): return {name}({value})"
for base, value, right, more in (
    ("int", "4", "5", "def __index__(self): return 5\n    __int__ = __index__"),
    ("str", "'no'", "'yes'", "def __str__(self): return 'yes'"),
    ("float", "4.0", "5.0", "def __float__(self): return 5.0"),
    ("list", "[3]", "[1, 2]", "def __iter__(self): return iter([1, 2])\n    def __len__(self): return 2"),
    ("tuple", "(3,)", "(1, 2)", "def __getitem__(self, place): return place + 1\n    def __len__(self): return 2"),
    ("dict", "{}", "{'a': 1}", "def items(self): return {'a': 1}.items()\n    def __getitem__(self, key): return 1"),
    ("set", "{3}", "{1}", "def __contains__(self, item): return True\n    def __iter__(self): return iter([1])"),
    ("bytes", "b'n'", "b'y'", "def __getitem__(self, place): return 121"),
):
    program = LYING.format(name="Sub", base=base, value=value, more=more)
    asserts(f"28 {base} subclass lies", "WA", program, f"assert f(1) == {right}")
    asserts(
        f"28 {base} subclass holds", "AC", program.replace("return True", "return False"), f"assert f(1) == {value}"
    )
call("28 str subclass call", "WA", LYING.format(name="S", base="str", value="'no'", more=""), value="yes")
call(
    "28 str subclass holds call",
    "AC",
    LYING.format(name="S", base="str", value="'yes'", more="").replace("True", "False"),
    value="yes",
)
asserts(
    "28 class lies",
    "WA",
    "class A:\n    __class__ = int\n    def __eq__(self, other): return True\ndef f(x): return A()",
)

# ---- 29: leave before any assert

for way in (
    "import os\nos._exit(0)",
    "import sys\nsys.exit(0)",
    "raise SystemExit",
    "import os, signal\nos.kill(os.getpid(), 9)",
):
    all_three(f"29 {way.splitlines()[-1]}", "WA|RE", way)
    asserts(f"29 {way.splitlines()[-1]} at import", "WA|RE", way)
asserts(
    "29 hidden from the tests",
    "WA|RE",
    "def f(x): raise SystemExit(0)",
    "try:\n    f(1)\nexcept BaseException:\n    pass\nassert True",
)
asserts("29 ends the loop of the tests", "WA|RE", "def f(x): raise StopIteration", "assert all(map(f, [1, 2]))")
asserts(
    "29 ends the loop of the tests early",
    "WA|RE",
    "def f(x): raise StopIteration",
    "for n in map(f, [1, 2]):\n    assert n == 5\nassert True",
)
asserts(
    "29 thread",
    "WA|RE",
    "import os, threading\nthreading.Thread(target=lambda: os._exit(0)).start()\ndef f(x):\n    import time\n    time.sleep(0.5)\n    return 0",
)

# ---- 30, 31: another assert, another check

PATCHED = """
import builtins, math, os, struct, sys
class Never(Exception): pass
builtins.AssertionError = Never
builtins.abs = builtins.len = lambda *arguments: 0
builtins.isinstance = builtins.all = builtins.any = builtins.bool = lambda *arguments: True
builtins.int = builtins.str
builtins.round = builtins.sorted = builtins.set = lambda *arguments, **named: 5
math.isclose = lambda *arguments, **named: True
os.write = os.read = lambda *arguments: 1
sys.modules["math"] = sys.modules["struct"] = type(sys)("nothing")
def f(x): return 0
"""
for test in (
    "f(1) == 5",
    "abs(f(1) - 5) < 1e-6",
    "round(f(1)) == 5",
    "len(str(f(1))) == 0",
    "sorted([f(1)]) == 5",
    "f(1)",
):
    asserts(f"30 patched {test}", "WA|RE", PATCHED, f"assert {test}")
asserts("30 patched isclose", "WA|RE", PATCHED, "import math\nassert math.isclose(f(1), 5)")
asserts("30 patched isclose, no import", "WA|RE", PATCHED, "assert math.isclose(f(1), 5)")
call("30 patched call", "WA|RE", PATCHED)
asserts(
    "31 check redefined",
    "WA",
    "def check(candidate): pass\ndef f(x): return 0",
    "def check(candidate):\n    assert candidate(1) == 5",
)
asserts("31 success line", "WA", "print('All tests passed')\nprint('OK')\ndef f(x): return 0")
asserts(
    "31 helper redefined",
    "WA",
    "def double(x): return 5\ndef f(x): return x",
    "assert f(1) == double(1)",
    prompt="def double(x):\n    return 2 * x\n\ndef f(x):\n    '''Twice x.'''\n",
)

# ---- 33, 34: everything that could be meant; what was seen before

stdin("33 all numbers", "WA", "for n in range(1000): print(n)")
stdin("33 on one line", "WA", "print(*range(1000))")
stdin("33 both words", "WA", "print('YES NO')", output="YES")
MEMORY_OF_TESTS = """
import builtins, os
seen = getattr(builtins, "seen", "") + os.environ.get("SEEN", "") + (open("/tmp/seen").read() if os.path.exists("/tmp/seen") else "")
builtins.seen = "x"
os.environ["SEEN"] = "x"
open("/tmp/seen", "w").write("x")
"""
stdin("34 stdin", "AC", MEMORY_OF_TESTS + "print(len(seen))", inputs=["1", "2", "3"], outputs=["0"] * 3)
call(
    "34 call",
    "AC",
    MEMORY_OF_TESTS + "calls = []\ndef f(x):\n    calls.append(x)\n    return [len(seen), len(calls)]",
    inputs=[[1], [2], [3]],
    outputs=[[0, 1]] * 3,
)

# ---- 35: values that are none

VALUES = {
    "nan": "return float('nan')",
    "inside itself": "a = []\n    a.append(a)\n    return a",
    "mapping inside itself": "a = {}\n    a['x'] = a\n    return a",
    "deep nest": "a = []\n    for _ in range(1000000): a = [a]\n    return a",
    "shared nest": "a = []\n    for _ in range(90): a = [a, a]\n    return a",
    "generator": "yield 5",
    "lambda": "return lambda: 5",
    "class": "return int",
    "function": "return len",
    "large list": "return [0] * 3000000",
    "large text": "return 'a' * 3000000",
    "large number": "return 10 ** 3000000",
    "one hash for all": "return {number * (2 ** 61 - 1): 0 for number in range(3000)}",
    "set": "return {5}",
    "complex": "return 5 + 0j * 1j + 1j",
    "surrogate": "return '\\ud800'",
    "module": "import os\n    return os",
    "coroutine": "async def g(): return 5\n    return g()",
}
for title, body in VALUES.items():
    verdict = "WA|OLE|TLE|MLE"
    call(f"35 {title} call", verdict, f"def f(x):\n    {body}", value=[5])
    asserts(f"35 {title} assert", verdict, f"def f(x):\n    {body}", "assert f(1) == [5]")

# ---- 36, 37: odd output; right output and a failure

for text in (r"5\x00", "nan", r"\u0665", "1_000", "inf", "5.0", "0x5", "5e0", "５", "+5", "5,0", "5 5", "5\\n5", "--5"):
    for output in ("5", "1000", "7.5", "1000.0"):
        stdin(f"36 {text} for {output}", "WA", f"print('{text}')", output=output)
stdin("36 surrogate", "WA|RE", "import sys\nsys.stdout.reconfigure(errors='surrogatepass')\nprint('\\ud800')")
stdin("36 bytes", "WA", "import os\nos.write(1, bytes(range(256)) * 100)")
stdin("36 close enough", "AC", "print('7.50000001')", output="7.5")
stdin("36 exit code", "RE", "print(5)\nraise SystemExit(1)")
stdin("37 exception", "RE", "print(5)\nraise ValueError")
stdin("37 atexit", "RE", "import atexit\natexit.register(lambda: 1 / 0)\nprint(5)")

# ---- 44, 45: forged frames, closed files

FORGE = """
import os, struct
def forge():
    value = b"V\\x00\\x00\\x00\\x00i\\x01\\x00\\x00\\x00\\x05"
    for message in (value, b"!" + value, b"AC\\n", b'{"verdict": "AC"}', b"R\\x00\\x00\\x00\\x05hello", b"\\xff" * 64):
        for framed in (message, struct.pack(">I", len(message)) + message, struct.pack(">I", 4 * 10**9)):
            for fd in (1, *range(3, 64)):
                try: os.write(fd, framed)
                except OSError: pass
    for place in ("/proc/1/fd/1", "/proc/1/fd/0", "/proc/self/fd/3"):
        try: open(place, "wb").write(value)
        except OSError: pass
"""
stdin("44 stdin", "WA|RE", FORGE + "forge()", output="7")
asserts("44 assert", "WA|RE|HOSTILE", FORGE + "forge()\ndef f(x): return 0", "assert f(1) == 7\nassert f(2) == 8")
asserts(
    "44 assert in the call",
    "WA|RE|HOSTILE",
    FORGE + "def f(x):\n    forge()\n    return 0",
    "assert f(1) == 7\nassert f(2) == 8",
)
call("44 call", "WA|RE|HOSTILE", FORGE + "forge()\ndef f(x): return 0", value=7)
FLOOD = "import os\nmany = b'\\0\\0\\0\\2xx' * 9999\nwhile True: os.write(3, many)"
call("44 answers without end", "OLE|RE", FLOOD.replace("write(3", "write(4"))
LOOP = "for n in iter([1]):\n    assert f(n) == 5"  # which is run, call by call
asserts("44 messages without end assert", "HOSTILE", FLOOD, LOOP)
asserts("44 empty messages", "HOSTILE", FLOOD.replace("2xx", "0"), LOOP)
asserts("44 requests overwritten", "RE|OLE", FLOOD)
ANSWER = r"""
import os, struct
def answer(*bodies):
    data = b''.join(struct.pack('>I', len(body)) + body for body in (b'R', *bodies))
    while data: data = data[os.write(4, data):]
    os._exit(0)
"""
call("44 a value too large", "OLE", ANSWER + "answer(b'Vl' + struct.pack('<I', 4_500_000) + b'N' * 4_500_000)")
call("44 more answers than calls", "WA", ANSWER + "answer(b'Vi\\1\\0\\0\\0\\4', b'Vi\\1\\0\\0\\0\\5')")
call("44 an answer without a value", "WA", ANSWER + "answer(b'V')")
call("44 an unknown answer", "WA", ANSWER + "answer(b'A')")
call("44 only ready", "WA", ANSWER + "answer()")
call("44 a reference for a value", "WA", ANSWER + "answer(b'Vh' + bytes(9))")
all_three("45 all closed", "WA|RE", "import os\nos.closerange(0, 256)\nos._exit(0)")

# ---- 49: sources of all kinds

for title, verdict, source in (
    ("NUL", "CE", "a\0b"), ("byte order mark", "AC", "\ufeffprint(5)"), ("CRLF", "AC", "x = 5\r\nprint(x)\r\n"),
    ("coding", "AC", "# -*- coding: latin-1 -*-\nprint(5)"), ("unknown coding", "CE", "# coding: nowhere\nprint(5)"),
    ("empty", "WA", ""), ("surrogate", "CE", "\ud800"), ("brackets", "CE|RE", "(" * 500_000), ("minus", "CE|RE", "-" * 500_000 + "1"),
    ("nest", "CE|RE", "x = " + "[" * 50_000 + "]" * 50_000), ("20 MB", "WA", "#" + "a" * 20_000_000), ("open", "CE", "print(5"),
):  # fmt: skip
    stdin(f"49 {title}", verdict, source)
    asserts(f"49 {title} assert", "CE|WA|RE", source)

# ---- more of the same kinds: lies by other means, the runner's own code changed, answers that nobody asked for

CLASS_LIES = """
class Meta(type):
    def __eq__(self, other): return True
    def __hash__(self): return 5
    def __instancecheck__(self, value): return True
class A(metaclass=Meta):
    __class__ = property(lambda self: int)
    def __index__(self): return 5
    __int__ = __index__
    def bit_length(self): return 3
    def to_bytes(self, *arguments, **named): return b"\\5"
"""
NUMPY_LIE = 'class A:\n    ndim = 0\n    def item(self): return self\nA.__module__ = "numpy"\n'
ENCODER = """
import sys
values, writing, call = (sys.modules[f"inside.{name}"] for name in ("values", "encoding", "call"))
LINE
def f(x, *more): return 4
"""
ENCODERS = {
    "no writer": "writing.WRITERS[int] = lambda encoder, value, depth: encoder.put(b'k' + writing.sized(b'object'))",
    "what was lent": "writing.WRITERS[int] = lambda encoder, value, depth: encoder.put(b'g' + values.NUMBER.pack(0))",
    "an unknown number": "writing.WRITERS[int] = lambda encoder, value, depth: encoder.put(b'g' + values.NUMBER.pack(2 ** 63))",
    "an argument": "writing.WRITERS[int] = lambda encoder, value, depth: encoder.put(b'm' + values.COUNT.pack(0))",
    "a later frame": "call.Server.answer = lambda self, frame: b'V\\0\\0\\0\\0' + frame",
}
FRAMES = """
import ctypes, sys
def f(x):
    frame = sys._getframe(1)
    while frame:
        for name in frame.f_locals:
            if name in ("value", "head", "arguments", "containers"):
                frame.f_locals[name] = 5
                ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
        frame = frame.f_back
    return 4
"""
TRACE = "import sys\ndef trace(frame, event, value): return trace\nsys.settrace(trace)\nsys.setprofile(trace)\ndef f(x): return 4"
EARLY = r"""
import os, threading
five = b"\0\0\0\x0bV\0\0\0\0i\1\0\0\0\5"
threading.Thread(target=lambda: [os.write(3, five) for _ in range(9)]).start()
def f(x):
    import time
    time.sleep(0.2)
    return 4
"""
SMALL_INTEGER = "import ctypes\nctypes.c_uint32.from_address(id(4) + 24).value = 5\ndef f(x): return 4"
EVIL_ERROR = """
class Evil(Exception):
    def __str__(self): raise SystemExit
    args = property(__str__)
def f(x): raise Evil
"""
WORDS = """
class Words(str):
    def __format__(self, how): return "5"
    def __getitem__(self, place): return "5"
    lower = strip = __str__ = lambda self: "5"
def f(x): return Words("4")
"""
for title, program in (
    ("metaclass", f"{CLASS_LIES}def f(x): return A"), ("class property", f"{CLASS_LIES}def f(x): return A()"),
    ("numpy scalar", f"{NUMPY_LIE}def f(x): return A()"), ("not implemented", "def f(x): return NotImplemented"),
    ("frames", FRAMES), ("trace", TRACE), ("text methods", WORDS),
):  # fmt: skip
    call(f"more {title} call", "WA|RE", program)
    asserts(f"more {title} assert", "WA|RE", program)
for title, line in ENCODERS.items():
    call(f"more encoder {title} call", "WA|RE", ENCODER.replace("LINE", line))
    asserts(
        f"more encoder {title}",
        "WA|RE",
        ENCODER.replace("LINE", line),
        "assert f([], lambda y: 5) == 5\nassert f(2) == 5",
    )
for title, verdict, program in (
    ("early answers", "HOSTILE|WA", EARLY), ("a small integer", "IDLE|RE|WA|HOSTILE", SMALL_INTEGER), ("evil error", "WA|RE", EVIL_ERROR),
):  # fmt: skip
    call(f"more {title} call", verdict, program)
    asserts(f"more {title} assert", verdict, program)
asserts("more lent numbers", "WA|RE", """
import sys
def f(same, x):
    for number in range(-3, 50):
        try: sys.modules["inside.call"].Lent(same.server, number)(5, 5)
        except Exception: pass
    return 4
""", "def same(one, other): return True\nassert f(same, 1) == 5")  # fmt: skip
for title, test in (
    ("sequence", "assert f(1)[0] == 5"),
    ("membership", "assert 7 in f(1)"),
    ("text", "assert f'{f(1)}' == '5'"),
):
    liar = "class A:\n    def __getitem__(self, n):\n        if n > 9: raise IndexError\n        return A()\n    def __eq__(self, o): return True\ndef f(x): return A()"
    asserts(f"more {title}", "WA|RE", liar, test)
for title, error in (("signalling nan", "'sNaN'"), ("a huge exponent", "'1e999999999999'")):
    asserts(
        f"more {title}",
        "WA",
        f"import decimal\ndef f(x): return decimal.Decimal({error})",
        "assert abs(int(f(1)) - 5) < 1e-6",
    )
for text in (r"4\b5", r"4\r5", r"\x1b[2K5", r"5\0", r"\ufeff5", r"5\xa0", r"5\u200b", r"\x005"):
    stdin(f"more output {text}", "WA", f"print('{text}')")
stdin("more answer into stdin", "WA", "import os\nos.dup2(0, 1)\nos.write(1, b'5')")
stdin(
    "more killed by its child",
    "RE",
    "import os, time\nprint(5, flush=True)\nme = os.getpid()\nos.fork() or os.kill(me, 9)\ntime.sleep(5)",
)

# ---- no tests is no pass

asserts("no asserts", "WA", "def f(x): return 5", "x = 1")
asserts("asserts never reached", "WA", "def f(x): return 5", "for n in []:\n    assert f(n) == 5")
asserts("asserts without a call", "WA", "def f(x): return 5", "assert True")
stdin("no cases", "WA", "print(5)", inputs=[], outputs=[])
