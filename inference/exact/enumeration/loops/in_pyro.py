from collections import defaultdict

import torch
from pyro.poutine.markov_messenger import MarkovMessenger
from pyro.poutine.runtime import _PYRO_STACK

from inference.exact.enumeration.elimination import Variable
from inference.exact.enumeration.loops import MAX_ORDER, Loop, LoopSite
from zoo.errors import ZooError


def active_markov():
    """The ``markov`` statement around the site at hand, None where there is none, or one within another."""
    messengers = [m for m in _PYRO_STACK if isinstance(m, MarkovMessenger)]
    return messengers[0] if len(messengers) == 1 else None


class MarkovLoop:
    """The sites of one ``markov`` statement, which the program runs step by step.

    A discrete site has its values along one of 1 + history dimensions in turn, so that a step has those of the steps
    before beside its own. Sites of different steps are one site where they have the same place in their step.
    """

    def __init__(self, messenger):
        if messenger.history > MAX_ORDER:
            raise ZooError(
                f"markov(history={messenger.history}): a sum over paths has a history of {MAX_ORDER} at most"
            )
        self.messenger, self.num_slots = messenger, messenger.history + 1
        self.sites = defaultdict(dict)  # by place in the step, the message at each step
        self.dims, self.sizes = {}, {}  # of discrete sites, by place
        self.num_places = defaultdict(int)  # by step

    @property
    def num_dims(self):
        """How many dimensions the discrete sites have."""
        return self.num_slots * len(self.dims)

    def next_place(self):
        """The step of the site at hand, and its place in the step."""
        step = self.messenger._pos
        self.num_places[step] += 1
        return step, self.num_places[step] - 1

    def dim_of(self, at, size, name, free_dim):
        """The dimension of the values of a discrete site at a step and place; free_dim: the first one not in use."""
        step, place = at
        dim = self.dims.setdefault(place, free_dim)
        if self.sizes.setdefault(place, size) != size:
            raise ZooError(f"{name} has {size} values, and {self.sizes[place]} at other steps: let them be as many")
        return dim - step % self.num_slots

    def add(self, at, msg):
        """Keep a site that may depend on discrete ones."""
        self.sites[at[1]][at[0]] = msg

    def read(self, plates_of, log_prob):
        """The ``Loop``, after the program has run; plates_of and log_prob as ``read_scan`` has them."""
        num_steps = len(self.num_places)
        logs = {
            place: {t: self.in_order(log_prob(msg, self.sizes.get(place)), t) for t, msg in by_step.items()}
            for place, by_step in self.sites.items()
        }
        orders = self.orders(logs)
        names = {place: common_name([m["name"] for m in by_step.values()]) for place, by_step in self.sites.items()}
        loop_name = names[next(iter(self.dims))]
        variables, sites, scales = [], [], []
        for place, by_step in self.sites.items():
            plates, steps = plates_of(next(iter(by_step.values()))), tuple(m["name"] for m in by_step.values())
            sites.append(LoopSite(names[place], *first_and_later(logs[place], num_steps), plates, steps))
            scales += [float(m["scale"]) for m in by_step.values()]
            if place in self.dims:
                dim, size = self.dims[place], self.sizes[place]
                variables.append(Variable(names[place], dim, size, plates, orders[place], loop_name, steps))
        return Loop(loop_name, num_steps, variables, sites, scales)

    def in_order(self, log, step):
        """The log density of a step with the values of each site from the left, the earliest first."""
        num_dims = max(self.num_slots - 1 - dim for dim in self.dims.values())
        log = log.reshape((1,) * (num_dims - log.ndim) + log.shape)
        lags = range(self.num_slots)
        sources = [dim - (step - lag) % self.num_slots for dim in self.dims.values() for lag in lags]
        return log.movedim(sources, [dim - lag for dim in self.dims.values() for lag in lags])

    def orders(self, logs):
        """The order of each discrete site as a chain, 0 of a label of single steps."""
        every = [log for by_step in logs.values() for log in by_step.values()]
        orders = {
            place: max(
                (lag for lag in range(1, self.num_slots) if any(log.shape[dim - lag] > 1 for log in every)), default=0
            )
            for place, dim in self.dims.items()
        }
        for log in every:  # a label that decides on transitions is a part of the chain
            if any(log.shape[dim - lag] > 1 for dim in self.dims.values() for lag in range(1, self.num_slots)):
                orders |= {p: max(orders[p], 1) for p, dim in self.dims.items() if log.shape[dim] > 1}
        return orders


def first_and_later(logs, num_steps):
    """The log density of a site at the first step and at the others, with time last; 0 at a step without it."""
    some = next(iter(logs.values()))
    zero = torch.zeros((1,) * some.ndim).to(some)
    first = logs.get(0, zero)[..., None]
    if num_steps == 1:
        return first, torch.zeros(1).to(first)
    return first, torch.stack(torch.broadcast_tensors(*(logs.get(t, zero) for t in range(1, num_steps))), -1)


def common_name(names):
    """What the names of the steps have in common.

    >>> common_name(["x_0", "x_1", "x_12"])
    'x'
    """
    first, last = min(names), max(names)  # in alphabetical order the others have what these two have in common
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same].rstrip("_") or first
