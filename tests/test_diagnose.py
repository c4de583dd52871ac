"""`diagnose` on real training runs, judged by what the remedies do, and on drawn curves.

`python tests/test_diagnose.py --write` writes the confusion table into docs/diagnose.md.
"""

import collections
import functools
import json
import math
import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits

import jaxsched as js

PAGE = Path(__file__).parent.parent / "docs" / "diagnose.md"
VERDICTS = ("rate too high", "late rate too high", "rate too low", "healthy")
STEPS, BATCH, HIDDEN, SEEDS = 600, 64, 24, 2
OPTIMIZERS = {
    "sgd": (optax.sgd, np.geomspace(1e-4, 100, 10)),
    "momentum": (lambda rate: optax.sgd(rate, momentum=0.9), np.geomspace(1e-5, 10, 10)),
    "adam": (optax.adam, np.geomspace(1e-6, 1, 10)),
}


def init(key):
    first, second = jax.random.split(key)
    return {
        "w1": jax.random.normal(first, (64, HIDDEN), "float32") * (2 / 64) ** 0.5,
        "b1": jnp.zeros((1, HIDDEN), "float32"),
        "w2": jax.random.normal(second, (HIDDEN, 10), "float32") * HIDDEN**-0.5,
        "b2": jnp.zeros((1, 10), "float32"),
    }


