"""Parameters of networks as arrays, one ``param`` statement each, named by their path: ``decoder.layers_0.kernel``.

Each ``in_<backend>.py`` has ``NetworkParameters``, a messenger that is to be the innermost of a program or guide. In
NumPyro the parameters of a network are one tree; leaves with a prior of their own, as in ``random_flax_module``, are no
parameters. In Pyro they are the tensors of a module, which have the precision of the runtime while it lasts.
"""
