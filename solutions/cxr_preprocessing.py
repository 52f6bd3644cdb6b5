"""The key of cxr_preprocessing: what answers are tried with, and the wrong ones that are known."""

from collections import Counter

import numpy as np
from skimage.filters import gaussian
from skimage.transform import resize


def film(rng, rows, columns, low, high, kind="uint8"):
    """Draw a film of noise whose darkest pixel is `low` and whose brightest is `high`."""
    values = rng.uniform(low, high, (rows, columns))
    values.flat[rng.choice(values.size, 2, replace=False)] = low, high
    return (np.round(values) if np.dtype(kind).kind in "iu" else np.round(values, 3)).astype(kind)


class stretch_film:
    """Most wrong answers do nothing about equal pixels: so they are known whether or not those come out right."""

    def inputs(rng):
        grey = int(rng.integers(60, 200))
        return [
            (film(rng, 5, 8, int(rng.integers(20, 40)), int(rng.integers(180, 230))),),
            (film(rng, 7, 4, int(rng.integers(300, 600)), int(rng.integers(3000, 4000)), "uint16"),),
            (np.full((3, 5), grey, np.uint8),),
            (film(rng, 6, 9, int(rng.integers(5, 9)), int(rng.integers(50, 70)), "float32"),),
            (film(rng, 8, 6, -int(rng.integers(700, 1000)), int(rng.integers(900, 1500)), "int16"),),
            (np.full((6, 4), grey / 200),),
            (film(rng, 4, 7, int(rng.integers(90, 110)), int(rng.integers(140, 160))),),
        ]

    def brackets_forgotten(film):
        return film - film.min() / (float(film.max()) - film.min())

    def divided_by_255(film):
        return film / 255

    def divided_by_largest(film):
        return film / film.max()

    def constant_divides_by_zero(film):
        return (film - film.min()) / (film.max() - film.min())

    def constant_becomes_one(film):
        return stretched(film, film.min(), film.max()) if film.min() < film.max() else np.ones(film.shape)

    def constant_left_as_it_is(film):
        return stretched(film, film.min(), film.max()) if film.min() < film.max() else film

    def squeezed_into_bytes(film):
        small = film.astype(np.int64).astype(np.uint8)
        return stretched(small, small.min(), small.max()) if small.min() < small.max() else np.zeros(film.shape)

    def each_column(film):
        return stretched(film, film.min(axis=0), film.max(axis=0))

    def each_row(film):
        return stretched(film, film.min(axis=1, keepdims=True), film.max(axis=1, keepdims=True))

    def ends_cut_off(film):
        return np.clip(stretched(film, *np.percentile(film, [5, 95])), 0, 1)

    def not_divided(film):
        return film - film.min().astype(float)

    def standardised(film):
        return (film - film.mean()) / film.std()

    def divided_by_the_type(film):
        return film / np.iinfo(film.dtype).max if film.dtype.kind in "iu" else film

    def one_added_below(film):
        low, high = float(film.min()), float(film.max())
        return (film - low) / (high - low + 1)


def stretched(film, low, high):
    return (film - np.asarray(low, float)) / (np.asarray(high, float) - low)


