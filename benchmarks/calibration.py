"""Calibration of SVI on the Gaussian mixture: simulations per second, against a loop over ``inference.fit``.

    python benchmarks/calibration.py [--backend numpyro] [--simulations 200] [--loop 5] [--rounds 2] [--workers 2]

The loop fits the data of the first ``--loop`` simulations, one after the other, in a new process; ``calibrate`` runs
all simulations with ``--workers`` processes, in a new process too, so that its time has all compilation. Both take
turns. The ratio is that of the seconds per simulation; a loop of other length has the same seconds per fit but for its
first, which is left out. One thread each for linear algebra, and no compilation cache but that of ``calibrate``.
``--checkout PATH`` runs the loop with another version of the code.
"""

import json
import os
import subprocess
import sys

from report import THREAD_VARIABLES, Report, make_parser, median_and_range

COMMON = """
import json, sys, time
import numpy as np
import inference, zoo
backend, count, workers, steps = sys.argv[1], *map(int, sys.argv[2:])
model = zoo.load("gaussian_mixture", backend, K=2, N=60, D=2, loc=0.0, scale=5.0, spread=1.0)
"""
LOOP = """
seeds = np.random.SeedSequence(0).generate_state(2 * count).reshape(-1, 2) >> 1
seconds = []
for seed, fit_seed in seeds.tolist():
    start = time.perf_counter()
    data = model.data_of(model.simulate(seed))
    inference.fit(model, data, engine="svi", seed=fit_seed, num_steps=steps)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"first": seconds[0], "seconds": float(np.median(seconds[1:]))}))
"""
CALIBRATE = """
start = time.perf_counter()
result = inference.calibrate(model, "svi", simulations=count, workers=workers, num_steps=steps)
print(json.dumps({"seconds": (time.perf_counter() - start) / count, "verdict": result.verdict}))
"""


def run(program, args, count, path=None):
    """The record that a new process prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    environment |= dict.fromkeys(THREAD_VARIABLES, "1")
    if path:
        environment["PYTHONPATH"] = path
    numbers = (count, args.workers, args.num_steps)
    command = [sys.executable, "-W", "ignore", "-c", COMMON + program, args.backend, *map(str, numbers)]
    result = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def main(args):
    report, ratios = Report(__file__, args), []
    for _ in range(args.rounds):
        loop, ours = run(LOOP, args, args.loop, args.checkout), run(CALIBRATE, args, args.simulations)
        ratios.append(loop["seconds"] / ours["seconds"])
        report.add(
            f"loop {loop['seconds']:.2f} s per fit (the first {loop['first']:.1f} s), calibrate "
            f"{ours['seconds']:.2f} s per simulation, all compilation included: ratio {ratios[-1]:.1f}; "
            f"{ours['verdict']}",
            loop=loop,
            calibrate=ours,
        )
    report.add(f"ratio {median_and_range(ratios)}", ratios=ratios)
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--backend", default="numpyro")
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--loop", type=int, default=5, help="fits of the loop")
    parser.add_argument("--num-steps", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--checkout", help="folder of the code that the loop runs, by default this one")
    main(parser.parse_args())
