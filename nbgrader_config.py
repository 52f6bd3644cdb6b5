"""How nbgrader, the second way to grade, works with this course; see docs/grading.md."""

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "cnnkit"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__"]

# What stands in the place of a solution, as in tools/make_exercises.py.
c.ClearSolutions.code_stub = {"python": "pass  # your code here"}

# A student who deletes the cell with a check loses nothing.
c.OverwriteCells.add_missing_cells = True
# Without these two lines a warning or a progress bar on standard error turns a right answer into 0 points.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r".*"
# Seconds for a cell. Without a limit an endless loop stops the whole class.
c.Execute.timeout = 120
c.Execute.interrupt_on_timeout = True
