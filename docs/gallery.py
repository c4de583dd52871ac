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

# These are drawn over 1000 steps.
OVER_1000 = {
    "natural_exp_decay": jaxsched.natural_exp_decay(1.0, 300, 1.0),
    "half_life_decay": jaxsched.half_life_decay(1.0, 200),
    "geometric_schedule": jaxsched.geometric_schedule(1.0, 0.01, 900),
    "inverse_sigmoid_decay": jaxsched.inverse_sigmoid_decay(1.0, 100.0),
    "inverse_time_decay": jaxsched.inverse_time_decay(1.0, 100, 1.0),
    "time_based_decay": jaxsched.time_based_decay(1.0, 0.01),
    "compounding_time_based_decay": jaxsched.compounding_time_based_decay(1.0, 0.01, 50),
    "power_law_schedule": jaxsched.power_law_schedule(1.0, 50.0),
    "inverse_sqrt_schedule": jaxsched.inverse_sqrt_schedule(1.0, 150),
    "noam_schedule": jaxsched.noam_schedule(512, 200),
    "step_decay": jaxsched.step_decay(1.0, 2, 0.5, 100),
    "multistep_schedule": jaxsched.multistep_schedule(1.0, [300, 600, 800], 0.4),
    "chebyshev_schedule": jaxsched.chebyshev_schedule(0.1, 16, steps_per_epoch=60),
    "polynomial_decay": jaxsched.polynomial_decay(1.0, 250, 0.05, cycle=True),
    "cosine_decay_restarts": jaxsched.cosine_decay_restarts(1.0, 140, 2.0, 0.8),
    "cyclic_schedule": jaxsched.cyclic_schedule(0.1, 1.0, 125, mode="triangular2"),
    "jagged_restarts": jaxsched.jagged_restarts(
        jaxsched.cosine_decay_schedule(1.0, 1000), 250, 40, 15
    ),
    "linear_cosine_decay": jaxsched.linear_cosine_decay(1.0, 900, 3.5),
    "noisy_linear_cosine_decay": jaxsched.noisy_linear_cosine_decay(1.0, 900, 0.02, 0.1),
    "cosine_wave_schedule": jaxsched.cosine_wave_schedule(1.0, 900, 2.5),
    "warmup_stable_decay_schedule": jaxsched.warmup_stable_decay_schedule(0.0, 1.0, 100, 600, 200),
    "wsds_schedule": jaxsched.wsds_schedule(1.0, [300, 300, 400], 80, 50),
    "tri_stage_schedule": jaxsched.tri_stage_schedule(0.01, 1.0, 100, 400, 450, 0.01),
    "infinite_schedule": jaxsched.infinite_schedule(0.0, 1.0, 0.5, 0.01, 80, 250, 450, 150),
    "torch_onecycle_schedule": jaxsched.torch_onecycle_schedule(1000, 1.0, div_factor=5.0),
    "fastai_onecycle_schedule": jaxsched.fastai_onecycle_schedule(1000, 1.0, div_factor=5.0),
    "flat_cosine_schedule": jaxsched.flat_cosine_schedule(1000, 1.0),
    "slanted_triangular_schedule": jaxsched.slanted_triangular_schedule(1000, 1.0),
    "k_decay_schedule": jaxsched.k_decay_schedule(1.0, 0.0, 900, 2.0),
    "swa_schedule": jaxsched.swa_schedule(jaxsched.cosine_decay_schedule(1.0, 1000), 0.2, 700, 100),
    "minimum": jaxsched.minimum(
        jaxsched.linear_schedule(0.0, 1.0, 200), jaxsched.cosine_decay_schedule(1.0, 1000)
    ),
    "maximum": jaxsched.maximum(jaxsched.cosine_decay_schedule(1.0, 800), 0.2),
    "clip": jaxsched.clip(jaxsched.cosine_decay_schedule(1.0, 1000), 0.2, 0.8),
    "power": jaxsched.power(jaxsched.linear_schedule(1.0, 0.0, 1000), 3.0),
    "proportional": jaxsched.proportional(
        jaxsched.warmup_cosine_decay_schedule(0.0, 0.1, 200, 1000), 0.1, 0.2, 0.9
    ),
    "onecycle_momentum_schedule": jaxsched.onecycle_momentum_schedule(1000, 0.95, 0.2),
    "delay": jaxsched.delay(jaxsched.cosine_decay_schedule(1.0, 600), 300),
    "stretch": jaxsched.stretch(jaxsched.cosine_decay_schedule(1.0, 300), 3),
    "repeat": jaxsched.repeat(jaxsched.cosine_decay_schedule(1.0, 140), 140, 2, 0.8),
    "staircase": jaxsched.staircase(jaxsched.cosine_decay_schedule(1.0, 1000), 100),
    "reverse": jaxsched.reverse(jaxsched.cosine_decay_schedule(1.0, 1000), 1000),
    "by_epoch": jaxsched.by_epoch(jaxsched.exponential_decay(1.0, 1, 0.8), 100),
    "with_warmup": jaxsched.with_warmup(jaxsched.cosine_decay_schedule(1.0, 800), 200),
    "with_cooldown": jaxsched.with_cooldown(jaxsched.inverse_sqrt_schedule(1.0, 100), 700, 250),
    "override": jaxsched.override(
        jaxsched.cosine_decay_schedule(1.0, 1000), 500, jaxsched.linear_schedule(1.0, 0.0, 200)
    ),
    "with_noise": jaxsched.with_noise(jaxsched.linear_schedule(0.9, 0.1, 1000), 0.1),
    "tabulated_schedule": jaxsched.tabulated_schedule(
        [0.2, 1.0, 0.6, 0.8, 0.3, 0.1], 200, interpolate=True
    ),
}


def draw(schedule: jaxsched.Schedule, path: Path, steps: int = STEPS) -> None:
    """One curve over a base line at 0, without axes: the shape, not the numbers."""
    figure, axes = plt.subplots(figsize=(1.6, 0.6))
    axes.axhline(0.0, color="#888888", linewidth=0.8)
    values = [schedule(step) for step in range(steps + 1)]
    axes.plot(values, color="#0072B2", linewidth=1.6)
    axes.set(ylim=(-0.05 * max(values), 1.08 * max(values)), xlim=(-0.01 * steps, 1.01 * steps))
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
    for name, schedule in OVER_1000.items():
        draw(schedule, folder / f"{name}.png", steps=1000)
    print(f"{len(GALLERY) + len(OVER_1000)} pictures in {folder}")


if __name__ == "__main__":
    main()
