"""Residual networks of 18 to 152 layers, built from blocks small enough to be read in a lesson.

The improved scheme (batch normalisation and ReLU before each convolution) unless `preactivation` is off, after:

- K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016 (the original block);
- K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks", ECCV 2016 (the improved one).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
from keras import layers

__all__ = ["REPETITIONS", "ResnetBuilder", "basic_block", "bottleneck"]

# Blocks in each of the four stages (He et al. 2016, table 1).
REPETITIONS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
SMALLEST_SIDE = 32  # pixels; the network halves a side five times


@dataclass(frozen=True)
class Style:
    """How all blocks of one network are built: order of the layers, with or without shortcuts."""

    preactivation: bool = True
    shortcuts: bool = True


def basic_block(x, filters: int, stride: int, first: bool, style: Style):
    """Return the output of a block of two 3×3 convolutions, for networks of up to 34 layers.

    Parameters
    ----------
    x : Keras tensor (batch, rows, columns, channels).
    filters : channels of the output.
    stride : 1, or 2 to halve the sides.
    first : the very first block of the network, which the stem has normalised and activated already.
    """
    return _block(x, [(filters, 3), (filters, 3)], stride, first, style)


def bottleneck(x, filters: int, stride: int, first: bool, style: Style):
    """Return the output of a block of 1×1, 3×3 and 1×1 convolutions with 4 times as many channels at its end."""
    return _block(x, [(filters, 1), (filters, 3), (4 * filters, 1)], stride, first, style)


BLOCKS = {"basic": basic_block, "bottleneck": bottleneck}


class ResnetBuilder:
    """Builds residual networks; `input_shape` is (channels, rows, columns), as in the course."""

    @staticmethod
    def build(
        input_shape: Sequence[int],
        num_outputs: int,
        block: str | Callable,
        repetitions: Sequence[int],
        *,
        preactivation: bool = True,
        width: int = 64,
        plain: bool = False,
    ) -> keras.Model:
        """Build a network from its blocks.

        Parameters
        ----------
        input_shape : (channels, rows, columns); the sides at least 32 pixels.
        num_outputs : classes, 2 or more.
        block : "basic" or "bottleneck", or `basic_block` or `bottleneck`.
        repetitions : blocks in each stage; every stage but the first halves the sides and doubles the channels.
        preactivation : False for the original block of 2015.
        width : channels of the first stage; 64 in the papers, 16 for a small one.
        plain : True leaves out the shortcuts, to see what they are good for.

        Returns
        -------
        An uncompiled Keras model: float (batch, rows, columns, channels) -> probabilities, float32 (batch,
        num_outputs), also under mixed precision.

        Raises
        ------
        ValueError : a shape, number or block that cannot be built; the message says what is expected.
        """
        channels, rows, columns = _checked_shape(input_shape)
        _checked_counts(num_outputs, repetitions, width)
        block = _checked_block(block)
        style = Style(preactivation, not plain)
        inputs = keras.Input((rows, columns, channels))
        x = _activated(_convolution(inputs, width, 7, 2))
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        for stage, count in enumerate(repetitions):
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                x = block(x, width * 2**stage, stride, stage == number == 0, style)
        if preactivation:
            x = _activated(x)
        x = layers.AveragePooling2D(x.shape[1:3], strides=1)(x)
        x = layers.Flatten()(x)
        # In 16 bits a softmax of small probabilities would be 0, and its logarithm infinite.
        outputs = layers.Dense(
            num_outputs, activation="softmax", kernel_initializer="he_normal", dtype="float32", name="probabilities"
        )(x)
        return keras.Model(inputs, outputs)

    @staticmethod
    def build_resnet(depth: int, input_shape: Sequence[int], num_outputs: int, **options) -> keras.Model:
        """Build one of the published depths, 18, 34, 50, 101 or 152; options as for `build`."""
        if depth not in REPETITIONS:
            raise ValueError(f"ResnetBuilder: depth is one of {', '.join(map(str, REPETITIONS))}, not {depth!r}.")
        block = "basic" if depth <= 34 else "bottleneck"
        return ResnetBuilder.build(input_shape, num_outputs, block, REPETITIONS[depth], **options)

    @staticmethod
    def build_resnet_18(input_shape: Sequence[int], num_outputs: int, **options) -> keras.Model:
        """Build ResNet-18; see `build`."""
        return ResnetBuilder.build_resnet(18, input_shape, num_outputs, **options)

    @staticmethod
    def build_resnet_34(input_shape: Sequence[int], num_outputs: int, **options) -> keras.Model:
        """Build ResNet-34; see `build`."""
        return ResnetBuilder.build_resnet(34, input_shape, num_outputs, **options)

    @staticmethod
    def build_resnet_50(input_shape: Sequence[int], num_outputs: int, **options) -> keras.Model:
        """Build ResNet-50; see `build`."""
        return ResnetBuilder.build_resnet(50, input_shape, num_outputs, **options)

    @staticmethod
    def build_resnet_101(input_shape: Sequence[int], num_outputs: int, **options) -> keras.Model:
        """Build ResNet-101; see `build`."""
        return ResnetBuilder.build_resnet(101, input_shape, num_outputs, **options)

    @staticmethod
    def build_resnet_152(input_shape: Sequence[int], num_outputs: int, **options) -> keras.Model:
        """Build ResNet-152; see `build`."""
        return ResnetBuilder.build_resnet(152, input_shape, num_outputs, **options)


def _block(x, convolutions: list[tuple[int, int]], stride: int, first: bool, style: Style):
    """Chain the convolutions (filters, side) and add the shortcut; the stride is the first one's."""
    residual = x
    for number, (filters, side) in enumerate(convolutions):
        if style.preactivation and not (first and number == 0):
            residual = _activated(residual)
        residual = _window(residual, filters, side, stride if number == 0 else 1)
        if not style.preactivation:
            residual = layers.BatchNormalization()(residual)
            if number < len(convolutions) - 1:
                residual = layers.Activation("relu")(residual)
    if style.shortcuts:
        residual = layers.Add()([_shortcut(x, residual, stride, style), residual])
    return residual if style.preactivation else layers.Activation("relu")(residual)


