"""What Python takes for a call alone: below that no schedule can be read, whatever it computes."""

from _measure import interleaved, reading
from _peers import STEP

WHAT = {
    "function": "a function that returns a constant",
    "tested": "the same, which first tells a number in range from all else",
    "bare": "an object whose `__call__` returns the constant",
    "slot": "an object whose `__call__` is a slot, which holds the second function",
    "object": "an object that tells a number from all else and calls the first function, which it holds",
}


def constant(step):
    return 0.1


def tested(step):
    if type(step) is int and 0 <= step < 2**30:
        return 0.1
    raise TypeError(step)


class Bare:
    """The least object that can be called: it looks at nothing."""

    def __call__(self, step):
        return 0.1


class Slot:
    """An object whose call is that of a function of its own: no method is in between."""

    __slots__ = ("__call__",)

    def __init__(self, function):
        self.__call__ = function


class Callable:
    """The least object with a method that reads a formula it holds: it may be given an array as well."""

    def __init__(self, formula):
        self.formula = formula

    def __call__(self, step):
        if type(step) is int:
            return self.formula(step)
        raise TypeError(step)


READERS = {
    "function": constant,
    "tested": tested,
    "bare": Bare(),
    "slot": Slot(tested),
    "object": Callable(constant),
}


def measure(quick):
    how = {"rounds": 5 if quick else 25, "seconds": 0.002 if quick else 0.01}
    seconds = interleaved({who: reading(read, STEP) for who, read in READERS.items()}, **how)
    return [
        {
            "what is called": WHAT[who],
            "ns": s * 1e9,
            "beyond the function, ns": (s - seconds["function"]) * 1e9,
            "/ function": s / seconds["function"],
        }
        for who, s in seconds.items()
    ]


def conclude(rows):
    named = {row["what is called"]: row for row in rows}
    bare, slot, held = (named[WHAT[who]] for who in ("bare", "slot", "object"))
    yield (
        None,
        f"an object that looks at nothing already takes {bare['/ function']:.2f} times as long as a "
        "function, if both return a constant; a formula of less than "
        f"{slot['beyond the function, ns']:.0f} ns takes more than twice as long behind the shortest call "
        "that tells a number from an array, one of less than "
        f"{held['beyond the function, ns']:.0f} ns behind a method",
    )


TITLE = "Host: what a call takes"
NOTE = (
    "Nanoseconds to be given a constant, with no library: what a schedule takes beyond its formula, and "
    "what the column jaxsched / python of the section before is to be read against."
)
