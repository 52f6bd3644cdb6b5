"""Gets the real pictures of a data set, from its publisher or from what the user has, and tells what is there."""

import errno
import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from cnnkit.datasets.catalog import CATALOG, FetchError, data_dir
from cnnkit.datasets.place import Place, State, require_space

# archive, transfer and synthetic are imported where they are needed: what is asked at every start must not wait.

__all__ = ["FetchError", "State", "facts", "fetch", "install_synthetic", "state", "verify"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def state(name: str, data: str | os.PathLike | None = None) -> State:
    """Return what there is of a data set, after finishing what a killed process had all but done.

    Parameters
    ----------
    name : "flowers" or "cxr".
    data : the folder that holds the data sets; by default the kit's, see `data_dir`.

    Returns
    -------
    State: `.kind` "absent", "synthetic" or "real"; `.images`, `.bytes`, `.path`. Class folders that the user placed
    there, without source.json, are real.

    Raises
    ------
    FetchError : no data set of this name, or its source.json is damaged.
    """
    place = _place(name, data)
    with _plain_words(place):
        place.tidy()
        return place.look()


def facts(name: str, data: str | os.PathLike | None = None) -> dict:
    """Return what source.json says of a data set: kind, from, licence, citation, missing, files; {} without one."""
    place = _place(name, data)
    with _plain_words(place):
        return place.facts()


def fetch(
    name: str,
    source: str | os.PathLike | None = None,
    data: str | os.PathLike | None = None,
    offline: bool = False,
    keep_archive: bool = False,
) -> State:
    """Get the real pictures of a data set; they take the place of synthetic ones, and never of anything else.

    Parameters
    ----------
    name : "flowers" or "cxr".
    source : a folder, a zip, tar or tar.gz, the first part of a split one, or the address of one, that holds the class
        folders; by default the publisher's archive.
    data : the folder that holds the data sets; by default the kit's, see `data_dir`.
    offline : open no connection; use an archive that was kept.
    keep_archive : keep what is downloaded, for --offline; and a download that is cut goes on with the next call, which
        the big archive, read from the line otherwise, cannot.

    Returns
    -------
    State, of kind "real". Real pictures that were there already are left as they are.

    Raises
    ------
    FetchError : with a line that names the file and the remedy. Nothing is left behind then, but a download that can
        go on.
    """
    place = _place(name, data)
    found = _tidied(place)
    if found.kind == "real":
        _require_complete(place, found)
        with suppress(OSError):  # a folder of which we may only read
            place.forget_download()  # cut in an earlier call, and of no use any more
        return found
    with _plain_words(place), place.lock():
        if place.look().kind != "real":  # nor has another process fetched it while this one waited
            _require_room(place)
            with _staging(place):
                _fill(place, source, offline, keep_archive)
    return state(name, data)


def install_synthetic(name: str, data: str | os.PathLike | None = None) -> State:
    """Draw the synthetic set unless there is a set already, and return what there is then.

    Raises
    ------
    FetchError : the folder holds something else, or cannot be written.
    """
    place = _place(name, data)
    found = _tidied(place)
    if found.kind != "absent":
        return found
    with _plain_words(place), place.lock():
        if place.look().kind == "absent":
            _require_room(place)
            from cnnkit.datasets import synthetic

            with _staging(place):
                synthetic.draw(name, place.staging, seed=0)
                place.install({"kind": "synthetic", "from": "drawn by cnnkit, seed 0; not real pictures"})
    return state(name, data)


def verify(name: str, data: str | os.PathLike | None = None) -> list[str]:
    """Compare every file of a set with the list made when it was installed; return one line for each that differs.

    Raises
    ------
    FetchError : there is no such set, or no list since the user placed it there.
    """
    place = _place(name, data)
    if state(name, data).kind == "absent":
        raise FetchError(f"{name} is not there, so there is nothing to verify. Get it: python data_fetch.py {name}")
    with _plain_words(place):
        known = place.facts()
        if not known:
            raise FetchError(f"{place.folder} was placed there by hand: without a source.json nothing can be verified.")
        return sorted(f"{file}: {trouble}" for file, trouble in place.compare(known))


def _place(name: str, data: str | os.PathLike | None) -> Place:
    if name not in CATALOG:
        raise FetchError(f"There is no data set {name!r}; there are {' and '.join(CATALOG)}.")
    return Place(CATALOG[name], data_dir() if data is None else Path(data).expanduser())


def _tidied(place: Place) -> State:
    """Return what there is of a set once all is cleared away that killed processes have left."""
    with _plain_words(place):
        place.tidy(thorough=True)
        return place.look()


def _require_complete(place: Place, found: State) -> None:
    wanted = [size for file, (size, _) in place.facts().get("files", {}).items() if "/" in file]
    if wanted and (found.images < len(wanted) or found.bytes < sum(wanted)):
        raise FetchError(
            f"{place.folder} has been damaged since it was fetched; --verify {place.dataset.name} lists the files. "
            f"Remove the folder and fetch again."
        )


def _require_room(place: Place) -> None:
    if objection := place.objection():
        raise FetchError(f"{objection}; it was left alone. Move it away, or use another folder: --data DIR.")


@contextmanager
def _staging(place: Place) -> Iterator[None]:
    place.staging.mkdir()
    try:
        yield
    finally:
        import shutil

        shutil.rmtree(place.staging, ignore_errors=True)  # not there any more if all went well


@contextmanager
def _plain_words(place: Place) -> Iterator[None]:
    """Say in one line what the system would not do."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename or place.root}: "
        if error.errno in FULL:
            raise FetchError(f"{where}No space on the disk. Make room, or use another one: --data DIR.") from None
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            remedy = "No permission. Change its rights, close what uses it, or use a folder of your own: --data DIR."
            raise FetchError(f"{where}{remedy}") from None
        raise FetchError(f"{where}{error.strerror or error}. Try another folder: --data DIR.") from None


def _fill(place: Place, source: str | os.PathLike | None, offline: bool, keep: bool) -> None:
    """Gather the pictures in staging and install them."""
    official = place.dataset.source
    url = official.url if source is None else os.fspath(source)
    kept = place.downloads / official.file
    if "://" not in url:
        _from_user(place, Path(url).expanduser())
    elif url == official.url and kept.exists():
        _check_own(place, kept)
        _unpack(place, kept, url, official=True)
    elif offline:
        raise FetchError(f"{url} is not kept here, and --offline was asked. Use --synthetic, or --source FILE.")
    elif url == official.url and place.dataset.manifest and not (keep or place.part.exists()):
        _from_the_line(place)
    else:
        _from_download(place, url, keep)


def _from_user(place: Place, source: Path) -> None:
    if not source.exists():
        raise FetchError(f"There is no file or folder {source}. Give one that exists: --source PATH.")
    if not (source.is_dir() or source.is_file()):
        raise FetchError(f"{source} is neither a folder nor an ordinary file. Give one: --source PATH.")
    official = source.is_file() and source.stat().st_size == place.dataset.source.bytes
    if official:
        from cnnkit.datasets.transfer import check_hash

        check_hash(source, place.dataset.source)
    _unpack(place, source, source.name, official)


def _from_the_line(place: Place) -> None:
    """Read the publisher's archive once, while it comes in, and keep only the pictures that the manifest names."""
    from cnnkit.datasets.archive import tar_members
    from cnnkit.datasets.transfer import RemoteFile

    require_space(place.root, place.dataset.unpacked)
    with closing(RemoteFile(place.dataset.name, place.dataset.source)) as remote:
        missing = _take_listed(place, tar_members(remote, place.dataset.source.url, _limit(place)), disable=True)
        remote.finish()
    _install(place, place.dataset.source.url, missing)


def _from_download(place: Place, url: str, keep: bool) -> None:
    """Download an archive, going on where an earlier call was cut, and unpack it."""
    from cnnkit.datasets.parts import is_part
    from cnnkit.datasets.transfer import download

    official = place.dataset.source if url == place.dataset.source.url else None
    if is_part(url):
        raise FetchError(f"{url} is one part of several. Download all of them and give the first: --source FILE.")
    place.downloads.mkdir(exist_ok=True)
    if official:
        done = place.part.stat().st_size if place.part.exists() else 0
        require_space(place.root, official.bytes - done + place.dataset.unpacked)
    try:
        download(url, place.part, official)
        whole = place.part.stat().st_size == place.dataset.source.bytes
        if whole:
            _check_own(place, place.part)
    except (FetchError, OSError) as error:
        if isinstance(error, OSError) or not (place.part.exists() and place.part.stat().st_size):
            place.forget_download()
        raise
    try:
        _unpack(place, place.part, url, official=whole)
    except (FetchError, OSError):
        place.forget_download()
        raise
    if keep:
        place.part.replace(place.downloads / (official.file if official else f"{place.dataset.name}.archive"))
    place.forget_download()


def _check_own(place: Place, archive: Path) -> None:
    """Compare a downloaded archive with the catalogue, and delete it if it is another."""
    from cnnkit.datasets.transfer import check_hash

    try:
        check_hash(archive, place.dataset.source)
    except FetchError as error:
        archive.unlink()
        raise FetchError(f"{error} It was deleted; run this again.") from None


def _unpack(place: Place, source: Path, origin: str, official: bool) -> None:
    """Unpack what lies on the disk, whole, into staging, and install it."""
    from tqdm import tqdm

    from cnnkit.datasets.archive import members
    from cnnkit.datasets.unpack import choose, take

    dataset = place.dataset
    source_members = partial(members, source, _limit(place), origin)
    bar = {"desc": f"unpacking {dataset.name}"}
    if official and dataset.manifest:
        _install(place, origin, _take_listed(place, source_members(), **bar))
        return
    looking = tqdm(source_members(), f"looking into {dataset.name}", unit="file", delay=2)
    listing = {member.path: member.size for member in looking}
    plan = choose(listing, dataset.source_folders, origin)
    require_space(place.root, sum(listing[path] for path in plan))
    take(source_members(), plan, place.staging, **bar)
    _install(place, origin)


def _take_listed(place: Place, members: Generator, **bar) -> list[str]:
    """Take the pictures that the manifest names; return the names of those that were not there."""
    from cnnkit.datasets.unpack import take

    listed = place.dataset.listed()
    plan = {file: f"{kind}/{file}" for file, kind in listed.items()}
    found = take(members, plan, place.staging, key=lambda path: path.rpartition("/")[2], **bar)
    for kind in place.dataset.classes:
        if not any(listed[file] == kind for file in found):
            raise FetchError(f"{place.dataset.source.file} holds none of the {kind} pictures that the manifest names.")
    return sorted(plan.keys() - found)


def _limit(place: Place) -> int:
    from cnnkit.datasets.archive import BOMB

    return BOMB * place.dataset.unpacked


def _install(place: Place, origin: str, missing: list[str] | None = None) -> None:
    """Install what staging holds as real, unless it says itself that it was drawn."""
    beside = place.staging / "source.json"
    if beside.exists():
        if '"kind": "synthetic"' in beside.read_text(encoding="utf-8", errors="replace"):
            raise FetchError(f"{origin} holds a synthetic set, which must not pass for real. Use --synthetic for one.")
        beside.unlink()
    dataset = place.dataset
    credit = {"licence": dataset.licence, "citation": dataset.citation}
    place.install({"kind": "real", "from": origin, **credit, "missing": missing or []})
