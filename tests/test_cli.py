"""The command ``zoo``: output, files and errors. test_imports shows that help imports no backend."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import inference
import zoo
from inference import engines
from zoo.cli import app

SMALL = {  # options that make an engine quick
    "em": ["em.max_iter=3"],
    "svi": ["svi.num_steps=20"],
    "nuts": ["nuts.num_warmup=20", "nuts.num_samples=20", "nuts.num_chains=2"],
    "pathfinder": ["pathfinder.num_paths=2", "pathfinder.num_draws=50"],
}
BELIEF = ["fit", "sigmoid_belief_network", "--backend", "pyro", "--engine", "svi", "--option", "num_steps=1"]


def run_zoo(*arguments, exit_code=0):
    """The result of ``zoo WORDS``."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def error_line(result):
    """The error of a failed command: one line, no traceback, nothing on standard output."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "Traceback" not in line
    return line


@pytest.fixture
def table(tmp_path, old_faithful):
    """Forty eruptions as a CSV file, beside a column of words."""
    frame = pd.DataFrame(old_faithful[:40], columns=["eruptions", "waiting"])
    frame["seen by"] = "a ranger"
    path = tmp_path / "geyser.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("disarm", "disarm"),
        ("gumbel_softmax(temperature=0.3)", "gumbel_softmax(temperature=0.3)"),
        ('{"z1": "disarm"}', {"z1": "disarm"}),
        ("{'z1': 'muprop'}", {"z1": "muprop"}),
    ],
)
def test_estimators_of_the_gradient_are_options(text, value, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 2, (20, 4)))
    settings = ["--data", tmp_path / "x.npy", "--set", "L=1", "--set", "Z=3", "--option", "batch_size=10"]
    run_zoo(*BELIEF, *settings, "--option", f"gradient={text}", "--out", tmp_path / "fit")
    assert inference.load(tmp_path / "fit").options["gradient"] == value


def test_list_names_every_model():
    output = run_zoo("list").stdout
    assert all(name in output for name in zoo.names())


@pytest.mark.parametrize("name", zoo.names())
def test_show_prints_card_and_engines(name):
    card, output = zoo.card(name), run_zoo("show", name).stdout
    arguments = " ".join(output.split())
    assert " ".join(card.citation.split()) in arguments
    assert " ".join(card.story.split()) in arguments
    assert set(card.sites()) | set(engines.names()) <= set(arguments.split())


def test_show_prints_why_an_engine_refuses(tmp_path, monkeypatch):
    folder = tmp_path / "one_factor"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "'A factor for each row.'\n"
        "from zoo.cards import Card\n"
        "CARD = Card(name='one_factor', title='t', citation='c',\n"
        "            latents={'s': 'real [N]'}, observed={'x': 'real [N]'})\n"
    )
    (folder / "in_numpyro.py").write_text("def model(x=None, *, N, tau=1.0):\n    raise NotImplementedError\n")
    monkeypatch.setenv("ZOO_MODELS", str(tmp_path))
    monkeypatch.setattr(zoo, "__path__", list(zoo.__path__))
    output = " ".join(run_zoo("show", "one_factor").stdout.split())
    assert "em no: s is a continuous latent" in output
    assert "tau 1.0 prior" in output


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npy", "npz"])
def test_fit_reads_each_kind_of_file_and_saves(suffix, tmp_path, old_faithful):
    x, path = old_faithful[:40], tmp_path / f"geyser.{suffix}"
    match suffix:
        case "csv":
            pd.DataFrame(x).to_csv(path, index=False)
        case "parquet":
            pd.DataFrame(x, columns=["eruptions", "waiting"]).to_parquet(path)
        case "npy":
            np.save(path, x)
        case "npz":
            np.savez(path, x=x)
    folder = tmp_path / "fits" / "two"
    output = run_zoo(
        "fit", "gaussian_mixture", "--data", path, "--set", "K=2", "--option", "max_iter=3", "--out", folder
    )
    assert f"saved in {folder}" in output.stdout
    assert "pi[1]" in output.stdout
    fit = inference.load(folder)
    np.testing.assert_array_equal(fit.data["x"], x)
    assert fit.options["max_iter"] == 3
    assert "pi[1]" in run_zoo("summary", folder).stdout


def test_fit_takes_columns_settings_and_seed(table, tmp_path):
    arguments = ["--columns", "waiting", "--set", "K=2", "--set", "covariance=diag", "--seed", 7, "--dtype", "float32"]
    output = run_zoo(
        "fit", "gaussian_mixture", "--data", table, *arguments, "--option", "max_iter=3", "--out", tmp_path / "fit"
    )
    assert "40 rows" in output.stdout
    assert "trust: no; it stopped before it converged: raise max_iter" in output.stdout
    fit = inference.load(tmp_path / "fit")
    assert (fit.seed, fit.dtype, fit.model.settings["covariance"]) == (7, "float32", "diag")
    assert fit.data["x"].shape == (40, 1)


def test_fit_in_pyro_on_the_data_a_model_is_shown_on(tmp_path):
    arguments = ["--set", "K=2", "--set", "covariance=spherical", "--backend", "pyro", "--option", "max_iter=2"]
    output = run_zoo("fit", "gaussian_mixture", *arguments)
    assert "em in pyro: 272 rows" in output.stdout
    assert "not saved" in output.stdout


def test_compare_prints_a_verdict_and_writes_a_report(table, tmp_path):
    report = tmp_path / "reports" / "geyser.html"
    supported = engines.supported_engines(zoo.card("gaussian_mixture"), "numpyro")
    options = [word for name in supported for option in SMALL[name] for word in ("--option", option)]
    arguments = ["--data", table, "--columns", "eruptions,waiting", "--set", "K=2", "--set", "covariance=spherical"]
    output = run_zoo("compare", "gaussian_mixture", *arguments, *options, "--report", report).stdout
    assert all(f"{name} in numpyro: 40 rows" in output for name in supported)
    assert f"report: {report}" in output
    assert "</html>" in report.read_text()
    assert "eruptions" in report.read_text()
    assert f"<pre>zoo compare gaussian_mixture --data {table}" in report.read_text()


WRONG = {
    "an unknown model": (["fit", "gausian_mixture"], "did you mean 'gaussian_mixture'"),
    "an unknown model shown": (["show", "nothing"], "known: "),
    "no size": (["fit", "gaussian_mixture"], "needs K=..."),
    "a size in words": (["fit", "gaussian_mixture", "--set", "K=two"], "whole number"),
    "a setting without a value": (["fit", "gaussian_mixture", "--set", "K"], "NAME=VALUE"),
    "a setting twice": (["fit", "gaussian_mixture", "--set", "K=2", "--set", "K=3"], "twice"),
    "an unknown setting": (["fit", "gaussian_mixture", "--set", "L=2"], "no setting of gaussian_mixture"),
    "an unknown variant": (
        ["fit", "gaussian_mixture", "--set", "K=2", "--set", "covariance=ful"],
        "did you mean 'full'",
    ),
    "a word for a number": (["fit", "gaussian_mixture", "--set", "K=2", "--set", "loc=there"], "loc is a number"),
    "an unknown engine": (["fit", "gaussian_mixture", "--set", "K=2", "--engine", "emm"], "did you mean 'em'"),
    "an unknown option": (
        ["fit", "gaussian_mixture", "--set", "K=2", "--option", "max_itr=2"],
        "did you mean 'max_iter'",
    ),
    "a word for an option": (
        ["fit", "gaussian_mixture", "--set", "K=2", "--option", "tol=small"],
        "tol is a gain in nats",
    ),
    "an unknown estimator": ([*BELIEF, "--option", "gradient=disram"], "did you mean 'disarm'"),
    "a setting that an estimator has not": (
        [*BELIEF, "--option", "gradient=gumbel_softmax(heat=1)"],
        "gumbel_softmax has temperature=0.5",
    ),
    "estimators by site without quotes": (
        [*BELIEF, "--option", "gradient={z1: disarm}"],
        """--option gradient by site reads 'gradient={"z": "disarm"}', in quotes; given {z1: disarm}""",
    ),
    "another engine's option": (
        ["fit", "gaussian_mixture", "--set", "K=2", "--option", "nuts.x=2"],
        "no engine 'nuts'",
    ),
    "an unknown backend": (["fit", "gaussian_mixture", "--set", "K=2", "--backend", "stan"], "known: numpyro, pyro"),
    "an unknown device": (["fit", "gaussian_mixture", "--set", "K=2", "--device", "abacus"], "no device 'abacus'"),
    "an unknown precision": (["fit", "gaussian_mixture", "--set", "K=2", "--dtype", "half"], "float32, float64"),
    "no such file": (["fit", "gaussian_mixture", "--set", "K=2", "--data", "no.csv"], "no file 'no.csv'"),
    "no such data set": (["fit", "gaussian_mixture", "--set", "K=2", "--data", "faithfull"], "did you mean 'faithful'"),
    "no such column": (["fit", "gaussian_mixture", "--set", "K=2", "--columns", "wait"], "did you mean 'waiting'"),
    "too many components": (["fit", "gaussian_mixture", "--set", "K=300"], "K"),
    "another dimension": (["fit", "gaussian_mixture", "--set", "K=2", "--set", "D=3"], "D=3 but x has D=2"),
    "data of another kind": (["fit", "poisson_mixture", "--set", "K=2", "--data", "faithful"], "x is count [N]"),
    "one engine": (["compare", "gaussian_mixture", "--set", "K=2", "--engines", "em"], "two engines or more"),
    "no fit there": (["summary", "nowhere"], "holds no fit"),
}


@pytest.mark.parametrize(("arguments", "expected"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line(arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = ["--out", "fit"] if arguments[0] == "fit" else []
    assert expected in error_line(run_zoo(*arguments, *out, exit_code=2))
    assert not list(tmp_path.iterdir())


FILES = {
    "empty": ("rows.csv", "", "cannot be read"),
    "no rows": ("rows.csv", "a,b\n", "empty"),
    "one row": ("rows.csv", "a,b\n1,2\n", "row"),
    "words": ("rows.csv", "a,b\n1,x\n2,y\n", "columns of words (b)"),
    "a gap": ("rows.csv", "a,b\n1,2\n3,\n5,6\n", "row 1, column b is missing"),
    "infinite": ("rows.csv", "a,b\n1,2\ninf,4\n5,6\n", "row 1, column a is infinite"),
    "constant": ("rows.csv", "a,b\n1,2\n1,4\n1,6\n", "column a of x is constant"),
    "ragged": ("rows.csv", "a,b\n1,2\n1,4,5,6\n", "row 2 has 4 fields"),
    "not Parquet": ("rows.parquet", "a,b\n1,2\n", "cannot be read"),
    "not npy": ("rows.npy", "a,b\n1,2\n", "cannot be read"),
    "not npz": ("rows.npz", "a,b\n1,2\n", "cannot be read"),
    "an unknown format": ("rows.xls", "a,b\n1,2\n", "cannot read .xls; readable: "),
}


@pytest.mark.parametrize(("name", "text", "expected"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_used_is_one_line(name, text, expected, tmp_path):
    (tmp_path / name).write_text(text)
    result = run_zoo(
        "fit", "gaussian_mixture", "--set", "K=2", "--data", tmp_path / name, "--out", tmp_path / "fit", exit_code=2
    )
    assert expected in error_line(result)
    assert not (tmp_path / "fit").exists()


def test_an_option_of_no_engine_is_refused_before_any_fit(monkeypatch):
    monkeypatch.setattr(inference, "fit", lambda *a, **k: pytest.fail("a fit was begun"))
    arguments = ["compare", "gaussian_mixture", "--set", "K=2", "--engines", "em,nuts", "--option", "num_stepz=3"]
    assert "no option of" in error_line(run_zoo(*arguments, exit_code=2))


@pytest.mark.parametrize(("flag", "command"), [("--out", "fit"), ("--report", "compare")])
def test_a_place_that_cannot_be_written_is_refused_before_any_fit(flag, command, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "fit", lambda *a, **k: pytest.fail("a fit was begun"))
    (tmp_path / "file").write_text("mine")
    message = error_line(
        run_zoo(command, "gaussian_mixture", "--set", "K=2", flag, tmp_path / "file" / "x", exit_code=2)
    )
    assert "cannot be written" in message


def test_a_folder_of_other_things_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "fit", lambda *a, **k: pytest.fail("a fit was begun"))
    (tmp_path / "thesis.txt").write_text("mine")
    message = error_line(run_zoo("fit", "gaussian_mixture", "--set", "K=2", "--out", tmp_path, exit_code=2))
    assert "holds something other than a fit" in message
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("command", ["fit", "compare"])
def test_an_interrupt_writes_nothing(command, tmp_path, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(inference, "fit", interrupted)
    folder = tmp_path / "new" / "place"
    result = run_zoo(command, "gaussian_mixture", "--set", "K=2", "--out", folder, exit_code=130)
    assert error_line(result) == "interrupted; only what was saved is kept"
    assert not list(tmp_path.iterdir())


def test_choose_prints_the_criteria_and_saves_the_best(table, tmp_path):
    sizes = ["--sizes", "K=1-2", "--data", table, "--columns", "eruptions,waiting", "--set", "covariance=tied_diag"]
    test = ["--criterion", "blrt", "--bootstrap", 3, "--workers", 1, "--option", "max_iter=5", "--backend", "pyro"]
    result = run_zoo("choose", "gaussian_mixture", *sizes, *test, "--out", tmp_path / "best")
    assert "sabic: K=2" in result.stdout
    assert f"blrt selects K=1; saved in {tmp_path / 'best'}" in result.stdout  # p is at least 1/4
    assert inference.load(tmp_path / "best").keywords["K"] == 1
    line = error_line(run_zoo("choose", "gaussian_mixture", "--sizes", "K=6-1", exit_code=2))
    assert "--sizes reads NAME=FIRST-LAST or values" in line
