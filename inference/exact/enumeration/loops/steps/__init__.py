"""One step of a loop over time as a function: its sites, what it carries, and for how long it remembers a state.

``in_numpyro.py`` provides ``Step`` and ``Memory``, for the body of a ``scan``. Pyro runs every step of a ``markov``
loop.
"""
