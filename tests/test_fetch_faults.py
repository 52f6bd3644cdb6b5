"""Getting data sets over a bad line, from a bad server, out of hostile archives, and killed at any moment."""

import copy
import dataclasses
import gzip
import hashlib
import io
import os
import random
import signal
import struct
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest
from conftest import ROOT
from http_faults import serving

from cnnkit.datasets import archive, synthetic, transfer
from cnnkit.datasets.catalog import CATALOG, Source
from cnnkit.datasets.fetch import FetchError, facts, fetch, install_synthetic, state, verify

RNG = random.Random(1)
FLOWERS = {f"x/{kind}/{kind}{number}.jpg": RNG.randbytes(3000) for kind in ("daisy", "roses") for number in range(20)}
FILMS = dict(list({f"images/{file}": RNG.randbytes(2000) for file in CATALOG["cxr"].listed()}.items())[:40])


def zipped(files, **options):
    with zipfile.ZipFile(whole := io.BytesIO(), "w", **options) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return whole.getvalue()


def tarred(files, mode="w:gz", **options):
    """Pack (name or TarInfo) -> bytes."""
    with tarfile.open(fileobj=(whole := io.BytesIO()), mode=mode, **options) as packed:
        for name, content in files.items():
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = info.size or len(content)
            packed.addfile(info, io.BytesIO(content))
    return whole.getvalue()


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Do not wait long between tries, and ask no proxy for what is on this machine."""
    monkeypatch.setattr(transfer, "BACKOFF", 0.002)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def scribble(name, target, seed=0, progress=True):
        for kind in CATALOG[name].classes:
            (target / kind).mkdir()
            (target / kind / "1.png").write_bytes(b"drawn")

    monkeypatch.setattr(synthetic, "draw", scribble)


def publish(monkeypatch, name, server, body):
    """Make the catalogue say that `body` is what is published at the server's address."""
    digest = hashlib.new(CATALOG[name].source.hash.partition(":")[0], body)
    source = Source(server.url, len(body), f"{digest.name}:{digest.hexdigest()}")
    monkeypatch.setitem(CATALOG, name, dataclasses.replace(CATALOG[name], source=source))


def is_complete(name, data, files):
    """Return whether a set is there with just these files, and nothing beside it."""
    here = {path.name: path.read_bytes() for kind in CATALOG[name].classes for path in (data / name / kind).iterdir()}
    wanted = {name.rpartition("/")[2]: content for name, content in files.items()}
    return here == wanted and verify(name, data) == [] and os.listdir(data) == [name]


def refused(match, *arguments, **options):
    with pytest.raises(FetchError, match=match) as caught:
        fetch(*arguments, **options)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- bad lines and bad servers

FORGIVEN = {
    "a good server": {},
    "cut again and again": {"cut": 9_000},  # more often than there are tries
    "cut, and no Range": {"cut": 30_000, "cuts": 3, "ranges": False},
    "cut, and no ETag": {"cut": 30_000, "etag": ""},
    "cut, and a weak ETag": {"cut": 30_000, "etag": 'W/"one"'},
    "cut before the first byte": {"cut": -(10**9), "cuts": 4},
    "overloaded at first": {"statuses": [503, 429, 500]},
    "moved": {"statuses": [302], "location": "/elsewhere.zip"},
    "no length": {"says_length": False},
    "no length at first": {"cut": 30_000, "cuts": 1, "chunked": True},
}


@pytest.mark.parametrize("route", ["flowers by address", "flowers published", "cxr published", "cxr kept"])
@pytest.mark.parametrize("fault", FORGIVEN)
def test_a_bad_line_delays_but_does_not_harm(data, monkeypatch, fault, route, capsys):
    name, way = route.split(" ", 1)
    body, files = (zipped(FLOWERS), FLOWERS) if name == "flowers" else (tarred(FILMS), FILMS)
    with serving(body, **copy.deepcopy(FORGIVEN[fault])) as server:
        if way != "by address":
            publish(monkeypatch, name, server, body)
        fetch(name, server.url if way == "by address" else None, data, keep_archive=way == "kept")
    if way == "kept":
        assert (data / ".downloads/archive.zip").read_bytes() == body
        fetched_again_offline = data.with_name("again")
        fetched_again_offline.mkdir()
        (data / ".downloads").rename(fetched_again_offline / ".downloads")
        assert fetch(name, None, fetched_again_offline, offline=True).images == len(files)
    assert is_complete(name, data, files)
    assert "another" not in capsys.readouterr().err


