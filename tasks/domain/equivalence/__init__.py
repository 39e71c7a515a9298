"""When do two written answers mean the same? Cleaning, parsing, and comparing, without executing anything.

| folder | what it does |
|---|---|
| surface | text to text: spellings in words and signs that have one reading, as the mathematics they mean |
| words | what words mean: units, names, number words, claims, and the vocabulary of the grammar |
| parsing | text to tree: tokens, atoms, powers, remarks, relations |
| values | what a tree is worth: exact rationals, surds, floats, mpmath, SymPy |
| sets | numbers that a description gives: intervals, set-builders, congruences, families |
| comparing | tree against tree: lists, equations, quantities, a step for each form |
| deciding | text against text: options, sentences, logic, the readings of commas |

`decide.decide` is what a grading worker calls; `exact.decide_fast` decides strings and plain numbers without parsing.
"""
