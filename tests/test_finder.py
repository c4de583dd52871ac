"""The range test: its updates against a plain loop, its suggestions against the peers' formulas."""

import itertools
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsched as js
from jaxsched._tools import finder

CURVATURE = np.array([1.0, 2.0, 4.0, 8.0], np.float32)
BATCHES = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def loss(params, batch):
    return (
        0.5 * jnp.sum(CURVATURE.astype(batch.dtype) * (params["w"] - batch) ** 2) + params["b"] ** 2
    )


def start():
    return {"w": jnp.ones(4, "float32"), "b": jnp.asarray(1.0, "float32")}


def adam_in_chain(rate):
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=0.01))


OPTIMIZERS = {
    "sgd": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, momentum=0.9),
    "adamw in a chain": adam_in_chain,
    "decay by rate": lambda rate: optax.adamw(rate, weight_decay=0.1 * rate),
    "inject_hyperparams": optax.inject_hyperparams(optax.adam),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
@pytest.mark.parametrize("ramp", ["exponential", "linear"])
def test_losses_are_those_of_a_loop(optimizer, ramp):
    options = {"start": 1e-4, "end": 0.05, "steps": 33, "ramp": ramp}
    with jax.numpy_dtype_promotion("standard"):
        found = js.lr_range_test(loss, start(), BATCHES, optimizer, **options)
        at = np.arange(33) / 32
        rates = 1e-4 * 500**at if ramp == "exponential" else 1e-4 + (0.05 - 1e-4) * at
        np.testing.assert_allclose(found.rates, rates, rtol=1e-12)
        params, state = start(), None
        for i, rate in enumerate(rates):
            tx = optimizer(np.float32(rate))
            fresh = tx.init(params)
            state = fresh if state is None else state
            if isinstance(state, optax.InjectStatefulHyperparamsState):
                state = state._replace(hyperparams=fresh.hyperparams)
            value, grads = jax.value_and_grad(loss)(params, BATCHES[i % 20])
            np.testing.assert_allclose(found.losses[i], value, rtol=2e-4)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
    assert not found.diverged
    assert len(found.losses) == len(found.smoothed) == 33


def test_smoothing_is_corrected_for_its_bias():
    found = js.lr_range_test(loss, start(), BATCHES, steps=30, end=1e-3, smoothing=0.9)
    weights = 0.9 ** np.arange(30)
    for i in range(len(found.losses)):
        window = weights[: i + 1][::-1]
        mean = np.sum(window * found.losses[: i + 1]) / window.sum()
        assert found.smoothed[i] == pytest.approx(mean, rel=1e-12)
    raw = js.lr_range_test(loss, start(), BATCHES, steps=30, end=1e-3, smoothing=0.0)
    np.testing.assert_array_equal(raw.smoothed, raw.losses)


def test_parameters_are_left_alone():
    params = start()
    js.lr_range_test(loss, params, BATCHES)
    jax.tree.map(np.testing.assert_array_equal, params, start())


KINDS = {
    "stacked": lambda: BATCHES,
    "device": lambda: jnp.asarray(BATCHES),
    "list": lambda: list(BATCHES),
    "iterator": lambda: itertools.cycle(BATCHES),
    "range": lambda: (BATCHES[i % 20] for i in range(25)),
}


@pytest.mark.parametrize("batches", KINDS.values(), ids=KINDS.keys())
def test_batches_of_every_kind(batches):
    expected = js.lr_range_test(loss, start(), BATCHES, steps=25, end=0.01)
    found = js.lr_range_test(loss, start(), batches(), steps=25, end=0.01)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-6)


def test_one_compilation_for_a_test_and_the_next():
    seen = []

    def counted(params, batch):
        seen.append(None)
        return loss(params, batch)

    js.lr_range_test(counted, start(), BATCHES, steps=95, end=0.01)
    traces = len(seen)
    assert traces > 0
    js.lr_range_test(counted, start(), BATCHES, steps=40, start=1e-5, end=0.1)
    js.lr_range_test(counted, start(), BATCHES, steps=7)
    assert len(seen) == traces <= 2  # scan may trace its body once more


