"""Learning a schedule by gradient: the loss after a whole training, differentiated by the schedule.

    python examples/learn_schedule.py

A schedule is a pytree, so `jax.grad` gives the derivative of the final validation loss with respect to
each of its numbers, through every step of the training (hypergradients). Adam on the logarithms of those
numbers improves them; here they are the rates at eight steps, with straight lines in between.
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

KNOTS, BATCH, HIDDEN = 8, 64, 16
BLUE, ORANGE = "#0072B2", "#D55E00"


def start_schedule(rate: float, steps: int) -> jaxsched.Schedule:
    """A constant as a chain of straight lines: the values at the knots are what is learned."""
    length = max(steps // (KNOTS - 1), 1)
    lines = [jaxsched.linear_schedule(rate, rate, length) for _ in range(KNOTS - 1)]
    return jaxsched.join_schedules(lines, [length * (i + 1) for i in range(KNOTS - 2)])


def with_knots(schedule, knots):
    """The schedule whose lines meet at these values. Lengths stay as they are."""
    lines = [
        line.replace(init_value=knots[i], end_value=knots[i + 1])
        for i, line in enumerate(schedule.schedules)
    ]
    return schedule.replace(schedules=lines)


def init(key):
    first, second = jax.random.split(key)
    return {
        "w1": jax.random.normal(first, (64, HIDDEN)) * (2 / 64) ** 0.5,
        "w2": jax.random.normal(second, (HIDDEN, 10)) * HIDDEN**-0.5,
    }


def loss(params, images, labels):
    logits = jnp.tanh(images @ params["w1"]) @ params["w2"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def final_loss(schedule, key, data, steps):
    """The validation loss after training with a schedule, from a start and an order drawn by `key`."""
    (images, labels), held = data
    tx = optax.sgd(schedule)
    start, order = jax.random.split(key)
    params = init(start)

    def step(state, key):
        params, opt_state = state
        rows = jax.random.randint(key, (BATCH,), 0, len(images))
        grads = jax.grad(loss)(params, images[rows], labels[rows])
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), None

    keys = jax.random.split(order, steps)
    (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), keys)
    return loss(params, *held)


def load(seed, noise=0.35):
    """The digits with noise on images, so that the late rate matters; a third is for validation."""
    digits, rng = load_digits(), np.random.default_rng(seed)
    images = digits.data / 16 + noise * rng.normal(size=digits.data.shape)
    images, labels = images.astype(np.float32), digits.target.astype(np.int32)
    order = rng.permutation(len(images))
    held, train = order[:600], order[600:]
    jnp_of = lambda rows: (jnp.asarray(images[rows]), jnp.asarray(labels[rows]))
    return jnp_of(train), jnp_of(held)


def learn(data, rate, steps, rounds, seed):
    """The first schedule, the learned one, and the mean validation loss after every round."""
    first = start_schedule(rate, steps)
    tx = optax.adam(0.15)
    logs = jnp.full(KNOTS, jnp.log(rate))
    state = tx.init(logs)

    @jax.jit
    def improve(logs, state, key):
        def mean_loss(logs):
            schedule = with_knots(first, jnp.exp(logs))
            keys = jax.random.split(key, 4)
            return jax.vmap(lambda k: final_loss(schedule, k, data, steps))(keys).mean()

        value, grads = jax.value_and_grad(mean_loss)(logs)
        grads = grads / (1e-8 + jnp.linalg.norm(grads))
        updates, state = tx.update(grads, state)
        return optax.apply_updates(logs, updates), state, value

    history = []
    bar = tqdm(range(rounds), desc="learning the schedule", unit="round")
    for number in bar:
        logs, state, value = improve(logs, state, jax.random.fold_in(jax.random.key(seed), number))
        history.append(float(value))
        bar.set_postfix(loss=f"{history[-1]:.3f}")
    learned = with_knots(first, [float(x) for x in jnp.exp(logs)])
    return first, learned, history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="updates in a training (200)")
    parser.add_argument("--rounds", type=int, default=60, help="improvements of the schedule (60)")
    parser.add_argument("--rate", type=float, default=0.1, help="the constant to start from (0.1)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness (0)")
    parser.add_argument(
        "--output", type=Path, default=Path("learn_schedule.png"), help="the picture"
    )
    options = parser.parse_args()
    if options.steps < KNOTS or options.rounds < 1 or not options.rate > 0:
        parser.error(f"--steps must be at least {KNOTS}, --rounds at least 1, --rate positive")
    begin = time.perf_counter()
    data = load(options.seed)
    first, learned, history = learn(data, options.rate, options.steps, options.rounds, options.seed)

    # On starts and orders that the learning has not seen.
    keys = jax.random.split(jax.random.key(options.seed + 10**6), 16)
    test = jax.jit(lambda s: jax.vmap(lambda k: final_loss(s, k, data, options.steps))(keys))
    before, after = (np.asarray(test(s)) for s in (first, learned))
    for name, losses in (("constant", before), ("learned", after)):
        print(f"{name:<9} validation loss {losses.mean():.4f} +- {losses.std():.4f} (16 new seeds)")
    print(learned)

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.plot(history, color=BLUE, linewidth=1.8)
    left.set(title="while learning", xlabel="round", ylabel="final validation loss")
    named = {"constant (start)": first, "learned": learned}
    jaxsched.plot(named, options.steps, ax=right).set(title="schedules", ylabel="learning rate")
    left.grid(alpha=0.25)
    left.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.output, dpi=110)
    plt.close(figure)
    print(f"{time.perf_counter() - begin:.1f} s in all. Picture: {options.output}")


if __name__ == "__main__":
    main()
