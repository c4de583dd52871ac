"""Schedules for everything: rates by layer, weight decay and momentum, all of them on schedules.

    python examples/layerwise.py

`optax.partition` gives every layer its own optimizer; the rate of a layer is the base schedule times a
factor that falls towards the input (layer-wise rate decay). `optax.inject_hyperparams` puts weight decay
and momentum on schedules and keeps their values in the state, from where they are read and drawn.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import optax
from sklearn.datasets import load_digits
from tqdm import tqdm

import jaxsched

mpl.use("Agg")
import matplotlib.pyplot as plt

SIZES = (64, 64, 48, 32, 10)
BATCH = 64
LOOKS = (("#56B4E9", ":"), ("#009E73", "-."), ("#E69F00", "--"), ("#D55E00", "-"))


def schedules(steps: int, peak: float, layer_decay: float) -> dict[str, dict]:
    """Rate, weight decay and momentum of every layer; the last one has the whole rate."""
    base = jaxsched.warmup_cosine_decay_schedule(0.0, peak, steps // 10, steps)
    weight_decay = jaxsched.linear_schedule(1e-4, 1e-3, steps)
    down = jaxsched.linear_schedule(0.95, 0.85, steps // 10)  # as the rate goes up
    momentum = jaxsched.join_schedules(
        [down, jaxsched.linear_schedule(0.85, 0.95, steps - steps // 10)], [steps // 10]
    )
    layers = len(SIZES) - 1
    return {
        f"layer {i}": {
            "rate": base * layer_decay ** (layers - 1 - i),
            "weight decay": weight_decay,
            "momentum": momentum,
        }
        for i in range(layers)
    }


@optax.inject_hyperparams
def decayed_sgd(learning_rate, momentum, weight_decay):
    """SGD whose three hyperparameters are read from schedules at every update."""
    return optax.chain(
        optax.add_decayed_weights(weight_decay), optax.sgd(learning_rate, momentum=momentum)
    )


def optimizer(plan):
    of_layer = {
        layer: decayed_sgd(s["rate"], s["momentum"], s["weight decay"]) for layer, s in plan.items()
    }
    # The label of a parameter is the name of its layer, the first key of its path.
    labels = lambda params: jax.tree.map_with_path(lambda path, _: path[0].key, params)
    return optax.partition(of_layer, labels)


def init(key):
    keys = jax.random.split(key, len(SIZES) - 1)
    return {
        f"layer {i}": {
            "w": jax.random.normal(key, (m, n)) * (2 / m) ** 0.5,
            "b": jnp.zeros(n),
        }
        for i, (key, m, n) in enumerate(zip(keys, SIZES[:-1], SIZES[1:], strict=True))
    }


def logits(params, x):
    for i, layer in enumerate(params.values()):
        x = (x if i == 0 else jax.nn.relu(x)) @ layer["w"] + layer["b"]
    return x


def loss(params, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()


def train(plan, steps: int, seed: int):
    """Accuracy on data held back, and the hyperparameters that the state held after every update."""
    digits = load_digits()
    images, labels = jnp.asarray(digits.data / 16, "float32"), jnp.asarray(digits.target, "int32")
    start, order, split = jax.random.split(jax.random.key(seed), 3)
    rows = jax.random.permutation(split, len(images))
    held, images, labels = (
        (images[rows[:500]], labels[rows[:500]]),
        images[rows[500:]],
        labels[rows[500:]],
    )
    tx, params = optimizer(plan), init(start)

    @jax.jit
    def update(params, state, key):
        batch = jax.random.randint(key, (BATCH,), 0, len(images))
        grads = jax.grad(loss)(params, images[batch], labels[batch])
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    state, seen = tx.init(params), []
    for step in tqdm(range(steps), desc="training", unit="step"):
        params, state = update(params, state, jax.random.fold_in(order, step))
        inner = {k: s.inner_state.hyperparams for k, s in state.inner_states.items()}
        seen.append(inner)
    accuracy = jnp.mean(jnp.argmax(logits(params, held[0]), -1) == held[1])
    return 100 * float(accuracy), jax.device_get(seen)


def draw(seen, output: Path) -> None:
    """What the state held: rates by layer, weight decay, momentum."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    at = np.arange(len(seen))
    for (colour, dash), layer in zip(LOOKS, seen[0], strict=True):
        rates = [float(now[layer]["learning_rate"]) for now in seen]
        left.plot(at, rates, color=colour, linestyle=dash, linewidth=1.8, label=layer)
    first = next(iter(seen[0]))
    for axes, name in ((middle, "weight_decay"), (right, "momentum")):
        axes.plot(at, [float(now[first][name]) for now in seen], color="#0072B2", linewidth=1.8)
    left.legend(frameon=False, handlelength=3)
    titles = ("learning rate by layer", "weight decay", "momentum")
    for axes, title in zip((left, middle, right), titles, strict=True):
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(output, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=600, help="updates (600)")
    parser.add_argument("--peak", type=float, default=0.1, help="the last layer's peak rate (0.1)")
    parser.add_argument("--layer-decay", type=float, default=0.65, help="factor by layer (0.65)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness (0)")
    parser.add_argument("--output", type=Path, default=Path("layerwise.png"), help="the picture")
    options = parser.parse_args()
    if options.steps < 10 or not options.peak > 0 or not 0 < options.layer_decay <= 1:
        parser.error(
            "--steps must be at least 10, --peak positive, --layer-decay above 0 and at most 1"
        )
    plan = schedules(options.steps, options.peak, options.layer_decay)
    accuracy, seen = train(plan, options.steps, options.seed)
    for layer, of_layer in plan.items():
        print(f"{layer}: rate {of_layer['rate']}")
    # What the state held is what the schedules say.
    last = options.steps - 1
    for layer, of_layer in plan.items():
        np.testing.assert_allclose(
            seen[last][layer]["learning_rate"], of_layer["rate"](last), rtol=1e-4
        )
    draw(seen, options.output)
    print(f"accuracy on data held back: {accuracy:.1f} %. Picture: {options.output}")


if __name__ == "__main__":
    main()
