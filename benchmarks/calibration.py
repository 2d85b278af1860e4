"""Calibration of SVI on the Gaussian mixture: seconds per simulation, against a loop over ``inference.fit``.

    python benchmarks/calibration.py [--backend numpyro] [--simulations 200] [--loop 5] [--rounds 2] [--workers 2]

The loop fits the data of the first ``--loop`` simulations, one after the other, in a new process; ``calibrate`` runs
all simulations with ``--workers`` processes, in a new process too, and its time has all compilation, the ranks and the
verdicts. Both take turns. The first fit of the loop is left out, as it is a small part of a loop of 200. The ratio of
wall time counts the workers; that of CPU time is per core, and means something on a busy machine too. One thread each
for linear algebra, and no compilation cache but that of ``calibrate``. ``--checkout PATH`` runs the loop with another
version of the code.
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
seconds, cpu = [], []
for seed, fit_seed in seeds.tolist():
    start, cpu_start = time.perf_counter(), time.process_time()
    data = model.data_of(model.simulate(seed))
    inference.fit(model, data, engine="svi", seed=fit_seed, num_steps=steps)
    seconds.append(time.perf_counter() - start)
    cpu.append(time.process_time() - cpu_start)
print(json.dumps({"seconds": float(np.median(seconds[1:])), "cpu": float(np.median(cpu[1:]))}))
"""
CALIBRATE = """
import resource
from joblib.externals.loky import get_reusable_executor
start, cpu_start = time.perf_counter(), time.process_time()
result = inference.calibrate(model, "svi", simulations=count, workers=workers, num_steps=steps)
seconds = time.perf_counter() - start
get_reusable_executor().shutdown(wait=True)  # the CPU time of the workers is known when they have ended
workers = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = time.process_time() - cpu_start + workers.ru_utime + workers.ru_stime
print(json.dumps({"seconds": seconds / count, "cpu": cpu / count, "verdict": result.verdict}))
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
    report, ratios, cpu_ratios = Report(__file__, args), [], []
    for _ in range(args.rounds):
        loop, ours = run(LOOP, args, args.loop, args.checkout), run(CALIBRATE, args, args.simulations)
        ratios.append(loop["seconds"] / ours["seconds"])
        cpu_ratios.append(loop["cpu"] / ours["cpu"])
        report.add(
            f"loop {loop['seconds']:.2f} s per fit ({loop['cpu']:.2f} s of CPU), calibrate {ours['seconds']:.2f} s per "
            f"simulation ({ours['cpu']:.2f} s of CPU): ratio {ratios[-1]:.1f}, of CPU time {cpu_ratios[-1]:.1f}; "
            f"{ours['verdict']}",
            loop=loop,
            calibrate=ours,
        )
    report.add(
        f"ratio {median_and_range(ratios)}, of CPU time {median_and_range(cpu_ratios)}",
        ratios=ratios,
        cpu_ratios=cpu_ratios,
    )
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