def test_a_cut_download_goes_on_with_the_next_call(data, monkeypatch):
    with serving(zipped(FLOWERS), cut=30_000, cuts=1) as server:
        monkeypatch.setattr(transfer, "TRIES", 0)
        refused(r"stopped after 30,000 bytes.*Run this again", "flowers", server.url, data)
        assert (data / ".downloads/flowers.part").stat().st_size == 30_000 and not (data / "flowers").exists()
        fetch("flowers", server.url, data)
        assert server.requests == ["", "bytes=30000-"]
    assert is_complete("flowers", data, FLOWERS)


@pytest.mark.parametrize("change", ["etag", "length", "address"])
def test_two_versions_of_a_file_are_never_mixed(data, monkeypatch, change):
    monkeypatch.setattr(transfer, "TRIES", 0)
    with serving(zipped({name: bytes(3000) for name in FLOWERS}), cut=50_000, cuts=1) as server:
        refused("stopped", "flowers", server.url, data)
        new = FLOWERS | ({"x/daisy/more.jpg": b"x"} if change == "length" else {})
        server.body = zipped(new)
        server.etag = '"two"' if change == "etag" else server.etag
        monkeypatch.setattr(transfer, "TRIES", 3)
        fetch("flowers", server.url + ("?" if change == "address" else ""), data)
    assert is_complete("flowers", data, new)


REFUSED = {
    "cut for ever": ({"cut": 9000, "ranges": False}, r"stopped after 9,000 bytes"),
    "down": ({"statuses": [503] * 99}, r"No connection to http.*503"),
    "gone": ({"statuses": [404]}, r"answered 404 Not Found.*--source FILE"),
    "a circle": ({"statuses": [302] * 99, "location": "/b"}, r"leads nowhere .*redirects"),
    "leads to a file": ({"statuses": [302], "location": "file:///etc/passwd"}, r"leads nowhere"),
    "a log-in page": ({"content_type": "text/html; charset=utf-8"}, r"is a web page"),
    "the wrong piece": ({"cut": 9000, "shift": -50}, r"stopped after 9,000 bytes"),
}


@pytest.mark.parametrize("name", ["flowers", "cxr"])
@pytest.mark.parametrize("fault", REFUSED)
def test_a_hopeless_server_is_given_up_in_one_line(data, monkeypatch, fault, name):
    knobs, message = REFUSED[fault]
    body = tarred(FILMS) if name == "cxr" else zipped(FLOWERS)
    install_synthetic(name, data)
    with serving(body, **copy.deepcopy(knobs)) as server:
        publish(monkeypatch, name, server, body)
        refused(message, name, None, data)
        assert len(server.requests) < 30
    assert state(name, data).kind == "synthetic" and set(os.listdir(data)) <= {name, ".downloads"}
    assert not (data / ".downloads").exists() or (data / ".downloads" / f"{name}.part").stat().st_size == 9000


@pytest.mark.parametrize("name", ["flowers", "cxr"])
@pytest.mark.parametrize("length", [-5000, 5000])
def test_a_server_that_offers_another_length_than_published_is_refused(data, monkeypatch, name, length):
    body = tarred(FILMS) if name == "cxr" else zipped(FLOWERS)
    with serving(body, length=length) as server:
        publish(monkeypatch, name, server, body)
        refused(r"offers [\d,]+ bytes, where [\d,]+ were expected", name, None, data)
    assert not data.exists()


