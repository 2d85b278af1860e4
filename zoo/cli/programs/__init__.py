"""Programs of users' own on the command line, named ``FILE.py:PROGRAM``.

``files`` loads a program, ``columns`` maps tables to its arguments, ``calls`` reads it with them, and ``mistakes``
lists the usual mistakes. Each ``in_<backend>.py`` has, for a call by ``arguments``, of which the arrays ``static`` are
NumPy's,

    run_call(program, arguments, static)          a ``CallTrace`` of one run of the program as its author wrote it
    guide_sites(guide, arguments, static)         the shapes of the latents of a guide
    prior_of(program, arguments, static, name)    what the prior of a latent depends on: see ``trace.Prior``
"""
