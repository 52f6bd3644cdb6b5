"""The key of flowers_preprocessing: what answers are tried with, and the wrong ones that are known."""

import numpy as np
from skimage.measure import label
from skimage.morphology import closing, dilation, disk, erosion, opening
from skimage.transform import AffineTransform, resize, rotate, warp

WEIGHTS = np.array([0.2125, 0.7154, 0.0721])


def picture(rng, *shape, kind="uint8"):
    """Draw a picture of noise: no two places alike, so that whatever is moved or mixed up shows."""
    values = rng.integers(0, 256, shape).astype(np.uint8)
    return values if kind == "uint8" else (values / 255).astype(kind)


def sides(rng, low=3, high=9):
    """Draw rows and columns that differ, wide or high."""
    rows = int(rng.integers(low, high))
    return (rows, rows + int(rng.integers(1, 4))) if rng.random() < 0.5 else (rows + int(rng.integers(1, 4)), rows)


class flip_twice:
    def inputs(rng):
        return [
            (picture(rng, 4, 6),),
            (picture(rng, *sides(rng), 3),),
            (picture(rng, *sides(rng), kind="float32"),),
            (picture(rng, *sides(rng), 3, kind="float64"),),
            (picture(rng, *sides(rng)) > 127,),
        ]

    def only_left_right(image):
        return np.fliplr(image)

    def only_up_down(image):
        return np.flipud(image)

    def same_flip_twice(image):
        return np.fliplr(np.fliplr(image))

    def transposed(image):
        return image.swapaxes(0, 1)

    def quarter_turn(image):
        return np.rot90(image)

    def flips_channels(image):
        return np.flip(image)

    def changed_in_place(image):
        image[:] = image[::-1, ::-1].copy()
        return image


def stretched(image, low, high):
    return (image - low) / (high - low)


class stretch_quartiles:
    def inputs(rng):
        return [
            (picture(rng, 6, 9),),
            (picture(rng, *sides(rng, 5), 3),),
            (picture(rng, *sides(rng, 5), kind="float32"),),
            ((picture(rng, 7, 5) / 3).astype(np.uint8),),
            (picture(rng, *sides(rng, 5), 3, kind="float64"),),
        ]

    def brackets_forgotten(image):
        low, high = np.percentile(image, [25, 75])
        return image - low / (high - low)

    def five_and_ninety_five(image):
        return stretched(image, *np.percentile(image, [5, 95]))

    def least_and_largest(image):
        return stretched(image.astype(float), image.min(), image.max())

    def clipped(image):
        return np.clip(stretched(image, *np.percentile(image, [25, 75])), 0, 1)

    def quarter_percent(image):
        return stretched(image, *np.percentile(image, [0.25, 0.75]))

    def ran_over(image):
        return stretched(image, *np.percentile(image, [25, 75]).astype(image.dtype))

    def each_channel(image):
        return stretched(image, *np.percentile(image, [25, 75], axis=(0, 1)))


def zoomed(image, scale, x, y):
    """Scale about the point (x, y), as `warp` understands it: from the result back to the original."""
    move = AffineTransform(scale=scale, translation=((1 - scale) * x, (1 - scale) * y))
    return warp(image, move, mode="edge")


