"""Time of the first fit to Old Faithful in a new process, with compilation: EM, full covariance, K = 2.

    python benchmarks/first_fit.py [--backend numpyro] [--rounds 3]

Prints the seconds of the fit, the seconds of the imports, and the log-likelihood. No compilation cache is used.
"""

import json
import os
import subprocess
import sys

from report import Report, make_parser

PROGRAM = """
import json, sys, time
start = time.perf_counter()
import inference, zoo
from zoo import datasets
backend = sys.argv[1]
x = datasets.load("faithful")
if backend == "numpyro":
    import numpyro
else:
    import pyro
after_imports = time.perf_counter()
fit = inference.fit(zoo.load("gaussian_mixture", backend, K=2), x, engine="em")
seconds = {"fit": time.perf_counter() - after_imports, "imports": after_imports - start}
print(json.dumps({**seconds, "nats_per_row": fit.trace[-1] / 272}))
"""


def main(args):
    report = Report(__file__, args)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    for _ in range(args.rounds):
        command = [sys.executable, "-c", PROGRAM, args.backend]
        result = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        record = json.loads(result.stdout)
        times = f"fit {record['fit']:.2f} s, imports {record['imports']:.2f} s"
        report.add(f"{times}, {record['nats_per_row']:.6f} nats per row", **record)
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--backend", default="numpyro")
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args())