def loss(params, images, labels):
    hidden = jax.nn.relu(images @ params["w1"] + params["b1"])
    logits = hidden @ params["w2"] + params["b2"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def train(optimizer, data, noise, rate, cosine, key):
    """The losses of one run: a constant rate, or cosine decay, on images with some noise."""
    images, labels = data
    decay = js.cosine_decay_schedule(1.0, STEPS)
    tx = optimizer(lambda step: rate * jnp.where(cosine, decay(step), jnp.float32(1)))
    params = init(key)

    def step(carry, key):
        params, state = carry
        pick, blur = jax.random.split(key)
        rows = jax.random.randint(pick, (BATCH,), 0, len(images))
        seen = images[rows] + noise * jax.random.normal(blur, (BATCH, 64), "float32")
        value, grads = jax.value_and_grad(loss)(params, seen, labels[rows])
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    return jax.lax.scan(step, (params, tx.init(params)), jax.random.split(key, STEPS))[1]


@functools.cache
def curves():
    """optimizer -> losses[task, rate, constant or cosine, seed, step]"""
    digits = load_digits()
    data = jnp.asarray(digits.data / 16, "float32"), jnp.asarray(digits.target, "int32")
    keys = jax.random.split(jax.random.key(1), SEEDS)
    axes = (jnp.asarray([0.0, 0.35], "float32"), jnp.asarray([False, True]), keys)
    found = {}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        for name, (optimizer, rates) in OPTIMIZERS.items():
            run = functools.partial(train, optimizer, data)
            for place in (3, 2, 1, 0):
                run = jax.vmap(run, [0 if i == place else None for i in range(4)])
            noises, cosines, seeds = axes
            found[name] = np.asarray(
                jax.jit(run)(noises, jnp.asarray(rates, "float32"), cosines, seeds)
            )
    return found


def truth(losses, rate, cosine, seed):
    """What is true of one of the runs on a task, losses[rate, constant or cosine, seed, step]."""
    ends = losses[..., -STEPS // 10 :].mean(axis=-1)
    means = ends.mean(axis=-1)
    best, start = means.min(), losses[..., 0].mean()
    end, decayed = ends[rate, cosine, seed], ends[rate, 1, seed]
    span, gap = start - best, end - best
    if not np.isfinite(losses[rate, cosine, seed]).all():
        return "not finite"
    if gap >= 0.3 * span:
        return "rate too high" if rate > np.argmin(means[:, 1]) else "rate too low"
    gain = end - decayed
    if not cosine and gain > max(0.15 * end, 0.02 * span) and decayed - best < 0.05 * span:
        return "late rate too high"
    if gap <= 0.03 * span and (cosine or gain < 0.05 * max(end, 0.02 * span)):
        return "healthy"
    return "between"


@functools.cache
def confusion(kind):
    """(truth, verdict) -> runs, of curves of steps or of epochs."""
    counts = collections.Counter()
    for found in curves().values():
        for task in found:
            for at in np.ndindex(task.shape[:3]):
                curve = task[at]
                if kind == "epochs":
                    curve = np.append(curve[:1], curve.reshape(24, -1).mean(axis=1))
                counts[truth(task, *at), js.diagnose(curve).verdict] += 1
    return counts


def table():
    lines = []
    for kind in ("steps", "epochs"):
        counts = confusion(kind)
        lines += ["", f"| curves of {kind} | {' | '.join(VERDICTS)} |", "| --- " * 5 + "|"]
        for true in VERDICTS:
            cells = " | ".join(str(counts[true, verdict]) for verdict in VERDICTS)
            lines.append(f"| {true} | {cells} |")
    return "\n".join([*lines, ""])


RECALL = {
    "steps": dict(zip(VERDICTS, (0.95, 0.6, 0.9, 0.6), strict=True)),
    "epochs": dict(zip(VERDICTS, (0.65, 0.5, 0.9, 0.85), strict=True)),
}


@pytest.mark.parametrize("kind", RECALL)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdicts_on_real_runs(kind, verdict):
    counts = confusion(kind)
    runs = sum(n for (true, _), n in counts.items() if true == verdict)
    assert runs >= 5
    assert counts[verdict, verdict] >= RECALL[kind][verdict] * runs


def test_the_page_shows_the_table():
    text = PAGE.read_text()
    rows = re.findall(r"^\| ([\w ]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert [row[0] for row in rows] == [*VERDICTS, *VERDICTS]
    for number, (true, *cells) in enumerate(rows):
        counts = confusion("steps" if number < 4 else "epochs")
        for verdict, shown in zip(VERDICTS, cells, strict=True):
            # A few runs at the edge may turn with the version or the processor.
            assert abs(int(shown) - counts[true, verdict]) <= 6, (true, verdict)


STEPS_OF = np.arange(400) / 400
CURVES = {
    "rate too high": [2.3 + 5 * STEPS_OF, 2.3 + 40 * STEPS_OF * np.exp(-9 * STEPS_OF)],
    "rate too low": [2.3 - 0.5 * STEPS_OF, np.exp(-2 * STEPS_OF), np.full(400, 2.3)],
    "late rate too high": [0.5 + 2 * np.exp(-60 * STEPS_OF)],
    "healthy": [0.5 + 2 * np.exp(-12 * STEPS_OF)],
}
DRAWN = [(verdict, curve) for verdict, some in CURVES.items() for curve in some]


@pytest.mark.parametrize("noise", [0.02, 0.05])
@pytest.mark.parametrize(("verdict", "curve"), DRAWN)
def test_drawn_curves_at_any_scale(verdict, curve, noise):
    right = 0
    for seed in range(20):
        noisy = curve + noise * np.random.default_rng(seed).normal(size=400)
        found = js.diagnose(noisy)
        right += found.verdict == verdict
        for changed in (1e6 * noisy, 1e-6 * noisy, 4 * noisy - 64):
            assert js.diagnose(changed).verdict == found.verdict
        assert js.diagnose(noisy.tolist()) == found
        assert js.diagnose(jnp.asarray(noisy)).verdict == found.verdict
    assert right >= 18


def test_text_and_data():
    found = js.diagnose(np.full(50, 2.0) - 0.02 * np.arange(50))
    assert str(found) == (
        "rate too low\n"
        "  falls slowly all along: after a tenth of the run 12 % of the whole fall is done\n"
        "remedy: raise the rate (three to ten times), and start again"
    )
    assert json.loads(json.dumps(found.to_dict())) == {
        "verdict": "rate too low",
        "evidence": [
            "falls slowly all along: after a tenth of the run 12 % of the whole fall is done"
        ],
        "remedy": "raise the rate (three to ten times), and start again",
        "overfits_from": None,
    }


@pytest.mark.parametrize(
    ("value", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")]
)
def test_not_finite(value, shown):
    found = js.diagnose([2.0, 1.0, 3.0, 9.0, value, 1.0, 1.0, 1.0])
    assert found.verdict == "not finite"
    assert found.evidence == (f"the loss is {shown} at index 4", "it had risen from 2 to 9 before")


def test_overfitting_is_told_apart():
    losses = 2 / (1 + 100 * STEPS_OF)
    held = np.concatenate([np.linspace(2, 0.5, 20), np.linspace(0.52, 1.5, 30)])
    found = js.diagnose(losses, held)
    assert found.verdict == "healthy"
    assert found.overfits_from == 19
    assert found.evidence[-1].startswith(
        "the validation loss has risen since index 19, from 0.5 to 1.5"
    )
    assert "overfitting" in found.remedy
    assert js.diagnose(losses, held[:20]).overfits_from is None
    for seed in range(20):
        noisy = 0.5 + 0.05 * np.random.default_rng(seed).normal(size=50)
        assert js.diagnose(losses, noisy).overfits_from is None
    assert js.diagnose(losses, [1.0, math.nan, 2.0]).overfits_from is None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ([1.0] * 7,),
            ValueError,
            "losses must be a sequence of at least 8 numbers, got [1.0, 1.0",
        ),
        ((3,), TypeError, "losses must be a sequence of at least 8 numbers, got 3"),
        ((["a"] * 8,), TypeError, "losses must be a sequence of at least 8 numbers, got ['a'"),
        (([[1.0]] * 8,), ValueError, "losses must be a sequence of at least 8 numbers, got [[1.0]"),
        (
            ([1.0] * 8, [1.0]),
            ValueError,
            "validation must be a sequence of at least 2 numbers, got [1.0]",
        ),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error) as caught:
        js.diagnose(*arguments)
    assert str(caught.value).startswith(f"diagnose: {message}")


if __name__ == "__main__":
    written = table()
    if sys.argv[1:] == ["--write"]:
        page = PAGE.read_text()
        page = re.sub(
            r"(?s)<!-- table -->.*<!-- end -->", f"<!-- table -->\n{written}\n<!-- end -->", page
        )
        PAGE.write_text(page)
    print(written)