def about_the_middle(image, scale):
    return zoomed(image, scale, (image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)


class turn_and_zoom:
    def inputs(rng):
        """Smooth pictures, so that it makes little difference how one interpolates; sides that can be cut in eighths.

        They are so large that half a pixel beside the centre still counts as the centre, and a zoom of three does not
        count as one of four.
        """
        shapes = [(48, 64), (64, 48), (48, 80)]
        return [(smooth(rng, *shape),) for shape in shapes]

    def zoomed_out(image):
        return about_the_middle(np.rot90(image), 4)

    def turned_clockwise(image):
        return about_the_middle(np.rot90(image, -1), 0.25)

    def not_turned(image):
        return about_the_middle(image, 0.25)

    def not_zoomed(image):
        return np.rot90(image)

    def zoomed_twice(image):
        return about_the_middle(np.rot90(image), 0.5)

    def from_the_corner(image):
        return zoomed(np.rot90(image), 0.25, 0, 0)

    def centre_swapped(image):
        turned = np.rot90(image)
        return zoomed(turned, 0.25, turned.shape[0] / 2, turned.shape[1] / 2)

    def corners_lost(image):
        return about_the_middle(rotate(image, 90, mode="edge"), 0.25)

    def not_enlarged(image):
        turned = np.rot90(image)
        rows, columns = turned.shape
        return turned[rows * 3 // 8 : rows * 5 // 8, columns * 3 // 8 : columns * 5 // 8]


def smooth(rng, rows, columns):
    """Draw a slope with a hill that lies off the middle."""
    y, x = np.mgrid[:rows, :columns]
    steep = rng.uniform(0.4, 0.6, 2) * rng.choice([-1, 1], 2)
    slope = steep[0] * x / columns + steep[1] * y / rows
    centre = rng.uniform(0.2, 0.8, 2) * (rows, columns)
    hill = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (rows * columns / 4))
    value = slope + 0.5 * hill
    return np.round((value - value.min()) / (value.max() - value.min()), 3)


class gray_from_rgba:
    def inputs(rng):
        return [
            (picture(rng, 4, 7, 4),),
            (picture(rng, *sides(rng), 4),),
            ((picture(rng, *sides(rng), 4) // 3).astype(np.uint8),),
            ((200 + picture(rng, *sides(rng), 4) // 5).astype(np.uint8),),
        ]

    def plain_mean(image):
        return image[:, :, :3].mean(axis=2)

    def alpha_counted(image):
        return image.mean(axis=2)

    def alpha_multiplied(image):
        return image[:, :, :3] @ WEIGHTS * image[:, :, 3] / 255

    def brightest_channel(image):
        return image[:, :, :3].max(axis=2)

    def green_channel(image):
        return image[:, :, 1]

    def one_channel(image):
        return image[:, :, 0]

    def weights_reversed(image):
        return image[:, :, 2::-1] @ WEIGHTS

    def older_weights(image):
        return image[:, :, :3] @ [0.299, 0.587, 0.114]

    def zero_to_one(image):
        return image[:, :, :3] @ WEIGHTS / 255

    def ran_over(image):
        return (image[:, :, 0] + image[:, :, 1] + image[:, :, 2]) / 3


class center_crop:
    def inputs(rng):
        return [
            (picture(rng, 9, 12), [4, 5]),
            (picture(rng, 8, 11, 3), [5, 6]),
            (picture(rng, 10, 7), [10, 7]),
            (picture(rng, 6, 9, 3), [7, 4]),
            (picture(rng, 12, 8), [3, 5]),
            (picture(rng, 9, 6), [5, 7]),
            (picture(rng, 7, 10, 3, kind="float32"), [2, 7]),
        ]

    def from_the_corner(image, size):
        return cut(image, size, 0, 0)

    def begins_in_the_middle(image, size):
        return cut(image, size, image.shape[0] // 2, image.shape[1] // 2)

    def from_the_other_corner(image, size):
        return cut(image, size, image.shape[0] - size[0], image.shape[1] - size[1])

    def only_rows_centered(image, size):
        return cut(image, size, (image.shape[0] - size[0]) // 2, 0)

    def scaled_instead(image, size):
        return resize(image, (*size, *image.shape[2:]), preserve_range=True)

    def spare_row_at_the_top(image, size):
        rows, columns = size
        return cut(image, size, -(-(image.shape[0] - rows) // 2), -(-(image.shape[1] - columns) // 2))

    def odd_size_loses_one(image, size):
        if too_small(image, size):
            return None
        row, column, half_rows, half_columns = image.shape[0] // 2, image.shape[1] // 2, size[0] // 2, size[1] // 2
        return image[row - half_rows : row + half_rows, column - half_columns : column + half_columns]

    def size_swapped(image, size):
        columns, rows = size
        return cut(image, (rows, columns), (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2)

    def small_not_skipped(image, size):
        top, left = max(0, (image.shape[0] - size[0]) // 2), max(0, (image.shape[1] - size[1]) // 2)
        return image[top : top + size[0], left : left + size[1]]

    def small_not_skipped__negative_margin(image, size):
        top, left = (image.shape[0] - size[0]) // 2, (image.shape[1] - size[1]) // 2
        return image[top : top + size[0], left : left + size[1]]

    def equal_size_skipped(image, size):
        if image.shape[0] <= size[0] or image.shape[1] <= size[1]:
            return None
        return middle(image, size)

    def one_side_checked(image, size):
        return None if image.shape[0] < size[0] else center_crop.small_not_skipped(image, size)

    def one_side_checked__negative_margin(image, size):
        return None if image.shape[0] < size[0] else center_crop.small_not_skipped__negative_margin(image, size)


def too_small(image, size):
    return image.shape[0] < size[0] or image.shape[1] < size[1]


def cut(image, size, top, left):
    return None if too_small(image, size) else image[top : top + size[0], left : left + size[1]]


def middle(image, size):
    return cut(image, size, (image.shape[0] - size[0]) // 2, (image.shape[1] - size[1]) // 2)


class count_spots:
    def inputs(rng):
        return [
            spots(rng, 60, 72, radius=2, plain=3, pairs=2, just=3),
            spots(rng, 64, 40, radius=1, plain=4, pairs=1, just=2),
            spots(rng, 52, 72, radius=2, plain=2, pairs=1, just=2),
            spots(rng, 40, 52, radius=1, plain=3, pairs=3, just=1),
        ]

    def no_opening(image, level, radius):
        return int(label(image > level).max())

    def closed_instead(image, level, radius):
        return int(label(closing(image > level, disk(radius))).max())

    def only_eroded(image, level, radius):
        return int(label(erosion(image > level, disk(radius))).max())

    def background_counted(image, level, radius):
        return len(np.unique(label(opening(image > level, disk(radius)))))

    def counts_pixels(image, level, radius):
        return int(opening(image > level, disk(radius)).sum())

    def dark_counted(image, level, radius):
        return int(label(opening(image < level, disk(radius))).max())

    def level_included(image, level, radius):
        return int(label(opening(image >= level, disk(radius))).max())

    def diameter_for_radius(image, level, radius):
        return int(label(opening(image > level, disk(2 * radius + 1))).max())

    def radius_left_out(image, level, radius):
        return int(label(opening(image > level, disk(1))).max())


def spots(rng, rows, columns, radius, plain, pairs, just):
    """Draw spots, pairs that overlap, some just as bright as the level; scratches between them."""
    level = int(rng.integers(90, 140))
    taken = np.zeros((rows, columns), bool)
    image = rng.integers(0, level - 20, (rows, columns)).astype(np.uint8)

    def put(shape, value):
        """Find a free place, paint the shape there, and keep the neighbourhood free."""
        height, width = shape.shape
        for _ in range(2000):
            top, left = int(rng.integers(1, rows - height)), int(rng.integers(1, columns - width))
            if not taken[max(0, top - 3) : top + height + 3, max(0, left - 3) : left + width + 3].any():
                image[top : top + height, left : left + width][shape] = value
                taken[top : top + height, left : left + width] = True
                return

    for _ in range(pairs):
        put(overlapping(radius), level + 60)
    for _ in range(just):
        put(disk(radius + 1).astype(bool), level)
    put(disk(2 * radius + 2).astype(bool), level + 90)
    for _ in range(plain + int(rng.integers(0, 4))):
        put(disk(radius + int(rng.integers(0, 2))).astype(bool), int(rng.integers(level + 10, 256)))
    put(np.ones((1, 2 * radius + 4), bool), level + 70)
    put(disk(radius - 1).astype(bool), level + 80)  # too small by one: only the right radius removes it
    put(disk(radius - 1).astype(bool), level + 80)
    for _ in range(3):  # two scratches with a gap that a closing fills
        put(np.array([[True, False, True]] * (2 * radius + 1)), 255)
    return image, level, radius


def overlapping(radius):
    """Two disks whose neck is too narrow for the smaller disk, while what an opening leaves of them still touches."""
    big = disk(3 * radius).astype(bool)
    side = big.shape[0]
    for step in range(6 * radius, 2 * radius, -1):
        pair = np.zeros((side + 2, side + 2 + step), bool)
        pair[1 : side + 1, 1 : side + 1] |= big
        pair[1 : side + 1, 1 + step : side + 1 + step] |= big
        small = erosion(pair, disk(radius))
        if label(small).max() == 2 and label(dilation(small, disk(radius))).max() == 1:
            return pair
    raise ValueError(f"overlapping: no such pair for radius {radius}")


class brighten:
    def inputs(rng):
        return [
            (picture(rng, 4, 6), int(rng.integers(60, 100))),
            (picture(rng, *sides(rng), 3), -int(rng.integers(60, 100))),
            (picture(rng, *sides(rng), 3), int(rng.integers(10, 40))),
            (picture(rng, *sides(rng)), -int(rng.integers(10, 40))),
        ]

    def ran_over(image, amount):
        return (image.astype(int) + amount).astype(np.uint8)

    def not_clipped(image, amount):
        return image.astype(int) + amount

    def only_white_clipped(image, amount):
        return np.minimum(image.astype(int) + amount, 255)

    def zero_to_one(image, amount):
        return np.clip(image.astype(int) + amount, 0, 1)

    def only_black_clipped(image, amount):
        return np.maximum(image.astype(int) + amount, 0)

    def taken_away(image, amount):
        return np.clip(image.astype(int) - amount, 0, 255)

    def sign_lost(image, amount):
        return np.clip(image.astype(int) + abs(amount), 0, 255)

    def multiplied(image, amount):
        return np.clip(image.astype(int) * amount, 0, 255)

    def changed_in_place(image, amount):
        image[...] = np.clip(image.astype(int) + amount, 0, 255)
        return image
