"""ImageFolder: what is in a class-per-folder directory, what cannot be used and why, and splits that are fair."""

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnnkit.datasets import ImageFolder, patient

RNG = np.random.default_rng(0)


def save(path, rows=20, columns=30, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (rows, columns, 3), dtype=np.uint8)).save(path, **options)
    return path


@pytest.fixture
def flowers(tmp_path):
    for name, count in (("rose", 6), ("daisy", 4)):
        for number in range(count):
            save(tmp_path / "flowers" / name / f"{number}.png")
    return tmp_path / "flowers"


def test_the_index_is_sorted_and_labelled_by_class(flowers):
    folder = ImageFolder(flowers)
    assert folder.classes == ("daisy", "rose")
    assert [path.parent.name for path in folder.paths] == ["daisy"] * 4 + ["rose"] * 6
    assert folder.labels.tolist() == [0] * 4 + [1] * 6
    assert len(folder) == 10 and folder.skipped == []
    assert repr(folder) == "ImageFolder flowers: 10 pictures (4 daisy, 6 rose)"
    assert folder.read(3).shape == (20, 30, 3)


def test_the_order_of_classes_is_the_callers(flowers):
    folder = ImageFolder(flowers, classes=["rose", "daisy"])
    assert folder.labels.tolist() == [0] * 6 + [1] * 4
    assert len(ImageFolder(flowers, classes=["rose"])) == 6