def test_it_stops_at_divergence():
    found = js.lr_range_test(loss, start(), BATCHES, start=1e-3, end=1e3)
    assert found.diverged
    assert len(found.rates) < 100
    best = found.smoothed[:-1].min()
    assert found.smoothed[-1] > 4 * best
    assert (found.smoothed[:-1] <= 4 * np.minimum.accumulate(found.smoothed[:-1])).all()
    never = js.lr_range_test(loss, start(), BATCHES, start=1e-3, end=1e3, divergence=None)
    assert len(never.rates) > len(found.rates)


@pytest.mark.usefixtures("nan_on_purpose")
def test_it_stops_at_a_loss_that_is_not_finite():
    def broken(params, batch):
        return jnp.where(batch[0] > 3, jnp.nan, loss(params, batch[1:]))

    marked = np.c_[np.arange(100, dtype=np.float32) % 14 - 10, np.zeros((100, 4), np.float32)]
    marked[:, 0] = np.where(np.arange(100) == 37, 4, 0)
    found = js.lr_range_test(broken, start(), marked, end=1e-3)
    assert found.diverged
    assert len(found.losses) == 38
    assert math.isnan(found.losses[-1])
    assert found.suggestions["valley"] is not None


def test_a_negative_loss_is_no_divergence():
    def negative(params, batch):
        return loss(params, batch) - 1000.0

    found = js.lr_range_test(negative, start(), BATCHES, end=0.01)
    assert not found.diverged


@pytest.mark.parametrize("stiffness", [0.1, 3.0, 100.0])
@pytest.mark.parametrize("optimizer", [optax.sgd, OPTIMIZERS["momentum"]], ids=["sgd", "momentum"])
def test_suggestions_lie_within_what_is_stable(stiffness, optimizer):
    """On a quadratic of curvature h gradient descent converges below a rate of 2 / h, best at 1 / h."""

    def quadratic(params, batch):
        return 0.5 * stiffness * jnp.sum((params - batch) ** 2)

    batches = np.zeros((1, 3), np.float32)
    options = {"start": 1e-5 / stiffness, "end": 100 / stiffness}
    found = js.lr_range_test(quadratic, jnp.ones(3, "float32"), batches, optimizer, **options)
    assert found.diverged
    for rule in ("valley", "steepest", "minimum / 10"):
        assert 0.002 / stiffness < found.suggestions[rule] < 2 / stiffness, rule


# The peers' formulas, written anew: slow and literal.


