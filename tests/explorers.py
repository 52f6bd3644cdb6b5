"""What the tests of all explorers ask of each: its controls, and what a saved notebook keeps of it."""

import ipywidgets


def moments(explorer):
    """What the page has been sent for each value of the primary slider."""
    return explorer._frames.frames["moments"]


def shown(explorer):
    """The moment that the page shows now: its facts, its code, and the numbers of its pictures."""
    value = explorer._slider.value
    return moments(explorer)[",".join(map(str, value)) if isinstance(value, tuple) else str(value)]


def shown_facts(explorer):
    """The facts that the page shows now."""
    return shown(explorer)["facts"]


def move_every_control(explorer):
    """Move each control through its choices, or to both ends, and back; the page always says what is shown."""
    for name, control in explorer._controls.items():
        for value in _values(control):
            control.value = value
            assert getattr(explorer.parameters, name) == value
            check_shown(explorer)
        explorer.reset()
        check_shown(explorer)


def check_shown(explorer):
    """The page shows the facts and the code of the present parameters."""
    assert shown_facts(explorer) == explorer.render(explorer.parameters).facts
    assert shown(explorer)["code"] == explorer.code(explorer.parameters)  # facts alone may stay the same


def _values(control):
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    if isinstance(control, ipywidgets.Checkbox):
        return [False, True]
    if isinstance(control, ipywidgets.IntRangeSlider):
        low, high, middle = control.min, control.max, (control.min + control.max) // 2
        return [(low, high), (low, low), (high, high), (middle, middle)]
    if not hasattr(control, "min"):  # a control of an explorer's own, which has no ends
        return [control.value]
    return [control.min, control.max]


def check_saved(explorer):
    """A saved notebook keeps a picture, and its words as text beside it."""
    data, metadata = explorer._repr_mimebundle_()
    assert len(data["image/png"]) > 5000
    assert data["text/plain"] == metadata["image/png"]["alt"] == explorer.render(explorer.parameters).facts
