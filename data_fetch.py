"""Get the pictures of the course, or see what is there: python data_fetch.py --help."""

import argparse
import sys

EXAMPLES = """\
examples:
  python data_fetch.py                                   what is there
  python data_fetch.py flowers                           download the photographs (229 MB)
  python data_fetch.py cxr                               read 3.8 GB, keep the course's 1,107 films (440 MB)
  python data_fetch.py cxr --keep-archive                the same, but a cut download goes on with the next call
  python data_fetch.py flowers --source Downloads/flowers.zip
  python data_fetch.py cxr --source films.zip.001        a split zip: all parts in one folder
  python data_fetch.py flowers cxr --synthetic           draw what is absent, without a network
  python data_fetch.py --verify                          compare every file with the list made at its arrival

Real pictures take the place of synthetic ones; nothing else is ever overwritten. To get a set anew, remove its folder.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code: 0, 1 if refused, 2 for a wrong call, 130 if interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names may hold what the terminal cannot show
    try:
        options = _parse(arguments)
        if options.sets or options.verify:
            return max([_do(name, options) for name in options.sets or _present(options.data)], default=0)
        return _table(options.data)
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-done passes for data; the same call takes it up again.", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        print(f"{error.name} is missing. Use the kit's environment: make lab, or .venv/bin/python", file=sys.stderr)
        return 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    from cnnkit.datasets.catalog import CATALOG, data_dir

    parser = argparse.ArgumentParser(
        prog="data_fetch.py",
        description="Get the pictures of the course, or see what is there.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"{' or '.join(CATALOG)}, or both")
    parser.add_argument("--source", metavar="PATH|URL", help="folder, zip, tar.gz, or first part of a split zip")
    parser.add_argument("--synthetic", action="store_true", help="draw the set, unless there is one")
    parser.add_argument("--verify", action="store_true", help="look for damaged, missing and strange files")
    parser.add_argument("--offline", action="store_true", help="open no connection; use an archive kept before")
    parser.add_argument("--data", metavar="DIR", help=f"where the sets lie (now {data_dir()})")
    parser.add_argument("--keep-archive", action="store_true", help="keep the download, in DIR/.downloads")
    options = parser.parse_args(arguments)
    options.sets = list(dict.fromkeys(options.sets))
    for name in options.sets:
        if name not in CATALOG:
            parser.error(f"there is no data set {name!r}; there are {' and '.join(CATALOG)}")
    if options.source is not None and (len(options.sets) != 1 or options.synthetic or options.verify):
        parser.error("--source goes with one data set, and neither with --synthetic nor with --verify")
    if options.synthetic and options.verify:
        parser.error("--synthetic and --verify are two different jobs; call twice")
    if not options.sets and (options.synthetic or options.offline or options.keep_archive):
        parser.error(f"name the data sets: {' '.join(CATALOG)}")
    return options


def _do(name: str, options: argparse.Namespace) -> int:
    """Do what was asked for one set, and say how it went."""
    from cnnkit.datasets import fetch

    try:
        if options.verify:
            return _verify(name, options.data)
        before = fetch.state(name, options.data)
        if options.synthetic:
            found = fetch.install_synthetic(name, options.data)
        else:
            found = fetch.fetch(name, options.source, options.data, options.offline, options.keep_archive)
        print(f"{name}: {found.kind}, {found.images:,} pictures ({_size(found.bytes)}) in {found.path}")
        if before.kind == "real" and not options.synthetic:
            print(f"{name}: they were there already. To get them anew, remove the folder, or use another: --data DIR")
        _say_missing(name, fetch.facts(name, options.data).get("missing", []))
    except fetch.FetchError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


def _verify(name: str, data: str | None) -> int:
    from cnnkit.datasets import fetch

    troubles = fetch.verify(name, data)
    for trouble in troubles:
        print(f"{name}/{trouble}")
    remedy = "remove the folder and fetch it anew, or go on with what is there" if troubles else ""
    print(f"{name}: {len(troubles)} files are not as they came{'; ' if remedy else ''}{remedy}")
    return 1 if troubles else 0


def _present(data: str | None) -> list[str]:
    from cnnkit.datasets import fetch
    from cnnkit.datasets.catalog import CATALOG

    names = [name for name in CATALOG if fetch.state(name, data).kind != "absent"]
    if not names:
        print("No data set is there.")
    return names


def _table(data: str | None) -> int:
    """Print what there is of each set."""
    from cnnkit.datasets import fetch
    from cnnkit.datasets.catalog import CATALOG

    code = 0
    print(f"{'set':10}{'state':12}{'images':>8}{'size':>10}  where")
    for name in CATALOG:
        try:
            found = fetch.state(name, data)
            images, size = (f"{found.images:,}", _size(found.bytes)) if found.images else ("", "")
            print(f"{name:10}{found.kind:12}{images:>8}{size:>10}  {found.path}")
        except fetch.FetchError as error:
            print(f"{name:10}{error}")
            code = 1
    print("To get the real pictures: python data_fetch.py flowers cxr. More: python data_fetch.py --help")
    return code


def _say_missing(name: str, missing: list[str]) -> None:
    if missing:
        more = f" and {len(missing) - 20} more, listed in source.json" if len(missing) > 20 else ""
        print(f"{name}: {len(missing)} listed pictures were not in the archive: {', '.join(missing[:20])}{more}")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
