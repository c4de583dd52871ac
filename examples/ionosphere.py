"""The classical Ionosphere experiment: six ways to run SGD, 32 seeds each, in one compiled program.

    python examples/ionosphere.py --data ionosphere.csv

A network of 34 ReLU units tells good radar returns from bad ones. The last 33 % of the rows are for
validation, the others are shuffled every epoch; batches of 28, 50 epochs. Beside each result stands
the published figure, which is that of a single run (for the baseline no rate is given with it; 0.1,
where the schedules start, agrees with it).
"""

import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import optax
from tqdm import tqdm

import jaxsched

mpl.use("Agg")
import matplotlib.pyplot as plt

BATCH = 28
VALIDATION = 0.33
NEVER = 10**9
URL = "https://archive.ics.uci.edu/dataset/52/ionosphere"

# One look per schedule: colours that colour-blind readers can tell apart (Okabe and Ito), and a dash.
LOOKS = (
    ("#000000", "-"), ("#E69F00", "-."), ("#009E73", ":"),
    ("#0072B2", "--"), ("#CC79A7", "-"), ("#D55E00", (0, (5, 1, 1, 1, 1, 1))),
)  # fmt: skip


@jaxsched.schedule
def pick(step, schedules, which):
    """One of several schedules. Which one is a number, so `vmap` can run over different forms."""
    return jnp.stack([schedule(step) for schedule in schedules])[which]


def candidates(steps_per_epoch: int, epochs: int) -> dict[str, dict]:
    """The runs to compare: schedule, momentum, plateau patience in epochs, published accuracy."""
    steps = steps_per_epoch * epochs
    falling = jaxsched.time_based_decay(0.1, 0.1 / 50)
    drops = jaxsched.step_decay(
        0.1, epochs_per_drop=10, steps_per_epoch=steps_per_epoch, count_from_one=True
    )
    constant, cosine = jaxsched.constant_schedule(0.1), jaxsched.cosine_decay_schedule(0.1, steps)
    return {
        "plain SGD": {"schedule": constant, "momentum": 0.0, "published": 95.69},
        "momentum": {"schedule": constant, "momentum": 0.9},
        "time-based": {"schedule": falling, "momentum": 0.8, "published": 99.14},
        "drop-based": {"schedule": drops, "momentum": 0.9, "published": 99.14},
        "cosine": {"schedule": cosine, "momentum": 0.9},
        "plateau": {"schedule": constant, "momentum": 0.9, "patience": 5},
    }


def optimizer(run) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    """SGD with a reducer after it; of the whole and the reducer."""
    sgd = optax.sgd(run["schedule"], momentum=run["momentum"])
    plateau = jaxsched.reduce_on_plateau(factor=0.5, patience=run["patience"], mode="max")
    return optax.chain(sgd, plateau), plateau


def init(key: jax.Array, inputs: int, units: int = 34) -> dict[str, jax.Array]:
    first, second = jax.random.split(key)
    return {
        "w1": 0.05 * jax.random.normal(first, (inputs, units)),  # Keras's "normal"
        "b1": jnp.zeros(units),
        "w2": 0.05 * jax.random.normal(second, (units, 1)),
        "b2": jnp.zeros(1),
    }


