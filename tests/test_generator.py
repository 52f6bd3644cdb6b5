"""DataGenerator: batches that are complete, repeatable and right, from folders as they come."""

import copy
import os
import pickle
import subprocess
import sys
import tempfile
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from cnnkit import generator as module
from cnnkit.augment import Augmentation, Transform
from cnnkit.datasets import ImageFolder
from cnnkit.generator import DataGenerator
from cnnkit.images import crop_center, resize, to_gray
from cnnkit.normalize import divide_by_255, min_max, percentile, standardize

import keras  # isort: skip  # after cnnkit, which keeps TensorFlow quiet

RNG = np.random.default_rng(0)
FLOWERS = Augmentation.flowers()
LIGHT = Augmentation(brightness=0.2, noise=0.05, fraction=0.5)


def save(path, shape=(110, 120, 3), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(path, **options)
    return path


def make(place, **counts):
    for name, count in counts.items():
        for number in range(count):
            save(place / name / f"{number:03}.png")
    return ImageFolder(place)


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path / "flowers", daisy=7, rose=4)


@pytest.fixture
def mixed(tmp_path):
    """Ten roses, of which five cannot be used, and four daisies of every kind."""
    place = tmp_path / "mixed"
    save(place / "daisy" / "gray.png", (100, 100))
    save(place / "daisy" / "alpha.png", (130, 101, 4))
    save(place / "daisy" / "colour.jpg", (300, 200, 3))
    save(place / "daisy" / "two.png", (101, 102, 2))
    for number in range(5):
        save(place / "rose" / f"{number}.png")
    save(place / "rose" / "low.png", (99, 400, 3))
    save(place / "rose" / "narrow.png", (400, 99))
    for name in ("changes.png", "goes.png", "locks.png"):
        save(place / "rose" / name)
    folder = ImageFolder(place)
    data = (place / "rose" / "changes.png").read_bytes()
    (place / "rose" / "changes.png").write_bytes(data[: len(data) // 2])
    (place / "rose" / "goes.png").unlink()
    (place / "rose" / "locks.png").write_text("no longer a picture")
    return folder


def batches(generator):
    return list(generator)


def joined(generator):
    images, labels = zip(*generator, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def assert_same(one, other):
    assert len(one) == len(other)
    for (images, labels), (more_images, more_labels) in zip(one, other, strict=True):
        np.testing.assert_array_equal(images, more_images)
        np.testing.assert_array_equal(labels, more_labels)


# What a batch is.


def test_all_pictures_come_once_in_the_order_of_the_folder(folder):
    generator = DataGenerator(folder, 4, shuffle=False)
    assert (len(generator), generator.steps, generator.num_batches) == (3, 3, 3)
    assert [(images.shape, labels.shape) for images, labels in generator] == [
        ((4, 100, 100, 3), (4, 2)),
        ((4, 100, 100, 3), (4, 2)),
        ((3, 100, 100, 3), (3, 2)),
    ]
    images, labels = joined(generator)
    assert images.dtype == labels.dtype == np.float32
    for number, image in enumerate(images):
        np.testing.assert_array_equal(image, divide_by_255(crop_center(folder.read(number), (100, 100))))
    assert labels.argmax(1).tolist() == generator.labels.tolist() == folder.labels.tolist()
    assert (labels.sum(1) == 1).all()
    assert (generator.paths, generator.classes) == (folder.paths, ("daisy", "rose"))


@pytest.mark.parametrize("normalize", [divide_by_255, min_max, percentile, standardize, lambda image: image / 7.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_picture_is_normalised_by_itself(folder, normalize, channels):
    images, _ = joined(DataGenerator(folder, 4, crop=(20, 31), channels=channels, normalize=normalize, shuffle=False))
    for number, image in enumerate(images):
        picture = crop_center(folder.read(number), (20, 31))
        wanted = picture if channels == 3 else to_gray(picture)[:, :, None]
        np.testing.assert_array_equal(image, normalize(wanted).astype(np.float32))


@pytest.mark.parametrize(
    ("size", "crop"),
    [(None, (100, 100)), (None, 7), (None, (110, 120)), (40, None), ((30, 20), None), ((64, 80), 50), ((200, 9), 9)],
)
def test_a_picture_is_scaled_first_and_cut_then(folder, size, crop):
    images, _ = joined(DataGenerator(folder, size=size, crop=crop, shuffle=False))
    for number, image in enumerate(images):
        picture = folder.read(number)
        if size:
            picture = resize(picture, (size, size) if isinstance(size, int) else size)
        if crop:
            picture = crop_center(picture, (crop, crop) if isinstance(crop, int) else crop)
        np.testing.assert_array_equal(image, divide_by_255(picture))


def test_a_function_that_changes_its_input_does_no_harm_to_the_next_epoch(folder):
    def careless(image):
        image //= 2
        return image / 255.0

    generator = DataGenerator(folder, normalize=careless, shuffle=False)
    before = generator[0][0]
    before_again = before.copy()
    before += 1
    np.testing.assert_array_equal(generator[0][0], before_again)


def test_batches_are_counted_from_either_end_and_no_further(folder):
    generator = DataGenerator(folder, 4)
    np.testing.assert_array_equal(generator[-1][0], generator[2][0])
    for wrong in (3, -4):
        with pytest.raises(IndexError, match=f"the numbers 0 to 2, and there is no {wrong}"):
            generator[wrong]


def test_the_facts_are_in_its_words(folder, mixed):
    assert repr(DataGenerator(folder.subset(range(3)), augment=FLOWERS, append_augmented=True)) == (
        "DataGenerator flowers: 3 pictures (3 daisy, 0 rose) in batches of 6×100×100×3, 1 an epoch; 0.1 MB in memory"
    )
    assert repr(DataGenerator(mixed, 4)).endswith(
        "9 pictures (4 daisy, 5 rose) in batches of 4×100×100×3, 3 an epoch; 0.4 MB in memory; 5 skipped"
    )


# What cannot be used.


def test_what_cannot_be_used_is_skipped_counted_and_kept(mixed, capsys):
    present = sorted(os.listdir(mixed.path / "rose"))
    generator = DataGenerator(mixed, 4, shuffle=False)
    assert {path.name: reason for path, reason in generator.skipped} == {
        "changes.png": "truncated",
        "goes.png": "unreadable (the file has gone)",
        "locks.png": "not an image",
        "low.png": "too small (99×400 pixels; 100×100 are needed)",
        "narrow.png": "too small (400×99 pixels; 100×100 are needed)",
    }
    assert [path.name for path, _ in generator.skipped] == sorted(path.name for path, _ in generator.skipped)
    assert capsys.readouterr().out == (
        "mixed: 5 of 14 pictures skipped (2 too small, 1 truncated, 1 unreadable, 1 not an image);"
        " the files stay, see .skipped\n"
    )
    assert sorted(os.listdir(mixed.path / "rose")) == present
    images, labels = joined(generator)
    assert labels.argmax(1).tolist() == generator.labels.tolist() == [0] * 4 + [1] * 5
    for path, image in zip(generator.paths, images, strict=True):
        picture = crop_center(mixed.read(mixed.paths.index(path)), (100, 100))
        np.testing.assert_array_equal(image * 255, np.atleast_3d(picture) * np.ones(3))


def test_a_size_saves_the_small_ones_and_gray_needs_no_colour(mixed, capsys):
    generator = DataGenerator(mixed, size=(60, 50), crop=None, channels=1, normalize=min_max)
    assert generator[0][0].shape == (11, 60, 50, 1)
    assert "3 of 14 pictures skipped" in capsys.readouterr().out


def test_nothing_is_said_when_nothing_is_skipped(folder, capfd):
    assert DataGenerator(folder).skipped == []
    assert capfd.readouterr() == ("", "")


def test_no_picture_at_all_is_an_error_that_says_why(folder):
    with pytest.raises(ValueError, match=r"flowers has no usable picture: 11 of 11 pictures skipped \(11 too small\)"):
        DataGenerator(folder, crop=111)
    with pytest.raises(ValueError, match="no usable picture: it is empty"):
        DataGenerator(folder.subset([]))


# Chance, and how it is kept in check.


def test_one_seed_gives_the_same_batches_in_whatever_order_they_are_asked_for(folder):
    one, other = (DataGenerator(folder, 2, crop=30, augment=FLOWERS, seed=5) for _ in range(2))
    for _ in range(3):
        backwards = [other[index] for index in reversed(range(len(other)))][::-1]
        with ThreadPoolExecutor(4) as pool:
            at_once = list(pool.map(other.__getitem__, list(range(len(other))) * 5))
        assert_same(batches(one), backwards)
        assert_same(batches(one) * 5, at_once)
        one.on_epoch_end()
        other.on_epoch_end()


def test_each_seed_and_each_epoch_has_an_order_and_changes_of_its_own(folder):
    seen = []
    for seed in range(3):
        generator = DataGenerator(folder, 16, crop=30, augment=LIGHT, seed=seed)
        for epoch in range(3):
            assert generator.epoch == epoch
            seen.append(generator[0])
            generator.on_epoch_end()
    for number, (images, labels) in enumerate(seen):
        assert labels.sum(0).tolist() == [7, 4]
        assert not any(np.array_equal(images, others) for others, _ in seen[:number])


def test_every_batch_and_epoch_draws_its_own_changes(tmp_path):
    place = tmp_path / "same"
    for number in range(4):
        (place / "one").mkdir(parents=True, exist_ok=True)
        Image.new("L", (30, 30), 100).save(place / "one" / f"{number}.png")
    generator = DataGenerator(ImageFolder(place), 1, crop=30, augment=Augmentation(brightness=0.3), shuffle=False)
    values = set()
    for _ in range(3):
        values |= {float(images.mean()) for images, _ in generator}
        generator.on_epoch_end()
    assert len(values) == 12


def test_without_shuffling_every_epoch_is_the_same(folder):
    generator = DataGenerator(folder, 4, shuffle=False)
    before = batches(generator)
    generator.on_epoch_end()
    assert_same(batches(generator), before)


def test_a_training_is_taken_up_by_the_number_of_its_epoch(folder):
    through, later = (DataGenerator(folder, 4, crop=30, augment=FLOWERS) for _ in range(2))
    for _ in range(4):
        through.on_epoch_end()
    later.epoch = 4
    assert_same(batches(through), batches(later))
    with pytest.raises(ValueError, match="epoch is a whole number of 0 or more, not -1"):
        later.epoch = -1


def test_a_copy_has_its_own_epoch_and_shares_the_pixels(folder):
    generator = DataGenerator(folder, 4)
    before, twin = batches(generator), copy.copy(generator)
    twin.on_epoch_end()
    assert_same(batches(generator), before)
    assert np.shares_memory(twin._cache, generator._cache)


# Augmentation.


def test_augmented_pictures_take_the_place_of_the_originals(folder):
    plain = DataGenerator(folder, 4, crop=30, seed=3)
    changed = DataGenerator(folder, 4, crop=30, seed=3, augment=FLOWERS)
    for (images, labels), (others, same_labels) in zip(plain, changed, strict=True):
        np.testing.assert_array_equal(labels, same_labels)
        assert images.shape == others.shape and not np.array_equal(images, others)


def test_appended_copies_follow_the_originals(folder):
    plain = DataGenerator(folder, 4, crop=30)
    twice = DataGenerator(folder, 4, crop=30, augment=LIGHT, append_augmented=True)
    changed = DataGenerator(folder, 4, crop=30, augment=LIGHT)
    assert len(twice) == len(plain) == 3
    for (images, labels), (both, both_labels), (copies, _) in zip(plain, twice, changed, strict=True):
        np.testing.assert_array_equal(both, np.concatenate([images, copies]))
        np.testing.assert_array_equal(both_labels, np.concatenate([labels, labels]))
        assert both.dtype == both_labels.dtype == np.float32


# Ablation.


@pytest.mark.parametrize(
    ("ablation", "counts"),
    [
        (1, [1, 1]),
        (3, [3, 3]),
        (5, [5, 4]),
        (100, [7, 4]),
        (0.5, [4, 2]),
        (0.01, [1, 1]),
        (1.0, [7, 4]),
        (None, [7, 4]),
    ],
)
def test_an_ablation_takes_its_share_of_every_class(folder, ablation, counts):
    generator = DataGenerator(folder, ablation=ablation, shuffle=False)
    assert np.bincount(generator.labels).tolist() == counts
    assert generator.paths == sorted(generator.paths)
    assert generator[0][1].sum(0).tolist() == counts


def test_the_seed_chooses_and_more_contains_less(folder):
    chosen = {seed: DataGenerator(folder, crop=9, ablation=2, seed=seed).paths for seed in range(6)}
    assert chosen[1] == DataGenerator(folder, crop=9, ablation=2, seed=1).paths
    assert len(set(map(tuple, chosen.values()))) > 1
    for seed, paths in chosen.items():
        assert set(paths) < set(DataGenerator(folder, crop=9, ablation=3, seed=seed).paths)


@pytest.mark.parametrize("seed", range(5))
def test_others_are_taken_for_those_that_cannot_be_used(mixed, seed):
    generator = DataGenerator(mixed, ablation=4, seed=seed)
    assert np.bincount(generator.labels).tolist() == [4, 4]
    again = DataGenerator(mixed, ablation=4, seed=seed)
    assert (again.paths, again.skipped) == (generator.paths, generator.skipped)
    assert np.bincount(DataGenerator(mixed, ablation=8, seed=seed).labels).tolist() == [4, 5]


def test_no_file_is_decoded_twice_or_without_need(folder, monkeypatch):
    read, reads = ImageFolder.read, []
    monkeypatch.setattr(ImageFolder, "read", lambda self, index: reads.append(index) or read(self, index))
    generator = DataGenerator(folder, 4, ablation=2)
    for _ in range(3):
        batches(generator)
        generator.on_epoch_end()
    assert len(reads) == len(set(reads)) == 4


# Memory.


def test_past_the_limit_the_pixels_lie_in_a_file_that_nobody_sees(folder, monkeypatch, tmp_path):
    wanted = batches(DataGenerator(folder, 4, augment=FLOWERS))
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(module, "MEMORY_LIMIT", 11 * 30_000 - 1)
    generator = DataGenerator(folder, 4, augment=FLOWERS)
    assert "0.3 MB in a temporary file" in repr(generator)
    assert list(place.iterdir()) == []
    assert_same(batches(generator), wanted)
    assert_same(batches(pickle.loads(pickle.dumps(generator))), wanted)
    monkeypatch.setattr(module, "MEMORY_LIMIT", 11 * 30_000)
    assert repr(DataGenerator(folder, 4)).endswith("in memory")


def test_too_little_room_is_said_before_a_byte_is_written(folder, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_LIMIT", 0)
    with pytest.raises(OSError, match=r"take \d+\.\d GB, and .* GB free. Make room, set TMPDIR"):
        DataGenerator(folder, size=10**6, crop=None)


def test_an_interrupt_does_not_wait_for_the_rest(tmp_path, monkeypatch):
    folder = make(tmp_path / "many", one=30)
    reads, held = [], threading.Event()

    def slow(self, index):
        reads.append(index)
        if index == 0:
            raise KeyboardInterrupt
        held.wait(0.05)
        return np.zeros((100, 100), np.uint8)

    monkeypatch.setattr(ImageFolder, "read", slow)
    with pytest.raises(KeyboardInterrupt):
        DataGenerator(folder)
    assert len(reads) < 30


# What is refused.


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size is a whole number of 1 or more, not 0"),
        ({"batch_size": 2.5}, "batch_size is a whole number of 1 or more, not 2.5"),
        ({"seed": -1}, "seed is a whole number of 0 or more, not -1"),
        ({"seed": None}, "seed is a whole number of 0 or more, not None"),
        ({"crop": None}, "give size, crop or both"),
        ({"crop": (100, 100, 3)}, r"crop is \(rows, columns\) in pixels"),
        ({"crop": 0}, r"crop is \(rows, columns\) in pixels"),
        ({"size": "100"}, r"size is \(rows, columns\) in pixels"),
        ({"size": (90, 200)}, "no crop of 100×100 can be cut out of a size of 90×200"),
        ({"channels": 4}, r"channels is 1 \(grey\) or 3 \(colour\), not 4"),
        ({"normalize": None}, "normalize is a function"),
        ({"normalize": lambda image: image}, r"normalize is a function .* here \(100, 100, 3\), not uint8"),
        ({"normalize": lambda image: image.mean((0, 1))}, r"normalize is a function .* not float64 \(3,\)"),
        ({"augment": Transform(rotation=9)}, "augment is an Augmentation or None, not Transform"),
        ({"append_augmented": True}, "append_augmented needs something to append"),
        ({"ablation": 0}, "ablation is a number of pictures per class, .* not 0"),
        ({"ablation": True}, "ablation is a number of pictures per class, .* not True"),
        ({"ablation": 1.5}, "ablation is a number of pictures per class, .* not 1.5"),
        ({"ablation": float("nan")}, "ablation is a number of pictures per class, .* not nan"),
        ({"ablation": "10"}, "ablation is a number of pictures per class, .* not '10'"),
    ],
)
def test_nonsense_is_refused_in_one_line(folder, wrong, message):
    with pytest.raises(ValueError, match=f"^DataGenerator: .*{message}") as caught:
        DataGenerator(folder, **wrong)
    assert "\n" not in str(caught.value)


def test_a_path_is_not_a_folder_yet(folder):
    with pytest.raises(ValueError, match=r"folder is an ImageFolder, not .*ImageFolder\(path\)"):
        DataGenerator(folder.path)


# With Keras.


def network(learning_rate=0.001):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((30, 30, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.SGD(learning_rate), "categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_network_trains_evaluates_and_predicts(mixed):
    generator = DataGenerator(mixed, 4, crop=30, augment=LIGHT, append_augmented=True)
    validation = DataGenerator(mixed, 4, crop=30, shuffle=False)
    model = network()
    history = model.fit(generator, validation_data=validation, epochs=3, verbose=0).history
    assert all(np.isfinite(history[name]).all() and len(history[name]) == 3 for name in ("loss", "val_loss"))
    scores = model.predict(validation, verbose=0)
    images, _ = joined(validation)
    np.testing.assert_allclose(scores, model.predict(images, verbose=0), atol=1e-6)
    accuracy = model.evaluate(validation, verbose=0)[1]
    assert accuracy == pytest.approx((scores.argmax(1) == validation.labels).mean())


def test_the_number_of_threads_changes_nothing(folder):
    losses = []
    for workers in (1, 3):
        generator = DataGenerator(folder, 2, crop=30, augment=FLOWERS, workers=workers, max_queue_size=2)
        losses.append(network().fit(generator, epochs=3, verbose=0).history["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # sums differ in the last digit


def test_a_training_that_was_interrupted_goes_on_with_the_batches_it_would_have_had(folder):
    whole, rest = (DataGenerator(folder, 4, crop=30, augment=FLOWERS) for _ in range(2))
    losses = network(learning_rate=0.0).fit(whole, epochs=4, verbose=0).history["loss"]  # they tell only of the batches
    rest.epoch = 2
    later = network(learning_rate=0.0).fit(rest, epochs=4, initial_epoch=2, verbose=0).history["loss"]
    assert later == pytest.approx(losses[2:], rel=1e-5)  # Keras adds the batches up in another order
    assert len(set(losses)) == 4


@pytest.mark.slow
@pytest.mark.parametrize(("method", "limits"), [("fork", [0, 2**30]), ("spawn", [0])])
def test_processes_make_the_same_batches_as_threads(folder, method, limits, tmp_path):
    """In a process of its own, since Python warns (from 3.12) of forking one that has threads, as TensorFlow's has."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import multiprocessing
        import cnnkit.generator
        from cnnkit.augment import Augmentation
        from cnnkit.datasets import ImageFolder
        from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter
        import numpy as np

        def compare(limit):
            cnnkit.generator.MEMORY_LIMIT = limit
            folder = ImageFolder({str(folder.path)!r})
            make = lambda **options: cnnkit.generator.DataGenerator(
                folder, 2, crop=30, augment=Augmentation.flowers(), **options
            )
            alone, shared = make(), make(workers=2, use_multiprocessing=True)
            alone.epoch = shared.epoch = 3
            adapter = PyDatasetAdapter(shared)
            adapter.on_epoch_begin()
            made = list(adapter._get_iterator())
            adapter.on_epoch_end()
            assert len(made) == len(alone) == 6
            for one, other in zip(alone, made):
                assert all(np.array_equal(a, b) for a, b in zip(one, other))

        if __name__ == "__main__":
            multiprocessing.set_start_method({method!r})
            for limit in {limits}:
                compare(limit)
            print("the same")
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout.endswith("the same\n"), done.stderr


def test_real_films_become_batches(real_pictures):
    folder = ImageFolder(real_pictures / "cxr1024")
    generator = DataGenerator(folder, 8, size=(256, 256), crop=None, channels=1, normalize=min_max)
    images, labels = joined(generator)
    assert images.shape == (16, 256, 256, 1) and generator.skipped == []
    assert (images.min((1, 2, 3)) == 0).all() and (images.max((1, 2, 3)) == 1).all()
    assert labels.shape == (16, len(folder.classes))
