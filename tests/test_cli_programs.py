"""``zoo check`` and ``zoo fit`` of programs in files; models of folders that cannot be imported."""

import json

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.test_cli import error_line, run_zoo
from zoo.cli.programs.columns import Columns
from zoo.errors import ZooError

BACKENDS = ("numpyro", "pyro")
HEADER = {
    "numpyro": "import jax.numpy as np\nimport numpyro as ppl\nimport numpyro.distributions as dist\n"
    "from numpyro.infer.autoguide import AutoNormal\nfrom numpyro.contrib.control_flow import scan\n",
    "pyro": "import torch as np\nimport pyro as ppl\nimport pyro.distributions as dist\n"
    "from pyro.infer.autoguide import AutoNormal\n",
}
PROGRAMS = """

def growth(X, county, y=None, *, num_counties=3):
    mu = ppl.sample("mu", dist.Normal(0.0, 5.0))
    b = ppl.sample("b", dist.Normal(np.zeros(2), 1.0).to_event(1))
    with ppl.plate("counties", num_counties):
        a = ppl.sample("a", dist.Normal(mu, 1.0))
    s = ppl.sample("s", dist.HalfNormal(1.0))
    with ppl.plate("houses", X.shape[0]):
        ppl.sample("obs", dist.Normal(a[county] + (X * b).sum(-1), s), obs=y)


def mean_only(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 3.0))
    with ppl.plate("rows", len(y)):
        ppl.sample("y", dist.Normal(mu, 2.0), obs=y)


def inside(age, y):
    with ppl.plate("rows", len(age)):
        slope = ppl.sample("slope", dist.Normal(0.0, 3.0))
        ppl.sample("y", dist.Normal(slope * age, 1.0), obs=y)


def non_centred(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 5.0))
    tau = ppl.sample("tau", dist.HalfNormal(5.0))
    with ppl.plate("schools", len(y)):
        effect = ppl.sample("effect", dist.Normal(0.0, 1.0))
        ppl.sample("y", dist.Normal(mu + tau * effect, 2.0), obs=y)


def clash(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 1.0))
    with ppl.plate("first", 6, dim=-1):
        with ppl.plate("second", 6, dim=-1):
            ppl.sample("y", dist.Normal(mu, 1.0), obs=y)


def twice(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 1.0))
    ppl.sample("mu", dist.Normal(mu, 1.0), obs=y)


def count_latent(y):
    rate = ppl.sample("rate", dist.Gamma(2.0, 1.0))
    with ppl.plate("rows", len(y)):
        animals = ppl.sample("animals", dist.Poisson(rate))
        ppl.sample("y", dist.Normal(animals, 1.0), obs=y)


def learned(y):
    mu = ppl.param("mu", np.zeros(()))
    slope = ppl.sample("slope", dist.Normal(0.0, 1.0))
    with ppl.plate("rows", len(y)):
        ppl.sample("y", dist.Normal(mu + slope, 1.0), obs=y)


def subsampled(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 1.0))
    with ppl.plate("rows", len(y), subsample_size=2) as rows:
        ppl.sample("y", dist.Normal(mu, 1.0), obs=y[rows])


def counts(y):
    rate = ppl.sample("rate", dist.Gamma(2.0, 1.0))
    with ppl.plate("rows", len(y)):
        ppl.sample("y", dist.Poisson(rate), obs=y)


def occupied(counts):
    rate = ppl.sample("rate", dist.Gamma(2.0, 1.0))
    with ppl.plate("sites", len(counts)):
        z = ppl.sample("z", dist.Bernoulli(0.01), infer={"enumerate": "parallel"})
        ppl.sample("counts", dist.Poisson(z * rate), obs=counts)


def logarithm(y):
    mu = ppl.sample("mu", dist.Uniform(-2.0, -1.0))
    with ppl.plate("rows", len(y)):
        ppl.sample("y", dist.Normal(LOG(mu), 1.0, validate_args=False), obs=y)


def factor(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 1.0))
    ppl.factor("penalty", LOG(-abs(mu)))
    ppl.sample("y", dist.Normal(mu, 1.0), obs=y)


def one_column(X, y):
    b = ppl.sample("b", dist.Normal(np.zeros(X.shape[1]), 1.0).to_event(1))
    ppl.sample("y", dist.Normal((X * b).sum(-1), 1.0), obs=y)


def stretched(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 1.0))
    ppl.sample("y", dist.Normal(mu * np.ones((6, 1)), 1.0), obs=y)


def guide(X, county, y=None, *, num_counties=3):
    ppl.sample("mu", dist.Normal(ppl.param("mu_loc", np.zeros(())), 1.0))
    ppl.sample("b", dist.Normal(0.0, 1.0))
    ppl.sample("extra", dist.Normal(0.0, 1.0))


def good_guide(y):
    ppl.sample("mu", dist.Normal(ppl.param("mu_loc", np.zeros(())), 1.0))


def branches(y):
    mu = ppl.sample("mu", dist.Normal(0.0, 1.0))
    if mu > 0:
        ppl.sample("y", dist.Normal(mu, 1.0), obs=y)


class NeedsSize:
    def __init__(self, size):
        self.size = size

    def __call__(self, y):
        return mean_only(y)


three = NeedsSize(3)
""".replace("LOG(", "np.log(")
SCAN = """

def chain(y):
    p = ppl.sample("p", dist.Beta(1.0, 1.0))

    def step(z, value):
        z = ppl.sample("z", dist.Bernoulli(np.where(z == 1, p, 1 - p)), infer={"enumerate": "parallel"})
        ppl.sample("y", dist.Normal(z, 1.0), obs=value)
        return z, None

    scan(step, 0, y)
"""
ROWS = {
    "age": [1.0, 2.0, 3.0, 2.0, 3.0, 4.0],
    "height": [2.0, 1.5, 1.0, 1.5, 1.0, 1.2],
    "county": ["Ytterby", "Ask", "Ytterby", "Bo", "Bo", "Ask"],
    "y": [3.0, -4.0, 5.0, 4.0, 5.0, 5.0],
    "counts": [0, 3, 1, 0, 2, 1],
}
MATRIX = "X=age,height"