def test_a_server_that_lies_about_an_unpublished_length_is_refused(data, monkeypatch):
    with serving(zipped(FLOWERS), length=-5000) as server:
        refused("truncated or damaged", "flowers", server.url, data)
        assert not data.exists()
        server.length = 5000
        refused("stopped after", "flowers", server.url, data.with_name("other"))
    with serving(zipped(FLOWERS)[:-5000], says_length=False) as server:
        refused("truncated or damaged", "flowers", server.url, data)
    assert not data.exists()


@pytest.mark.parametrize("name", ["flowers", "cxr"])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("position", [0.3, 0.7, -1])
def test_wrong_bytes_are_refused_before_anything_is_taken(data, monkeypatch, name, keep, position):
    body = tarred(FILMS) if name == "cxr" else zipped(FLOWERS)
    wrong = bytearray(body)
    wrong[int(position * len(body)) if position > 0 else position] ^= 1
    with serving(bytes(wrong)) as server:
        publish(monkeypatch, name, server, body)
        refused(
            r"damaged|is not what was published: .* bytes, (sha256|md5) \w+, where .* were expected",
            name,
            None,
            data,
            keep_archive=keep,
        )
    assert not data.exists()


def test_a_hash_mismatch_names_file_hashes_and_remedy(data, monkeypatch, tmp_path):
    body, wrong = zipped(FLOWERS), zipped(FLOWERS | {"x/daisy/daisy1.jpg": bytes(3000)})
    with serving(wrong) as server:
        publish(monkeypatch, "flowers", server, body)
        found, wanted = (hashlib.sha256(content).hexdigest() for content in (wrong, body))
        refused(rf"flowers\.part .*sha256 {found}.*sha256 {wanted}.*deleted; run this again", "flowers", None, data)
        assert not data.exists()
        (own := tmp_path / "own.zip").write_bytes(wrong)
        refused(r"own\.zip is not what was published", "flowers", own, data)
    assert own.read_bytes() == wrong  # what is the user's stays


def test_a_sound_archive_that_is_not_the_published_one_is_refused_from_the_line(data, monkeypatch):
    with serving(body := tarred(FILMS)) as server:
        publish(monkeypatch, "cxr", server, body)
        other = dataclasses.replace(CATALOG["cxr"].source, hash="md5:" + "0" * 32)
        monkeypatch.setitem(CATALOG, "cxr", dataclasses.replace(CATALOG["cxr"], source=other))
        refused(r"http.* is not what was published: .* md5 \w+, where .* md5 0{32} were expected", "cxr", None, data)
    assert not data.exists()


def test_a_kept_archive_that_has_been_damaged_is_refused_and_deleted(data, monkeypatch):
    body = zipped(FLOWERS)
    with serving(body) as server:
        publish(monkeypatch, "flowers", server, body)
    kept = data / ".downloads/archive.zip"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(body[:-1] + b"?")
    refused("is not what was published", "flowers", None, data, offline=True)
    assert not kept.exists()


def test_no_network_says_what_to_do_instead(data):
    with serving(b"") as server:
        gone = server.url
    refused(r"No connection to http.*--synthetic.*--source FILE", "flowers", gone, data)
    for address in ("ftp://127.0.0.1/a.zip", "http://", "http://[::1", "http://127.0.0.1:99999/a"):
        refused("leads nowhere|No connection", "flowers", address, data)
    refused(r"one part of several", "flowers", "http://127.0.0.1/a.zip.001", data)
    assert not data.exists()


def test_films_that_the_archive_does_not_hold_are_named(data, monkeypatch):
    body = tarred(FILMS)
    with serving(body) as server:
        publish(monkeypatch, "cxr", server, body)
        fetch("cxr", None, data)
        assert set(facts("cxr", data)["missing"]) == CATALOG["cxr"].listed().keys() - {n[7:] for n in FILMS}
        server.body = body = tarred(dict(list(FILMS.items())[:3]))  # no effusion among them
        publish(monkeypatch, "cxr", server, body)
        refused("none of the effusion pictures", "cxr", None, data.with_name("other"))


def test_the_publishers_archive_may_come_from_a_friend(data, monkeypatch, tmp_path):
    (tmp_path / "images.tar.gz").write_bytes(body := tarred(FILMS))
    with serving(b"") as server:
        publish(monkeypatch, "cxr", server, body)
        fetch("cxr", tmp_path / "images.tar.gz", data, offline=True)
        assert is_complete("cxr", data, FILMS) and server.requests == []


