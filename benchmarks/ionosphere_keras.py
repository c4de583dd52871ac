"""How long Keras takes for one seed of each schedule of `examples/ionosphere.py`.

    python benchmarks/ionosphere_keras.py --data ionosphere.csv

Needs the `peers` extra. The same data, network, batches and epochs; Keras's own schedules and callbacks.
Building the model, compiling and training count; importing does not.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

BATCH, VALIDATION = 28, 0.33


def drop_based(epoch: int, rate: float) -> float:
    return 0.1 * 0.5 ** ((1 + epoch) // 10)


def methods(steps: int) -> dict:
    """Name -> (rate, momentum, callbacks)."""
    callbacks = keras.callbacks
    plateau = callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=5, min_delta=0.0)
    schedules = keras.optimizers.schedules
    return {
        "plain SGD": (0.1, 0.0, []),
        "momentum": (0.1, 0.9, []),
        "time-based": (schedules.InverseTimeDecay(0.1, 1, 0.1 / 50), 0.8, []),
        "drop-based": (0.1, 0.9, [callbacks.LearningRateScheduler(drop_based)]),
        "cosine": (schedules.CosineDecay(0.1, steps), 0.9, []),
        "plateau": (0.1, 0.9, [plateau]),
    }


def train(x, y, rate, momentum, callbacks, epochs: int, seed: int) -> float:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            keras.layers.Dense(34, "relu", kernel_initializer="random_normal"),
            keras.layers.Dense(1, "sigmoid", kernel_initializer="random_normal"),
        ]
    )
    sgd = keras.optimizers.SGD(rate, momentum)
    model.compile(sgd, "binary_crossentropy", metrics=["accuracy"])
    options = {"validation_split": VALIDATION, "batch_size": BATCH, "epochs": epochs, "verbose": 0}
    history = model.fit(x, y, callbacks=callbacks, **options)
    return 100 * history.history["val_accuracy"][-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data", type=Path, default=Path("ionosphere.csv"), help="the data (ionosphere.csv)"
    )
    parser.add_argument("--epochs", type=int, default=50, help="passes over the data (50)")
    parser.add_argument("--seed", type=int, default=0, help="of Keras (0)")
    options = parser.parse_args()
    table = np.genfromtxt(options.data, delimiter=",", dtype=str)
    x, y = table[:, :-1].astype(np.float32), (table[:, -1] == "g").astype(np.float32)
    steps = options.epochs * -(-int(len(x) * (1 - VALIDATION)) // BATCH)
    total = 0.0
    for name, arguments in methods(steps).items():
        begin = time.perf_counter()
        accuracy = train(x, y, *arguments, options.epochs, options.seed)
        seconds = time.perf_counter() - begin
        total += seconds
        print(f"{name:<12} {accuracy:6.2f} % {seconds:6.1f} s", flush=True)
    print(
        f"Keras {keras.__version__} on {keras.backend.backend()}: {total:.1f} s for one seed of each"
    )


if __name__ == "__main__":
    main()
