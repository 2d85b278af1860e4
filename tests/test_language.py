"""Plain language: words of the glossary in CONTRIBUTING.md that must not come back."""

import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).relative_to(ROOT).as_posix()
CODE = ("zoo", "guides", "inference", "tests", "benchmarks", "tutorials", "docs")

# names that are not used, each with the word to use
NAMES = {
    "room": "runtime",
    "enter": "to_backend",
    "leave": "to_numpy",
    "takers": "supported_engines",
    "Climber": "EMAlgorithm",
    "climber": "algorithm",
    "climb": "run_em",
    "climbed": "fitted",
    "Climb": "EMRun",
    "higher": "escape_boundary",
    "told": "callback",
    "said": "diagnostics, message",
    "ending": "finalize",
    "endings": "finalize",
    "Free": "UnconstrainedModel",
    "look": "value_grad_hvp",
    "lead": "sample_shape",
    "held": "global_values, validation_rows",
    "summed": "marginalize",
    "Sum": "EnumeratedDensity",
    "settled": "align_within",
    "turned": "align_to",
    "law": "distribution",
    "Law": "TopicParameters",
    "knowing_holes": "with_missing_pattern",
    "holes": "missing",
    "lanes": "num_workers",
    "Answer": "EngineResult",
    "Task": "FitRequest",
    "task": "request",
    "seen_once": "binarise_once",
    "taken": "take_rows",
    "Opened": "AmortisedPosterior",
    "opened": "posterior",
    "Room": "AmortisedKernels",
    "promise": "model_hook",
    "Evidence": "FitStatistics",
    "doubts": "warnings",
    "picture": "plot",
    "screen": "console",
    "drawn": "draws, samples",
    "asked": "a noun",
    "nobody": "a noun",
    "OF_ROWS": "ROW_SIZES",
}
PHRASES = (
    "the house",
    "one door",
    "asks nothing",
    "nobody saw",
    "nobody knows",
    "endlessly many",
    "mean of nothing",
    "creeps",
    "come by",
    "is told",
    "are told",
    "climber",
    "promises",
    "says of",
    "say of",
)


def files(*endings: str) -> list[Path]:
    """The files of the project with these endings."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    names = [name for name in listed.stdout.splitlines() if name.endswith(endings) and name != HERE]
    return [ROOT / name for name in names if (ROOT / name).exists()]


@pytest.fixture(scope="module")
def identifiers() -> dict[str, set[str]]:
    """The files in which each identifier occurs."""
    occurrences: dict[str, set[str]] = {}
    for path in files(".py"):
        with open(path) as file:
            for token in tokenize.generate_tokens(file.readline):
                if token.type == tokenize.NAME:
                    occurrences.setdefault(token.string, set()).add(path.relative_to(ROOT).as_posix())
    return occurrences


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_the_glossary_comes_back(identifiers, name):
    places = sorted(identifiers.get(name, ()))
    assert not places, f"use {NAMES[name]} for {name}"


@pytest.mark.parametrize("phrase", PHRASES)
def test_no_phrase_of_the_glossary_comes_back(phrase):
    pattern = re.compile(rf"\b{phrase}\b", re.IGNORECASE)
    places = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files(".py", ".md")
        if path.name != "CONTRIBUTING.md"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not places, "\n".join(places)
