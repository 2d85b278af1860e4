"""The options of Gibbs sampling, checked: each mistake is one line that says what would work."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.engines import Task
from zoo import ZooError
from zoo.errors import unknown

WHOLE = {"num_warmup": 0, "num_samples": 1, "num_chains": 1, "num_draws": 0, "every": 1, "checkpoint_every": 1}
OR_NONE = ("num_draws", "shards", "threads")
DRAWS, NUMBERS = 100, 1 << 24  # as many draws by default, of no more numbers than these together
WORDS = {
    "method": ("auto", "dense", "sparse"),
    "learn_alpha": (None, "symmetric", "asymmetric"),
    "learn_eta": (False, True),
}


def checked(task: Task) -> dict[str, Any]:
    """The options as given; raises ZooError where one cannot be used."""
    options = task.options
    for word, least in {**dict.fromkeys(OR_NONE, 1), **WHOLE}.items():
        value = options[word]
        if value is None and word in OR_NONE:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {value!r}")
    anneal = options["anneal"]
    if isinstance(anneal, bool) or not isinstance(anneal, int | float | np.number) or not 1 <= anneal < np.inf:
        raise ZooError(f"anneal is a factor from 1 up; given {anneal!r}")
    for word, of in WORDS.items():
        if options[word] not in of:
            raise unknown(word, options[word], map(str, of))
    if options["num_draws"] is None:
        sites = task.card.sites(task.keywords)
        drawn = [sites[n].shape(task.keywords) for n in task.card.latents if n not in task.card.enumerated]
        numbers = options["num_chains"] * sum(int(np.prod(shape)) for shape in drawn)
        few = max(1, min(DRAWS, options["num_samples"], NUMBERS // numbers))
        options = {**options, "num_draws": few}
    elif options["num_draws"] > options["num_samples"]:
        raise ZooError(
            f"num_draws={options['num_draws']} of num_samples={options['num_samples']} sweeps: give fewer draws"
        )
    return options