def test_only_listed_films_touch_the_disk(data, monkeypatch):
    body = tarred(FILMS | {"images/99999999_000.png": b"x", "README": b"x"})
    with serving(body) as server:
        publish(monkeypatch, "cxr", server, body)
        assert fetch("cxr", None, data).images == len(FILMS)
    assert is_complete("cxr", data, FILMS)


# ---------------------------------------------------------------- hostile archives

GOOD = {"daisy/1.jpg": b"d", "rose/1.jpg": b"r"}


def member(name, kind=tarfile.REGTYPE, **facts_):
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in facts_.items():
        setattr(info, key, value)
    return info


def zip_member(name, mode):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def encrypted():
    packed = bytearray(zipped(GOOD))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        packed[packed.index(mark) + offset] |= 1
    return bytes(packed)


def twice():
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(whole := io.BytesIO(), "w") as packed:
        for name in (*GOOD, "rose/1.jpg"):
            packed.writestr(name, b"x")
    return whole.getvalue()


def saying_less():
    """Make a zip whose directory says that its first picture has 10 bytes; it really unpacks to 64 MB."""
    packed = bytearray(zipped({"daisy/1.jpg": bytes(64 << 20), "rose/1.jpg": b"r"}, compression=zipfile.ZIP_DEFLATED))
    struct.pack_into("<I", packed, packed.index(b"PK\1\2") + 24, 10)
    return bytes(packed)


def long_header():
    """Make a tar whose header claims a name of 8 GB, of which it holds a lot."""
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    return gzip.compress(head.tobuf(tarfile.GNU_FORMAT) + b"a" * (32 << 20), 1)


def chained_headers():
    return tarfile.TarInfo("g").create_pax_global_header({"comment": "x"}) * 5000 + tarred(GOOD, "w:")


def hoarded_headers():
    """Make a tar in which each member brings a header more that holds for all that follow."""
    headers = [tarfile.TarInfo("g").create_pax_global_header({f"key{number}": "x"}) for number in range(101)]
    one = tarred({"a": b""}, "w:")[:512]
    return b"".join(header + one for header in headers) + tarred(GOOD, "w:")


def broken_header():
    """Make a tar with a header that is not one after the first picture; tarfile takes it for the end."""
    whole = bytearray(tarred(GOOD, "w:"))
    whole[1024 + 148 : 1024 + 154] = b"999999"
    return bytes(whole)


