"""The command line of the grader."""

import argparse
import os
import sys

EXAMPLES = """\
examples:
  python -m cnnkit.grade submissions/ --assignment flowers_preprocessing --out grades.csv
  python -m cnnkit.grade moodle.zip --assignment debugging --out debugging.csv --jobs 4
  python -m cnnkit.grade course/submitted --assignment flowers_training --out grades.csv    nbgrader's folders

A run that was cut off goes on if you give the same command again.
"""


def main(arguments: list[str] | None = None) -> int:
    """Grade what the arguments name; return 0, or 2 where it could not begin."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from cnnkit.checks.exercise import ASSIGNMENTS

    parser = argparse.ArgumentParser(
        prog="python -m cnnkit.grade",
        description="Grade a class: take the answers, and nothing else, from each notebook; try them on new inputs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("submissions", metavar="SUBMISSIONS", help="folder or zip file")
    parser.add_argument("--assignment", required=True, choices=ASSIGNMENTS, metavar="NAME", help=", ".join(ASSIGNMENTS))
    parser.add_argument("--out", required=True, metavar="FILE", help="the table to write, such as grades.csv")
    parser.add_argument("--jobs", type=_count, metavar="N", help="students at a time (as many as processors)")
    options = parser.parse_args(arguments)
    try:
        import resource  # noqa: F401
    except ImportError:
        print("The grader needs Linux or macOS; on Windows, run it in WSL.", file=sys.stderr)
        return 2
    from cnnkit.grade.main import grade

    try:
        records = grade(options.submissions, options.assignment, options.out, options.jobs)
    except (ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. Give the same command again to go on.", file=sys.stderr, flush=True)
        os._exit(130)  # without waiting for answers that are still running; they end with this process
    print(f"{len({each.student for each in records})} students graded: {options.out}", file=sys.stderr)
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of students; give 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