@pytest.fixture
def table(tmp_path):
    """Six rows as a CSV file, with a column of words."""
    path = tmp_path / "houses.csv"
    pd.DataFrame(ROWS).to_csv(path, index=False)
    return path


@pytest.fixture(params=BACKENDS)
def file(request, tmp_path):
    """A file of programs in one backend."""
    path = tmp_path / f"in_{request.param}_language.py"
    path.write_text(HEADER[request.param] + PROGRAMS + (SCAN if request.param == "numpyro" else ""))
    return path


@pytest.fixture
def numpyro_file(tmp_path):
    """The file of programs in NumPyro."""
    path = tmp_path / "programs.py"
    path.write_text(HEADER["numpyro"] + PROGRAMS + SCAN)
    return path


def one_line(output):
    return " ".join(output.split())


def test_check_prints_sites_rows_engines_and_the_coding_of_words(file, table):
    output = run_zoo("check", f"{file}:growth", MATRIX, "--data", table).stdout
    text = one_line(output)
    backend = "pyro" if "in_pyro" in file.name else "numpyro"
    assert f"growth ({backend}, {file})" in text
    assert "a latent real counties 3" in text
    assert "obs observed real houses 6" in text
    assert "X argument real houses 6, X_dim_1 2" in text
    assert "plates counties 3, houses 6" in text
    assert "rows 6, plate houses; with them go X, county, y" in text
    assert "hyperparameters mu" in text
    assert "county: 3 words, coded as whole numbers by order of first appearance: 0 Ytterby, 1 Ask, 2 Bo" in text
    assert "columns: X=age,height, county=county, y=y" in text
    assert "nuts yes" in text
    assert output.splitlines()[-1] == "no mistakes were found"


@pytest.mark.parametrize(
    ("program", "expected"),
    {
        "inside": "slope is drawn inside plate 'rows', so that each of the 6 rows has a value of its own",
        "count_latent": "animals is a discrete latent with infinite support",
        "learned": "mu is a param without a prior, so that nuts refuses",
        "subsampled": "plate 'rows' has subsample_size=2, and the engines use all 6 rows",
        "counts": "y has 1 value outside of the support of its distribution (",
        "factor": "the log density of penalty is nan at the start",
        "logarithm": "the log density of y is nan at the start",
        "stretched": "y has shape (6,), and its distribution (6, 6): each value counts 6 times",
    }.items(),
)
def test_check_finds_a_mistake(program, expected, file, table):
    output = run_zoo("check", f"{file}:{program}", "--data", table).stdout
    (line,) = (line for line in output.splitlines() if line.startswith("- "))
    assert line.startswith(f"- {expected}")
    assert output.splitlines()[-1] == "1 to look at"


@pytest.mark.parametrize("program", ["mean_only", "non_centred", "three", "occupied"])
def test_check_finds_no_mistake_where_there_is_none(program, file, table):
    output = run_zoo("check", f"{file}:{program}", "--data", table).stdout
    assert output.splitlines()[-1] == "no mistakes were found"


