"""What lessons, exercises and final runs call of the package: many calls by name, on pictures and files of all kinds.

test_results.py compares what they give, and test_speed.py how long they take; both are part of `make notebooks`.
"""

import base64
import contextlib
import dataclasses
import functools
import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from explorer_page import EXPLORERS, make
from PIL import Image

ROWS, COLUMNS = np.mgrid[:240, :320]
NOISE = np.random.default_rng(1).integers(0, 20, (240, 320))
# No axis and no channel of it is like another.
PHOTO = np.stack(
    [
        200 * (ROWS / 239) ** 2 + NOISE,
        160 * (COLUMNS / 319) ** 3 + NOISE,
        120 + 90 * np.sin(COLUMNS / 17) * np.cos(ROWS / 11) + NOISE,
    ],
    axis=2,
).astype(np.uint8)
FILM = PHOTO[:, :, 2].copy()
MASK = FILM > 100
BATCH = np.stack([PHOTO[5 * k : 5 * k + 64, 7 * k : 7 * k + 80] / 255 for k in range(32)]).astype(np.float32)
LABELS = np.arange(200) % 5 == 0
SCORES, OTHERS = np.random.default_rng(3).random((2, 200)) * 0.6 + 0.3 * LABELS
KINDS = {
    "colour": PHOTO[:90, :120],
    "grey": FILM[100:190, :120],
    "mask": MASK[100:190, :120],
    "floats": PHOTO[:90, :120] / 300,
    "16 bits": FILM[100:190, :120].astype(np.int16) * 40 - 1000,
    "corner": PHOTO[:5, :7],
    "flat": np.full((9, 8), 7, np.uint8),
}


@functools.cache
def folder(place: Path):
    """A folder of forty small pictures, and what reads it."""
    from cnnkit.datasets import ImageFolder

    for kind in ("daisy", "rose"):
        (place / "flowers" / kind).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(PHOTO[:120, :150]).save(place / "flowers" / kind / f"{number}.jpg")
    return ImageFolder(place / "flowers")


def answered(call: Callable) -> object:
    """Return what a call gives, or that it refuses."""
    try:
        return call()
    except (ValueError, TypeError) as error:
        return type(error).__name__


