"""Schedules as straight-line Python: what makes reading a rate on the host cheap.

A formula is run once with a :class:`HostNumber` in the place of the step. Each operation on it is
noted, with every hyperparameter folded into a literal; what is noted is written as one function of
the step and compiled. A result that is used once stands where it is used, one that is used more
often is a variable, and one that is not used is left out. Reading the rate then costs one call and a
handful of float operations, however many helpers the formula is made of, and however many schedules
the schedule is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

EXACT = 2**53
"""Up to here a float minus a float is not above what bounds them, subtracted."""
ROOM = 200
"""Operations from which on a function takes in no more schedules: it calls them."""
DEEP = 16
"""How deep schedules, or operations, stand in each other: Python's parser has its limits."""


class _Node:
    """An operation on what other nodes compute; without operands a name or a literal."""

    __slots__ = ("depth", "operands", "template", "text", "uses")

    def __init__(self, template: str, operands: Sequence[_Node] = ()):
        self.template, self.operands = template, operands
        self.text, self.uses, self.depth = template, 0, 0


class _Choice(_Node):
    """One of two blocks of nodes, each with its result."""

    __slots__ = ("blocks",)

    def __init__(self, condition: _Node, blocks: list[tuple[list[_Node], _Node]]):
        super().__init__("{1} if {0} else {2}", [condition, *(result for _, result in blocks)])
        self.blocks = blocks


class HostNumber:
    """A number in a host function being written: the step, or a result that depends on it.

    Attributes:
      code: the function.
      node: how it is computed.
      is_step: whether it is known to be what a schedule takes for a step: not negative, at most the
        last step, and finite.
      most: a number that it does not exceed, if one is known.
    """

    __slots__ = ("code", "is_step", "most", "node")

    def __init__(self, code: HostCode, node: _Node, is_step: bool = False, most: float = math.inf):
        self.code, self.node, self.is_step, self.most = code, node, is_step, most

    def until(self, end: Any) -> HostNumber:
        """The same number where it is known to be below `end`."""
        most = min(self.most, end) if end <= EXACT else self.most
        return HostNumber(self.code, self.node, self.is_step, most)

    def since(self, begin: Any) -> HostNumber:
        """The steps since `begin`, where this step is known not to be before it."""
        if begin == 0:
            return self
        node = self.code.line("{} - {}", self, begin).node
        return HostNumber(self.code, node, self.is_step, self.most - begin)

    def as_step_if(self, other: HostNumber) -> HostNumber:
        """The same number where it is known to be a step if another is."""
        return HostNumber(self.code, self.node, other.is_step, self.most)

    def __add__(self, other: Any) -> HostNumber:
        return self.code.line("{} + {}", self, other)

    def __radd__(self, other: Any) -> HostNumber:
        return self.code.line("{} + {}", other, self)

    def __sub__(self, other: Any) -> HostNumber:
        return self.code.line("{} - {}", self, other)

    def __rsub__(self, other: Any) -> HostNumber:
        return self.code.line("{} - {}", other, self)

    def __mul__(self, other: Any) -> HostNumber:
        return self.code.line("{} * {}", self, other)

    def __rmul__(self, other: Any) -> HostNumber:
        return self.code.line("{} * {}", other, self)

    def __truediv__(self, other: Any) -> HostNumber:
        return self.code.line("{} / {}", self, other)

    def __rtruediv__(self, other: Any) -> HostNumber:
        return self.code.line("{} / {}", other, self)

    def __floordiv__(self, other: Any) -> HostNumber:
        return self.code.line("{} // {}", self, other)

    def __neg__(self) -> HostNumber:
        return self.code.line("-{}", self)

    def __le__(self, other: Any) -> HostNumber:
        return self.code.line("{} <= {}", self, other)

    def __ge__(self, other: Any) -> HostNumber:
        return self.code.line("{} >= {}", self, other)

    def __lt__(self, other: Any) -> HostNumber:
        return self.code.line("{} < {}", self, other)

    def __bool__(self) -> bool:
        raise TypeError("a formula must not branch on the step: use where")


