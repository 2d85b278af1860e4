"""Programs of users' own: one reads a program by tracing it with the user's data, and presents it to the engines.

``read(model, args, kwargs)`` gives a ``ReadModel``: the program in the form that engines run, its card, and the data.
The rules are in the modules: ``arguments`` (arrays of the call), ``reading`` (roles of the sites, names of dimensions),
``rows`` (the rows, and the arguments that go with them).

Each ``in_<backend>.py`` has

    trace(program, arguments)        a ``Trace`` of one run with the user's own arrays
    RunnableProgram                  the program with arrays, rows and observations replaced: see ``runnable``
"""