def lesson_calls(place: Path) -> dict[str, Callable]:
    """What lessons and sliders call often."""
    from cnnkit import evaluate, images, morphology, normalize, plots
    from cnnkit.augment import Augmentation, Transform
    from cnnkit.checks import check
    from cnnkit.datasets import ImageFolder
    from cnnkit.datasets.draw_flowers import draw_daisy_in_grass
    from cnnkit.explore import MorphologyExplorer, NormalizationExplorer, PoolingExplorer
    from cnnkit.generator import DataGenerator
    from cnnkit.losses import WeightedCategoricalCrossentropy
    from cnnkit.resnet import ResnetBuilder

    pictures = folder(place)
    # So small that no memory need be asked for, which takes now little time and now much.
    generator = DataGenerator(pictures, 4, size=(40, 48), crop=None)
    transform = Transform(rotation=20, zoom=1.2, brightness=0.1)
    explorers = {cls.__name__: cls(PHOTO) for cls in (MorphologyExplorer, NormalizationExplorer, PoolingExplorer)}
    loss, one_hot = WeightedCategoricalCrossentropy([[1, 5], [10, 10]]), np.eye(2)[LABELS.astype(int)]
    guessed = np.stack([1 - SCORES, SCORES], axis=1)
    found = {
        **{name: functools.partial(getattr(morphology, name), MASK, 10) for name in ("erosion", "dilation")},
        **{name: functools.partial(getattr(morphology, name), FILM, 10) for name in ("opening", "closing", "gradient")},
        "otsu": lambda: morphology.otsu(FILM),
        **{name: functools.partial(getattr(normalize, name), PHOTO) for name in normalize.__all__},
        "to_gray": lambda: images.to_gray(PHOTO),
        "crop_center": lambda: images.crop_center(PHOTO, (100, 140)),
        "resize": lambda: images.resize(PHOTO, (64, 96)),
        "read_image": lambda: images.read_image(pictures.paths[0]),
        "transform": lambda: transform.matrix((240, 320)),
        "threshold": lambda: morphology.threshold(FILM, 125),
        "disk": lambda: morphology.disk(7),
        "drawn": lambda: Augmentation.chest_xray().draw(np.random.default_rng(0)),
        "split": lambda: pictures.split(validation=0.2, seed=0),
        "folder opened again": lambda: ImageFolder(place / "flowers"),
        "apply": lambda: transform.apply(PHOTO),
        "augmentation": lambda: Augmentation.flowers()(BATCH, 0),
        "generator": lambda: DataGenerator(pictures, size=(64, 80), crop=None),
        "batch": lambda: generator[0],
        "generator's defaults": lambda: str(DataGenerator(pictures)).partition(": ")[2],
        "loss": lambda: loss(one_hot, guessed),
        "resnet": lambda: ResnetBuilder.build_resnet_18((3, 64, 64), 2, width=8),
        "roc_auc": lambda: evaluate.roc_auc(LABELS, SCORES),
        "roc_curve": lambda: evaluate.roc_curve(LABELS, SCORES),
        "confusion_matrix": lambda: evaluate.confusion_matrix(LABELS, SCORES),
        "delong_test": lambda: evaluate.delong_test(LABELS, SCORES, OTHERS),
        "calibration_curve": lambda: evaluate.calibration_curve(LABELS, SCORES),
        "daisy": lambda: draw_daisy_in_grass(np.random.default_rng(0)),
        "check": lambda: check("flip_twice", lambda image: image[::-1, ::-1]),
        "show": lambda: plots.show([PHOTO, FILM], ["a", "b"], alt="two pictures"),
    }
    for name, explorer in explorers.items():
        found[f"{name}: render"] = functools.partial(explorer.render, explorer.parameters)
        found[f"{name}: begin"] = functools.partial(type(explorer), PHOTO)
        found[f"{name}: saved"] = explorer._repr_mimebundle_
    for name in set(EXPLORERS) - set(explorers) - {"ReaderExplorer"}:
        found[f"{name}: frames"] = functools.partial(frames, make(name))
    return found


def frames(explorer) -> list:
    """Return all that its main slider shows, as is computed when another control is moved."""
    at = [{explorer.primary: value} for value in explorer._primary_values()]
    return [explorer.render(dataclasses.replace(explorer.parameters, **each)) for each in at]


def picture_calls() -> dict[str, Callable]:
    """Every function of pictures, on each kind of picture."""
    from cnnkit import images, morphology, normalize
    from cnnkit.augment import FILL_MODES, Augmentation, Transform

    of_disks = "erosion", "dilation", "opening", "closing", "gradient", "white_tophat", "black_tophat"
    functions = {
        "to_gray": images.to_gray,
        "resize": lambda image: images.resize(image, (30, 50)),
        "crop_center": lambda image: images.crop_center(image, (5, 6)),
        "threshold": lambda image: morphology.threshold(image, 120),
        "threshold by itself": morphology.threshold,
        "otsu": morphology.otsu,
        **{name: functools.partial(lambda f, image: f(image, 2), getattr(morphology, name)) for name in of_disks},
        **{name: getattr(normalize, name) for name in normalize.__all__},
        "percentile of its own": lambda image: normalize.percentile(image, 20, 90, clip=False),
    }
    for name in ("min_max", "percentile", "standardize"):
        functions[f"{name} per channel"] = functools.partial(getattr(normalize, name), per_channel=True)
    changes = {
        "flipped": {"horizontal_flip": True},
        "upside down": {"vertical_flip": True},
        "cropped": {"crop": 0.2},
        "zoomed": {"zoom": 1.3},
        "sheared": {"shear": 15},
        "turned": {"rotation": 25},
        "moved aside": {"width_shift": 0.2},
        "moved down": {"height_shift": 0.2},
        "contrast": {"contrast": 1.4},
        "brightness": {"brightness": 0.2},
        "noise": {"noise": 0.1},
        "other noise": {"noise": 0.1, "noise_seed": 1},
        **{f"filled, {mode}": {"rotation": 40, "width_shift": -0.3, "fill_mode": mode} for mode in FILL_MODES},
    }
    for name, change in changes.items():
        functions[name] = Transform(**change).apply
    photos = BATCH[:4]
    presets = {
        "flowers": Augmentation.flowers(),
        "films": Augmentation.chest_xray(),
        "half": Augmentation(rotation=30, brightness=0.2, noise=0.05, fraction=0.5),
    }

    def on_each_kind(function: Callable) -> dict:
        return {kind: answered(functools.partial(function, image)) for kind, image in KINDS.items()}

    found = {f"{name}, all kinds": functools.partial(on_each_kind, function) for name, function in functions.items()}
    for name, preset in presets.items():
        found[f"augmentation, {name}"] = functools.partial(lambda preset: [preset(photos, n) for n in (0, 1)], preset)
    return found


