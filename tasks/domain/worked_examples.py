"""Worked examples for few-shot prompts, written for this project.

They are short on purpose: a small model copies their length as well as their form.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkedExample:
    question: str
    solution: str


WORD_PROBLEMS = (
    WorkedExample(
        "Mara has 5 boxes with 12 pencils each. She gives away 8 pencils. How many pencils does she have left?",
        "Mara has 5 * 12 = 60 pencils.\nAfter giving some away she has 60 - 8 = 52 pencils.\n#### 52",
    ),
    WorkedExample(
        "A train ticket costs $9. A bus ticket costs $4 less. How much do a train ticket and a bus ticket cost together?",
        "A bus ticket costs 9 - 4 = 5 dollars.\nTogether they cost 9 + 5 = 14 dollars.\n#### 14",
    ),
    WorkedExample(
        "Ivo picked 36 apples. He kept half of them and shared the rest equally among 6 friends. How many apples did each "
        "friend get?",
        "Ivo shared 36 / 2 = 18 apples.\nEach friend got 18 / 6 = 3 apples.\n#### 3",
    ),
    WorkedExample(
        "A baker sells 40 rolls in the morning and three times as many in the afternoon. How many rolls does he sell that "
        "day?",
        "In the afternoon he sells 40 * 3 = 120 rolls.\nThat day he sells 40 + 120 = 160 rolls.\n#### 160",
    ),
    WorkedExample(
        "Lena saves $15 a week. She wants a bicycle that costs $210 and already has $60. How many weeks must she save?",
        "She still needs 210 - 60 = 150 dollars.\nThat takes 150 / 15 = 10 weeks.\n#### 10",
    ),
    WorkedExample(
        "A hall has 18 rows of 20 seats. 25% of the seats are empty. How many people are seated?",
        "The hall has 18 * 20 = 360 seats.\nThere are 360 * 25 / 100 = 90 empty seats.\n"
        "So 360 - 90 = 270 people are seated.\n#### 270",
    ),
    WorkedExample(
        "Tom is 4 years older than Ana. In 6 years Ana will be 17. How old is Tom now?",
        "Ana is now 17 - 6 = 11 years old.\nTom is 11 + 4 = 15 years old.\n#### 15",
    ),
    WorkedExample(
        "A tank holds 500 liters. It is filled at 30 liters a minute and leaks 5 liters a minute. How many minutes does it "
        "take to fill it?",
        "Each minute the tank gains 30 - 5 = 25 liters.\nIt takes 500 / 25 = 20 minutes.\n#### 20",
    ),
)

COMPETITION_PROBLEMS = (
    WorkedExample(
        "What is the value of $x$ if $3(x - 2) = 21$?",
        "Dividing both sides by $3$ gives $x - 2 = 7$, so $x = 9$. The final answer is $\\boxed{9}$.",
    ),
    WorkedExample(
        "A fair die is rolled twice. What is the probability that the two numbers add up to $5$?",
        "There are $6 \\cdot 6 = 36$ equally likely outcomes. The sum is $5$ for $(1,4), (2,3), (3,2), (4,1)$, which are $4$ "
        "of them. The probability is $\\frac{4}{36} = \\frac{1}{9}$. The final answer is $\\boxed{\\frac{1}{9}}$.",
    ),
    WorkedExample(
        "The legs of a right triangle have lengths $6$ and $8$. Find the radius of its circumscribed circle.",
        "The hypotenuse is $\\sqrt{6^2 + 8^2} = 10$. In a right triangle it is a diameter of the circumscribed circle, so the "
        "radius is $5$. The final answer is $\\boxed{5}$.",
    ),
    WorkedExample(
        "Find the remainder when $7^{10}$ is divided by $5$.",
        "Since $7 \\equiv 2 \\pmod 5$ and $2^4 \\equiv 1 \\pmod 5$, we have $7^{10} \\equiv 2^{10} \\equiv 2^2 = 4 \\pmod 5$. "
        "The final answer is $\\boxed{4}$.",
    ),
    WorkedExample(
        "If $f(x) = x^2 - 4x + 7$, what is the smallest value of $f(x)$ over the real numbers?",
        "Completing the square gives $f(x) = (x - 2)^2 + 3$. The square is at least $0$, and it is $0$ at $x = 2$. The final "
        "answer is $\\boxed{3}$.",
    ),
)

FUNCTION_BODIES = (
    WorkedExample(
        'def count_vowels(text: str) -> int:\n    """How many letters of text are vowels."""\n',
        '    return sum(letter in "aeiou" for letter in text.lower())',
    ),
    WorkedExample(
        'def running_maximum(values: list) -> list:\n    """The largest value seen so far, at each position."""\n',
        "    result = []\n    for value in values:\n        result.append(max(result[-1], value) if result else value)\n"
        "    return result",
    ),
)

FUNCTION_PROGRAMS = (
    WorkedExample(
        "Write a function that returns the sum of the digits of a non-negative integer.\n"
        "It must pass this test:\nassert digit_sum(407) == 11",
        "def digit_sum(number):\n    return sum(int(digit) for digit in str(number))",
    ),
    WorkedExample(
        "Write a function that removes the duplicates of a list and keeps the order.\n"
        "It must pass this test:\nassert without_duplicates([3, 1, 3]) == [3, 1]",
        "def without_duplicates(items):\n    return list(dict.fromkeys(items))",
    ),
)

STDIN_PROGRAMS = (
    WorkedExample(
        "The first line holds n, the second line n integers. Print the difference of the largest and the smallest.\n\n"
        "-----Example-----\nInput\n3\n4 1 9\n\nOutput\n8",
        "n = int(input())\nvalues = list(map(int, input().split()))\nprint(max(values) - min(values))",
    ),
    WorkedExample(
        "Given a line of text, print YES if it reads the same backwards and NO otherwise.\n\n"
        "-----Example-----\nInput\nlevel\n\nOutput\nYES",
        'line = input().strip()\nprint("YES" if line == line[::-1] else "NO")',
    ),
)
