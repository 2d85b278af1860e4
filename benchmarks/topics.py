"""All benchmarks of topic models at the settings of benchmarks/README.md.

    python benchmarks/topics.py [--quick]

``pip install tomotopy lda gensim`` installs the peers. ``--quick`` has fewer rounds, and no perplexity at equal time.
The scripts run one after another, each in its own process.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from report import Report, make_parser

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
    parser = make_parser(__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    report = Report(__file__, args)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        for script, *options in RUNS:
            options = [*options, *(QUICK.get(script, ()) if args.quick else ())]
            print("==", script, *options, flush=True)
            script_path = str(Path(__file__).with_name(script))
            subprocess.run([sys.executable, script_path, *options, "--json", str(path)], check=True)
            content = json.loads(path.read_text())
            report.content["results"].append({n: content[n] for n in ("benchmark", "options", "results")})
    report.write()
