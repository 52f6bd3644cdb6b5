"""The architecture explorer: walk through a residual network block by block, and see what each sees and costs."""

import dataclasses
import functools

import ipywidgets
import numpy as np

from cnnkit.datasets.draw_flowers import draw_daisy_in_grass
from cnnkit.explore.base import Explorer, Rendering
from cnnkit.explore.panels import Chart, Line, Panel, Table
from cnnkit.images import to_gray

__all__ = ["STYLES", "ArchitectureExplorer", "ArchitectureParameters", "Layer", "Part", "network"]

# As in cnnkit.resnet, which is not imported: the slider would have to wait for Keras, and builds no model.
REPETITIONS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
STYLES = ("pre-activation", "original", "plain")
SIDES = range(32, 513, 4)  # pixels
CHANNELS = (3, 1)
WIDTHS = (64, 32, 16)
CLASSES = (2, 5, 10, 100, 1000)

ROWS = 8  # of the table of a block, so that none is taller than another
VIEW = 160  # pixels of the picture, whatever the network's side
# Of the Okabe-Ito palette: told apart with every common kind of colour blindness.
FIELD, PARAMETERS, OUTPUTS, SIDE = "#d55e00", "#0072b2", "#009e73", "#555555"
# Of the picture: 127 tones inside the square, 127 darker ones outside, and the square itself.
TONES = 127
PALETTE = (
    *(f"#{tone:02x}{tone:02x}{tone:02x}" for tone in np.linspace(0, 255, TONES).astype(int)),
    *(f"#{tone:02x}{tone:02x}{tone:02x}" for tone in np.linspace(0, 85, TONES).astype(int)),
    FIELD,
)


@dataclasses.dataclass(frozen=True)
class ArchitectureParameters:
    """What the controls say.

    Parameters
    ----------
    depth : 18, 34, 50, 101 or 152 layers.
    style : "pre-activation", "original" for the block of 2015, or "plain", the first without its shortcuts.
    side : rows and columns of the picture, 32-512 pixels in steps of 4.
    channels : of the picture, 3 or 1.
    width : channels of the first stage, 64, 32 or 16.
    classes : 2, 5, 10, 100 or 1000.
    block : what is looked at: 0 for the stem, then the blocks, and the head after the last of them.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    depth: int = 18
    style: str = "pre-activation"
    side: int = 100
    channels: int = 3
    width: int = 64
    classes: int = 2
    block: int = 3

    def __post_init__(self) -> None:
        choices = {
            "depth": tuple(REPETITIONS),
            "style": STYLES,
            "channels": CHANNELS,
            "width": WIDTHS,
            "classes": CLASSES,
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}, not {getattr(self, name)!r}.")
        if self.side not in SIDES:
            raise ValueError(
                f"side goes from {SIDES[0]} to {SIDES[-1]} pixels in steps of {SIDES.step}, not {self.side!r}."
            )
        last = _head(self.depth)
        if self.block not in range(last + 1):
            raise ValueError(f"block is a whole number from 0 to {last} in ResNet-{self.depth}, not {self.block!r}.")


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer, or two of which the second changes no shape.

    Parameters
    ----------
    name : what it is.
    side, channels : of its output, (side, side, channels).
    parameters : all that it keeps, with the mean and variance of a batch normalisation.
    outputs : how many Keras layers it stands for, each with an output of its own.
    kernel, stride : of its window; 1 for what looks at one place at a time.
    """

    name: str
    side: int
    channels: int
    parameters: int = 0
    outputs: int = 1
    kernel: int = 1
    stride: int = 1


@dataclasses.dataclass(frozen=True)
class Part:
    """The stem, a block, or the head of a network.

    Parameters
    ----------
    name : "stem", "stage 1" to "stage 4", or "head".
    layers : in the order in which Keras builds them.
    field : side of the square of the input that one output sees, in pixels, some of them perhaps outside the picture.
    seen : (first, last) of the rows, or columns, that the output in the middle sees; they may be outside too.
    shortcut : True if the shortcut has a convolution.
    """

    name: str
    layers: tuple[Layer, ...]
    field: int
    seen: tuple[int, int]
    shortcut: bool = False

    @property
    def side(self) -> int:
        return self.layers[-1].side

    @property
    def channels(self) -> int:
        return self.layers[-1].channels

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def outputs(self) -> int:
        """How many numbers all layers give for one picture."""
        return sum(layer.outputs * layer.side**2 * layer.channels for layer in self.layers)


