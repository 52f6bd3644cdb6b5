"""Instant feedback for the exercises.

`check` tries an answer and says what happened, why, and what to try; `hint` gives the next hint; `solution` unfolds the
solution after three tries; `progress` shows what has been reached.

Inside: `exercise` says what an exercise is, and there is a file of them for each assignment, with a file of the cases
that are tried (plain data, made by tools/make_exercises.py). `calls` runs a student's code, `plain` is the form in
which its results come back, `judging` judges them with `compare`, and with `signs` where no known mistake fits. `views`
describes results that are no plain data, `board` keeps the progress, `feedback` puts it all together. `key` reads the
solutions, which are no part of this package.
"""

from cnnkit.checks.board import progress
from cnnkit.checks.exercise import find_exercise
from cnnkit.checks.feedback import check, hint, solution

__all__ = ["check", "find_exercise", "hint", "progress", "solution"]
