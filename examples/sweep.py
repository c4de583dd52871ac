"""A hundred schedules trained in one compiled program, with a picture of accuracy against the rate.

    python examples/sweep.py

Every schedule is a pytree whose numbers are leaves: 100 of them are stacked like arrays, and `vmap`
trains one network with each. Ten peak rates by ten lengths of the final decay, from none to the whole run.
"""

import argparse
import time
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

RATES = np.geomspace(0.01, 10.0, 10)
SHARES = np.linspace(0.0, 1.0, 10)
BATCH, HIDDEN = 64, 48


@jaxsched.recipe()
def hold_then_decay(peak, begin, steps):
    """A constant, and from `begin` on a straight line down to 0 at the end of the run."""
    return jaxsched.linear_schedule(peak, 0.0, steps - begin, transition_begin=begin)


def init(key):
    first, second = jax.random.split(key)
    return {
        "w1": jax.random.normal(first, (64, HIDDEN)) * (2 / 64) ** 0.5,
        "b1": jnp.zeros(HIDDEN),
        "w2": jax.random.normal(second, (HIDDEN, 10)) * HIDDEN**-0.5,
        "b2": jnp.zeros(10),
    }


def logits(params, images):
    return jax.nn.relu(images @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]


def loss(params, images, labels):
    losses = optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels)
    return losses.mean()


def optimizer(schedule):
    return optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(schedule))


def train_epoch(schedule, state, key, data):
    """One epoch of one run: the new state, and accuracy on the validation set."""
    (images, labels), (held, truth) = data
    tx = optimizer(schedule)

    def step(state, rows):
        params, opt_state = state
        grads = jax.grad(loss)(params, images[rows], labels[rows])
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), None

    batches = jax.random.permutation(key, len(images))[: len(images) // BATCH * BATCH]
    state, _ = jax.lax.scan(step, state, batches.reshape(-1, BATCH))
    return state, jnp.mean(jnp.argmax(logits(state[0], held), -1) == truth)


def load(seed):
    digits = load_digits()
    rng = np.random.default_rng(seed)
    # Some noise, or every reasonable schedule would be as good as the next.
    images = (digits.data / 16 + 0.35 * rng.normal(size=digits.data.shape)).astype(np.float32)
    labels, order = digits.target.astype(np.int32), rng.permutation(len(images))
    held, train = order[:500], order[500:]
    return (images[train], labels[train]), (images[held], labels[held])


def sweep(data, epochs, seed):
    """Accuracies[rate, share of decay] after training, and how long compiling and training took."""
    steps = epochs * (len(data[0][0]) // BATCH)
    begins = [round(steps * (1 - share)) for share in SHARES]
    runs = [hold_then_decay(float(rate), begin, steps) for rate in RATES for begin in begins]
    schedules = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *runs)
    key, shuffle = jax.random.split(jax.random.key(seed))
    start = lambda schedule: (init(key), optimizer(schedule).init(init(key)))
    state = jax.jit(jax.vmap(start))(schedules)
    begin = time.perf_counter()
    everything = jax.jit(jax.vmap(train_epoch, (0, 0, None, None)))
    program = everything.lower(schedules, state, shuffle, data).compile()
    compiled = time.perf_counter()
    accuracy = None
    for epoch in tqdm(range(epochs), desc=f"training {len(runs)} networks", unit="epoch"):
        state, accuracy = program(schedules, state, jax.random.fold_in(shuffle, epoch), data)
    accuracies = np.asarray(accuracy).reshape(len(RATES), len(SHARES))
    return accuracies, compiled - begin, time.perf_counter() - compiled


def draw(accuracies, output):
    """Left accuracy against the rate, a line for every length of the decay; right the whole map."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    error = 100 * (1 - accuracies)
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.8, len(SHARES)))
    for j in range(0, len(SHARES), 3):
        label = f"decay over {100 * SHARES[j]:.0f} %"
        left.plot(RATES, 100 - error[:, j], "o-", color=colours[j], markersize=4, label=label)
    left.set(xscale="log", xlabel="peak rate", ylabel="validation accuracy, %")
    left.set(title="accuracy against the rate", ylim=(max(0, 100 - np.quantile(error, 0.9)), 100))
    left.legend(frameon=False, loc="lower center")
    left.grid(alpha=0.25)
    left.spines[["top", "right"]].set_visible(False)
    mesh = right.pcolormesh(
        RATES,
        100 * SHARES,
        np.maximum(error, 0.1).T,
        cmap="viridis_r",
        norm="log",
        shading="nearest",
    )
    i, j = np.unravel_index(np.argmin(error), error.shape)
    right.plot(RATES[i], 100 * SHARES[j], "*", color="#D55E00", markersize=16, mec="white")
    right.set(xscale="log", xlabel="peak rate", ylabel="decay over the last % of the run")
    right.set(title="error (star: the best)")
    figure.colorbar(mesh, ax=right, label="validation error, %")
    figure.savefig(output, dpi=110)
    plt.close(figure)
    return RATES[i], SHARES[j], 100 - error[i, j]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=int, default=20, help="passes over the data (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the data split and the runs (0)")
    parser.add_argument("--output", type=Path, default=Path("sweep.png"), help="the picture")
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")
    accuracies, compiling, training = sweep(load(options.seed), options.epochs, options.seed)
    rate, share, best = draw(accuracies, options.output)
    print(
        f"{accuracies.size} schedules: compiled once in {compiling:.1f} s, trained in {training:.1f} s."
    )
    print(
        f"Best: rate {rate:.2g}, decayed over the last {100 * share:.0f} % of the run: {best:.1f} %."
    )
    without = 100 * accuracies[:, 0].max()
    print(f"Best without decay: {without:.1f} %. Picture: {options.output}")


if __name__ == "__main__":
    main()
