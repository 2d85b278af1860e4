"""The layers of ARCHITECTURE.md, held against the syntax trees: nothing imports upwards, and there are no circles."""

import pytest

from tests import imports

LAYERS = [  # lowest first; a module belongs to the longest prefix of its name
    ("zoo",),
    ("inference.run", "inference.diagnostics", "inference.draws_model"),
    ("inference.record",),
    ("inference.alignment", "inference.exact", "inference.unconstrained", "inference.objectives", "guides"),
    ("inference.amortised", "inference.structure"),
    ("inference.engines",),
    ("inference.summaries", "inference.predictive"),
    ("inference.storage", "inference.arviz", "inference.result", "inference.fitting"),
    ("inference.external",),
    ("inference.plots",),
    ("inference.analysis",),
    ("inference.evaluation",),
    ("inference",),  # the public names
    ("zoo.cli", "zoo.sklearn", "zoo.__main__"),
]
LEVELS = {prefix: level for level, prefixes in enumerate(LAYERS) for prefix in prefixes}
IN_FUNCTIONS = {  # the only imports of our own modules inside functions, apart from the command line: kernels of numba
    "inference.engines.em.latent_dirichlet",
}

MODULES = imports.modules()
IMPORTS = imports.imports(MODULES)


def level(module: str) -> int:
    prefix = module
    while prefix not in LEVELS:
        prefix = prefix.rpartition(".")[0]
    return LEVELS[prefix]


def test_no_module_imports_a_higher_layer():
    upwards = [f"{i.importer} -> {i.imported}" for i in IMPORTS if level(i.imported) > level(i.importer)]
    assert not upwards, "\n".join(upwards)


def test_there_are_no_circles():
    assert not imports.circles(IMPORTS)


def test_imports_inside_functions_are_of_the_command_line_and_of_kernels():
    inside = [
        f"{i.importer} -> {i.imported}" for i in IMPORTS if i.in_function and level(i.importer) < LEVELS["zoo.cli"]
    ]
    others = [line for line in inside if line.split(" ")[0] not in IN_FUNCTIONS and not line.endswith("kernels")]
    assert not others, "\n".join(others)


def test_cards_import_no_backend_and_no_backend_the_other():
    for module, path in MODULES.items():
        text = path.read_text()
        torch, jax = "import torch" in text or "from pyro" in text, "import jax" in text or "from numpyro" in text
        assert not (torch and jax), module
        if path.name == "__init__.py" and module.startswith("zoo."):
            assert not torch, module
            assert not jax, module


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([("a", "b"), ("b", "c")], []),
        ([("a", "b"), ("b", "a"), ("b", "c")], [["a", "b"]]),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")], [["a", "b", "c"]]),
    ],
)
def test_circles_are_found(edges, expected):
    assert imports.circles([imports.Import(a, b, False) for a, b in edges]) == expected
