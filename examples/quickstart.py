"""Trains a small network on handwritten digits under five schedules, and compares them.

Every schedule is tried at several peak rates and with several seeds. A schedule is a pytree, so all
of these runs are the rows of one `vmap`: one program is compiled, and it trains them all at once.

    python examples/quickstart.py
    python examples/quickstart.py --epochs 30 --seed 1 --output digits.png
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

PEAK_RATES = (0.03, 0.1, 0.3, 1.0, 2.0)
SEEDS = 8
BATCH = 64
HIDDEN = 48

# One look per schedule: colours that colour-blind readers can tell apart (Okabe and Ito), and a dash.
LOOKS = (("#000000", "-"), ("#E69F00", "-."), ("#009E73", ":"), ("#0072B2", "--"), ("#D55E00", "-"))


def candidates(peak: float, steps: int) -> dict[str, jaxsched.Schedule]:
    """The schedules to compare. Add yours here."""
    return {
        "constant": jaxsched.constant_schedule(peak),
        "step": jaxsched.piecewise_constant_schedule(peak, {steps // 2: 0.1, steps * 3 // 4: 0.1}),
        "exponential": jaxsched.exponential_decay(peak, steps, decay_rate=0.01),
        "cosine": jaxsched.cosine_decay_schedule(peak, steps),
        "warmup + cosine": jaxsched.warmup_cosine_decay_schedule(0.0, peak, steps // 10, steps),
    }


@jaxsched.schedule
def pick(step, schedules, which):
    """One of several schedules. Which one is a number, so `vmap` can run over different forms."""
    return jnp.stack([schedule(step) for schedule in schedules])[which]


def optimizer(schedule: optax.Schedule) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(schedule, momentum=0.9))


def init(key: jax.Array) -> dict[str, jax.Array]:
    first, second = jax.random.split(key)
    return {
        "w1": jax.random.normal(first, (64, HIDDEN)) * (2 / 64) ** 0.5,
        "b1": jnp.zeros(HIDDEN),
        "w2": jax.random.normal(second, (HIDDEN, 10)) * (1 / HIDDEN) ** 0.5,
        "b2": jnp.zeros(10),
    }


def logits(params, images):
    hidden = jax.nn.relu(images @ params["w1"] + params["b1"])
    return hidden @ params["w2"] + params["b2"]


def loss(params, images, labels):
    losses = optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels)
    return losses.mean()


def accuracy(params, images, labels):
    return jnp.mean(jnp.argmax(logits(params, images), axis=-1) == labels)


def start(schedule, key):
    """The state of one run before its first step."""
    params = init(key)
    return params, optimizer(schedule).init(params)


def train_epoch(schedule, state, key, data):
    """One epoch of one run: the new state, the accuracy on the validation and on the test set."""
    images, labels = data["train"]
    tx = optimizer(schedule)

    def step(state, rows):
        params, opt_state = state
        grads = jax.grad(loss)(params, images[rows], labels[rows])
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), None

    shuffled = jax.random.permutation(key, len(images))
    batches = shuffled[: len(images) // BATCH * BATCH].reshape(-1, BATCH)
    state, _ = jax.lax.scan(step, state, batches)
    return state, (accuracy(state[0], *data["validation"]), accuracy(state[0], *data["test"]))


def load(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The digits that come with scikit-learn, in three sets."""
    digits = load_digits()
    images = (digits.data / 16.0).astype(np.float32)
    labels = digits.target.astype(np.int32)
    order = np.random.default_rng(seed).permutation(len(images))
    parts = dict(zip(("test", "validation", "train"), np.split(order, (300, 600)), strict=True))
    return {name: (images[rows], labels[rows]) for name, rows in parts.items()}


