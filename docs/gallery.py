"""Draws the small pictures of the schedules that the README's table shows.

    python docs/gallery.py

writes `docs/images/NAME.png` for every schedule in `GALLERY`; needs the `plot` extra.
"""

import argparse
from pathlib import Path

import matplotlib as mpl

import jaxsched

mpl.use("Agg")
import matplotlib.pyplot as plt

STEPS = 200

GALLERY = {
    "constant_schedule": jaxsched.constant_schedule(1.0),
    "linear_schedule": jaxsched.linear_schedule(1.0, 0.1, 150, transition_begin=25),
    "transition_schedule": jaxsched.transition_schedule(
        1.0, 0.0, 180, shape=jaxsched.shapes.inverse_power(0.5)
    ),
    "polynomial_schedule": jaxsched.polynomial_schedule(1.0, 0.0, power=3, transition_steps=180),
    "exponential_decay": jaxsched.exponential_decay(1.0, 50, decay_rate=0.5),
    "cosine_decay_schedule": jaxsched.cosine_decay_schedule(1.0, 180, alpha=0.05),
    "piecewise_constant_schedule": jaxsched.piecewise_constant_schedule(
        1.0, {60: 0.5, 110: 0.5, 160: 0.2}
    ),
    "piecewise_interpolate_schedule": jaxsched.piecewise_interpolate_schedule(
        "cosine", 0.2, {60: 5.0, 120: 0.4, 180: 0.1}
    ),
    "linear_onecycle_schedule": jaxsched.linear_onecycle_schedule(STEPS, 1.0, div_factor=5.0),
    "cosine_onecycle_schedule": jaxsched.cosine_onecycle_schedule(STEPS, 1.0, div_factor=5.0),
    "warmup_constant_schedule": jaxsched.warmup_constant_schedule(0.0, 1.0, 40),
    "warmup_cosine_decay_schedule": jaxsched.warmup_cosine_decay_schedule(0.0, 1.0, 40, STEPS),
    "warmup_exponential_decay_schedule": jaxsched.warmup_exponential_decay_schedule(
        0.0, 1.0, 40, 40, decay_rate=0.5
    ),
    "sgdr_schedule": jaxsched.sgdr_schedule(
        [
            {"init_value": 0.0, "peak_value": peak, "warmup_steps": 5, "decay_steps": length}
            for peak, length in ((1.0, 40), (0.8, 60), (0.6, 100))
        ]
    ),
    "join_schedules": jaxsched.join_schedules(
        [
            jaxsched.linear_schedule(0.0, 1.0, 40),
            jaxsched.constant_schedule(1.0),
            jaxsched.cosine_decay_schedule(1.0, 60),
        ],
        [40, 140],
    ),
}


def draw(schedule: jaxsched.Schedule, path: Path) -> None:
    """One curve over a base line at 0, without axes: the shape, not the numbers."""
    figure, axes = plt.subplots(figsize=(1.6, 0.6))
    axes.axhline(0.0, color="#888888", linewidth=0.8)
    axes.plot([schedule(step) for step in range(STEPS + 1)], color="#0072B2", linewidth=1.6)
    axes.set(ylim=(-0.05, 1.08), xlim=(-2, STEPS + 2))
    axes.axis("off")
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.98)
    figure.savefig(path, dpi=120, metadata={"Software": None}, pil_kwargs={"optimize": True})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    default = Path(__file__).parent / "images"
    parser.add_argument("--output", type=Path, default=default, help="the folder of the pictures")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for name, schedule in GALLERY.items():
        draw(schedule, folder / f"{name}.png")
    print(f"{len(GALLERY)} pictures in {folder}")


if __name__ == "__main__":
    main()