def file_calls(place: Path) -> dict[str, Callable]:
    """Reading files of all kinds, folders and their parts, and drawing."""
    from cnnkit import normalize
    from cnnkit.augment import Augmentation
    from cnnkit.datasets import ImageFolder, brushes, draw_films, draw_flowers, patient
    from cnnkit.generator import DataGenerator
    from cnnkit.images import read_image

    kinds = place / "kinds"
    kinds.mkdir()
    deep = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
    small = Image.fromarray(PHOTO[:40, :60])
    turned = Image.Exif()
    turned[0x0112] = 6
    pictures = {
        "16-bit.png": Image.fromarray(deep),
        "grey.png": Image.fromarray(FILM[:40, :60]),
        "grey with alpha.png": Image.fromarray(np.dstack([FILM[:40, :60], 255 - FILM[:40, :60]]), "LA"),
        "alpha.png": Image.fromarray(np.dstack([PHOTO[:40, :60], FILM[:40, :60]]), "RGBA"),
        "palette.png": small.quantize(16),
        "bits.png": small.convert("1"),
        "cmyk.jpg": small.convert("CMYK"),
    }
    for name, picture in pictures.items():
        picture.save(kinds / name)
    small.save(kinds / "turned.jpg", exif=turned)
    for label, kind in enumerate(("nofinding", "effusion")):
        films = place / "films" / kind
        films.mkdir(parents=True)
        for number in range(12):
            Image.fromarray(np.roll(FILM[:64, :80], 9 * number + label, axis=1)).save(
                films / f"0000{number // 2 + 7 * label:04}_{number:03}.png"
            )

    def films(**options) -> DataGenerator:
        opened = ImageFolder(place / "films", ["nofinding", "effusion"])
        return DataGenerator(opened, 4, **{"size": (48, 40), "crop": None, "channels": 1} | options)

    def drawn(draw: Callable, *first: object, **size: int) -> list:
        return [draw(*first, np.random.default_rng(seed), **size) for seed in (0, 1)]

    def parts(**options) -> list:
        opened = ImageFolder(place / "films", ["nofinding", "effusion"])
        return [opened.split(seed=seed, **options) for seed in (0, 1)]

    def part() -> list:
        opened = ImageFolder(place / "films", ["nofinding", "effusion"])
        return [opened.subset([3, 1]), opened.read(5)]

    def batches(**options) -> list:
        generator = films(**options)
        found = [str(generator), len(generator), generator[0], generator[len(generator) - 1]]
        generator.on_epoch_end()
        return [*found, generator[0]]

    ways = {
        "plain": {},
        "seed 1": {"seed": 1},
        "in order": {"shuffle": False},
        "colour": {"channels": 3},
        "cropped": {"size": None, "crop": (40, 44)},
        "stretched": {"normalize": normalize.percentile},
        "augmented": {"augment": Augmentation.chest_xray()},
        "augmented, seed 1": {"augment": Augmentation.chest_xray(), "seed": 1},
        "with augmented ones": {"augment": Augmentation(horizontal_flip=True), "append_augmented": True},
        "a part": {"ablation": 0.5},
        "a part, seed 1": {"ablation": 0.5, "seed": 1},
    }
    return {
        "files of all kinds": lambda: {
            path.name: answered(functools.partial(read_image, path)) for path in sorted(kinds.iterdir())
        },
        "films drawn": functools.partial(drawn, draw_films.draw_film, True, side=96),
        "films without effusion drawn": functools.partial(drawn, draw_films.draw_film, False, side=96),
        "daisies drawn": functools.partial(drawn, draw_flowers.draw_flower, "daisy", rows=72, columns=96),
        "roses drawn": functools.partial(drawn, draw_flowers.draw_flower, "rose", rows=72, columns=96),
        "clouds": lambda: brushes.clouds(np.random.default_rng(0), 30, 40, 8),
        "split with seeds": parts,
        "split by patient": functools.partial(parts, validation=0.3, group=patient),
        "part of a folder": part,
        **{f"generator, {way}": functools.partial(batches, **options) for way, options in ways.items()},
    }