class film_to_gray:
    def inputs(rng):
        return [
            (stacked(rng, 5, 8, 255),),
            (stacked(rng, 4, 7),),
            (film(rng, 6, 9, 10, 200),),
            (stacked(rng, 8, 5, None),),
            (stacked(rng, 3, 6, 80),),
        ]

    def alpha_averaged(film):
        return film.mean(axis=2) if film.ndim == 3 else film

    def alpha_multiplied(film):
        return film[:, :, 0] * (film[:, :, 3] / 255) if has_alpha(film) else first_channel(film)

    def laid_on_white(film):
        if not has_alpha(film):
            return first_channel(film)
        opaque = film[:, :, 3] / 255
        return film[:, :, 0] * opaque + 255 * (1 - opaque)

    def alpha_taken(film):
        return film[:, :, -1] if film.ndim == 3 else film

    def rgba_left_out(film):
        return None if has_alpha(film) else first_channel(film)

    def gray_forgotten(film):
        return film[:, :, 0]

    def zero_to_one(film):
        return first_channel(film) / 255

    def sum_ran_over(film):
        return (film[:, :, 0] + film[:, :, 1] + film[:, :, 2]) / 3 if film.ndim == 3 else film

    def channel_kept(film):
        return film[:, :, :1] if film.ndim == 3 else film

    def alpha_dropped_only(film):
        return film[:, :, :3] if film.ndim == 3 else film

    def alpha_ran_over(film):
        return film[:, :, 0] * film[:, :, 3] // 255 if has_alpha(film) else first_channel(film)

    def brightest_channel(film):
        return film.max(axis=2) if film.ndim == 3 else film

    def first_channel_left_out(film):
        return film[:, :, 1:].mean(axis=2) if film.ndim == 3 else film

    def mean_over_a_missing_axis(film):
        return film.mean(axis=2)


def stacked(rng, rows, columns, alpha=...):
    """Draw a film in three equal channels, with alpha as a fourth: a number, or None for noise."""
    gray = film(rng, rows, columns, int(rng.integers(5, 30)), int(rng.integers(200, 250)))
    channels = [gray] * 3
    if alpha is not ...:
        channels.append(film(rng, rows, columns, 3, 250) if alpha is None else np.full_like(gray, alpha))
    return np.stack(channels, axis=2)


def has_alpha(film):
    return film.ndim == 3 and film.shape[2] == 4


def first_channel(film):
    return film[:, :, 0] if film.ndim == 3 else film


class fit_whole_film:
    def inputs(rng):
        """Films with fine lines, which must be blurred before pixels are left out; no margin is odd."""
        return [(lined(rng, *shape, size), size) for *shape, size in [(64, 48, 16), (40, 70, 14), (72, 48, 18)]]

    def squeezed(film, size):
        return smoothly(film, size, size)

    def cropped_to_square(film, size):
        side = min(film.shape)
        top, left = (film.shape[0] - side) // 2, (film.shape[1] - side) // 2
        return smoothly(film[top : top + side, left : left + side], size, size)

    def margin_on_one_side(film, size):
        small = smoothly(film, *fitting(film, size))
        return np.pad(small, [(0, size - side) for side in small.shape])

    def margin_white(film, size):
        return in_the_middle(smoothly(film, *fitting(film, size)), size, constant_values=1)

    def margin_repeats_the_edge(film, size):
        return in_the_middle(smoothly(film, *fitting(film, size)), size, mode="edge")

    def not_padded(film, size):
        return smoothly(film, *fitting(film, size))

    def not_smoothed(film, size):
        return in_the_middle(resize(film, fitting(film, size), anti_aliasing=False), size)

    def pixels_left_out(film, size):
        step = max(film.shape) // size
        return in_the_middle(film[::step, ::step], size)

    def margin_first(film, size):
        small = smoothly(film, *fitting(film, size))
        return np.pad(small, [(size - side, 0) for side in small.shape])

    def margin_grey(film, size):
        return in_the_middle(smoothly(film, *fitting(film, size)), size, constant_values=0.5)

    def sides_of_shape_swapped(film, size):
        return in_the_middle(smoothly(film, *fitting(film.T, size)), size)

    def lying(film, size):
        return in_the_middle(smoothly(film.T, *fitting(film.T, size)), size)

    def cut_out_of_the_middle(film, size):
        top, left = (film.shape[0] - size) // 2, (film.shape[1] - size) // 2
        return film[top : top + size, left : left + size]

    def cut_out_of_the_corner(film, size):
        side = min(film.shape)
        return smoothly(film[:side, :side], size, size)

    def nearest_pixel(film, size):
        return in_the_middle(resize(film, fitting(film, size), order=0, anti_aliasing=False), size)

    def squeezed_and_not_smoothed(film, size):
        return resize(film, (size, size), anti_aliasing=False)

    def too_smooth(film, size):
        return in_the_middle(smoothly(gaussian(film, max(film.shape) / 4), *fitting(film, size)), size)

    def scaled_to_255(film, size):
        return in_the_middle(smoothly(film, *fitting(film, size)), size) * 255