def logit(params, x):
    return (jax.nn.relu(x @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"])[:, 0]


def loss(params, x, y, weight):
    losses = optax.sigmoid_binary_cross_entropy(logit(params, x), y)
    return jnp.sum(losses * weight) / jnp.sum(weight)


def start(run, key, inputs):
    """The state of one run before its first step."""
    params = init(key, inputs)
    return params, optimizer(run)[0].init(params)


def train_epoch(run, state, key, data):
    """One epoch of one run: the new state; accuracy on the validation rows, and the plateau's scale."""
    (x, y), (x_validation, y_validation) = data
    tx, plateau = optimizer(run)
    count = -(-len(x) // BATCH)

    def step(state, batch):
        params, opt_state = state
        rows, weight = batch
        grads = jax.grad(loss)(params, x[rows], y[rows], weight)
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), None

    # The last batch is a short one, as in Keras: filled up with rows of weight 0.
    rows = jnp.resize(jax.random.permutation(key, len(x)), (count, BATCH))
    weight = jnp.asarray(np.arange(count * BATCH).reshape(count, BATCH) < len(x), x.dtype)
    (params, opt_state), _ = jax.lax.scan(step, state, (rows, weight))
    right = (logit(params, x_validation) > 0) == (y_validation > 0.5)
    accuracy = jnp.mean(right, dtype=jnp.float32)
    scale = opt_state[1].scale
    return (params, jaxsched.observe(plateau, opt_state, value=accuracy)), (accuracy, scale)


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels: 1 for good returns ("g"), 0 for bad ones ("b")."""
    table = np.genfromtxt(path, delimiter=",", dtype=str)
    if table.ndim != 2 or table.shape[1] < 2 or not set(table[:, -1]) <= {"g", "b"}:
        raise ValueError("its rows must be numbers, and end with g or b")
    return table[:, :-1].astype(np.float32), (table[:, -1] == "g").astype(np.float32)


def split(x: np.ndarray, y: np.ndarray):
    """The rows for training, and the last ones, for validation."""
    at = int(len(x) * (1 - VALIDATION))
    return (x[:at], y[:at]), (x[at:], y[at:])


def download(path: Path) -> None:
    from sklearn.datasets import fetch_openml

    found = fetch_openml("ionosphere", version=1, as_frame=False)
    rows = [
        ",".join([*map("{:g}".format, x), y]) for x, y in zip(found.data, found.target, strict=True)
    ]
    path.write_text("\n".join(rows) + "\n")


def train(data, seeds: int, epochs: int, seed: int):
    """All runs at once. Returns them by name; accuracies and scales[run, seed, epoch]; seconds."""
    runs = candidates(-(-len(data[0][0]) // BATCH), epochs)
    schedules = [run["schedule"] for run in runs.values()]
    numbers = [
        {
            "schedule": pick(schedules, which),
            "momentum": run["momentum"],
            "patience": run.get("patience", NEVER),
        }
        for which, run in enumerate(runs.values())
    ]
    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *numbers)
    init_key, shuffle_key = jax.random.split(jax.random.key(seed))
    inputs = data[0][0].shape[1]

    begin = time.perf_counter()
    keys = jax.random.split(init_key, seeds)
    one_start = lambda run, key: start(run, key, inputs)
    state = jax.jit(jax.vmap(jax.vmap(one_start, (None, 0)), (0, None)))(stacked, keys)
    # The inner vmap runs over seeds, the outer one over runs: 0 marks what differs.
    everything = jax.vmap(jax.vmap(train_epoch, (None, 0, 0, None)), (0, 0, None, None))
    shuffle_keys = jax.random.split(shuffle_key, (epochs, seeds))
    program = jax.jit(everything).lower(stacked, state, shuffle_keys[0], data).compile()
    compiled = time.perf_counter()
    history = []
    for epoch in tqdm(range(epochs), desc=f"training {len(runs) * seeds} networks", unit="epoch"):
        state, measured = program(stacked, state, shuffle_keys[epoch], data)
        history.append(measured)
    history = jax.device_get(history)
    seconds = (compiled - begin, time.perf_counter() - compiled)
    accuracies, scales = (np.stack(h, -1) for h in zip(*history, strict=True))
    return runs, 100 * accuracies, scales, seconds


def table(runs, accuracies) -> str:
    head = "validation accuracy, % |  mean +- sd   |  lowest  highest | published"
    lines = [head, "-" * len(head)]
    for (name, run), final in zip(runs.items(), accuracies[..., -1], strict=True):
        published = f"{run['published']:.2f}" if "published" in run else ""
        mean = f"{final.mean():6.2f} +- {final.std():.2f}"
        spread = f"{final.min():8.2f} {final.max():8.2f}"
        lines.append(f"{name:<22} | {mean:<14}|{spread} | {published:>9}")
    return "\n".join(lines)


def draw(runs, accuracies, scales, steps_per_epoch: int, output: Path) -> None:
    """Left the rates, in the middle accuracy while training, right every seed's accuracy at the end."""
    epochs = np.arange(1, accuracies.shape[-1] + 1)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    for i, (name, run) in enumerate(runs.items()):
        colour, dash = LOOKS[i]
        look = {"color": colour, "linestyle": dash, "linewidth": 1.8}
        rates = [run["schedule"](step) for step in range(len(epochs) * steps_per_epoch)]
        rates *= np.repeat(scales[i].mean(axis=0), steps_per_epoch)
        left.plot(np.arange(len(rates)) / steps_per_epoch, rates, **look)
        middle.plot(epochs, accuracies[i].mean(axis=0), label=name, **look)
        final = accuracies[i, :, -1]
        jitter = np.linspace(-0.3, 0.3, len(final))
        right.plot(final, i + jitter, "o", color=colour, alpha=0.6, markersize=4, mew=0)
        right.plot([final.mean()] * 2, [i - 0.4, i + 0.4], color=colour, linewidth=2)
        if "published" in run:
            right.plot(run["published"], i, "D", color="white", mec="black", markersize=7, zorder=3)
    left.set(title="rate (plateau: mean of the seeds)", xlabel="epoch", ylabel="learning rate")
    left.set(yscale="log", ylim=(1e-3, 0.15))
    middle.set(title="mean of the seeds while training", xlabel="epoch")
    middle.set(ylabel="validation accuracy, %", ylim=(accuracies.mean(axis=1).min() - 1, 100.5))
    right.set(title="at the end: seeds, mean (|), published (\u25c7)")
    right.set(xlabel="validation accuracy, %", ylim=(-0.6, len(runs) - 0.4))
    right.set_yticks(range(len(runs)), list(runs))
    right.invert_yaxis()
    for axes in (left, middle, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    figure.legend(loc="outside lower center", ncols=len(runs), frameon=False, handlelength=3)
    figure.savefig(output, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data", type=Path, default=Path("ionosphere.csv"), help="the data (ionosphere.csv)"
    )
    parser.add_argument(
        "--download", action="store_true", help="fetch the data if the file is absent"
    )
    parser.add_argument("--epochs", type=int, default=50, help="passes over the data (50)")
    parser.add_argument("--seeds", type=int, default=32, help="networks per schedule (32)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness (0)")
    parser.add_argument("--output", type=Path, default=Path("ionosphere.png"), help="the picture")
    options = parser.parse_args()
    if options.epochs < 1 or options.seeds < 1:
        parser.error("--epochs and --seeds must be at least 1")
    if not options.data.exists() and options.download:
        download(options.data)
    if not options.data.exists():
        parser.error(
            f"no file {options.data}: give --download (scikit-learn fetches it), or see {URL}"
        )

    begin = time.perf_counter()
    try:
        data = split(*load(options.data))
    except ValueError as error:
        parser.error(f"{options.data} does not hold the data: {error}")
    results = train(data, options.seeds, options.epochs, options.seed)
    runs, accuracies, scales, (compiling, training) = results
    draw(runs, accuracies, scales, -(-len(data[0][0]) // BATCH), options.output)
    print(f"\n{table(runs, accuracies)}\n")
    print(f"{len(data[0][0])} rows for training, {len(data[1][0])} for validation.")
    print(f"{len(runs)} schedules x {options.seeds} seeds: compiled in {compiling:.1f} s, ", end="")
    print(f"trained in {training:.1f} s.")
    print(f"{time.perf_counter() - begin:.1f} s in all. Picture: {options.output}")


if __name__ == "__main__":
    main()