class HostCode:
    """The operations of a host function."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self._nodes: list[_Node] = []  # all of them: what one needs comes before it
        self._block: list[_Node] = []  # those of the branch that is being noted
        self._depth = self._variables = 0

    def line(self, template: str, *operands: Any) -> HostNumber:
        """Notes one operation: the template's braces are filled with its operands."""
        return self._note(_Node(template, [self._node(x) for x in operands]))

    def choose(
        self, condition: HostNumber, this: Callable[[], Any], that: Callable[[], Any]
    ) -> HostNumber:
        """What one of two parts of a formula gives; the other is not computed."""
        outer, blocks = self._block, []
        for part in (this, that):
            self._block = []
            result = self._node(part())
            blocks.append((self._block, result))
        self._block = outer
        return self._note(_Choice(condition.node, blocks))

    @property
    def has_room(self) -> bool:
        """Whether another schedule may be taken in."""
        return len(self._nodes) < ROOM and self._depth < DEEP

    def take_in(self, formula: Callable[..., Any], *arguments: Any) -> HostNumber:
        """What another schedule's formula gives, computed in this function."""
        self._depth += 1
        result = formula(*arguments)
        self._depth -= 1
        return HostNumber(self, self._node(result))

    def compile(self, result: Any, name: str) -> Callable[[int | float], float]:
        """The function of the step that computes a result."""
        last = self._node(result)
        last.uses = 1
        for node in reversed(self._nodes):
            if node.uses:  # else nothing needs it
                for i, operand in enumerate(node.operands):
                    operand.uses += max(1, node.template.count(f"{{{i}}}"))
        lines, text = self._written(self._block, last, returns=True)
        source = "\n ".join(["def host(step):", *lines, f"return {text}"])
        exec(compile(source, f"<host code of {name}>", "exec"), self.names)
        return self.names["host"]

    def _note(self, node: _Node) -> HostNumber:
        self._nodes.append(node)
        self._block.append(node)
        return HostNumber(self, node)

    def _node(self, x: Any) -> _Node:
        if isinstance(x, HostNumber):
            return x.node
        if type(x) is int or (type(x) is float and math.isfinite(x)):
            return _Node(f"({x!r})" if x < 0 else repr(x))
        name = f"k{len(self.names)}"  # a function, a tuple, a NumPy number
        self.names[name] = float(x) if isinstance(x, float) else x
        return _Node(name)

    def _written(self, block: list[_Node], result: _Node, returns: bool) -> tuple[list[str], str]:
        """The lines that compute a block's variables, and the expression of its result.

        A line may also return the function's result, where the block's is that.
        """
        lines: list[str] = []
        for node in block:
            if not node.uses:
                continue
            variable = node.uses > 1
            if isinstance(node, _Choice):
                last = returns and node is result
                (these, this), (those, that) = (
                    self._written(*inner, returns=last) for inner in node.blocks
                )
                condition = f"if {node.operands[0].text}:"
                if last:
                    return [*lines, condition, *_indented(*these, f"return {this}"), *those], that
                if these or those:
                    node.text = self._variable()
                    these, those = (
                        [*before, f"{node.text} = {x}"]
                        for before, x in ((these, this), (those, that))
                    )
                    lines += [condition, *_indented(*these), "else:", *_indented(*those)]
                    continue
            text = node.template.format(*(x.text for x in node.operands))
            node.depth = 1 + max((x.depth for x in node.operands), default=0)
            if variable or node.depth > DEEP:
                node.text, node.depth = self._variable(), 0
                lines.append(f"{node.text} = {text}")
            else:
                node.text = f"({text})"
        return lines, result.text

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"


def _indented(*lines: str) -> list[str]:
    return [f" {line}" for line in lines]


def host_function(
    function: Callable[..., Any], values: tuple[Any, ...], name: str
) -> Callable[[int | float], float]:
    """A formula with plain hyperparameters as a Python function of a step."""
    code = HostCode()
    step = HostNumber(code, _Node("step"), is_step=True)
    return code.compile(function(step, *values), name)