def train(seed: int, epochs: int):
    """All runs. Returns the schedules by name, and two accuracies[schedule, rate, seed, epoch]."""
    data = load(seed)
    steps = epochs * (len(data["train"][0]) // BATCH)
    names = list(candidates(1.0, steps))
    runs = [
        pick(schedules=list(candidates(peak, steps).values()), which=which)
        for which in range(len(names))
        for peak in PEAK_RATES
    ]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *runs)

    init_key, shuffle_key = jax.random.split(jax.random.key(seed))
    keys = jax.random.split(init_key, SEEDS)
    state = jax.jit(jax.vmap(jax.vmap(start, (None, 0)), (0, None)))(stacked, keys)

    # The inner vmap runs over seeds, the outer one over schedules: 0 marks what differs between runs.
    train_all = jax.vmap(jax.vmap(train_epoch, (None, 0, 0, None)), (0, 0, None, None))
    begin = time.perf_counter()
    program = jax.jit(train_all).lower(stacked, state, keys, data).compile()
    compiled = time.perf_counter()

    history = []
    bar = tqdm(range(epochs), desc=f"training {len(runs) * SEEDS} networks", unit="epoch")
    for epoch in bar:
        shuffle_keys = jax.random.split(jax.random.fold_in(shuffle_key, epoch), SEEDS)
        state, measured = program(stacked, state, shuffle_keys, data)
        history.append(jax.device_get(measured))
        bar.set_postfix(best=f"{history[-1][0].max():.3f}")
    seconds = time.perf_counter() - compiled

    shape = (len(names), len(PEAK_RATES), SEEDS, epochs)
    validation, test = (np.stack(h, -1).reshape(shape) for h in zip(*history, strict=True))
    networks = len(runs) * SEEDS
    summary = (
        f"{len(names)} schedules x {len(PEAK_RATES)} peak rates x {SEEDS} seeds = {networks} networks, "
        f"{steps} steps each.\nOne program trains them all: compiled once in {compiled - begin:.1f} s, "
        f"then {seconds:.1f} s of training ({1e3 * seconds / networks:.0f} ms a network)."
    )
    return candidates(1.0, steps), steps, validation, test, summary


def table(names, validation, test) -> tuple[str, np.ndarray]:
    """The comparison, and the index of each schedule's best rate.

    The rate is chosen on the validation set; the accuracy beside it is that on the test set.
    """
    by_rate = validation[..., -1].mean(axis=2)
    best = by_rate.argmax(axis=1)
    rates = "".join(f"{rate:>8g}" for rate in PEAK_RATES)
    lines = [
        f"{'':<16}|{'validation accuracy by peak rate':^{len(rates) + 3}}|  best | test accuracy, %",
        f"{'schedule':<16}|{rates}   |  rate | mean +- sd of seeds",
    ]
    lines.append("-" * len(lines[-1]))
    for i, name in enumerate(names):
        cells = "".join(f"{100 * value:>8.1f}" for value in by_rate[i])
        final = 100 * test[i, best[i], :, -1]
        result = f"{PEAK_RATES[best[i]]:>6g} | {final.mean():.1f} +- {final.std():.1f}"
        lines.append(f"{name:<16}|{cells}   |{result}")
    return "\n".join(lines), best


def draw(schedules, steps, validation, best, output: Path) -> None:
    """Left the schedules, in the middle accuracy while training, right accuracy by peak rate."""
    epochs = np.arange(1, validation.shape[-1] + 1)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    for i, (name, schedule) in enumerate(schedules.items()):
        colour, dash = LOOKS[i % len(LOOKS)]
        look = {"color": colour, "linestyle": dash, "linewidth": 1.8}
        left.plot([schedule(step) for step in range(steps + 1)], label=name, **look)
        curve = 100 * validation[i, best[i]]
        mean, spread = curve.mean(axis=0), curve.std(axis=0)
        middle.plot(epochs, mean, **look)
        middle.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.12, lw=0)
        final = 100 * validation[i, :, :, -1]
        right.plot(PEAK_RATES, final.mean(axis=1), marker="o", markersize=4, **look)
    left.set(title="schedules", xlabel="step", ylabel="rate / peak rate")
    middle.set(title="training at the best rate: mean and sd of seeds", xlabel="epoch")
    middle.set(ylabel="validation accuracy, %", ylim=(80, 100))
    right.set(title="after training: mean of seeds", xlabel="peak rate", xscale="log")
    right.set(ylabel="validation accuracy, %", ylim=(0, 100))
    right.set_xticks(PEAK_RATES, [f"{rate:g}" for rate in PEAK_RATES])
    right.minorticks_off()
    for axes in (left, middle, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    figure.legend(loc="outside lower center", ncols=len(schedules), frameon=False, handlelength=3)
    figure.savefig(output, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=int, default=25, help="passes over the data (25)")
    parser.add_argument("--seed", type=int, default=0, help="of the data split and the runs (0)")
    parser.add_argument("--output", type=Path, default=Path("quickstart.png"), help="the picture")
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")

    begin = time.perf_counter()
    schedules, steps, validation, test, summary = train(options.seed, options.epochs)
    comparison, best = table(list(schedules), validation, test)
    print(f"\n{comparison}\n\n{summary}")
    draw(schedules, steps, validation, best, options.output)
    print(f"{time.perf_counter() - begin:.1f} s in all. Picture: {options.output}")


if __name__ == "__main__":
    main()