HOSTILE = {
    "tar ../": (lambda: tarred(GOOD | {"daisy/../../../evil.jpg": b"x"}), "would land outside"),
    "tar ..\\": (lambda: tarred(GOOD | {"daisy\\..\\..\\evil.jpg": b"x"}), "would land outside"),
    "tar absolute": (lambda: tarred(GOOD | {"/tmp/daisy/evil.jpg": b"x"}), "would land outside"),
    "tar drive": (lambda: tarred(GOOD | {"C:/daisy/evil.jpg": b"x"}), "would land outside"),
    "tar symlink": (
        lambda: tarred(GOOD | {member("daisy/2.jpg", tarfile.SYMTYPE, linkname="/etc/passwd"): b""}),
        "link",
    ),
    "tar hard link": (lambda: tarred(GOOD | {member("daisy/2.jpg", tarfile.LNKTYPE, linkname="../x"): b""}), "link"),
    "tar linked folder": (lambda: tarred({member("daisy", tarfile.SYMTYPE, linkname="/tmp"): b""} | GOOD), "link"),
    "tar device": (lambda: tarred(GOOD | {member("daisy/2.jpg", tarfile.CHRTYPE): b""}), "link or a device"),
    "tar pipe": (lambda: tarred(GOOD | {member("daisy/2.jpg", tarfile.FIFOTYPE): b""}), "link or a device"),
    "tar sparse": (lambda: tarred(GOOD | {member("daisy/2.jpg", tarfile.GNUTYPE_SPARSE): b""}), "link|damaged"),
    "tar twice": (lambda: tarred(GOOD | {member("rose/1.jpg"): b"x"}), "second file of this name"),
    "tar long header": (long_header, "bytes of header"),
    "tar chained headers": (chained_headers, "damaged|header"),
    "tar hoarded headers": (hoarded_headers, "unpacks to more than"),
    "tar broken header": (broken_header, "truncated or damaged"),
    "tar cut": (lambda: tarred(GOOD, "w:")[:1024], "truncated or damaged"),
    "tar.gz cut": (lambda: tarred(GOOD)[:-20], "truncated or damaged"),
    "tar.gz and more": (lambda: tarred(GOOD) + b"more", "damaged"),
    "tar.gz wrong sum": (lambda: tarred(GOOD)[:-8] + bytes(8), "damaged"),
    "gz of no tar": (lambda: gzip.compress(b"hello" * 1000), "not an archive that the kit can read"),
    "tar.bz2": (lambda: tarred(GOOD, "w:bz2"), "not an archive that the kit can read"),
    "empty": (lambda: b"", "not an archive"),
    "text": (lambda: b"<!doctype html>" * 99, "not an archive"),
    "zip ../": (lambda: zipped(GOOD | {"../evil.jpg": b"x"}), "would land outside"),
    "zip ..\\": (lambda: zipped(GOOD | {"daisy\\..\\..\\evil.jpg": b"x"}), "would land outside"),
    "zip absolute": (lambda: zipped(GOOD | {"/daisy/evil.jpg": b"x"}), "would land outside"),
    "zip drive": (lambda: zipped(GOOD | {"daisy/d:evil.jpg": b"x"}), "would land outside"),
    "zip symlink": (lambda: zipped(GOOD | {zip_member("daisy/2.jpg", 0o120777): b"/etc/passwd"}), "is a link"),
    "zip device": (lambda: zipped(GOOD | {zip_member("daisy/2.jpg", 0o020666): b""}), "link or a device"),
    "zip encrypted": (encrypted, "encrypted; unpack it yourself"),
    "zip twice": (twice, "rose/1.jpg twice"),
    "zip lzma": (lambda: zipped(GOOD, compression=zipfile.ZIP_LZMA), "uncommon way"),
    "zip cut": (lambda: zipped(FLOWERS)[:-2000], "truncated or damaged"),
    "zip without its end": (lambda: zipped(GOOD)[:-10], "truncated or damaged"),
    "zip wrong sum": (lambda: zipped(GOOD).replace(b"daisy/1.jpgd", b"daisy/1.jpge"), "truncated or damaged"),
    "zip says less": (saying_less, "truncated or damaged"),
    "zip of nothing": (lambda: zipped({}), "no folder daisy"),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(tmp_path, data, attack):
    make, message = HOSTILE[attack]
    source = tmp_path / ("a.zip" if attack.startswith("zip") else "a.tar")
    source.write_bytes(make())
    refused(message, "flowers", source, data)
    assert sorted(os.listdir(tmp_path)) == [source.name]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bomb_is_refused_by_what_comes_out_of_it(tmp_path, data, monkeypatch, pack):
    monkeypatch.setitem(CATALOG, "flowers", dataclasses.replace(CATALOG["flowers"], unpacked=50_000))
    options = {"compression": zipfile.ZIP_DEFLATED} if pack is zipped else {}
    (tmp_path / "bomb").write_bytes(pack(GOOD | {"daisy/2.jpg": bytes(1_100_000)}, **options))
    refused(r"unpacks to more than 1,000,000 bytes, 20 times the published set", "flowers", tmp_path / "bomb", data)
    assert not data.exists()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_too_many_members_are_refused(tmp_path, data, monkeypatch, pack):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 50)
    (tmp_path / "a").write_bytes(pack({f"daisy/{number}.jpg": b"" for number in range(51)}))
    refused("unpacks to more than 50 files", "flowers", tmp_path / "a", data)