def lined(rng, rows, columns, size):
    """Draw a slope and a hill, with ribs that stay when it is made small, and fine lines that must not."""
    y, x = np.mgrid[:rows, :columns]
    pixel = max(rows, columns) / size
    steep, top = rng.uniform(0.2, 0.3, 2) * rng.choice([-1, 1], 2), rng.choice([0.2, 0.8], 2)
    slope = 0.4 + steep[0] * (x / columns - 0.5) + steep[1] * (y / rows - 0.5)
    hill = 0.2 * np.exp(-20 * ((x / columns - top[0]) ** 2 + (y / rows - top[1]) ** 2))
    ribs = waves(rng, x, y, pixel * rng.uniform(5, 6, 2))
    lines = waves(rng, x, y, pixel * rng.uniform(0.86, 0.94, 2))
    return np.round(np.clip(slope + hill + 0.09 * ribs + 0.16 * lines, 0, 1), 2)


def waves(rng, x, y, apart):
    phase = rng.uniform(0, 2 * np.pi, 2)
    return np.sin(2 * np.pi * x / apart[0] + phase[0]) + np.sin(2 * np.pi * y / apart[1] + phase[1])


def smoothly(film, rows, columns):
    return resize(film, (rows, columns), anti_aliasing=True)


def fitting(film, size):
    return tuple(round(side * size / max(film.shape)) for side in film.shape)


