"""Runs of a program or a guide with some sites at values, recorded as ``inference.objectives.sites.Run``.

Each ``in_<backend>.py`` provides

    traced(program, values, [key,] inputs, fill, sample_shape, ...)   a Run; ``fill`` gives values to other latents
    TracedPair                                                        ``GuideAndProgram`` of the backend

and ``in_pyro`` also ``can_vectorise(program, guide, inputs)``: whether draws can be one more dimension of a run.
"""
