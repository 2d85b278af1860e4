"""Every figure of topic models in one go: each script in turn, with the settings that benchmarks/README.md records.

    python benchmarks/topics.py [--quick]

``pip install tomotopy lda gensim`` brings the peers. ``--quick`` has fewer rounds, and no perplexity at a time. The
scripts run one after another, each in a process of its own, and can be run alone.
"""

import argparse
import subprocess
import sys
from pathlib import Path

RUNS = (
    ("topics_gibbs.py", "--K", "50", "--workers", "1"),
    ("topics_gibbs.py", "--K", "50", "--workers", "2"),
    ("topics_gibbs.py", "--K", "200", "--workers", "1", "--seconds", "0"),
    ("topics_variational.py",),
    ("topics_variational.py", "--online"),
    ("topics_variational.py", "--stream"),
    ("peers.py",),
)
QUICK = {"topics_gibbs.py": ("--rounds", "2", "--seconds", "0"), "topics_variational.py": ("--rounds", "1")}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    for script, *words in RUNS:
        command = [script, *words, *(QUICK.get(script, ()) if quick else ())]
        print("==", *command, flush=True)
        subprocess.run([sys.executable, str(Path(__file__).with_name(script)), *command[1:]], check=True)
