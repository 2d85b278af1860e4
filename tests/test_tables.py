"""Tables: the dialect of CSV files, rows that do not fit their header, and columns that hold no numbers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import inference
import zoo
from zoo.cli import app
from zoo.data import files
from zoo.data.csv_files import CsvOptions
from zoo.data.tables import as_numbers

VALUES = np.array([[0.435, 20.0, 3.0], [1.5, 2.25, -4.0], [12.0, 0.5, 1e-3]])


def table_of(path, options) -> Any:
    table = files.read(path, options)
    assert isinstance(table, pd.DataFrame)
    return table


def read(tmp_path, text, name="t.csv", encoding="utf-8", **options) -> Any:
    (tmp_path / name).write_bytes(text.encode(encoding))
    return table_of(tmp_path / name, CsvOptions(**options))


def write(values, sep, decimal):
    rows = [sep.join(str(v).replace(".", decimal) for v in row) for row in values.tolist()]
    return "\n".join([sep.join("abc"[: values.shape[1]]), *rows]) + "\n"


@pytest.mark.parametrize(("sep", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ",")])
def test_separator_and_decimal_mark_are_read_off_the_file(sep, decimal, tmp_path):
    table = read(tmp_path, write(VALUES, sep, decimal))
    assert list(table.columns) == ["a", "b", "c"]
    np.testing.assert_array_equal(table.to_numpy(), VALUES)


def test_two_columns_with_decimal_commas_are_two_columns(tmp_path):
    text = write(np.array([[1.5, 2.5], [0.435, 1.25]]), ";", ",")  # by commas three fields each, and the header one
    np.testing.assert_array_equal(read(tmp_path, text).to_numpy(), [[1.5, 2.5], [0.435, 1.25]])


def test_one_column_with_decimal_commas_is_refused_until_the_mark_is_given(tmp_path):
    text = "length\n0,435\n1,5\n"
    with pytest.raises(zoo.ZooError, match=r"row 1 has 2 fields, and the header 1.*--decimal ,"):
        read(tmp_path, text)
    np.testing.assert_array_equal(read(tmp_path, text, decimal=",").to_numpy(), [[0.435], [1.5]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,c\n1,2,3,\n4,5,6,\n", "row 1 has 4 fields, and the header 3.*the separator at the end of the rows"),
        ("a,b,c\n0,1,2,3\n1,4,5,6\n", "row 1 has 4 fields.*name each column in the header"),
        ("a,b\n1,2\n3,4,5\n", "row 2 has 3 fields"),
        ("a,b\n1,2\n3\n5,6\n", "row 2 has 1 fields.*complete the row"),
        ("a;b\n1;2\n3;4;5\n", "row 2 has 3 fields, and the header 2, by semicolon"),
    ],
)
def test_rows_of_another_length_than_the_header_are_refused(text, words, tmp_path):
    with pytest.raises(zoo.ZooError, match=words) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n"1","2"\n"3","4"\n',
        "a,b\r\n1,2\r\n\r\n3,4\r\n",
        "a,b\n1,2\n3,4",
        "\ufeffa,b\n1,2\n3,4\n",
        "a,b\r1,2\r3,4\r",
    ],
)
def test_quotes_line_ends_and_marks_make_no_difference(text, tmp_path):
    pd.testing.assert_frame_equal(read(tmp_path, text), pd.DataFrame({"a": [1, 3], "b": [2, 4]}))


def test_a_cell_may_hold_separators_and_lines(tmp_path):
    table = read(tmp_path, 'a,note\n1,"x, y\nz"\n2,"w"\n')
    assert list(table["note"]) == ["x, y\nz", "w"]


def test_encodings(tmp_path):
    text = "Größe,b\n1,2\n3,4\n"
    with pytest.raises(zoo.ZooError, match="is not utf-8: name its encoding, as in --encoding cp1252"):
        read(tmp_path, text, encoding="cp1252")
    assert "Größe" in table_of(tmp_path / "t.csv", CsvOptions(encoding="cp1252")).columns
    with pytest.raises(zoo.ZooError, match="--encoding names no encoding: 'klingon'"):
        files.read(tmp_path / "t.csv", CsvOptions(encoding="klingon"))
    assert "Größe" in read(tmp_path, text, encoding="utf-16").columns  # its mark tells


def test_texts_for_missing_values(tmp_path):
    table = read(tmp_path, "a,b\n1,-999\nmissing,4\n", na=("-999", "missing"))
    np.testing.assert_array_equal(table.to_numpy(), [[1, np.nan], [np.nan, 4]])


def test_without_a_header_no_row_is_lost(tmp_path):
    table = read(tmp_path, "3.6,79\n1.8,54\n", has_header=False)
    np.testing.assert_array_equal(table.to_numpy(), [[3.6, 79], [1.8, 54]])
    assert list(table.columns) == [0, 1]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["3.6", "79"], "the names of the columns are all numbers"),
        (["0", "1"], "the names of the columns are all numbers"),
        (["1", "1.1", "0"], "the names of the columns are all numbers"),  # a row of zeros and ones, as pandas reads it
        (["Unnamed: 0", "a"], "Unnamed: 0 has no name in its file"),
        (["__index_level_0__", "a"], "__index_level_0__ has no name in its file"),
    ],
)
def test_names_that_are_no_names_are_warned_of(names, words):
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(30, len(names))), columns=names)
    with pytest.warns(zoo.errors.ZooWarning, match=words):
        inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), x, engine="em")
    for quiet in (pd.DataFrame(x.to_numpy()), x.set_axis(list("abc")[: len(names)], axis=1)):  # numbers of pandas
        inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), quiet, engine="em")


def test_the_command_reads_every_dialect(tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 2)).round(3)
    rows = [";".join(str(v).replace(".", ",") for v in row) for row in x.tolist()]
    (tmp_path / "t.csv").write_bytes("\n".join(["-9;1", *rows[1:]]).encode("cp1252"))
    command = [
        "fit",
        "factor_analysis",
        "--set",
        "Z=1",
        "--data",
        str(tmp_path / "t.csv"),
        "--out",
        str(tmp_path / "f"),
    ]
    options = ["--sep", ";", "--decimal", ",", "--encoding", "cp1252", "--no-header", "--na", "-9"]
    result = CliRunner().invoke(app, [*command, *options])
    assert result.exit_code == 0, result.output
    data = inference.load(tmp_path / "f").data["x"]
    assert np.isnan(data[0, 0])
    np.testing.assert_array_equal(data[1:], x[1:])
    result = CliRunner().invoke(app, command)  # the first row as a header
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: x: the names of the columns are all numbers (-9, 1)")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (["--data", "faithful", "--sep", ";"], "are for tables: give --data FILE.csv"),
        (["--data", "t.npy", "--no-header"], "are for .csv and .tsv; given t.npy"),
        (["--data", "t.csv", "--sep", "ab"], "--sep is one character"),
        (["--data", "t.csv", "--decimal", "x"], "--decimal is . or ,"),
    ],
)
def test_options_of_csv_files_are_for_csv_files(data, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("t.npy", VALUES)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,5\n")
    result = CliRunner().invoke(app, ["fit", "gaussian_mixture", "--set", "K=1", *data])
    assert result.exit_code == 2
    assert words in result.stderr


COMPLEX, DAYS = np.array([1 + 2j, 3.0]), np.array([1, 2], "timedelta64[D]")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.DataFrame({"a": DAYS, "b": [1.0, 2.0]}), r"columns \(a\) that hold durations"),
        (pd.DataFrame({"a": DAYS.astype("M8[D]"), "b": [1.0, 2.0]}), r"columns \(a\) that hold dates"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": COMPLEX}), r"columns \(b\) that hold complex"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": ["yes", "no"]}), r"\(df\['b'\] == 'yes'\).astype\(float\) codes 'no' and"),
        (pd.DataFrame({"a": ["0,5", "1,25"]}), "decimal=','"),
        (pd.DataFrame({"a": list("xyz")}), "factorize"),
        (pd.DataFrame({"a": ["x", None]}).astype("category"), r"columns of words \(a\)"),
        (DAYS, "durations"),
        (COMPLEX, "complex"),
        (np.array([1, "x"], object), "other than numbers"),
    ],
)
def test_columns_that_hold_no_numbers_are_refused_by_name(values, words):
    with pytest.raises(zoo.ZooError, match=words) as caught:
        as_numbers("x", values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        pd.DataFrame({"a": np.array([1.5, None], object), "b": [0, 1]}),
        pd.DataFrame({"a": pd.array([1.5, None], "Float64"), "b": pd.array([0, 1], "Int64")}),
        pd.DataFrame({"a": [1.5, float("nan")], "b": [False, True]}),
        pd.DataFrame({"a": [1.5, pd.NA], "b": pd.array([False, True], "boolean")}),
        [[1.5, 0], [None, 1]],
    ],
)
def test_cells_that_are_numbers_or_empty_are_accepted(values):
    np.testing.assert_array_equal(as_numbers("x", values), [[1.5, 0], [np.nan, 1]])


def test_booleans_with_blanks_are_accepted(tmp_path):
    table = read(tmp_path, "a,b\nTrue,1\n,0\nFalse,1\n")
    np.testing.assert_array_equal(as_numbers("x", table), [[1, 1], [np.nan, 0], [0, 1]])