def measure_calls() -> dict[str, Callable]:
    """What is measured of predictions, and the losses."""
    from cnnkit import evaluate, losses

    numbers = LABELS.astype(int)
    one_hot, guessed = np.eye(2)[numbers], np.stack([1 - SCORES, SCORES], axis=1)
    weights = [[1, 5], [10, 2]]

    def losses_of() -> list:
        ways = {}, {"label_smoothing": 0.1}, {"reduction": "sum"}, {"from_logits": True}
        return [losses.WeightedCategoricalCrossentropy(weights, **way)(one_hot, guessed) for way in ways]

    return {
        "roc_auc, another seed": lambda: [evaluate.roc_auc(numbers, SCORES, resamples=300, seed=n) for n in (0, 1)],
        "roc_auc, 80 %": lambda: evaluate.roc_auc(numbers, OTHERS, confidence=0.8),
        "threshold for recall": lambda: evaluate.threshold_for_recall(numbers, SCORES, 0.7),
        "threshold for cost": lambda: [
            evaluate.threshold_for_cost(numbers, SCORES),
            evaluate.threshold_for_cost(numbers, SCORES, 1, 7),
            evaluate.threshold_for_cost(numbers, SCORES, 3, 1),
        ],
        "confusion at thresholds": lambda: [evaluate.confusion_matrix(numbers, SCORES, each) for each in (0.3, 0.55)],
        "predictive_values": lambda: [evaluate.predictive_values(0.9, 0.8, each) for each in (0.5, 0.1, 0.001)],
        "calibration in five": lambda: evaluate.calibration_curve(numbers, SCORES, bins=5),
        "losses": losses_of,
        "loss, its settings": lambda: losses.WeightedCategoricalCrossentropy(weights).get_config(),
        "balanced weights": lambda: losses.balanced_weights(numbers),
        "balanced weights of three": lambda: losses.balanced_weights(np.arange(200) % 7 // 3),
    }


def small_network(shape: tuple[int, ...] = BATCH.shape[1:]):
    """Return a network that gives the same everywhere: its weights are not drawn."""
    import keras

    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(3, 5, strides=2, activation="relu", name="map")(inputs)
    x = keras.layers.Dense(2, activation="softmax", name="last")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, x)
    model.set_weights(_waves(model))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _waves(model) -> list[np.ndarray]:
    """Return weights for a network that are not drawn."""
    return [np.cos(np.arange(weight.size)).reshape(weight.shape) for weight in model.get_weights()]


def linear():
    """Return a linear network for six numbers that always starts alike, not compiled."""
    import keras

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, activation="softmax")])
    model.set_weights([np.cos(np.arange(12)).reshape(6, 2), np.zeros(2)])
    return model


