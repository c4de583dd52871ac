"""README.md, "Measured": the figures of a run that a reader asks for first."""

import statistics
from pathlib import Path

from _measure import mean
from _page import number
from _schedules import by_formulas
from train import HOW, LIMIT, MODELS, NUMBER, schedules, within

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- measured:begin -->\n", "<!-- measured:end -->\n"


def write(facts, results):
    """Puts the figures between the marks in README.md."""
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"README.md: {BEGIN.strip()} and {END.strip()} are not there")
    README.write_text(before + BEGIN + summary(facts, results) + mark + after)


def summary(facts, results):
    rows = [*_host(results["host"]), *_device(results["device"]), *_joins(results["joins"])]
    rows += [*_sweep(results["sweep"]), _plateau(results["plateau"]), _train(results["train"])]
    rows.append(_imports(results["imports"]))
    lines = [f"| {what} | {measured} |" for what, measured in rows]
    return (
        "`python benchmarks/run.py --write` measures everything side by side in one process, prints tables "
        "of ratios and\nwrites this one; the run that [benchmarks/README.md](benchmarks/README.md) shows "
        f"({facts['cores']} cores, JAX {facts['jax']}, Optax {facts['optax']}) says:\n\n"
        "| what | measured |\n| --- | --- |\n" + "\n".join(lines) + "\n"
    )


def _host(rows):
    named = {row["schedule"]: row for row in rows}
    simple, others = by_formulas(rows, tables=True)
    slowest, any_other = (max(some, key=lambda row: row["slowest µs"]) for some in (simple, others))
    constant = named["constant_schedule"]
    most, other = (
        max((row for row in some if row["jaxsched / python"]), key=lambda r: r["jaxsched / python"])
        for some in (simple, others)
    )
    within = sum(row["jaxsched / python"] <= 2 for row in simple)
    yield (
        "reading one rate on the host, in whatever phase",
        f"a schedule of one formula or table at most {slowest['slowest µs']:.2f} µs, warmup + cosine "
        f"{named['warmup_cosine_decay_schedule']['slowest µs']:.2f} µs, a join of 40 pieces "
        f"{named['join of 40 pieces']['slowest µs']:.2f} µs, the slowest of all, "
        f"{any_other['schedule']}, {any_other['slowest µs']:.2f} µs",
    )
    yield (
        "against a formula by hand",
        f"{within} of {len(simple)} schedules of one formula or table at most twice as long, at most "
        f"{most['jaxsched / python']:.2f} times ({most['schedule']}, {most['jaxsched / object']:.2f} times "
        "what the least object takes that calls the formula); of the others at most "
        f"{other['schedule']}, {other['jaxsched / python']:.2f} times",
    )
    least = lambda column: min(row[column] for row in rows if row[column] and row is not constant)
    yield (
        "against Optax's eager call",
        f"at least {least('optax / jaxsched'):.0f} times as fast (but for a constant, which Optax returns "
        "as it is)",
    )
    peers = [
        who for who in ("torch", "keras", "transformers", "timm") if f"{who} / jaxsched" in rows[0]
    ]
    found = [(who, [row[f"{who} / jaxsched"] for row in rows]) for who in peers]
    ratios = {who: min(filter(None, column)) for who, column in found if any(column)}
    if ratios:
        yield (
            "against the peers",
            "a schedule that they have too is read at least "
            + ", ".join(f"{ratio:.3g} times as fast ({who})" for who, ratio in ratios.items()),
        )


def _device(rows):
    compared = [row for row in rows if row["jaxsched / optax"]]
    most = max(compared, key=lambda row: row["jaxsched / optax"])
    yield (
        "a step in a compiled loop",
        f"{mean([row['jaxsched / optax'] for row in compared]):.2f} times Optax's on the geometric "
        f"mean of {len(compared)} schedules, at most {most['jaxsched / optax']:.2f} times "
        f"({most['schedule']}: {most['jaxsched ns']:.1f} ns against {most['optax ns']:.1f} ns); any adds "
        f"at most {max(row['it adds ns'] for row in rows):.0f} ns",
    )


def _joins(rows):
    few, some, many, most = (
        next(r for r in rows if r["pieces"] == n) for n in (10, 40, 1000, 10_000)
    )
    yield "a join of 40 pieces", f"{1 / some['optax / jaxsched']:.2f} times Optax's"
    same = (
        "the same program as for 40"
        if some["HLO"] == many["HLO"]
        else "another program than for 40"
    )
    yield (
        "a join of 1000 pieces",
        f"{many['jaxsched ns']:.0f} ns a step, {same}, compiled in {many['compile ms']:.0f} ms (10 pieces: "
        f"{few['compile ms']:.0f} ms; 10,000: {most['compile ms']:.0f} ms)",
    )


def _sweep(rows):
    one, some, most = rows[0], *rows[-2:]
    measured = most["compiled each"]
    scaled = (
        ""
        if measured == most["schedules"]
        else f", of which {measured} were measured and their time scaled to {most['schedules']}"
    )
    yield (
        f"{most['schedules']} schedules in one compilation",
        f"{most['one each / vmap']:.0f} times as fast as one compilation each{scaled}; "
        + ", ".join(
            f"{row['schedules']} in one: {number(row['one each / vmap'])} times"
            for row in (some, one)
        ),
    )


def _plateau(rows):
    ratios = [row["jaxsched / optax"] for row in rows]
    return (
        "a step with the plateau reducer",
        f"{min(ratios):.2f} to {max(ratios):.2f} times Optax's",
    )


def _train(rows):
    columns = [f"{model} / {LIMIT}" for model in MODELS]
    with_schedules = schedules(rows)
    few = [f"{within(rows, model)} of {len(with_schedules)}" for model in MODELS]
    most = [max(row[column] for row in with_schedules) for column in columns]
    middle = [statistics.median(row[column] for row in with_schedules) for column in columns]
    (uncounted,) = (row for row in rows if row["rate"] == NUMBER)
    plain = [x / uncounted[column] for x, column in zip(most, columns, strict=True)]
    return (
        "a whole training step of an MLP or a small transformer",
        f"{middle[0]:.2f} and {middle[1]:.2f} times that with a function that returns a constant, for "
        f"which Optax keeps a counter as for a schedule (the median); within 5 % for {few[0]} and "
        f"{few[1]} schedules, at most {most[0]:.3f} and {most[1]:.3f} times, {HOW}; at most "
        f"{plain[0]:.3f} and {plain[1]:.3f} times that with a plain number, which has none",
    )


def _imports(rows):
    own, both = rows[2], rows[0]
    return (
        "`import jaxsched` beside `import jax, optax`",
        f"{own['ms']:.0f} ms of {own['import'].removeprefix('its ')} of its own, "
        f"{100 * own['ms'] / both['ms']:.1f} % of the {both['ms']:.0f} ms that JAX and Optax take",
    )