class ArchitectureExplorer(Explorer):
    """Explore the residual networks of `cnnkit.resnet`: what their blocks are made of, see and cost.

    All is counted, nothing is built. MB are millions of bytes, 4 for each number in 32 bits.

    Parameters
    ----------
    **parameters : where the explorer begins, see `ArchitectureParameters`.

    Raises
    ------
    ValueError : a parameter out of its range.

    Source: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019,
    for the receptive field: a layer adds (kernel - 1) times the product of all strides before it. How much each pixel
    counts there is another question: W. Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional
    Neural Networks", NeurIPS 2016.

    >>> explorer = ArchitectureExplorer(depth=50, side=224, block=16)
    >>> explorer.render(explorer.parameters).facts.split(";")[0]
    'Block 16 of 16, in stage 4: 7×7 outputs in 2048 channels, each of which sees 483×483 pixels'
    """

    Parameters = ArchitectureParameters
    primary = "block"
    panels = {  # noqa: RUF012
        "seen": Panel(
            "The square that the output in the middle sees",
            "A daisy; what one output of the block sees is framed, the rest dark.",
            palette=PALETTE,
        ),
        "field": Panel(
            "How much one output sees:",
            "Side of the receptive field against the block, and the side of the picture as a horizontal line.",
            legend=((FIELD, "one output"), (SIDE, "picture (dashed)")),
        ),
        "shares": Panel(
            "What has been spent up to here:",
            "Parameters and outputs of all layers up to each block, as a share of the whole network's.",
            legend=((PARAMETERS, "parameters"), (OUTPUTS, "outputs (dashed)")),
        ),
        "stages": Panel("The network", "For each part its blocks, its output and its receptive field."),
        "costs": Panel(
            "What it costs; weights and outputs in MB",
            "For each part its parameters, and the memory of its weights and outputs.",
        ),
        "layers": Panel("The layers of this block (/2: stride 2)", "For each layer its output and its parameters."),
    }

    def __init__(self, **parameters: object) -> None:
        self._daisy = _daisy()
        super().__init__(ArchitectureParameters(**parameters))

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `ArchitectureParameters`."""

        def choice(description: str, options: tuple) -> ipywidgets.Dropdown:
            return ipywidgets.Dropdown(options=options, description=description)

        depth = choice("Depth", tuple(REPETITIONS))
        block = ipywidgets.IntSlider(max=_head(depth.value), description="Block")

        def limit(change: dict) -> None:
            block.max = _head(change["new"])

        depth.observe(limit, "value")
        return {
            "depth": depth,
            "style": choice("Style", STYLES),
            "side": ipywidgets.IntSlider(min=SIDES[0], max=SIDES[-1], step=SIDES.step, description="Picture, px"),
            "channels": choice("Channels", CHANNELS),
            "width": choice("Width", WIDTHS),
            "classes": choice("Classes", CLASSES),
            "block": block,
        }

    def render(self, parameters: ArchitectureParameters) -> Rendering:
        """Return the panels; "seen" holds indices into its palette."""
        parts = network(parameters)
        pictures = {
            "seen": _framed(self._daisy, parts[parameters.block].seen, parameters.side),
            "field": _field_chart(parts, parameters),
            "shares": _shares_chart(parts, parameters.block),
            "stages": _stages_table(parts, parameters.block),
            "costs": _costs_table(parts, parameters.block),
            "layers": _layers_table(parts[parameters.block]),
        }
        return Rendering(pictures, _facts(parts, parameters))

    def code(self, parameters: ArchitectureParameters) -> str:
        """Return plain Python that makes `table`.

        It has a row for each part: side, channels, field, the first row of the picture that the output in the middle
        sees, parameters, outputs.
        """
        plain = parameters.style == "plain"
        return "\n".join(
            [
                f"# ResNet-{parameters.depth}, {parameters.style}: counted, not built",
                f"side, channels, classes = {parameters.side}, {parameters.channels}, {parameters.classes}",
                f"convolutions = {_convolutions(parameters, 1)}  # (channels, kernel) of a block in the first stage",
                "",
                f"side, before, channels = (side + 1) // 2, channels, {parameters.width}  # 7×7, stride 2",
                "weights = (7 * 7 * before + 1) * channels + 4 * channels  # and its normalisation",
                "outputs = 3 * side**2 * channels  # convolution, normalisation, ReLU",
                "side, field, jump, offset = (side + 1) // 2, 7 + (3 - 1) * 2, 4, 2  # 3×3 pooling of stride 2",
                "# Output number i sees the rows from i * jump - offset on, `field` in all.",
                "table = [(side, channels, field, side // 2 * jump - offset, weights, outputs + side**2 * channels)]",
                f"for stage, blocks in enumerate({REPETITIONS[parameters.depth]}):",
                "    for block in range(blocks):",
                "        weights = outputs = 0",
                "        stride, entering = 2 if stage > 0 and block == 0 else 1, channels",
                "        for filters, kernel in convolutions:",
                *(f"            {line}" for line in _layer_code(parameters.style)),
                *([] if plain else ["        # the shortcut, and the sum"]),
                *(f"        {line}" for line in _shortcut_code(parameters.style)),
                "        table.append((side, channels, field, side // 2 * jump - offset, weights, outputs))",
                "    convolutions = [(2 * filters, kernel) for filters, kernel in convolutions]",
                "field += (side - 1) * jump  # the mean over all places",
                "weights, outputs = channels * classes + classes, 2 * channels + classes",
                *_end_code(parameters.style),
                "table.append((1, classes, field, -offset, weights, outputs))",
            ]
        )


def network(parameters: ArchitectureParameters) -> tuple[Part, ...]:
    """Return the stem, all blocks and the head of a network; `block` is not looked at.

    >>> parts = network(ArchitectureParameters(depth=18, side=100))
    >>> [part.side for part in parts], sum(part.parameters for part in parts)
    ([25, 25, 25, 13, 13, 7, 7, 4, 4, 1], 11188354)
    """
    return _network(dataclasses.replace(parameters, block=0))


@functools.lru_cache(maxsize=32)
def _network(parameters: ArchitectureParameters) -> tuple[Part, ...]:
    width, preactivation = parameters.width, parameters.style != "original"
    stem = [_convolution(parameters.side, parameters.channels, width, 7, 2)]
    stem += [_activation(stem[-1].side, width), _pooling(stem[-1].side, width)]
    named = [("stem", stem, stem, False)]
    side, channels = stem[-1].side, width
    for stage, count in enumerate(REPETITIONS[parameters.depth], 1):
        for number in range(count):
            stride = 2 if stage > 1 and number == 0 else 1
            path = _path(side, channels, parameters, stage, stride, first=stage == 1 and number == 0)
            changed = stride > 1 or channels != path[-1].channels
            shortcut = _shortcut(side, channels, path[-1], stride if changed else 0, parameters.style)
            named.append((f"stage {stage}", path, [*path, *shortcut], changed and parameters.style != "plain"))
            side, channels = path[-1].side, path[-1].channels
    head = [_activation(side, channels)] if preactivation else []
    head += [
        Layer("mean over all places", 1, channels, outputs=2, kernel=side),  # and flattened
        Layer("dense, softmax", 1, parameters.classes, (channels + 1) * parameters.classes),
    ]
    # Output i of a layer sees `field` pixels, of which i · jump - offset is the first.
    parts, before, field, jump, offset = [], parameters.side, 1, 1, 0
    for name, path, layers, changed in [*named, ("head", head, head, False)]:
        for layer in path:
            offset += _padding(before, layer) * jump
            field, jump, before = field + (layer.kernel - 1) * jump, jump * layer.stride, layer.side
        first = before // 2 * jump - offset
        parts.append(Part(name, tuple(layers), field, (first, first + field - 1), changed))
    return tuple(parts)


def _convolution(side: int, before: int, after: int, kernel: int, stride: int) -> Layer:
    name = f"{kernel}×{kernel} convolution{' /2' if stride == 2 else ''}"
    return Layer(name, -(-side // stride), after, (kernel**2 * before + 1) * after, kernel=kernel, stride=stride)


def _activation(side: int, channels: int) -> Layer:
    return Layer("normalise, ReLU", side, channels, 4 * channels, outputs=2)


def _pooling(side: int, channels: int) -> Layer:
    return Layer("3×3 max pooling /2", -(-side // 2), channels, kernel=3, stride=2)


def _convolutions(parameters: ArchitectureParameters, stage: int) -> list[tuple[int, int]]:
    """Return (channels, kernel) of each convolution of a block."""
    filters = parameters.width * 2 ** (stage - 1)
    return [(filters, 3), (filters, 3)] if parameters.depth <= 34 else [(filters, 1), (filters, 3), (4 * filters, 1)]


def _path(
    side: int, channels: int, parameters: ArchitectureParameters, stage: int, stride: int, first: bool
) -> list[Layer]:
    """Return the layers of a block without its shortcut; the stem has normalised for the very first."""
    layers: list[Layer] = []
    convolutions = _convolutions(parameters, stage)
    for number, (filters, kernel) in enumerate(convolutions):
        if parameters.style != "original" and not (first and number == 0):
            layers.append(_activation(side, channels))
        layers.append(_convolution(side, channels, filters, kernel, stride if number == 0 else 1))
        side, channels = layers[-1].side, filters
        if parameters.style == "original":
            last = number == len(convolutions) - 1
            layers.append(Layer("normalise", side, channels, 4 * channels) if last else _activation(side, channels))
    return layers


def _shortcut(side: int, channels: int, end: Layer, stride: int, style: str) -> list[Layer]:
    """Return the layers in which a block ends; `stride` 0 if its input may be added as it is."""
    if style == "plain":
        return []
    original = style == "original"
    layers = []
    if stride:
        convolution = _convolution(side, channels, end.channels, 1, stride)
        layers.append(
            dataclasses.replace(
                convolution,
                name=f"shortcut: 1×1{' /2' if stride == 2 else ''}",
                parameters=convolution.parameters + 4 * end.channels * original,
                outputs=1 + original,
            )
        )
    return [*layers, Layer("sum, ReLU" if original else "sum", end.side, end.channels, outputs=1 + original)]


def _padding(before: int, layer: Layer) -> int:
    """Return how many rows "same" padding adds before the first; where their number is odd, one more at the end."""
    return max((layer.side - 1) * layer.stride + layer.kernel - before, 0) // 2


def _layer_code(style: str) -> list[str]:
    convolution = [
        "weights += kernel**2 * channels * filters + filters",
        "before, side = side, -(-side // stride)",
        "offset += max((side - 1) * stride + kernel - before, 0) // 2 * jump  # the padding at the beginning",
        "field, jump = field + (kernel - 1) * jump, jump * stride",
        "channels, stride = filters, 1",
    ]
    if style == "original":
        return [
            *convolution,
            "weights += 4 * channels  # normalisation",
            "outputs += 3 * side**2 * channels  # and ReLU, which the last one leaves to the sum",
        ]
    return [
        "if len(table) > 1 or outputs > 0:  # the stem has done it for the very first",
        "    weights += 4 * channels  # normalisation",
        "    outputs += 2 * side**2 * channels  # and ReLU",
        *convolution,
        "outputs += side**2 * channels",
    ]


def _shortcut_code(style: str) -> list[str]:
    if style == "plain":
        return []
    normalised = style == "original"
    return [
        "if channels != entering:  # then the stride may be 2 as well",
        f"    weights += entering * channels + channels{' + 4 * channels' if normalised else ''}",
        f"    outputs += {'2 * ' if normalised else ''}side**2 * channels",
        "outputs += side**2 * channels",
    ]


def _end_code(style: str) -> list[str]:
    if style == "original":
        return []
    return ["weights, outputs = weights + 4 * channels, outputs + 2 * side**2 * channels  # normalisation and ReLU"]


def _head(depth: int) -> int:
    """Return the number of the head: the blocks are counted from 1."""
    return sum(REPETITIONS[depth]) + 1


def _daisy() -> np.ndarray:
    """Return a grey picture in `TONES` tones."""
    picture, _ = draw_daisy_in_grass(np.random.default_rng(0), VIEW, VIEW)
    return np.rint(to_gray(picture) / 255 * (TONES - 1)).astype(np.uint8)


def _framed(picture: np.ndarray, seen: tuple[int, int], side: int) -> np.ndarray:
    """Darken what is not seen and frame what is; a frame outside the picture is at its border."""
    low, high = seen
    start, stop = max(low, 0) * VIEW // side, -(-min(high + 1, side) * VIEW // side)
    framed = picture + np.uint8(TONES)
    framed[start:stop, start:stop] = 2 * TONES
    inner = slice(start + 2, stop - 2)
    framed[inner, inner] = picture[inner, inner]
    return framed


def _field_chart(parts: tuple[Part, ...], parameters: ArchitectureParameters) -> Chart:
    fields = [part.field for part in parts]
    last = len(parts) - 1
    lines = (
        Line((0, last), (parameters.side, parameters.side), SIDE, "dashed"),
        Line(range(len(parts)), fields, FIELD),
        Line([parameters.block], [fields[parameters.block]], FIELD, "dots"),
    )
    highest = 1.1 * max(fields[-1], parameters.side)
    return Chart(lines, f"block (0: stem, {last}: head)", "side in pixels", (0, last), (0, highest))


def _shares_chart(parts: tuple[Part, ...], block: int) -> Chart:
    lines = []
    for name, color, style in (("parameters", PARAMETERS, "solid"), ("outputs", OUTPUTS, "dashed")):
        sums = np.cumsum([getattr(part, name) for part in parts])
        shares = 100 * sums / sums[-1]
        lines += [Line(range(len(parts)), shares, color, style), Line([block], [shares[block]], color, "dots")]
    last = len(parts) - 1
    return Chart(tuple(lines), f"block (0: stem, {last}: head)", "% of the network", (0, last), (0, 105))


def _grouped(parts: tuple[Part, ...]) -> dict[str, list[Part]]:
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.name, []).append(part)
    return groups


def _stages_table(parts: tuple[Part, ...], block: int) -> Table:
    groups = _grouped(parts)
    rows = [
        (name, str(len(group)) if name.startswith("stage") else "", _shape(group[-1]), str(group[-1].field))
        for name, group in groups.items()
    ]
    return Table(("part", "blocks", "output", "sees, px"), tuple(rows), _marked(groups, parts[block]))


def _costs_table(parts: tuple[Part, ...], block: int) -> Table:
    groups = _grouped(parts)
    rows = [
        (
            name,
            f"{sum(part.parameters for part in group):,}",
            _megabytes(sum(part.parameters for part in group)),
            _megabytes(sum(part.outputs for part in group)),
        )
        for name, group in {**groups, "all": list(parts)}.items()
    ]
    return Table(("part", "parameters", "weights", "outputs"), tuple(rows), _marked(groups, parts[block]))


def _marked(groups: dict[str, list[Part]], part: Part) -> tuple[int, ...]:
    return (list(groups).index(part.name),)


def _layers_table(part: Part) -> Table:
    rows = [(layer.name, _shape(layer), f"{layer.parameters:,}" if layer.parameters else "") for layer in part.layers]
    empty = ("\N{NO-BREAK SPACE}", "", "")
    return Table(("layer", "output", "parameters"), (*rows, *[empty] * (ROWS - len(rows))))


def _shape(output: Layer | Part) -> str:
    return f"{output.side}×{output.side}×{output.channels}"


def _megabytes(numbers: int) -> str:
    return f"{4 * numbers / 1e6:.2f}"


def _facts(parts: tuple[Part, ...], parameters: ArchitectureParameters) -> str:
    part, side, blocks = parts[parameters.block], parameters.side, len(parts) - 2
    where = f"Block {parameters.block} of {blocks}, in {part.name}" if part.name[-1].isdigit() else f"The {part.name}"
    weights, outputs = (sum(getattr(each, name) for each in parts) for name in ("parameters", "outputs"))
    return (
        f"{where}: {part.side}×{part.side} outputs in {part.channels} channels, each of which sees"
        f" {part.field}×{part.field} pixels; the picture has {side}×{side}. ResNet-{parameters.depth},"
        f" {parameters.style}, has {weights:,} parameters in {_megabytes(weights)} MB; the outputs of all its layers"
        f" for one picture take {_megabytes(outputs)} MB. {_shortcuts(parts, parameters.style)}"
    )


def _shortcuts(parts: tuple[Part, ...], style: str) -> str:
    if style == "plain":
        return "There are no shortcuts."
    numbers = [str(number) for number, part in enumerate(parts) if part.shortcut]
    told = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
    return f"The shortcuts of blocks {told} need a 1×1 convolution, as the shape changes; all others add their input."
