"""What the zoo asks of a language: to run a program, and to carry arrays in and out.

Each ``in_<backend>.py`` promises

    room(dtype, device)                    a context in which programs run in that precision, there
    enter(values), leave(values)           numpy to the language's arrays, and back, through dicts
    trace(program, keywords)               ``{site: TracedSite}`` of one forward run
    learned(program, keywords)             ``{name: shape}`` of what the program learns: its param statements
    simulate(program, keywords, seed, values)  ``{site: numpy}``, one draw of every site that has no value there, and
                                           what is learned
    log_joint(program, keywords, values)   log p in nats, 64 bits
    minibatch(program, rows)               the program with its plate N subsampled to ``rows``
"""

from typing import NamedTuple


class TracedSite(NamedTuple):
    """What one forward run tells of a sample site."""

    kind: str  # as on a card
    shape: tuple[int, ...]
    discrete: bool
    plates: tuple[str, ...]