def _shortcut(x, residual, stride: int, style: Style):
    """Return x itself, or where the shape changes, x through a 1×1 convolution."""
    if stride == 1 and x.shape[-1] == residual.shape[-1]:
        return x
    x = _window(x, residual.shape[-1], 1, stride)
    return x if style.preactivation else layers.BatchNormalization()(x)


def _window(x, filters: int, side: int, stride: int):
    """A convolution; a narrow 1×1 one with a stride is one without, of fewer pixels: the same values."""
    if side == 1 < stride and x.shape[-1] < 16:
        # Trained with an odd number of pictures, it would make TensorFlow's oneDNN write past its memory on processors
        # with AVX-512 (seen with TensorFlow 2.21: Python dies).
        x, stride = layers.MaxPooling2D(1, strides=stride)(x), 1
    return _convolution(x, filters, side, stride)


def _convolution(x, filters: int, side: int, stride: int):
    return layers.Conv2D(
        filters,
        side,
        strides=stride,
        padding="same",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(1e-4),
    )(x)


def _activated(x):
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def _checked_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    try:
        channels, rows, columns = (int(side) for side in shape)
    except (TypeError, ValueError):
        raise ValueError(f"ResnetBuilder: input_shape is (channels, rows, columns), not {shape!r}.") from None
    if channels < 1 or min(rows, columns) < SMALLEST_SIDE:
        hint = f" Did you mean {(columns, channels, rows)}?" if columns in (1, 3, 4) else ""
        raise ValueError(
            f"ResnetBuilder: input_shape is (channels, rows, columns) with sides of {SMALLEST_SIDE} pixels or more,"
            f" not {tuple(shape)}.{hint}"
        )
    return channels, rows, columns


def _checked_counts(num_outputs: int, repetitions: Sequence[int], width: int) -> None:
    if not isinstance(num_outputs, int) or num_outputs < 2:
        raise ValueError(f"ResnetBuilder: num_outputs is the number of classes, 2 or more, not {num_outputs!r}.")
    if not isinstance(width, int) or width < 1:
        raise ValueError(f"ResnetBuilder: width is a number of channels, 1 or more, not {width!r}.")
    if not repetitions or not all(isinstance(count, int) and count > 0 for count in repetitions):
        raise ValueError(f"ResnetBuilder: repetitions are blocks per stage, e.g. (2, 2, 2, 2), not {repetitions!r}.")


def _checked_block(block: str | Callable) -> Callable:
    if block in BLOCKS.values():
        return block
    if isinstance(block, str) and block in BLOCKS:
        return BLOCKS[block]
    raise ValueError(f"ResnetBuilder: block is one of {', '.join(BLOCKS)}, not {block!r}.")
