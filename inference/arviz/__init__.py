"""Conversion of fits to ArviZ DataTrees.

``to_arviz`` has the draws, the data and what costs little; ``groups`` what is computed where it is asked for.
"""

from inference.arviz.tree import to_arviz

__all__ = ["to_arviz"]