def test_one_picture_that_unpacks_to_a_bomb_is_refused(tmp_path, data):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (GOOD | {"daisy/2.jpg": bytes(60_000_000)}).items():
            archive.writestr(name, content)
    refused(r"daisy/2.jpg unpacks to more than 50,000,000 bytes", "flowers", tmp_path / "bomb.zip", data)


def test_a_line_that_sends_a_bomb_for_the_big_archive_is_refused(data, monkeypatch):
    body = tarred(FILMS | {"images/big": bytes(9_000_000)})
    monkeypatch.setitem(CATALOG, "cxr", dataclasses.replace(CATALOG["cxr"], unpacked=100_000))
    with serving(body) as server:
        publish(monkeypatch, "cxr", server, body)
        refused("unpacks to more than 2,000,000 bytes", "cxr", None, data)
    assert not data.exists()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda parts: parts[1].unlink(), r"a\.zip\.002 is missing; the 4 parts"),
        (lambda parts: parts[0].unlink(), r"no file or folder .*a\.zip\.001"),
        (lambda parts: parts[3].unlink(), r"last part found is a\.zip\.003: it is truncated, or the parts after it"),
        (lambda parts: parts[3].write_bytes(parts[3].read_bytes()[:-30]), r"last part found is a\.zip\.004"),
        (lambda parts: parts[1].write_bytes(parts[1].read_bytes()[:-30]), r"part a\.zip\.002 has not the size"),
    ],
)
def test_a_missing_or_truncated_part_is_named(tmp_path, data, harm, message):
    whole = zipped(FLOWERS)
    parts = [tmp_path / f"a.zip.{number:03}" for number in range(1, 5)]
    for part, start in zip(parts, range(0, len(whole), -(-len(whole) // 4)), strict=True):
        part.write_bytes(whole[start : start + -(-len(whole) // 4)])
    refused(r"not the first part; give --source a\.zip\.001", "flowers", parts[2], data)
    harm(parts)
    refused(message, "flowers", parts[0], data)
    assert not data.exists()


def test_a_split_zip_of_the_old_kind_is_explained(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(zipped(GOOD)[40:])
    (tmp_path / "a.z01").write_bytes(zipped(GOOD)[:40])
    refused("join it first: zip -s 0|not an archive", "flowers", tmp_path / "a.zip", data)
    refused("join it first: zip -s 0", "flowers", tmp_path / "a.z01", data)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_archive_never_ends_in_a_traceback(tmp_path, data, seed):
    rng = random.Random(seed)
    files = dict(list(FLOWERS.items())[::5])
    body = bytearray(rng.choice([zipped, tarred, lambda files: tarred(files, "w:")])(files))
    for _ in range(rng.choice([1, 5, 50])):
        body[rng.randrange(len(body))] = rng.randrange(256)
    (tmp_path / "a").write_bytes(body[: rng.choice([len(body), rng.randrange(len(body))])])
    try:
        fetch("flowers", tmp_path / "a", data)
    except FetchError as error:
        assert "\n" not in str(error) and not data.exists()
    else:  # what was hit does not matter, such as a date; or a byte of a picture in a tar, which has no checksum
        assert state("flowers", data).images == len(files) and verify("flowers", data) == []


# ---------------------------------------------------------------- killed

EVERY_STEP = """
import os, signal, sys
from pathlib import Path
import concurrent.futures.thread, hashlib, shutil
from tqdm import tqdm
from cnnkit.datasets import fetch, synthetic, unpack

source, root = sys.argv[1], Path(sys.argv[2])

def scribble(name, target, seed=0, progress=True):
    for kind in ("daisy", "rose"):
        (target / kind).mkdir()
        (target / kind / "1.png").write_bytes(b"drawn")

def killed_at(step, data):
    # Fetch in a child that is killed when it is about to touch the disk for the step-th time.
    if child := os.fork():
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    left = [step]
    def count(event, arguments):
        if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    fetch.fetch("flowers", source, data)
    os._exit(0)

synthetic.draw = scribble
tqdm.monitor_interval = 0  # or it starts a thread, and a process with threads should not fork
for replacing in (False, True):
    step, killed, kinds = 0, True, set()
    while killed:
        step += 1
        data = root / f"{replacing}-{step}"
        if replacing:
            fetch.install_synthetic("flowers", data)
        killed = killed_at(step, data)
        found = fetch.state("flowers", data)
        kinds.add(found.kind)
        assert found.kind == "absent" or fetch.verify("flowers", data) == [], step
        assert found.images == {"absent": 0, "synthetic": 2, "real": 6}[found.kind], (step, found)
        assert fetch.fetch("flowers", source, data).images == 6 and fetch.verify("flowers", data) == [], step
        assert os.listdir(data) == ["flowers"], (step, os.listdir(data))
    print(step, *sorted(kinds))
"""


def test_killed_at_every_single_step_nothing_is_lost_or_half_taken(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(dict(list(FLOWERS.items())[17:23])))
    command = [sys.executable, "-c", EVERY_STEP, tmp_path / "a.zip", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    absent, replaced = (line.split() for line in done.stdout.splitlines())
    assert int(absent[0]) > 30 and absent[1:] == ["absent", "real"]
    assert int(replaced[0]) > 30 and replaced[1:] == ["real", "synthetic"]  # and never absent


# The command line, with another address, size and hash in the catalogue.
PUBLISHED = """
import dataclasses, sys
import data_fetch
from cnnkit.datasets.catalog import CATALOG, Source
name, url, size, digest, *arguments = sys.argv[1:]
CATALOG[name] = dataclasses.replace(CATALOG[name], source=Source(url, int(size), digest))
sys.exit(data_fetch.main([name, *arguments]))
"""


def commands(name, server, body, data):
    """Return the ways of fetching from a server: its address given, published, published and kept."""
    kind = CATALOG[name].source.hash.partition(":")[0]
    digest = f"{kind}:{hashlib.new(kind, body).hexdigest()}"
    published = [sys.executable, "-c", PUBLISHED, name, server.url, str(len(body)), digest, "--data", str(data)]
    return {
        "address": [sys.executable, "data_fetch.py", name, "--source", server.url, "--data", str(data)],
        "published": published,
        "kept": [*published, "--keep-archive"],
    }


@pytest.mark.slow
@pytest.mark.parametrize(("name", "way"), [("flowers", "address"), ("cxr", "published"), ("cxr", "kept")])
def test_killed_at_random_moments_nothing_is_lost_or_half_taken(tmp_path, name, way):
    rng = random.Random(f"{name} {way}")
    body, files = (zipped(FLOWERS), FLOWERS) if name == "flowers" else (tarred(FILMS), FILMS)
    images, moments = {"absent": 0, "synthetic": 2, "real": len(files)}, set()
    with serving(body, pause=0.01) as server:
        for kill in range(17):  # times three is more than fifty
            data = tmp_path / f"{kill}"
            if before := kill % 3:
                install_synthetic(name, data)
            command = commands(name, server, body, data)[way]
            moments.add(kill_in_the_middle(command, server, rng))
            found = state(name, data)
            assert found.kind != "absent" or not before
            assert found.images == images[found.kind] and (found.kind == "absent" or verify(name, data) == [])
            assert {entry for entry in (os.listdir(data) if data.exists() else ()) if entry[0] != "."} <= {name}
            if kill % 4 == 3:  # killed twice
                kill_in_the_middle(command, server, rng)
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
            assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
            assert state(name, data).images == len(files) and verify(name, data) == []
            assert set(os.listdir(data)) <= {name, ".downloads"}
            assert not list(data.glob(".downloads/*.part"))
    assert "during" in moments


def kill_in_the_middle(command, server, rng):
    """Start a fetch and kill it a random moment after its first request, or before; say which."""
    asked = len(server.requests)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    end = time.monotonic() + (rng.uniform(0, 0.5) if rng.random() < 0.2 else 20)
    while len(server.requests) == asked and time.monotonic() < end and process.poll() is None:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.25) if len(server.requests) > asked else 0)
    process.send_signal(signal.SIGKILL)
    return "after" if process.wait() == 0 else "during" if len(server.requests) > asked else "before"
