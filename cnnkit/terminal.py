"""``python -m cnnkit.training``: the final run, and predictions with what it has trained, from a terminal."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cnnkit import engine
from cnnkit.datasets.catalog import FetchError
from cnnkit.training import PRESETS

__all__ = ["main"]

EXAMPLES = """\
examples:
  python -m cnnkit.training cxr --preset smoke --out runs/try      does everything work? a minute
  python -m cnnkit.training cxr --out runs/cxr                     the final training
  python -m cnnkit.training cxr --out runs/cxr --resume            goes on where it was cut off
  python -m cnnkit.training predict runs/cxr film.png              an unseen film
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code: 0, 1 if refused, 2 for a wrong call, 130 if interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names may hold what the terminal cannot show
    options = _parse(arguments)
    try:
        if options.command == "predict":
            return _print_predictions(options)
        if options.resume and not (Path(options.out) / "run.json").exists():
            print(f"There is nothing in {options.out} to go on with; the run begins anew.")
        result = engine.run(
            options.command,
            options.out,
            preset=options.preset,
            data=options.data,
            seed=options.seed,
            folds=options.folds,
            resume=options.resume,
        )
    except KeyboardInterrupt:
        print("Interrupted; --resume goes on.", file=sys.stderr)
        return 130
    except (OSError, ValueError, FetchError) as error:
        print(str(error).splitlines()[0] if str(error) else repr(error), file=sys.stderr)
        return 1
    if result is None:
        return 130 if os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID", "0") == "0" else 0
    print(f"{result}\nReport: {result.out / 'report.md'}")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m cnnkit.training",
        description="Train, judge and report; or predict with what was trained. A teaching kit: not for diagnosis.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="cxr|flowers|predict")
    for name in PRESETS:
        command = commands.add_parser(name, help=f"train on {name}")
        command.add_argument("--preset", choices=sorted(PRESETS[name]), help="default: full with a GPU, else lesson")
        command.add_argument("--data", metavar="DIR", help="a folder for each class; default: the kit's data")
        command.add_argument("--out", metavar="DIR", required=True, help="where everything is written")
        command.add_argument("--seed", metavar="N", type=_whole(0), default=0, help="of all chances; default: 0")
        command.add_argument("--folds", metavar="K", type=_whole(0), help="parts of the cross-validation, 0 for none")
        command.add_argument("--resume", action="store_true", help="go on where it was cut off, or begin")
    command = commands.add_parser("predict", help="predict pictures with a trained network")
    command.add_argument("out", metavar="OUT", help="the folder of the run")
    command.add_argument("images", metavar="IMAGE", nargs="+")
    return parser.parse_args(arguments)


def _whole(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"is a whole number of {least} or more, not {text!r}")
        return int(text)

    return number


def _print_predictions(options: argparse.Namespace) -> int:
    """Print a line for each picture; return 1 if one could not be read."""
    settings, threshold, code = engine.settings_of(options.out), engine.threshold_of(options.out), 0
    for path, found in engine.predict(options.out, options.images):
        if isinstance(found, str):
            print(f"{path}: {found}", file=sys.stderr)
            code = 1
            continue
        classes = settings["classes"]
        print(f"{path}: {classes[found >= threshold]}, probability of {classes[1]} {found:.3f}")
    if settings["name"] == "cxr":
        print(f"Called {settings['classes'][1]} from {threshold:.3f} on. A teaching tool, not for diagnosis.")
    return code
