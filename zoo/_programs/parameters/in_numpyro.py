import jax
import jax.numpy as jnp
import numpyro
from numpyro.primitives import Messenger

from zoo.errors import ZooError

TREE_SUFFIX = "$params"  # in the names that NumPyro gives to the trees of networks


class NetworkParameters(Messenger):
    """A program whose param statements of trees become one statement for each array.

    trees: by name, ``(paths, structure)`` of each tree as the last run left it, None for an array; shared by all
    programs of one call.
    """

    def __init__(self, fn=None, trees=None):
        self.trees = {} if trees is None else trees
        self.statements, self.leaf_names = {}, set()  # trees of this run: as declared and as returned
        super().__init__(fn)

    def __exit__(self, *error):
        super().__exit__(*error)
        for name, trees in self.statements.items():
            # a prior replaces arrays of the tree by their shapes, which are no leaves
            tree = min(trees, key=lambda tree: len(jax.tree.leaves(tree)))
            self.trees[name] = leaf_paths(tree), jax.tree.structure(tree)
        self.statements = {}

    def process_message(self, msg):
        if msg["type"] == "mutable":
            raise ZooError(
                f"{msg['name'].partition('$')[0]} has state that changes in every run, as batch statistics and the "
                "keys of dropout do: use a network of parameters alone"
            )
        if msg["type"] != "param" or msg["value"] is not None or msg["name"] in self.leaf_names:
            return
        name = msg["name"]
        if not msg["args"] and name in self.trees and self.trees[name] is None:
            return  # a function of a key, which returned an array
        value = msg["fn"](*msg["args"], **msg["kwargs"])
        if value is None:  # the statement asks for the value that another handler has
            if name in self.trees and self.trees[name] is not None:
                msg["value"] = self.tree_in_handlers(name, msg["kwargs"])
                msg["stop"] = True
            elif name.endswith(TREE_SUFFIX):
                msg["stop"] = True
        elif is_array(value):
            self.trees[name] = None
            msg["value"] = to_float(value)
        else:
            msg["value"], msg["stop"] = self.declare(name, value, msg["kwargs"]), True

    def tree_in_handlers(self, name, kwargs):
        """The tree of arrays that other handlers have, None where they do not have them all."""
        paths, structure = self.trees[name]
        leaves = [self.leaf(name, path, None, kwargs) for path in paths]
        return None if any(leaf is None for leaf in leaves) else jax.tree.unflatten(structure, leaves)

    def declare(self, name, tree, kwargs):
        """A param statement for each array of the tree; returns the tree of their values."""
        paths = leaf_paths(tree)
        learned = self.trees[name][0] if self.trees.get(name) else paths  # others have a prior
        leaves, structure = jax.tree.flatten(tree)
        values = [
            self.leaf(name, path, to_float(leaf), kwargs) if path in learned else leaf
            for path, leaf in zip(paths, leaves, strict=True)
        ]
        returned = jax.tree.unflatten(structure, values)
        self.statements[name] = tree, returned
        return returned

    def leaf(self, name, path, value, kwargs):
        leaf_name = f"{name.removesuffix(TREE_SUFFIX)}.{path}"
        self.leaf_names.add(leaf_name)
        return numpyro.param(leaf_name, value, **kwargs)


def is_array(value):
    return isinstance(value, int | float) or hasattr(value, "dtype")


def to_float(value):
    """An array of the precision of the runtime; whole numbers too, for there are no others to train."""
    return jnp.asarray(value, jnp.zeros(()).dtype)


def leaf_paths(tree):
    """The path of each array of a tree, its keys joined by dots."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path in paths]
