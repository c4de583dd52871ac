"""examples/ionosphere.py: the experiment's conventions, and its results where the data is at hand.

IONOSPHERE_CSV=ionosphere.csv pytest tests/test_ionosphere.py

runs on the real data too; without the variable a made-up table of the same form stands in for it.
"""

import importlib.util
import os
import re
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxsched

PROGRAM = Path(__file__).parent.parent / "examples" / "ionosphere.py"
REAL = os.environ.get("IONOSPHERE_CSV", "")


@pytest.fixture(autouse=True)
def as_a_user_runs_it():
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("ionosphere_example", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made_up(tmp_path):
    """351 rows of 34 numbers whose class a line tells."""
    x = np.random.default_rng(0).uniform(-1, 1, (351, 34)).round(5)
    labels = np.where(x[:, 0] + x[:, 1] > 0, "g", "b")
    path = tmp_path / "made_up.csv"
    path.write_text(
        "\n".join(",".join([*map(str, row), c]) for row, c in zip(x, labels, strict=True))
    )
    return path


def test_the_split_is_that_of_keras(example, made_up):
    x, y = example.load(made_up)
    assert x.shape == (351, 34)
    assert set(y) == {0.0, 1.0}
    (x_train, y_train), (x_validation, y_validation) = example.split(x, y)
    assert len(x_train) == len(y_train) == 235
    assert len(x_validation) == len(y_validation) == 116
    np.testing.assert_array_equal(x_validation, x[-116:])


def test_schedules(example):
    runs = example.candidates(9, 50)
    time_based, drops = runs["time-based"]["schedule"], runs["drop-based"]["schedule"]
    rates = [time_based(step) for step in (0, 1, 449)]
    assert rates == pytest.approx([0.1, 0.1 / 1.002, 0.1 / 1.898], rel=1e-12)
    # floor((1 + epoch) / 10): epoch 9 is the first at half the rate
    epochs = {0: 0.1, 8: 0.1, 9: 0.05, 18: 0.05, 19: 0.025, 49: 0.1 / 32}
    for epoch, rate in epochs.items():
        assert drops(9 * epoch) == drops(9 * epoch + 8) == rate
    assert runs["cosine"]["schedule"](450) == 0.0
    assert [run["momentum"] for run in runs.values()] == [0.0, 0.9, 0.8, 0.9, 0.9, 0.9]


def test_an_epoch_is_that_of_a_plain_loop(example):
    """The short last batch counts with its own size, and every row is used once."""
    x = jax.random.normal(jax.random.key(1), (60, 34), "float32")
    y = (x[:, 0] > 0).astype("float32")
    run = {"schedule": jaxsched.time_based_decay(0.1, 0.5), "momentum": 0.8, "patience": 100}
    state = example.start(run, jax.random.key(2), 34)
    key = jax.random.key(3)
    params, velocity = state[0], jax.tree.map(np.zeros_like, state[0])
    order = np.asarray(jax.random.permutation(key, 60))
    for step, rows in enumerate((order[:28], order[28:56], order[56:])):
        one = np.ones(len(rows), np.float32)
        grads = jax.grad(example.loss)(params, x[rows], y[rows], one)
        velocity = jax.tree.map(lambda v, g: 0.8 * v + g, velocity, grads)
        rate = 0.1 / (1 + 0.5 * step)
        params = jax.tree.map(lambda p, v, rate=rate: p - rate * v, params, velocity)
    (trained, _), (accuracy, scale) = example.train_epoch(run, state, key, ((x, y), (x, y)))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), trained, params
    )
    right = (np.asarray(example.logit(trained, x)) > 0) == (y > 0.5)
    assert accuracy == np.mean(right, dtype=np.float32)
    assert scale == 1.0


def run(example, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["ionosphere.py", *map(str, arguments)])
    example.main()
    row = r"^(\w[\w -]*?) *\| *([\d.]+) \+- ([\d.]+) *\| *([\d.]+) +([\d.]+) \| *([\d.]*)$"
    out = capsys.readouterr().out
    return out, re.findall(row, out, re.MULTILINE)


def test_the_program(example, made_up, monkeypatch, capsys, tmp_path):
    picture = tmp_path / "a.png"
    options = ("--data", made_up, "--epochs", 4, "--seeds", 3, "--output", picture)
    out, rows = run(example, monkeypatch, capsys, *options)
    names = ["plain SGD", "momentum", "time-based", "drop-based", "cosine", "plateau"]
    assert [row[0] for row in rows] == names
    assert [row[-1] for row in rows] == ["95.69", "", "99.14", "99.14", "", ""]
    for _, mean, spread, lowest, highest, _ in rows:
        assert 0 <= float(lowest) <= float(mean) <= float(highest) <= 100
        assert float(spread) <= 50
    assert max(float(row[1]) for row in rows) > 75  # the line was learned
    assert "235 rows for training, 116 for validation." in out
    assert out.endswith(f"Picture: {picture}\n")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_without_the_data_it_says_how_to_get_it(example, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["ionosphere.py", "--data", str(tmp_path / "none.csv")])
    with pytest.raises(SystemExit) as stop:
        example.main()
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "--download (scikit-learn fetches it), or see https://archive.ics.uci.edu" in error


def test_download_writes_what_load_reads(example, monkeypatch, tmp_path):
    import sklearn.datasets

    x = np.array([[1.0, 0.0, -0.54487], [0.0, 0.5, 1.0]])

    def fetch(name, version, as_frame):
        assert (name, version, as_frame) == ("ionosphere", 1, False)
        return sklearn.utils.Bunch(data=x, target=np.array(["g", "b"], object))

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    example.download(tmp_path / "a.csv")
    inputs, labels = example.load(tmp_path / "a.csv")
    np.testing.assert_array_equal(inputs, x.astype(np.float32))
    np.testing.assert_array_equal(labels, [1, 0])


def test_a_file_of_something_else_is_refused(example, tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("1,2,3\n4,5,6\n")
    with pytest.raises(ValueError, match="its rows must be numbers, and end with g or b"):
        example.load(path)


@pytest.mark.skipif(not REAL, reason="set IONOSPHERE_CSV to the data")
def test_published_results(example):
    data = example.split(*example.load(Path(REAL)))
    runs, accuracies, scales, _ = example.train(data, 32, 50, 0)
    mean = dict(zip(runs, accuracies[..., -1].mean(axis=1), strict=True))
    assert min(mean[name] for name in ("time-based", "drop-based", "cosine")) >= 98.5
    assert abs(mean["plain SGD"] - 95.69) < 1
    assert (scales[:5] == 1).all()
    assert (scales[5, :, -1] < 1).all()  # the plateau was found in every run
