"""Options: declared once for each engine, and the same in validation, documentation and the keywords of ``fit``."""

import dataclasses
from typing import get_type_hints

import pytest

from inference import engines
from inference.engines import keywords
from inference.engines.em.latent_dirichlet.options import VariationalEMOptions
from inference.engines.em.options import EMOptions
from inference.engines.gibbs.latent_dirichlet.options import TopicGibbsOptions
from inference.engines.gibbs.options import GibbsOptions
from inference.engines.nuts.options import NUTSOptions
from inference.engines.options import EngineOptions, choice, custom, flag, number, whole
from inference.engines.pathfinder.options import PathfinderOptions
from inference.engines.svi.options import SVIOptions
from zoo import ZooError

KEYWORDS = {
    "em": (keywords.EMKeywords, (EMOptions, VariationalEMOptions)),
    "svi": (keywords.SVIKeywords, (SVIOptions,)),
    "nuts": (keywords.NUTSKeywords, (NUTSOptions,)),
    "gibbs": (keywords.GibbsKeywords, (GibbsOptions, TopicGibbsOptions)),
    "pathfinder": (keywords.PathfinderKeywords, (PathfinderOptions,)),
}


@pytest.mark.parametrize("name", engines.names())
def test_the_keywords_of_fit_are_the_options(name):
    """Every engine of the project has an overload of ``fit``, whose keywords are the fields of its options."""
    typed, classes = KEYWORDS[name]
    assert classes[0] is engines.get(name).options
    fields = {field: hint for c in classes for field, hint in get_type_hints(c).items() if field in c.names()}
    common = get_type_hints(keywords.CommonKeywords)
    hints = {k: hint for k, hint in get_type_hints(typed).items() if k not in common}
    assert hints == fields


@pytest.mark.parametrize("name", engines.names())
def test_every_option_is_described(name):
    for option in engines.get(name).options().described():
        assert option.help, option
        assert option.allowed, option
        assert "\n" not in option.help


@dataclasses.dataclass(frozen=True)
class Example(EngineOptions):
    """One option of each sort."""

    count: int = whole(3, "a count", least=2)
    limit: int | None = whole(None, "a limit", optional=True)
    rate: object = number(0.5, "a number above 0", lambda v: v > 0, "a rate", function="from the step to one")
    method: str = choice("fast", ("fast", "slow"), "a method")
    exact: bool = flag(True, "exact or not")
    start: object = custom(None, "a dict", "a start")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 1}, "count is a whole number from 2 up; given 1"),
        ({"count": True}, "count is a whole number from 2 up; given True"),
        ({"count": 2.0}, "count is a whole number from 2 up; given 2.0"),
        ({"count": None}, "count is a whole number from 2 up; given None"),
        ({"limit": 0}, "limit is a whole number from 1 up; given 0"),
        ({"rate": 0}, "rate is a number above 0, or a function from the step to one; given 0"),
        ({"rate": "quick"}, "rate is a number above 0, or a function from the step to one; given 'quick'"),
        ({"rate": float("nan")}, "rate is a number above 0, or a function from the step to one; given nan"),
        ({"method": "fats"}, "no method 'fats'; did you mean 'fast'?"),
        ({"method": None}, "no method None; known: fast, slow"),
        ({"exact": "yes"}, "exact is True or False; given 'yes'"),
        ({"cuont": 3}, "no option of example 'cuont'; did you mean 'count'?"),
    ],
)
def test_a_wrong_value_is_one_line_that_tells_what_is_allowed(given, message):
    with pytest.raises(ZooError) as error:
        Example().replace(given, "example")
    assert str(error.value) == message


def test_allowed_values_pass():
    made = Example().replace({"count": 2, "limit": 5, "rate": lambda step: 0.1, "method": "slow", "exact": False}, "e")
    assert made.as_dict() | {"rate": None} == {
        "count": 2,
        "limit": 5,
        "rate": None,
        "method": "slow",
        "exact": False,
        "start": None,
    }
    assert Example().replace({"limit": None}, "e") == Example()
