"""Public functions and classes have docstrings with numpydoc sections that match their signatures."""

import importlib
import inspect
import re
from typing import Any

import pytest

MODULES = (
    "zoo",
    "zoo.data.corpus",
    "zoo.data.datasets",
    "zoo.sklearn",
    "guides",
    "inference",
    "inference.analysis.disentanglement",
    "inference.analysis.factors",
    "inference.analysis.fairness",
    "inference.analysis.latents",
    "inference.analysis.sequences",
    "inference.analysis.topics",
    "inference.engines",
    "inference.evaluation.calibration",
    "inference.evaluation.comparison",
    "inference.evaluation.gradients",
    "inference.evaluation.held_out",
    "inference.evaluation.selection",
    "inference.exact.enumeration",
    "inference.exact.markov",
)
HEADING = re.compile(r"^ *(\w[\w ]*)\n *-{3,}$", re.MULTILINE)


def public() -> dict[str, Any]:
    """Functions and classes that a package exports, and the public methods of the classes."""
    items: dict[str, Any] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        exported = getattr(module, "__all__", None) or [
            n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == name and n[0] != "_"
        ]
        for key in exported:
            item = getattr(module, key)
            if inspect.isfunction(item):
                items[f"{item.__module__}.{item.__qualname__}"] = item
            elif inspect.isclass(item) and not issubclass(item, Exception):
                items[f"{item.__module__}.{item.__qualname__}"] = item
                for method, function in vars(item).items():
                    if inspect.isfunction(function) and method[0] != "_":
                        items[f"{function.__module__}.{function.__qualname__}"] = function
    return items


PUBLIC = public()


def sections(docstring: str) -> dict[str, str]:
    """The numpydoc sections of a docstring, by heading."""
    parts = HEADING.split(inspect.cleandoc(docstring))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_describes_every_parameter_and_what_is_returned(name):
    item = PUBLIC[name]
    assert item.__doc__, "no docstring"
    text = sections(item.__doc__)
    summary = inspect.cleandoc(item.__doc__).split("\n\n")[0]
    assert summary.endswith((".", ":")), "the first paragraph is a sentence"
    fields = {name for name, field in getattr(item, "__dataclass_fields__", {}).items() if field.init}
    if fields:  # a base describes what is inherited
        parameters = [name for name in vars(item).get("__annotations__", ()) if name in fields]
    elif inspect.isclass(item):
        parameters = list(inspect.signature(item).parameters) if "__init__" in vars(item) else []
    else:
        parameters = [p for p in inspect.signature(item).parameters if p != "self"]
    described = text.get("Parameters", "") + text.get("Attributes", "")
    missing = [p for p in parameters if not re.search(rf"^[^\n:]*\b{p}\b", described, re.MULTILINE)]
    assert not missing, f"no description of {missing}"
    if not inspect.isclass(item) and inspect.signature(item).return_annotation not in (None, "None"):
        assert "Returns" in text or "Yields" in text or not parameters, "no Returns section"