def training_calls() -> dict[str, Callable]:
    """Trainings of a linear network, which all processors round alike, and what watches them."""
    import keras

    from cnnkit import training
    from cnnkit.callbacks import LearningRateDecay, LossHistory, RocAuc, StopOnNaN

    numbers = np.arange(96) % 2
    points = np.sin(np.arange(96 * 6)).reshape(96, 6).astype(np.float32) + 0.2 * numbers[:, None]
    one_hot = np.eye(2, dtype=np.float32)[numbers]

    def watched() -> list:
        model = linear()
        model.compile(keras.optimizers.SGD(0.05), "categorical_crossentropy", metrics=["accuracy"])
        curve, history = training.LiveCurve(), LossHistory()
        watching = [RocAuc((points[::-1], one_hot[::-1])), LearningRateDecay(0.5, 1), StopOnNaN(verbose=0)]
        with contextlib.redirect_stdout(io.StringIO()) as said:
            model.fit(
                points,
                one_hot,
                epochs=3,
                verbose=0,
                shuffle=False,
                batch_size=16,
                callbacks=[*watching, curve, history],
            )
        with open_figures() as figures:
            curve._picture()
        return [history.batch_losses, history.epochs, history.diverged, curve.facts(), said.getvalue(), figures]

    def diverged() -> list:
        model, history = linear(), LossHistory()
        model.compile(keras.optimizers.SGD(0.05), "categorical_crossentropy")
        broken = points.copy()
        broken[40] = np.nan
        model.fit(broken, one_hot, epochs=2, verbose=0, shuffle=False, callbacks=[StopOnNaN(verbose=0), history])
        return [history.diverged, len(history.batch_losses), len(history.epochs)]

    def fitted() -> list:
        model = linear()
        model.compile(keras.optimizers.SGD(3.0, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
        with contextlib.redirect_stdout(io.StringIO()):
            data = (points, one_hot), (points[:40], one_hot[:40])
            history = training.fit(model, *data, epochs=1, live=False, seed=1)
        return [history, model.get_weights()]  # at such a rate the order of the pictures tells

    def swept() -> dict:
        histories = training.learning_rate_sweep(linear, (points, one_hot), rates=(0.5, 0.05), epochs=2)
        return {rate: [history.batch_losses, history.diverged] for rate, history in histories.items()}

    def ablated() -> list:
        run = training.ablation_run(linear, (points, one_hot), share=0.7)
        return [run.batches, run.all_batches, run.images, run.classes, run.input_shape, run.losses, run.learns]

    return {
        "a training watched": watched,
        "a training that breaks": diverged,
        "fit": fitted,
        "learning_rate_sweep": swept,
        "ablation_run": ablated,
        "decay": lambda: [LearningRateDecay(0.5, 3).rate(1.0, epoch) for epoch in range(8)],
        "presets": lambda: [f"{name}: {each}" for name, sizes in training.PRESETS.items() for each in sizes.items()],
        "rates of all presets": lambda: {
            f"{name} {size}": [preset.rate(epoch) for epoch in range(min(preset.epochs, 12))]
            for name, sizes in training.PRESETS.items()
            for size, preset in sizes.items()
        },
    }


def network_calls() -> dict[str, Callable]:
    """Networks as they are built, and what explains and examines them."""
    from cnnkit import explain, training
    from cnnkit.resnet import ResnetBuilder

    model = small_network()
    options = {
        "18": {},
        "18, plain": {"plain": True},
        "18, original": {"preactivation": False},
        "34": {},
        "50": {},
        "50, original": {"preactivation": False},
    }

    def built(name: str, **given) -> list:
        return _layers(ResnetBuilder.build_resnet(int(name.split(",")[0]), (1, 64, 96), 3, width=8, **given))

    heat = np.linspace(0, 1, FILM.size).reshape(FILM.shape)
    return {
        **{f"resnet {name}": functools.partial(built, name, **given) for name, given in options.items()},
        "networks of presets": lambda: [
            _layers(training.build(sizes["smoke"])) for sizes in training.PRESETS.values() if "smoke" in sizes
        ],
        "saliency": lambda: [explain.saliency(model, BATCH[0], 1), explain.saliency(model, BATCH[3])],
        "grad_cam": lambda: [explain.grad_cam(model, BATCH[0], n, "map") for n in (0, 1, None)],
        "overlay": lambda: [
            explain.overlay(PHOTO, heat),
            explain.overlay(FILM, heat, 0.9),
            explain.overlay(PHOTO / 400, heat, 0),
        ],
        "randomized_check": lambda: [
            explain.randomized_check(model, BATCH[0], 1, method=explain.saliency, seed=seed) for seed in (0, 1)
        ],
    }


def _layers(model) -> list:
    """Return what a network's layers and its optimiser have been told, and the shapes between them."""
    told = "momentum epsilon strides kernel_size filters units activation padding learning_rate pool_size l2".split()
    configs = [layer.get_config() for layer in model.layers]
    configs += [model.optimizer.get_config()] if getattr(model, "optimizer", None) else []
    said = [f"{key}={config[key]}" for config in configs for key in sorted(set(told) & set(config))]
    shapes = [f"{type(layer).__name__} {getattr(layer.output, 'shape', '')}" for layer in model.layers]
    rules = [str(config.get("kernel_regularizer")) + str(config.get("kernel_initializer")) for config in configs]
    marks = [hashlib.sha256("; ".join(each).encode()).hexdigest()[:8] for each in (said, shapes, rules)]
    return [model.count_params(), str(model.input_shape), len(model.layers), *marks]


def diagnosis_calls() -> dict[str, Callable]:
    """The looks of `cnnkit.diagnose`, what they show, and the check-up of some ill runs."""
    import keras

    from cnnkit import diagnose

    numbers = np.arange(len(BATCH)) % 2
    model = small_network()

    others = np.concatenate([BATCH[::3] * 0.9, BATCH[1:5, :, ::-1]])

    def looked():
        return diagnose.look_at_batch((BATCH, numbers))

    def predicted():
        return diagnose.prediction_histogram(model, (BATCH, numbers))

    def flown():
        return diagnose.gradient_norms(model, (BATCH, numbers))

    def twins():
        return diagnose.find_duplicates((BATCH, numbers), (others, np.arange(len(others)) % 2))

    def said(look: Callable) -> list:
        found = look()
        return [repr(found), found, *(getattr(found, "pairs", ()))]

    # Apart from what is shown of them, which takes longer.
    looks = {"a batch looked at": looked, "predictions": predicted, "gradients": flown, "duplicates": twins}
    shows = {f"{name}, shown": look().show for name, look in looks.items()}

    points = np.sin(np.arange(128 * 48)).reshape(128, 4, 4, 3).astype(np.float32) / 4 + 0.5
    classes = np.arange(128) % 2
    points[classes == 1, 0] += 0.25
    points = points.clip(0, 1)
    one_hot = np.eye(2, dtype=np.float32)[classes]

    def ready(**options) -> keras.Model:
        head = {"units": 2, "activation": "softmax"} | options.pop("head", {})
        layers = [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(**head)]
        network = keras.Sequential(layers)
        start = np.cos(np.arange(96)).reshape(48, 2) / 10
        network.set_weights([start, np.zeros(2)])
        network.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": "categorical_crossentropy"} | options)
        return network

    def overfitted() -> list:
        runs = [
            diagnose.overfit_one_batch(ready(), (points, one_hot), steps=6, pictures=8, seed=seed) for seed in (0, 0, 1)
        ]
        runs[0].show()
        same = bool(np.allclose(runs[0].losses, runs[1].losses))
        return [same, bool(np.allclose(runs[0].losses, runs[2].losses)), len(runs[0].losses), runs[0].pictures]

    def examined() -> dict:
        ill = {
            "pixels to 255": (ready(), points * 255, one_hot),
            "softmax twice": (ready(loss=keras.losses.CategoricalCrossentropy(from_logits=True)), points, one_hot),
            "logits": (ready(head={"activation": None}), points, one_hot),
        }
        validation = points[1::3], one_hot[1::3]
        return {
            name: diagnose.checkup(network, (pictures, labels), validation, verbose=False).names
            for name, (network, pictures, labels) in ill.items()
        }

    return {
        **{name: functools.partial(said, look) for name, look in looks.items()},
        **shows,
        "labels checked": lambda: repr(diagnose.check_labels((BATCH, numbers), (BATCH[::-1], numbers))),
        "overfitted": overfitted,
        "checked up": examined,
    }


def final_calls(place: Path) -> dict[str, Callable]:
    """What a final run is made of, its report, and pictures that are shown."""
    import keras
    from test_report import FACTS, SIDE
    from test_report import results as trainings

    from cnnkit import feed, plots, report, training

    small = keras.Sequential([keras.Input((SIDE, SIDE, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    small.add(keras.layers.Dense(2, activation="softmax"))
    small.set_weights(_waves(small))
    film = place / "film.png"
    Image.fromarray(FILM).save(film)
    presets = {name: sizes["smoke"] for name, sizes in training.PRESETS.items() if "smoke" in sizes}

    def pictures_shown() -> list[np.ndarray]:
        kept, before = [], plots.display
        plots.display = lambda data, **_: kept.append(
            np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))))
        )
        try:
            plots.show([PHOTO, FILM, FILM / 510, FILM > 100], list("abcd"), alt="four pictures", columns=3)
        finally:
            plots.display = before
        return kept

    def written() -> list[str]:
        report.write(place, FACTS, trainings(), lambda numbers: (small, np.zeros((len(numbers), SIDE, SIDE, 1))))
        return (place / "report.md").read_text(encoding="utf-8").splitlines()

    def fed() -> list:
        opened = feed.Films(folder(place), presets["flowers"], 0)
        indices = np.arange(len(opened.folder.paths))
        splits = [opened.split(indices, 0.25, seed) for seed in (0, 1)]
        batches = [feed.Batches(opened, indices, 8, training=True, seed=seed)[0] for seed in (0, 1)]
        moved = feed.Batches(opened, indices, 8, training=True, shifts=2)[0]
        return [*splits, opened.pictures(indices[:3]), *batches, moved]

    return {
        "films prepared": lambda: {name: feed.prepared(film, preset) for name, preset in presets.items()},
        "films shifted": lambda: feed.shifted(BATCH, 3),
        "films fed": fed,
        "pictures shown": pictures_shown,
        "a report": written,
    }


def every_call(place: Path) -> dict[str, Callable]:
    """Return all of the above, by name."""
    of_networks = (training_calls(), network_calls(), diagnosis_calls(), final_calls(place))
    parts = (lesson_calls(place), picture_calls(), file_calls(place), measure_calls(), *of_networks)
    return {name: call for part in parts for name, call in part.items()}


@contextlib.contextmanager
def open_figures() -> Iterator[list]:
    """Collect what is said and drawn in the figures that are saved meanwhile."""
    from matplotlib.figure import Figure

    found, before = [], Figure.savefig

    def savefig(figure, *args, **kwargs):
        before(figure, *args, **kwargs)
        found.extend(drawn_in(axes) for axes in figure.axes)

    Figure.savefig = savefig
    try:
        yield found
    finally:
        Figure.savefig = before


def drawn_in(axes) -> dict:
    """Return words, colours and numbers of a part of a figure."""
    from matplotlib.colors import to_hex

    legend = axes.get_legend()
    words = [axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), *(text.get_text() for text in axes.texts)]
    areas = [(patch, patch.get_path().transformed(patch.get_patch_transform()).vertices) for patch in axes.patches]
    return {
        "words": words + [text.get_text() for text in legend.get_texts()] if legend else words,
        "limits": [*axes.get_xlim(), *axes.get_ylim()],
        "lines": [
            [to_hex(line.get_color()), line.get_linestyle(), *(_mean(values) for values in line.get_data())]
            for line in axes.lines
        ],
        "areas": [[to_hex(patch.get_facecolor()), *map(_mean, corners.T)] for patch, corners in areas],
        "pictures": [[each.get_cmap().name, *each.get_clim(), np.asarray(each.get_array())] for each in axes.images],
    }


def _mean(values: object) -> float:
    """Return a mean in which what comes later weighs more."""
    values = np.asarray(values, float)
    return float(np.nanmean(values * np.linspace(1, 2, values.size))) if values.size else 0.0