def in_the_middle(small, size, **how):
    margins = [(size - side) // 2 for side in small.shape]
    return np.pad(
        small, [(before, size - side - before) for before, side in zip(margins, small.shape, strict=True)], **how
    )


class split_by_patient:
    def inputs(rng):
        return [
            (film_names(rng, *case), case[1]) for case in [(6, 2, False), (7, 3, True), (5, 2, True), (8, 3, False)]
        ]

    def single_films(names, count):
        return parts(names, sorted(names)[-count:])

    def one_film_each(names, count):
        numbers = highest(names, count)
        return parts(names, [min(name for name in names if name.startswith(number)) for number in numbers])

    def both_sides(names, count):
        return {**split(names, highest(names, count)), "training": list(names)}

    def number_after_underscore(names, count):
        numbers = sorted({name[9:12] for name in names})[-count:]
        return parts(names, [name for name in names if name[9:12] in numbers])

    def lowest_numbers(names, count):
        return split(names, sorted({name[:8] for name in names})[:count])

    def parts_swapped(names, count):
        found = split(names, highest(names, count))
        return {"training": found["validation"], "validation": found["training"]}

    def last_in_the_list(names, count):
        return split(names, list(dict.fromkeys(name[:8] for name in names))[-count:])

    def films_counted(names, count):
        numbers = sorted({name[:8] for name in names}, reverse=True)
        chosen = []
        while len([name for name in names if name[:8] in chosen]) < count:
            chosen.append(numbers[len(chosen)])
        return split(names, chosen)

    def only_first_films(names, count):
        found = split(names, highest(names, count))
        return {part: [name for name in each if name[9:12] == "000"] for part, each in found.items()}

    def one_patient_too_many(names, count):
        return split(names, highest(names, count + 1))

    def one_patient_too_few(names, count):
        return split(names, highest(names, count)[:-1])

    def only_one_patient(names, count):
        return split(names, highest(names, 1))

    def digit_lost(names, count):
        numbers = sorted({name[:7] for name in names})[-count:]
        return parts(names, [name for name in names if name[:7] in numbers])

    def last_names(names, count):
        return parts(names, names[-count:])

    def first_names(names, count):
        return parts(names, names[:count])

    def patients_not_films(names, count):
        numbers = sorted({name[:8] for name in names})
        return {"training": numbers[:-count], "validation": numbers[-count:]}

    def later_films_lost(names, count):
        found = split(names, highest(names, count))
        return {**found, "validation": [name for name in found["validation"] if name[9:12] == "000"]}

    def most_films(names, count):
        return split(names, [number for number, _ in Counter(name[:8] for name in names).most_common(count)])

    def validation_empty(names, count):
        return {"training": list(names), "validation": []}


def film_names(rng, patients, count, alike):
    """Draw names of films, one to four of a patient; the highest number has two, and the one below it more.

    If `alike`, the two patients on both sides of the cut differ in their last digit only.
    """
    numbers = sorted(10 * rng.choice(np.arange(659, 921), patients, replace=False) + rng.integers(0, 5, patients))
    if alike:
        numbers[-count - 1] = numbers[-count] - numbers[-count] % 10
        numbers[-count] = numbers[-count - 1] + int(rng.integers(5, 10))
    films = rng.integers(1, 5, patients)
    films[0], films[-2], films[-1] = 2, rng.integers(3, 5), 2
    names = [f"{number:08}_{film:03}.png" for number, each in zip(numbers, films, strict=True) for film in range(each)]
    rng.shuffle(names)
    top = [name for name in names if name.startswith(f"{numbers[-1]:08}")]
    low = [name for name in names if name.startswith(f"{numbers[0]:08}")]
    rest = [name for name in names if name not in top + low]
    return [low[0], *top, *rest, low[1]]


def highest(names, count):
    return sorted({name[:8] for name in names})[-count:]


def split(names, numbers):
    return parts(names, [name for name in names if name[:8] in numbers])


def parts(names, validation):
    return {"training": [name for name in names if name not in validation], "validation": list(validation)}


def settings(**changes):
    """Return a function that gives back sound settings with these changes."""
    sound = {"rotation": 5, "shift": 0.05, "crop": 0, "vertical_flip": False, "only_in_training": True}
    return lambda: {**sound, **changes}


class film_settings:
    turned_far = settings(rotation=90)
    shifted_far = settings(shift=0.5)
    turned_and_shifted_far = settings(rotation=180, shift=0.3)
    cropped = settings(crop=0.1)
    on_its_head = settings(vertical_flip=True)
    cropped_and_on_its_head = settings(crop=0.1, vertical_flip=True)
    as_for_flowers = settings(rotation=180, shift=0.2, crop=0.1, vertical_flip=True)
    validation_changed = settings(only_in_training=False)
    nothing_changed = settings(rotation=0, shift=0)
    never_turned = settings(rotation=0)
    never_shifted = settings(shift=0)
    turned_far_and_on_its_head = settings(rotation=180, vertical_flip=True)
    turned_far_and_cropped = settings(rotation=180, crop=0.1)
    turned_cropped_and_on_its_head = settings(rotation=180, crop=0.1, vertical_flip=True)
    validation_changed_and_on_its_head = settings(only_in_training=False, vertical_flip=True)
    validation_changed_and_cropped = settings(only_in_training=False, crop=0.1)
    everything_at_once = settings(rotation=180, shift=0.3, crop=0.2, vertical_flip=True, only_in_training=False)

    def entry_missing():
        return {"rotation": 5, "shift": 0.05}


class augment_some:
    def inputs(rng):
        """Twice the first film's number is below the fraction and twice not; some of each batch are to be changed."""
        cases = []
        for number, mode in enumerate(["train", "train", "validation", "train", "train", "validation"]):
            count, fraction = int(rng.integers(6, 9)), float(rng.choice([0.25, 0.4, 0.6]))
            films = np.round(rng.uniform(0, 1, (count, 2, 3)), 2)
            cases.append((films, fraction, mode, a_seed(rng, count, fraction, number in (0, 4))))
        return cases

    def validation_too(films, fraction, mode, seed):
        return flatter(films, numbers(films, seed) < fraction)

    def only_validation(films, fraction, mode, seed):
        return flatter(films, (numbers(films, seed) < fraction) & (mode != "train"))

    def every_film(films, fraction, mode, seed):
        return flatter(films, np.full(len(films), mode == "train"))

    def the_other_films(films, fraction, mode, seed):
        return flatter(films, (numbers(films, seed) > fraction) & (mode == "train"))

    def one_number_for_all(films, fraction, mode, seed):
        return flatter(films, np.full(len(films), numbers(films, seed)[0] < fraction) & (mode == "train"))

    def first_films(films, fraction, mode, seed):
        return flatter(films, (np.arange(len(films)) < round(fraction * len(films))) & (mode == "train"))

    def seed_ignored(films, fraction, mode, seed):
        return flatter(films, (numbers(films, 0) < fraction) & (mode == "train"))

    def dimmed(films, fraction, mode, seed):
        return changed(films, fraction, mode, seed, 0.8 * films)

    def appended(films, fraction, mode, seed):
        chosen = (numbers(films, seed) < fraction) & (mode == "train")
        return np.concatenate([films, flatter(films, chosen)[chosen]])

    def only_changed_returned(films, fraction, mode, seed):
        chosen = numbers(films, seed) < fraction
        return flatter(films, chosen)[chosen] if mode == "train" else films

    def changed_in_place(films, fraction, mode, seed):
        films[...] = flatter(films, (numbers(films, seed) < fraction) & (mode == "train"))
        return films

    def never_changed(films, fraction, mode, seed):
        return films

    def always_all(films, fraction, mode, seed):
        return flatter(films, np.full(len(films), True))

    def half_not_subtracted(films, fraction, mode, seed):
        return changed(films, fraction, mode, seed, 0.5 + 0.8 * films)

    def about_the_mean(films, fraction, mode, seed):
        chosen = numbers(films, seed) < fraction
        middle = films[chosen].mean()
        return changed(films, fraction, mode, seed, middle + 0.8 * (films - middle))

    def more_contrast(films, fraction, mode, seed):
        return changed(films, fraction, mode, seed, 0.5 + (films - 0.5) / 0.8)

    def each_pixel(films, fraction, mode, seed):
        chosen = np.random.default_rng(seed).random(films.shape) < fraction
        return np.where(chosen & (mode == "train"), 0.5 + 0.8 * (films - 0.5), films)

    def reordered(films, fraction, mode, seed):
        chosen = numbers(films, seed) < fraction
        return np.concatenate([flatter(films, chosen)[chosen], films[~chosen]]) if mode == "train" else films

    def older_generator(films, fraction, mode, seed):
        chosen = np.random.RandomState(seed).random_sample(len(films)) < fraction
        return flatter(films, chosen & (mode == "train"))

    def exact_share(films, fraction, mode, seed):
        rank = numbers(films, seed).argsort().argsort()
        return flatter(films, (rank < round(fraction * len(films))) & (mode == "train"))


def numbers(films, seed):
    return np.random.default_rng(seed).random(len(films))


def changed(films, fraction, mode, seed, instead):
    """Return the films with others instead of those that are to be changed."""
    chosen = (numbers(films, seed) < fraction) & (mode == "train")
    return np.where(chosen[:, None, None], instead, films)


def flatter(films, chosen):
    return np.where(chosen[:, None, None], 0.5 + 0.8 * (films - 0.5), films)


def a_seed(rng, count, fraction, first):
    """Draw a seed by which the first film is changed or not, and which is not mistaken for another choice of films."""
    while True:
        seed = int(rng.integers(1, 10_000))
        chosen = numbers(range(count), seed) < fraction
        others = [np.arange(count) < round(fraction * count), numbers(range(count), 0) < fraction]
        mixed = 0 < chosen.sum() < count and not any((chosen == other).all() for other in others)
        if mixed and chosen[0] == first and not (chosen == ~chosen[0]).all():
            return seed