def test_a_matrix_of_one_column(file, table):
    assert "X argument real N 6, X_dim_1 1" in one_line(
        run_zoo("check", f"{file}:one_column", "X=age,", "--data", table).stdout
    )


def test_check_takes_the_states_of_a_scan(numpyro_file, table):
    output = one_line(run_zoo("check", f"{numpyro_file}:chain", "--data", table).stdout)
    assert "nuts no:" not in output
    assert "no mistakes were found" in output


def test_check_finds_missing_covariates(file, tmp_path):
    path = tmp_path / "holes.csv"
    pd.DataFrame({**ROWS, "age": [1.0, None, None, 1.0, 2.0, 3.0], "y": [1.0, 2.0, None, 1.0, 1.0, 2.0]}).to_csv(path)
    output = run_zoo("check", f"{file}:inside", "--data", path).stdout
    assert "- age has 2 values missing (NaN), and is not observed" in output
    assert "- y has" not in output  # a missing value of an observed site has no part in the density


def test_check_compares_a_guide_with_the_program(file, table):
    output = run_zoo("check", f"{file}:growth", MATRIX, "--data", table, "--guide", "guide").stdout
    assert "- guide guide has no site a, s: it must have one for each latent of the program" in output
    assert "- guide guide has extra, which the program does not" in output
    assert "- guide guide has b of shape (), and the program of shape (2,)" in output
    assert "3 to look at" in output
    for name in ("good_guide", "AutoNormal"):
        output = run_zoo("check", f"{file}:mean_only", "--data", table, "--guide", name).stdout
        assert "no mistakes were found" in output
    output = run_zoo("check", f"{file}:growth", MATRIX, "--data", table, "--guide", "good_guide").stdout
    assert "- guide good_guide does not run with the arguments of the program: " in output


