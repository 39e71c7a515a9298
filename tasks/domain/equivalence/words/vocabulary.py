"""The words of the grammar: which LaTeX commands and English words mean what."""

from __future__ import annotations

import re

from tasks.domain.equivalence.nodes import Node, symbol

_TEXT_NAMES = """
    text mbox hbox textbf textit textrm textnormal texttt textsf mathrm mathbf mathit mathsf mathtt bm boldsymbol
    operatorname emph vec hat tilde mathcal mathscr underline uline
"""
_LAYOUT_NAMES = """
    left right big bigl bigr bigm Big Bigl Bigr Bigm bigg biggl biggr biggm Bigg Biggl Biggr Biggm middle displaystyle
    textstyle scriptstyle limits nolimits quad qquad rm bf it thinspace enspace boxed fbox mathstrut strut cr nonumber
    centering ensuremath tiny small large Large LARGE huge Huge normalsize
"""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _either(names: str) -> str:
    return "|".join(sorted(names.split(), key=len, reverse=True))


TEXT_COMMANDS = rf"\\(?:{_either(_TEXT_NAMES)})(?![a-zA-Z])\*?\s*"
LAYOUT_COMMANDS = rf"\\(?:{_either(_LAYOUT_NAMES)})(?![a-zA-Z])\.?"
# Text commands that decorate a symbol rather than quote a word.
SYMBOL_COMMANDS = tuple(
    rf"\{name}" for name in ["vec", "hat", "tilde", "mathcal", "mathscr", "underline", "mathbf", "bm", "boldsymbol"]
)
WORDS = {"pi": r"\pi", "infinity": r"\infty", "infty": r"\infty", "inf": r"\infty", "oo": r"\infty", "theta": r"\theta"}
WORDS |= {name: "\\" + name for name in ("alpha", "beta", "gamma", "lambda", "omega", "sqrt", "cdot", "times", "frac")}
FUNCTIONS = words(
    """
    sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh ln log lg exp max min gcd lcm det abs
    floor ceil
    """
)
# Words of two or three letters that are not products of symbols.
SHORT_WORDS = words(
    """
    is it in of or to at as by if an be no we on do my so up us the for and but not one two are all any per was
    has his her its let odd yes red day cm mm km dm kg mg ft yd oz lb mi hr ml mL am pm min sec kW sq mph
    """
)
RELATIONS = {
    "=": "=", "==": "=", r"\equiv": "=", ":=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=",
    r"\lt": "<", r"\gt": ">", r"\le": "<=", r"\leq": "<=", r"\leqslant": "<=", r"\leqq": "<=", r"\ge": ">=",
    r"\geq": ">=", r"\geqslant": ">=", r"\geqq": ">=", r"\ne": "!=", r"\neq": "!=", r"\not=": "!=", r"\approx": "~",
    r"\simeq": "~", r"\sim": "~", r"\cong": "~", r"\doteq": "~", r"\in": "in", r"\to": "->", r"\rightarrow": "->",
    r"\Rightarrow": "=>", r"\implies": "=>", "=>": "=>", r"\notin": "notin", r"\subseteq": "sub", r"\subset": "sub",
}  # fmt: skip
SET_OPERATORS = {
    r"\cup": "union", r"\bigcup": "union", r"\cupdot": "union", r"\sqcup": "union", r"\cap": "inter", r"\bigcap": "inter",
    r"\setminus": "diff", r"\smallsetminus": "diff", r"\backslash": "diff",
}  # fmt: skip
CONNECTORS = re.compile(r"(?:^|[\s,;])(?:and|or|und|et|&)(?:$|[\s,;])", re.IGNORECASE)
QUALIFIERS = re.compile(
    r"^[\s,;(]*(?:for|where|with|such|if|when|whenever|as|provided|because|since|so|in which|is|are|given|unless|only)\b",
    re.IGNORECASE,
)
CASES = re.compile(r"^[\s,;(]*(?:if|when|for|otherwise|whenever)\b", re.IGNORECASE)
OTHERWISE = re.compile(r"^[\s,;(]*(?:otherwise|else)\b", re.IGNORECASE)
PRODUCT_SIGNS = ("*", r"\cdot", r"\times", r"\ast", r"\bullet", r"\star")
SETS = ("nset", "set", "union", "inter", "diff", "empty", "builder")
FRACTIONS = (r"\frac", r"\dfrac", r"\tfrac", r"\cfrac")
BINOMIALS = (r"\binom", r"\dbinom", r"\tbinom")
LETTERS = words(
    """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi omicron rho
    sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega hbar ell nabla
    partial mho aleph complement
    """
)
SAME_LETTERS = {r"\varepsilon": r"\epsilon", r"\varphi": r"\phi", r"\vartheta": r"\theta"}
DECORATIONS = (
    r"\dot", r"\ddot",
    r"\angle", r"\triangle", r"\measuredangle", r"\overrightarrow", r"\overline", r"\bar", r"\widehat", r"\overset", r"\star",
)  # fmt: skip
BIG_OPERATORS = (r"\sum", r"\prod", r"\int", r"\iint", r"\lim", r"\oint", r"\bigoplus", r"\limsup", r"\liminf")
FUNCTION_LETTERS = frozenset("fghFGHPQRTSpq")
OPENERS: dict[str, tuple[str, ...]] = {
    "(": (")", "]"), "[": ("]", ")"), r"\{": (r"\}",), "{": ("}",), r"\langle": (r"\rangle", ">"), r"\lbrace": (r"\rbrace",),
}  # fmt: skip
BARS = ("|", r"\lvert", r"\lVert", r"\|", r"\vert", r"\Vert")
MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array")
CONSTANT_COMMANDS = {
    r"\infty": Node("inf"), r"\emptyset": Node("empty"), r"\varnothing": Node("empty"), r"\ldots": Node("dots"),
    r"\cdots": Node("dots"), r"\dots": Node("dots"), r"\vdots": Node("dots"), r"\dotsc": Node("dots"), r"\pi": symbol(r"\pi"),
    r"\R": Node("nset", (), "R"), r"\Z": Node("nset", (), "Z"), r"\N": Node("nset", (), "N"), r"\Q": Node("nset", (), "Q"),
}  # fmt: skip
