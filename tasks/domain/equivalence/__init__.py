"""When do two written answers mean the same? Cleaning, parsing, and comparing, without executing anything.

unicode.plain ─▶ tokens.tokenize ─▶ parser.parse ─▶ compare.same ─┬─▶ numeric (exact rationals, floats, mpmath)
exact.decide_fast (strings and plain numbers, no parsing)         ├─▶ realsets (intervals, inequalities)
                                                                  └─▶ texts (words, units)
"""