def fastai_curve(rates, losses, count):
    rates, losses = rates[count // 10 : -5], losses[count // 10 : -5]
    for i, value in enumerate(losses):
        if math.isnan(value):
            return rates[:i], losses[:i]
    return rates, losses


def fastai_valley(rates, losses):
    n = len(losses)
    lengths = [1] * n
    first = last = 0
    for i in range(1, n):
        for j in range(i):
            if losses[i] < losses[j] and lengths[i] < lengths[j] + 1:
                lengths[i] = lengths[j] + 1
            if lengths[last] < lengths[i]:
                last = i
                first = last - lengths[last]
    sections = (last - first) / 3
    return rates[first + int(sections) + int(sections / 2)]


def fastai_steep(rates, losses):
    slopes = [
        (losses[i + 1] - losses[i]) / (math.log(rates[i + 1]) - math.log(rates[i]))
        for i in range(len(rates) - 1)
    ]
    return rates[slopes.index(min(slopes))]


def fastai_minimum(rates, losses):
    return rates[losses.index(min(losses))] / 10


def lightning_suggestion(rates, losses):
    pairs = [p for p in zip(rates[10:-1], losses[10:-1], strict=True) if math.isfinite(p[1])]
    x, y = zip(*pairs, strict=True)
    slopes = [(y[1] - y[0]) / (x[1] - x[0])]
    for i in range(1, len(x) - 1):
        a, b = x[i] - x[i - 1], x[i + 1] - x[i]
        slope = y[i + 1] * a / (b * (a + b)) + y[i] * (b - a) / (a * b)
        slopes.append(slope - y[i - 1] * b / (a * (a + b)))
    slopes.append((y[-1] - y[-2]) / (x[-1] - x[-2]))
    return x[slopes.index(min(slopes))]


def recorded(seed):
    """A curve like those of range tests: level, a fall, a rise, noise; some break off."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(30, 160))
    rates = np.geomspace(10 ** rng.uniform(-8, -4), 10 ** rng.uniform(-1, 2), count)
    place = np.linspace(0, 1, count)
    losses = 2.3 - 2 / (1 + np.exp(-20 * (place - rng.uniform(0.3, 0.7))))
    losses += np.exp(30 * (place - rng.uniform(0.8, 1.0))) + rng.normal(0, 0.05, count)
    length = int(count * rng.uniform(0.7, 1))
    if seed % 3 == 0:
        losses[int(0.9 * length) :] = math.nan
    return js.RangeTest(rates[:length], losses[:length], losses[:length], steps=count)


@pytest.mark.parametrize("seed", range(40))
def test_suggestions_agree_with_the_peers(seed):
    curve = recorded(seed)
    rates, losses = curve.rates.tolist(), curve.smoothed.tolist()
    theirs = fastai_curve(rates, losses, curve.steps)
    assert curve.valley == fastai_valley(*theirs)
    assert curve.steepest == fastai_steep(*theirs)
    assert curve.minimum_tenth == fastai_minimum(*theirs)
    assert curve.lightning == lightning_suggestion(rates, losses)


def test_lightning_agrees_with_torch():
    torch = pytest.importorskip("torch")
    for seed in range(1, 30):
        curve = recorded(seed)
        finite = np.isfinite(curve.smoothed[10:-1])
        rates = torch.tensor(curve.rates[10:-1][finite])
        losses = torch.tensor(curve.smoothed[10:-1][finite])
        best = int(torch.argmin(torch.gradient(losses, spacing=[rates])[0]))
        assert curve.lightning == float(rates[best])


def test_suggestions_of_one_recorded_curve():
    """Numbers, so that a change of both formulas would be seen."""
    rates = np.geomspace(1e-6, 1.0, 61)
    losses = np.concatenate([np.full(20, 2.0), np.linspace(2.0, 0.5, 31), np.linspace(0.6, 4, 10)])
    curve = js.RangeTest(rates, losses, losses, steps=61)
    assert curve.valley == fastai_valley(*fastai_curve(rates.tolist(), losses.tolist(), 61))
    assert list(rates).index(curve.valley) == 34
    assert curve.minimum_tenth == rates[50] / 10
    assert 20 <= list(rates).index(curve.steepest) < 50
    assert list(rates).index(curve.lightning) == 21


def test_too_few_points_suggest_nothing():
    few = js.lr_range_test(loss, start(), BATCHES, steps=5, end=1e-3)
    assert few.suggestions == dict.fromkeys(("steepest", "valley", "minimum / 10", "lightning"))
    assert str(few).splitlines()[1] == "  steepest     too few points"


def test_text_data_and_picture():
    import matplotlib as mpl

    mpl.use("Agg")
    found = js.lr_range_test(loss, start(), BATCHES, start=1e-4)
    head, *rows = str(found).splitlines()
    assert (
        head
        == f"range test: {len(found.rates)} of 100 rates, 0.0001 to {found.rates[-1]:.3g}, diverged"
    )
    assert [row.split()[-1] for row in rows] == [f"{r:.3g}" for r in found.suggestions.values()]
    data = json.loads(json.dumps(found.to_dict()))
    assert data["rates"] == found.rates.tolist()
    assert data["suggestions"]["valley"] == found.valley
    axes = found.plot()
    labels = [line.get_label() for line in axes.get_lines()]
    assert labels[:2] == ["loss", "smoothed"]
    assert labels[2:] == [f"{name}: {rate:.2g}" for name, rate in found.suggestions.items()]
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == (
        "log",
        "learning rate",
        "loss",
    )
    low, high = axes.get_ylim()
    assert low < found.smoothed.min()
    assert high > found.smoothed[0]
    assert found.plot(ax=axes) is axes
    mpl.pyplot.close(axes.figure)


def test_progress_is_shown(capsys):
    js.lr_range_test(loss, start(), BATCHES, end=1e-3, progress=True)
    assert "100/100" in capsys.readouterr().err


def test_precision_follows_the_parameters(x64):
    found = js.lr_range_test(loss, start(), BATCHES, steps=20, end=1e-3)
    assert found.rates.dtype == np.float64
    if x64:
        params = jax.tree.map(lambda p: p.astype("float64"), start())
        double = js.lr_range_test(loss, params, BATCHES.astype("float64"), steps=20, end=1e-3)
        np.testing.assert_allclose(found.losses, double.losses, rtol=1e-5)


def test_unhashable_functions():
    class Model:
        __hash__ = None

        def __call__(self, params, batch):
            return loss(params, batch)

    found = js.lr_range_test(Model(), start(), BATCHES, steps=12, end=1e-3)
    expected = js.lr_range_test(loss, start(), BATCHES, steps=12, end=1e-3)
    np.testing.assert_array_equal(found.losses, expected.losses)
    assert finder._Static(loss) == finder._Static(loss)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"loss": 3}, TypeError, "loss must be a function, got 3"),
        ({"optimizer": 3}, TypeError, "optimizer must be a function, got 3"),
        ({"start": 0}, ValueError, "start must be a positive finite number, got 0"),
        ({"end": -1.0}, ValueError, "end must be a positive finite number, got -1.0"),
        ({"start": 20}, ValueError, "start must be below end (10.0), got 20.0"),
        ({"steps": 1}, ValueError, "steps must be an integer of at least 2, got 1"),
        ({"ramp": "cosine"}, ValueError, "ramp must be 'exponential' or 'linear', got 'cosine'"),
        ({"smoothing": 1}, ValueError, "smoothing must be below 1, got 1.0"),
        ({"smoothing": 2}, ValueError, "smoothing must be a number from 0 to 1, got 2"),
        ({"divergence": 1}, ValueError, "divergence must be a finite number above 1, got 1"),
        ({"progress": 1}, TypeError, "progress must be True or False, got 1"),
        (
            {"batches": 7},
            TypeError,
            "batches must be arrays of stacked batches, or an iterable of batches, got 7",
        ),
        (
            {"batches": (np.zeros(3), np.zeros(4))},
            ValueError,
            "batches must be arrays with the batches along a first axis of one length, got [(3,), (4,)]",
        ),
        ({"batches": iter(BATCHES)}, ValueError, "batches must be at least 100 batches, got 20"),
        (
            {"batches": [np.zeros((4, 3)), np.zeros((2, 3))]},
            ValueError,
            "batches must be batches of one structure and shape (leave out a shorter last one), got "
            "[((2, 3),), ((4, 3),)]",
        ),
        (
            {"batches": [(np.zeros(3),), {"x": np.zeros(3)}]},
            ValueError,
            "batches must be batches of one structure and shape (leave out a shorter last one), got "
            "[PyTreeDef((*,)), PyTreeDef({'x': *})]",
        ),
        ({"batches": []}, ValueError, "batches must be at least 100 batches, got 0"),
    ],
)  # fmt: skip
def test_errors(changes, error, message):
    arguments = {"loss": loss, "params": start(), "batches": BATCHES, **changes}
    with pytest.raises(error) as caught:
        js.lr_range_test(**arguments)
    assert str(caught.value) == f"lr_range_test: {message}"