def test_what_cannot_be_used_is_listed_with_its_reason_and_kept(flowers, capsys):
    daisy = flowers / "daisy"
    whole = save(daisy / "whole.jpg", 60, 60).read_bytes()
    (daisy / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (daisy / "notes.txt").write_text("remember the milk")
    (daisy / "empty.png").touch()
    (daisy / "folder").mkdir()
    os.mkfifo(daisy / "pipe")
    (daisy / "gone.png").symlink_to(flowers / "nowhere.png")
    save(daisy / "icon.png", 8, 200)
    (daisy / ".DS_Store").write_bytes(b"x")
    damaged = bytearray((daisy / "0.png").read_bytes())
    damaged[60] ^= 255
    (daisy / "0.png").write_bytes(damaged)

    folder = ImageFolder(flowers)

    reasons = {path.name: reason for path, reason in folder.skipped}
    assert reasons.pop("0.png").startswith("corrupt")
    assert reasons == {
        "half.jpg": "truncated",
        "notes.txt": "not an image",
        "empty.png": "truncated (an empty file)",
        "folder": "not an image (no ordinary file)",
        "pipe": "not an image (no ordinary file)",
        "gone.png": "unreadable (a link to nothing)",
        "icon.png": "too small (8×200 pixels; 16 are needed)",
    }
    assert capsys.readouterr().out.count("\n") == 1
    assert len(folder) == 10  # nine of the ten, and whole.jpg
    assert all(os.path.lexists(path) for path, _ in folder.skipped)


def test_a_file_that_changes_is_looked_at_again(flowers):
    assert len(ImageFolder(flowers)) == 10
    (flowers / "rose" / "0.png").write_text("no longer a picture")
    assert len(ImageFolder(flowers)) == 9
    save(flowers / "rose" / "0.png")
    assert len(ImageFolder(flowers)) == 10


def test_a_damaged_cache_only_costs_a_second_look(flowers, tmp_path):
    ImageFolder(flowers)
    cache = os.environ["XDG_CACHE_HOME"]
    caches = [os.path.join(top, name) for top, _, names in os.walk(cache) for name in names]
    assert caches
    for content in ("{", "[]", "null", "[[1, 2]]", '{"rose/0.png": 3}'):
        for path in caches:
            with open(path, "w") as file:
                file.write(content)
        assert len(ImageFolder(flowers)) == 10


def test_two_hundred_damaged_files_do_no_harm(tmp_path):
    """Bytes of good pictures of many formats, changed or cut at random: an array or a reason, never a traceback."""
    place = tmp_path / "fuzz" / "rose"
    good = [
        save(place / f"good.{ending}", 40, 50).read_bytes() for ending in ("png", "jpg", "gif", "bmp", "tiff", "webp")
    ]
    for number in range(200):
        data = bytearray(good[number % len(good)])
        for _ in range(RNG.integers(1, 30)):
            data[RNG.integers(len(data))] = RNG.integers(256)
        (place / f"{number:03}.img").write_bytes(data[: RNG.integers(1, len(data) + 1)])
    folder = ImageFolder(tmp_path / "fuzz")
    assert len(folder) + len(folder.skipped) == 206
    assert len(folder.skipped) > 100
    for index in range(len(folder)):
        assert folder.read(index).dtype == np.uint8


def test_missing_folders_and_classes_are_named(flowers, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*data_fetch.py"):
        ImageFolder(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="named tulip; it has daisy, rose"):
        ImageFolder(flowers, classes=["tulip"])
    with pytest.raises(ValueError, match="list of names"):
        ImageFolder(flowers, classes="rose")
    with pytest.raises(FileNotFoundError, match="it has none"):
        ImageFolder(flowers / "rose")
    (tmp_path / "bare" / "rose").mkdir(parents=True)
    with pytest.raises(ValueError, match="no usable picture: it is empty"):
        ImageFolder(tmp_path / "bare")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Pictures of 40 patients, one to four each, one in four of them ill."""
    place = tmp_path_factory.mktemp("films")
    for number in range(40):
        for visit in range(1 + number % 4):
            name = "effusion" if number % 8 in (1, 6) else "nofinding"
            save(place / name / f"{number:08}_{visit:03}.png", 16, 16)
    return place


@settings(deadline=None, max_examples=40)
@given(st.floats(0.05, 0.95), st.integers(0, 1000))
def test_a_split_is_complete_stratified_and_repeatable(many, validation, seed):
    folder = ImageFolder(many)
    training, held_out = folder.split(validation, seed)
    assert sorted(training.paths + held_out.paths) == sorted(folder.paths)
    for label, count in Counter(folder.labels.tolist()).items():
        assert abs((held_out.labels == label).sum() - validation * count) <= 1
        assert (training.labels == label).any() and (held_out.labels == label).any()
    again = folder.split(validation, seed)[1]
    assert again.paths == held_out.paths and again.labels.tolist() == held_out.labels.tolist()
    assert [path.parent.name for path in held_out.paths] == [held_out.classes[label] for label in held_out.labels]


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_stands_on_both_sides(many, seed):
    folder = ImageFolder(many)
    keys = [path.name[:8] for path in folder.paths]
    splits = [folder.split(0.25, seed, group=group) for group in ("patient", patient, keys)]
    for training, held_out in splits:
        assert not {path.name[:8] for path in training.paths} & {path.name[:8] for path in held_out.paths}
        assert held_out.paths == splits[0][1].paths
        for label in (0, 1):
            share = (held_out.labels == label).sum() / (folder.labels == label).sum()
            assert 0.15 <= share <= 0.35


def test_different_seeds_give_different_splits(many):
    folder = ImageFolder(many)
    assert folder.split(seed=1)[1].paths != folder.split(seed=2)[1].paths


def test_impossible_splits_are_refused(many):
    folder = ImageFolder(many)
    with pytest.raises(ValueError, match="share between 0 and 1"):
        folder.split(20)
    with pytest.raises(ValueError, match="keys, one per picture"):
        folder.split(group=["a", "b"])
    with pytest.raises(ValueError, match="too few to split"):
        folder.split(group=lambda path: "everyone")
    with pytest.raises(ValueError, match="too few to split"):
        folder.subset([0]).split()


def test_real_films_and_photographs_are_all_usable(real_pictures):
    assert ImageFolder(real_pictures / "cxr1024").skipped == []
    assert len(ImageFolder(real_pictures / "cxr256")) == 886
