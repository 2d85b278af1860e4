"""Adult: the published table, its missing values, and a file that is fetched as a zip archive and checked."""

import gzip
import io
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tests import table as table_of
from zoo import ZooError, datasets
from zoo.data.datasets.census import COLUMNS, NUMBERS, CensusFile

LINE = b"39, State-gov, 77516, Bachelors, 13, Never-married, ?, Wife, White, Female, 2174, 0, 40, ?, <=50K\n"


@pytest.fixture(scope="module")
def adult():
    table_of.load_or_skip("adult")
    return datasets.load("adult")


def test_adult_is_the_published_table(adult):
    assert adult.shape == (32561, 15)
    assert list(adult.columns) == list(COLUMNS)
    # the counts of the data set's own description
    assert adult["income"].value_counts().to_dict() == {"<=50K": 24720, ">50K": 7841}
    assert adult["sex"].value_counts().to_dict() == {"Male": 21790, "Female": 10771}
    assert adult["age"].mean() == pytest.approx(38.58, abs=0.005)


def test_missing_values_stay_missing(adult):
    missing = adult.isna().sum()
    assert missing[missing > 0].to_dict() == {"workclass": 1836, "occupation": 1843, "native_country": 583}
    assert "?" not in {value for name in COLUMNS if name not in NUMBERS for value in adult[name].cat.categories}


def test_numbers_are_numbers_and_the_others_categories(adult):
    assert all(adult[name].dtype == np.int64 for name in NUMBERS)
    assert len(adult["education"].cat.categories) == 16
    given = datasets.observed("adult")
    assert set(adult.columns) - set(given.columns) == {"fnlwgt", "income"}
    rich = datasets.labels("adult")
    np.testing.assert_array_equal(rich == 1, adult["income"] == ">50K")


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return content.getvalue()


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """A function ``serve(content)``: an empty cache folder, and every address returns the content."""
    import pooch

    def start(content):
        monkeypatch.setenv("ZOO_DATA", str(tmp_path))
        monkeypatch.setattr(
            pooch.HTTPDownloader, "__call__", lambda self, a, output, p: Path(output).write_bytes(content)
        )
        return tmp_path / "x" / "adult.gz"

    return start


SMALL = CensusFile("x/adult.gz", "https://example.org/adult.zip", sha256(LINE).hexdigest())


def test_an_archive_is_fetched_once_and_cached_as_a_gzipped_table(serve):
    path = serve(zipped(adult_data=LINE, adult_names=b"x"))
    table = SMALL.table()
    assert gzip.decompress(path.read_bytes()) == LINE
    serve(b"never requested")
    assert SMALL.table().equals(table)
    assert table.loc[0, "age"] == 39
    assert table.loc[0, ["occupation", "native_country"]].isna().all()
    assert table.loc[0, "sex"] == "Female"


@pytest.mark.parametrize(
    "content",
    [b"<html>moved</html>", zipped(other=LINE), zipped(adult_data=LINE + LINE)],
    ids=["no archive", "other member", "other table"],
)
def test_another_archive_raises_and_is_not_cached(serve, content):
    path = serve(content)
    with pytest.raises(ZooError, match=r"is another file now: put adult\.gz") as error:
        SMALL.table()
    assert "\n" not in str(error.value)
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"nothing", "cannot be read"), (gzip.compress(LINE)[:-9], "cannot be read"), (gzip.compress(b"x"), "is another")],
    ids=["no gzip", "cut off", "other content"],
)
def test_another_file_in_the_cache_raises(serve, content, words):
    path = serve(b"")
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ZooError, match=words) as error:
        SMALL.table()
    assert "fetch it again" in str(error.value)
    assert "\n" not in str(error.value)
