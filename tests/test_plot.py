"""Pictures and terminal drawings: what stands in them."""

import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from case import PUBLIC

import jaxsched as js
from jaxsched._tools import gallery
from jaxsched._tools import plot as drawing

mpl.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parent.parent
JOINED = js.join_schedules(
    [js.linear_schedule(0.0, 1.0, 100), js.cosine_decay_schedule(1.0, 300)], [100]
)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_one_schedule_with_its_phases():
    axes = js.plot(JOINED, 400)
    line = axes.get_lines()[0]
    at, values = line.get_data()
    assert list(at) == list(range(400))
    np.testing.assert_array_equal(values, [JOINED(step) for step in range(400)])
    assert [t.get_text() for t in axes.texts] == ["linear", "cosine decay"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == (
        "step",
        "value",
        "join_schedules",
    )
    assert axes.get_legend() is None
    bare = js.plot(JOINED, 400, phases=False)
    assert not bare.texts
    assert bare is not axes


def test_several_schedules_can_be_told_apart():
    some = {str(k): js.constant_schedule(float(k)) for k in range(1, 6)}
    axes = js.plot(some, 10)
    lines = axes.get_lines()
    assert len({line.get_color() for line in lines}) == 5
    assert len({line.get_linestyle() for line in lines[:4]}) == 4
    assert [t.get_text() for t in axes.get_legend().get_texts()] == list(some)


def test_long_names_stand_below_the_axes():
    texts = [
        "warmup_cosine_decay_schedule(0, 1e-3, 500, 10_000, end_value=1e-5)",
        "linear_schedule(1e-3, 0, transition_steps=9000)",
        "exponential_decay(1e-3, 1000, decay_rate=0.5)",
    ]
    axes = js.plot({text: js.parse(text) for text in texts}, 10_000)
    figure = axes.figure
    figure.draw_without_rendering()
    legend = axes.get_legend().get_window_extent()
    assert legend.y1 < axes.xaxis.label.get_window_extent().y0
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= legend.y0
    assert axes.bbox.height > 0.5 * figure.bbox.height


def test_log_axis_leaves_out_what_is_not_positive():
    axes = js.plot(js.linear_schedule(1.0, -1.0, 10), 11, log=True)
    assert axes.get_yscale() == "log"
    assert np.isnan(axes.get_lines()[0].get_ydata()).sum() == 6


def test_given_axes_are_drawn_in():
    _, axes = plt.subplots()
    assert js.plot(lambda step: 0.5, 7, ax=axes) is axes
    assert list(axes.get_lines()[0].get_ydata()) == [0.5] * 7


def test_long_runs_keep_their_edges():
    schedule = js.piecewise_constant_schedule(1.0, {123_457: 0.1})
    at, values = drawing.curve(schedule, 10**6)
    assert len(at) < 2100
    assert values[list(at).index(123_456)] == 1.0
    assert values[list(at).index(123_457)] == pytest.approx(0.1)


def test_pieces():
    assert drawing.pieces(JOINED, 400) == [(0, 100, "linear"), (100, 400, "cosine_decay")]
    assert drawing.pieces(JOINED, 50) == [(0, 50, "linear")]
    assert drawing.pieces(js.constant_schedule(1.0), 9) == [(0, 9, "")]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 10), TypeError, "plot: schedules must be a schedule or another callable from step to"),
        (([JOINED], 10), TypeError, "plot: schedules must be a schedule or another callable from step to "
         "value, or of several a mapping from name to each, {'warmup': schedule, ...}, got [join"),
        (({}, 10), ValueError, "plot: schedules must be at least one schedule, got {}"),
        (({"a": 3}, 10), TypeError, "plot: schedules['a'] must be a schedule or another callable"),
        ((JOINED, 0), ValueError, "plot: steps must be an integer from 1 to 2.14748e+09, got 0"),
    ],
)  # fmt: skip
def test_errors(arguments, error, message):
    with pytest.raises(error) as caught:
        js.plot(*arguments)
    assert str(caught.value).startswith(message)


