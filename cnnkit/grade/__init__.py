"""The grader: ``python -m cnnkit.grade SUBMISSIONS --assignment NAME --out grades.csv``.

From Python: `cnnkit.grade.main.grade`.

`submissions` finds who has handed in what, `answers` finds the answers in a notebook, `runner` has each run in a
process of its own, `grading` compares what comes back with the right results, `report` writes it all down. Inside the
walls: `zygote` forks the processes, `sandbox` shuts them in with what `kernel` offers, `child` runs the answer.
"""
