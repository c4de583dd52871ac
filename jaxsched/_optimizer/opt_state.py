"""Finding things in an optimizer state, however its transformations are nested."""

from __future__ import annotations

from typing import Any

import jax
import optax


class Found:
    """The states of some kind in an optimizer state, by path.

    A state that holds wrapped arrays (flax.nnx keeps variables in it) is seen without the wrappers.

    Args:
      opt_state: an optimizer state, a pytree.
      kind: the NamedTuple to look for.
    """

    def __init__(self, opt_state: Any, kind: Any):
        self.opt_state = opt_state
        is_leaf = lambda x: isinstance(x, kind)
        nodes, self._tree = jax.tree_util.tree_flatten_with_path(opt_state, is_leaf=is_leaf)
        self._nodes = [node for _, node in nodes]
        self._places = [i for i, node in enumerate(self._nodes) if is_leaf(node)]
        self._kind = kind
        self._paths = [nodes[i][0] for i in self._places]

    @property
    def paths(self) -> list[str]:
        return [jax.tree_util.keystr(path) for path in self._paths]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Any:
        return bare(self._nodes[self._places[index]], self._kind)

    def __setitem__(self, index: int, state: Any) -> None:
        place = self._places[index]
        structure = jax.tree.structure(self._nodes[place])
        self._nodes[place] = jax.tree.unflatten(structure, jax.tree.leaves(state))

    def rebuild(self) -> Any:
        """The optimizer state with what was set."""
        return jax.tree.unflatten(self._tree, self._nodes)

    def named(self, name: Any) -> list[int]:
        """Those under a dictionary key of this name (`partition`, `named_chain`), or at this path."""

        def matches(path: Any) -> bool:
            keys = [key.key for key in path if isinstance(key, jax.tree_util.DictKey)]
            return name in keys or name == jax.tree_util.keystr(path)

        return [i for i, path in enumerate(self._paths) if matches(path)]


def bare(state: Any, kind: Any) -> Any:
    """A state of scalars without wrappers around them."""
    return kind(*jax.tree.leaves(state))


def children(node: Any) -> list[tuple[Any, Any]]:
    """The direct children of a pytree node, with their keys; none for a leaf."""
    paths, _ = jax.tree_util.tree_flatten_with_path(node, is_leaf=lambda x: x is not node)
    return [(path[0], child) for path, child in paths if path]


def choose(found: Found, name: Any, who: str, *, every: bool = False) -> list[int]:
    """The indices of the plateau states that are meant.

    Raises:
      ValueError: there is none, or none of this name, or several and none was named.
    """
    if not len(found):
        if len(Found(found.opt_state, optax.contrib.ReduceLROnPlateauState)):
            raise ValueError(
                f"{who}: the plateau state is one of optax's: jaxsched.restore_optax_state converts it, "
                "and so does an update"
            )
        raise ValueError(
            f"{who}: the optimizer state holds no plateau state: build the optimizer with "
            "jaxsched.with_plateau(optimizer, ...)"
        )
    indices = list(range(len(found))) if name is None else found.named(name)
    places = ", ".join(path or "the root" for path in found.paths)
    if not indices:
        raise ValueError(
            f"{who}: name must be that of a plateau state, got {name!r}; they are at {places}"
        )
    if len(indices) > 1 and not every:
        if who == "observe":
            raise ValueError(
                f"{who}: there are {len(indices)} plateau states, at {places}: give the name of one, "
                "or every=True"
            )
        raise ValueError(
            f"{who}: there are {len(indices)} plateau states, at {places}: give the name of one"
        )
    return indices