def test_without_matplotlib_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ImportError, match=r"^plot needs matplotlib: pip install 'jaxsched\[plot\]'$"
    ):
        js.plot(JOINED, 10)


def test_importing_does_not_import_matplotlib():
    code = (
        "import sys, jaxsched; assert 'matplotlib' not in sys.modules and 'tqdm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=js.__path__[0] + "/..")


def test_sketch_heights():
    text = js.sketch(js.linear_schedule(0.0, 8.0, 8), 9, height=4)
    lines = text.splitlines()
    columns = [line[11:].ljust(9) for line in lines[:4]]
    heights = [sum(" ▁▂▃▄▅▆▇█".index(row[c]) for row in columns) for c in range(9)]
    assert heights == [round(v * 32 / 8) for v in range(9)]
    assert lines[-1] == "           0       8"


def test_sketch_log_and_ascii():
    decay = js.exponential_decay(1.0, 10, 0.1)
    lines = js.sketch(decay, 40, log=True, height=4, width=40).splitlines()
    assert lines[0].startswith("        1 |█")
    assert lines[3].startswith("   0.0001 |")
    full = [line[11:].ljust(40).count("█") for line in lines[:4]]
    assert full == sorted(full)
    plain = js.sketch(decay, 40, log=True, ascii_only=True)
    assert plain.isascii()
    nothing = js.sketch(js.constant_schedule(-1.0), 5, log=True)
    assert nothing == "nothing to draw: no positive value"


def test_sketch_of_long_and_short_runs():
    assert js.sketch(js.constant_schedule(1.0), 1).splitlines()[0] == "        1 |█"
    lines = js.sketch(JOINED, 10**9, width=50, height=3).splitlines()
    assert max(map(len, lines)) <= 61
    below = js.sketch(js.linear_schedule(-1.0, 1.0, 20), 21, height=2)
    assert below.splitlines()[1].startswith("       -1 |")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 3}, "sketch: width must be an integer of at least 8, got 3"),
        ({"height": 1}, "sketch: height must be an integer of at least 2, got 1"),
    ],
)
def test_sketch_errors(changes, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        js.sketch(JOINED, 10, **changes)
    assert str(caught.value) == message


def test_every_public_schedule_has_an_example_in_the_gallery():
    assert set(gallery.EXAMPLES) == set(PUBLIC)
    for name, (schedule, _) in gallery.EXAMPLES.items():
        assert schedule.factory is PUBLIC[name]


def test_the_gallery_draws_each_curve_under_its_name():
    figure, left_out = gallery.gallery(["sgdr_schedule", "clip", "mine"])
    assert left_out == ["mine"]
    drawn = {axes.get_title(): axes.get_lines() for axes in figure.axes if axes.get_lines()}
    assert list(drawn) == ["sgdr", "clip"]
    schedule, steps = gallery.EXAMPLES["clip"]
    _, curve = drawn["clip"]
    assert list(curve.get_ydata()) == [schedule(step) for step in range(steps + 1)]


def test_the_pictures_of_the_readme_are_those_of_the_gallery(tmp_path, monkeypatch, capsys):
    program = str(ROOT / "docs/gallery.py")
    monkeypatch.setattr(sys, "argv", [program, "--output", str(tmp_path)])
    runpy.run_path(program, run_name="__main__")
    assert capsys.readouterr().out == f"{len(PUBLIC)} pictures in {tmp_path}\n"
    stored = {path.name: path for path in (ROOT / "docs/images").iterdir()}
    assert set(stored) == {f"{name}.png" for name in PUBLIC}
    for name, path in stored.items():
        drawn, shown = plt.imread(tmp_path / name), plt.imread(path)
        assert drawn.shape == shown.shape == (72, 192, 4)
        # Another release of matplotlib may smooth an edge in another way.
        assert np.mean(np.abs(drawn - shown)) < 0.001, name
