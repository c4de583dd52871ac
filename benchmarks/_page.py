"""benchmarks/README.md: the sections of a run, and the conclusions of all of them in front.

The section on a GPU may be of another machine, which it then names: `run.py --only gpu --write` there
replaces this section alone, and a run on a machine without a GPU keeps it.
"""

import re

WORDS = {True: "holds", False: "**MISSED**", None: "note"}  # a note is neither: it informs


def number(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def table(rows):
    heads = [head for head in rows[0] if any(row[head] is not None for row in rows)]
    cells = [[number(row[head]) for head in heads] for row in rows]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(module, rows, where=""):
    """A table with what it is of and what it says; `where` is the machine, if it is not the page's."""
    notes = f"{module.NOTE}\n\n{where}\n" if where else f"{module.NOTE}\n"
    verdicts = [f"- {WORDS[ok]}: {text}" for ok, text in module.conclude(rows)]
    return f"## {module.TITLE}\n\n{notes}\n{table(rows)}\n\n" + "\n".join(verdicts) + "\n"


def of_machine(facts):
    """A sentence: the hardware and the versions."""
    hardware = [
        facts["cpu"],
        f"{facts['cores']} cores",
        *([facts["gpu"]] if "gpu" in facts else []),
    ]
    others = ("cpu", "cores", "gpu", "system")
    versions = ", ".join(f"{k} {v}" for k, v in facts.items() if k not in others)
    return f"Machine: {', '.join(hardware)}, {facts['system']}; {versions}."


def page(facts, sections):
    head = (
        "# Benchmarks\n\n"
        "Written by the run itself, in some six minutes on a machine that does nothing else:\n\n"
        "```\n"
        "pip install -e '.[peers]'                # torch, Keras with TensorFlow, transformers\n"
        "pip install --no-deps 'timm>=1.0.31'     # its torchvision has no build for that torch\n"
        "python benchmarks/run.py --write\n"
        "```\n\n"
        f"{of_machine(facts)} Contenders take turns in one process "
        "and the fastest round of each counts, so read the ratios: the times are of this machine. "
        "`--only host` (or another name) measures one table, `--quick` all of them roughly, "
        "`--json FILE` keeps the raw numbers. Without the peers, which have columns in the table of the "
        "host alone, `pip install -e .` is enough. Before it measures, the run makes sure that every "
        "public schedule and operator is in the tables, and that all that stands side by side computes the "
        "same. The section "
        "on a GPU names its machine; `--only gpu --write` on one that has a GPU writes it alone.\n\n"
    )
    return _joined(head, sections)


def _joined(head, sections):
    starts = tuple(f"- {word}: " for word in WORDS.values())
    verdicts = [x for text in sections for x in text.splitlines() if x.startswith(starts)]
    return head + "## Conclusion\n\n" + "\n".join(verdicts) + "\n\n" + "\n".join(sections)


def parts(text):
    """What stands before the conclusion, and the sections after it."""
    head, _, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return head, [part.rstrip("\n") + "\n" for part in sections]


def found(text, title):
    """The section of this title, or None."""
    some = [part for part in parts(text)[1] if part.startswith(f"## {title}\n")] if text else []
    return some[0] if some else None


def replaced(text, title, new):
    """The page with another section of this title, and the conclusions of that."""
    old = found(text, title)
    if old is None:
        raise ValueError(f"benchmarks/README.md has no section {title!r}: run it as a whole first")
    head, sections = parts(text)
    return _joined(head, [new if part == old else part for part in sections])