WRONG = {
    "a clash of plates": (["clash"], "clash cannot run on this data: line ", "give each a dim of its own"),
    "a name used twice": (["twice"], "the name 'mu' is used twice", "needs a name of its own"),
    "no observation": (["growth", MATRIX, "y=none"], "observes nothing", "columns: age, height, county, y, counts"),
    "a missing argument": (
        ["growth"],
        "growth needs X",
        "columns: age, height, county, y, counts; arguments: X, county, y",
    ),
    "an unknown argument": (["growth", MATRIX, "Z=age"], "no argument of growth 'Z'", "X"),
    "an unknown column": (["growth", "X=age,heigt"], "no column 'heigt'; did you mean 'height'?", ""),
    "neither column nor number": (["growth", "X=zebra"], "X=zebra is neither a column nor a number", "age"),
    "no pair": (["growth", "age"], "reads NAME=VALUE", "age"),
    "an unknown program": (["grwth"], "did you mean 'growth'?", ""),
    "a class with arguments": (["NeedsSize"], "NeedsSize is a class whose instances need arguments", ""),
    "a plate that is none": (["mean_only", "--rows", "houses"], "rows='houses' is no plate", "rows"),
    "an unknown guide": (["mean_only", "--guide", "gide"], "no guide of", "did you mean 'guide'?"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_command_ends_in_one_line(case, file, table):
    (program, *words), *expected = WRONG[case]
    result = run_zoo("check", f"{file}:{program}", *words, "--data", table, exit_code=2)
    line = error_line(result)
    assert all(text in line for text in expected), line


def test_an_error_of_the_program_names_its_line(file, table):
    line = error_line(run_zoo("check", f"{file}:clash", "--data", table, exit_code=2))
    if "in_numpyro" in file.name:
        branch = error_line(run_zoo("check", f"{file}:branches", "--data", table, exit_code=2))
        assert "'if mu > 0:': the program branches on a random value" in branch
    numbers = [i for i, text in enumerate(file.read_text().splitlines(), 1) if 'ppl.plate("second"' in text]
    assert f"line {numbers[0]}, 'with ppl.plate(\"second\", 6, dim=-1):'" in line


def test_files_that_cannot_be_executed(tmp_path, table):
    def line_of(text, *words):
        (tmp_path / "file.py").write_text(text)
        return error_line(run_zoo("check", f"{tmp_path / 'file.py'}:model", *words, "--data", table, exit_code=2))

    assert "cannot be read as Python" in line_of("def model(:\n")
    assert "raises ZeroDivisionError in line 2: " in line_of("import numpyro\n1 / 0\n")
    assert "imports neither numpyro nor pyro: name its language with --backend" in line_of("def model(y):\n    pass\n")
    assert "imports numpyro and pyro: choose one with --backend" in line_of("import pyro\nimport numpyro\nmodel = 1\n")
    assert "is no program" in line_of("import numpyro\nmodel = 1\n")
    assert "no backend 'stan'" in line_of("model = 1\n", "--backend", "stan")
    assert "no file" in error_line(run_zoo("fit", f"{tmp_path / 'absent.py'}:model", exit_code=2))
    (tmp_path / "file.py").write_text("import numpyro\ndef model(y):\n    pass\n")
    assert "it has model" in error_line(run_zoo("fit", tmp_path / "file.py", exit_code=2))


def test_fit_maps_columns_to_arguments_saves_and_summarises(file, table, tmp_path):
    options = ["--engine", "svi", "--option", "num_steps=5", "--out", tmp_path / "fit"]
    output = run_zoo("fit", f"{file}:growth", MATRIX, "--data", table, *options).stdout
    assert "coded as whole numbers by order of first appearance" in output
    assert "6 rows" in output
    assert all(f"a[{county}] " in output for county in ("Ytterby", "Ask", "Bo"))
    assert f"saved in {tmp_path / 'fit'}" in output.replace("\n", "")
    with np.load(tmp_path / "fit" / "arrays.npz") as saved:
        np.testing.assert_array_equal(saved["data/X"], np.column_stack([ROWS["age"], ROWS["height"]]))
        np.testing.assert_array_equal(saved["data/county"], [0, 1, 0, 2, 2, 1])
        np.testing.assert_array_equal(saved["data/obs"], ROWS["y"])
    again = run_zoo("summary", tmp_path / "fit", f"{file}:growth").stdout
    assert again.splitlines()[:5] == output.splitlines()[1:6]
    assert "is a program of your own" in error_line(run_zoo("summary", tmp_path / "fit", exit_code=2))


def test_fit_takes_a_guide_of_the_file(file, table, tmp_path):
    words = ["--engine", "svi", "--option", "guide=good_guide", "--option", "num_steps=5", "--out", tmp_path / "fit"]
    run_zoo("fit", f"{file}:mean_only", "--data", table, *words)
    with np.load(tmp_path / "fit" / "arrays.npz") as saved:
        assert any("mu_loc" in name for name in saved)


def test_fit_is_that_of_python(numpyro_file, tmp_path):
    np.savez(tmp_path / "data.npz", y=ROWS["y"])
    options = ["--engine", "em", "--option", "objective=map", "--out", tmp_path / "fit"]
    run_zoo("fit", f"{numpyro_file}:mean_only", "--data", tmp_path / "data.npz", *options)
    y = np.array(ROWS["y"])
    with np.load(tmp_path / "fit" / "arrays.npz") as saved:  # the mode of a normal mean with a normal prior
        np.testing.assert_allclose(saved["params/mu"], y.sum() / 4 / (1 / 9 + len(y) / 4), rtol=1e-5)


def test_compare_of_a_program(numpyro_file, table):
    options = ["--engines", "em,svi", "--option", "svi.num_steps=5"]
    output = run_zoo("compare", f"{numpyro_file}:mean_only", "--data", table, *options).stdout
    assert "mean only: which posterior to trust" in output


def test_words_are_coordinates_of_the_plate_that_they_index(numpyro_file, table):
    from zoo.cli.programs.calls import ProgramCall

    call = ProgramCall.from_words(f"{numpyro_file}:growth", [str(table)], [MATRIX], None)
    assert call.read().card.coords == {"counties": ["Ytterby", "Ask", "Bo"], "X_dim_1": ["age", "height"]}


def test_names_and_labels_of_dimensions_are_declared(numpyro_file, table):
    program = [f"{numpyro_file}:one_column", "X=age,height", "y=y", "--data", table]
    options = ["--engine", "em", "--option", "objective=map", "--dims", "b=covariate", "--coords", "covariate=years,cm"]
    output = run_zoo("fit", *program, *options).stdout
    assert "b[years]" in output
    assert "b[cm]" in output
    assert "reads NAME=A,B" in error_line(run_zoo("check", *program, "--dims", "b", exit_code=2))
    assert "given twice" in error_line(run_zoo("check", *program, "--dims", "b=x", "--dims", "b=z", exit_code=2))
    assert "weight" in error_line(run_zoo("check", *program, "--coords", "weight=a,b", exit_code=2))
    assert "row_arguments=z" in error_line(run_zoo("check", *program, "--row-arguments", "z", exit_code=2))


def test_values_of_json_and_of_the_command_line(tmp_path):
    path = tmp_path / "data.json"
    path.write_text(
        json.dumps({"J": 3, "sigma": [1, 2, 3], "y": [0.5, None, 2.0], "Y": [[1, 2], [3, 4]], "w": ["a", "b"]})
    )
    columns = Columns.read([str(path)])
    assert columns.values["J"] == 3
    assert columns.values["sigma"].dtype.kind == "i"
    np.testing.assert_array_equal(columns.values["y"], [0.5, np.nan, 2.0])
    assert columns.values["Y"].shape == (2, 2)
    assert columns.labels == {"w": ["a", "b"]}
    (tmp_path / "rows.json").write_text('[{"x": 1, "word": "b"}, {"x": 2, "word": "a"}]')
    columns = Columns.read([str(tmp_path / "rows.json")])
    np.testing.assert_array_equal(columns.values["word"], [0, 1])
    with pytest.raises(ZooError, match="rename one of them"):
        Columns.read([str(path), str(path)])
    (tmp_path / "ragged.json").write_text('{"a": [[1], [1, 2]]}')
    with pytest.raises(ZooError, match="rows of different lengths in a"):
        Columns.read([str(tmp_path / "ragged.json")])
    (tmp_path / "number.json").write_text("3")
    with pytest.raises(ZooError, match="holds a int"):
        Columns.read([str(tmp_path / "number.json")])


def test_empty_cells_among_words_and_dates_are_refused(tmp_path):
    pd.DataFrame({"word": ["a", None], "x": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ZooError, match="column word has 1 empty cells among its words"):
        Columns.read([str(tmp_path / "t.csv")])
    pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-01-02"])}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ZooError, match="column day has dates"):
        Columns.read([str(tmp_path / "t.parquet")])


def test_flags_of_the_other_kind_of_model(numpyro_file, table):
    def line_of(*words):
        return error_line(run_zoo("fit", *words, exit_code=2))

    assert "zoo check" in error_line(run_zoo("show", f"{numpyro_file}:mean_only", exit_code=2))
    assert "no file 'vae'" in error_line(run_zoo("check", "vae", exit_code=2))
    assert "--columns is for models of the zoo" in line_of(f"{numpyro_file}:mean_only", "--columns", "y")
    assert "is no option: a setting of gaussian_mixture is --set" in line_of("gaussian_mixture", "K=2")
    assert "takes one --data" in line_of("gaussian_mixture", "--data", table, "--data", table)
    for flag in ("--rows", "--row-arguments"):
        assert "for a program of your own" in line_of("gaussian_mixture", flag, "N")


BROKEN = {
    "an import that fails": ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named"),
    "no card": ("'A model.'\n", "__init__.py has no CARD = Card(...)"),
    "a line that cannot be read": (
        "from zoo.cards import Card\nCARD = Card(name='m', title='t', citation='c', latents={'s': 'reel [N]'},"
        " observed={'x': 'real [N]'})\n",
        "a site reads 'kind [A B]'",
    ),
    "a syntax error": ("def\n", "SyntaxError: "),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_of_models_is_left_out_of_the_list(case, tmp_path, monkeypatch):
    source, reason = BROKEN[case]
    name = f"broken_{list(BROKEN).index(case)}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(source)
    (folder / "in_numpyro.py").write_text("def model(x=None, *, N):\n    raise NotImplementedError\n")
    monkeypatch.setenv("ZOO_MODELS", str(tmp_path))
    monkeypatch.setattr(zoo, "__path__", list(zoo.__path__))
    result = run_zoo("list")
    assert "gaussian_mixture" in result.stdout
    assert name not in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"left out: {str(folder)!r} is no model: {reason}")
    error = error_line(run_zoo("show", name, exit_code=2))
    assert error == line.removeprefix("left out: ")
    assert "gaussian_mixture" in run_zoo("show", "gaussian_mixture").stdout
    with pytest.raises(ZooError, match="is no model"):
        zoo.card(name)


@pytest.mark.parametrize(("source", "reason"), [("def\n", "cannot be read as Python"), ("x = 1\n", "has no program")])
def test_show_of_a_model_whose_program_is_broken(source, reason, tmp_path, monkeypatch):
    name = f"no_program_{len(source)}"  # a module of its own for each case
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from zoo.cards import Card\nCARD = Card(name='no_program', title='t', citation='c',\n"
        "            latents={'s': 'real'}, observed={'x': 'real [N]'})\n"
    )
    (folder / "in_numpyro.py").write_text(source)
    monkeypatch.setenv("ZOO_MODELS", str(tmp_path))
    monkeypatch.setattr(zoo, "__path__", list(zoo.__path__))
    assert reason in error_line(run_zoo("show", name, exit_code=2))
