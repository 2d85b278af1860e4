"""Learned numbers in units of the data: ``param(..., constraint=in_units(loc, scale))``.

Adam takes steps of the size of its learning rate, in whatever units the unconstrained value has. Each
``in_<backend>.py`` provides ``in_units(loc, scale)``, the constraint of real numbers whose unconstrained value is
(value - loc) / scale, so that a fit does not depend on the units of the data. ``loc`` and ``scale`` are numbers or
arrays that broadcast to the value.
"""
