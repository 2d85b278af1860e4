"""The power of the tests of calibration: how often a wrong spread or a shift is found, by synthetic ranks.

    python benchmarks/calibration_power.py [--repeats 1000]

The posterior is N(0, 1), and the 99 draws are from N(shift, spread^2). "found" is the fraction of calibrations in which
one quantity fails its tests at the false-alarm rate of 1%, "named" the fraction of these in which the error has its
right name and no other, "band" the fraction found by the simultaneous band of the ECDF alone.
"""

import numpy as np
from report import Report, make_parser

DRAWS, NAMES = 99, {(0.5, 0): "too narrow", (0.8, 0): "too narrow", (2.0, 0): "too wide", (1.0, 0.5): "too high"}


def main(args):
    from inference.evaluation.calibration.bands import p_value
    from inference.evaluation.calibration.shape import describe_errors, draw_errors, uniformity_p
    from inference.evaluation.comparison.agreement import FALSE_ALARM_RATE

    report, rng = Report(__file__, args), np.random.default_rng(0)
    for spread, shift in ((0.5, 0), (0.8, 0), (1.0, 0), (2.0, 0), (1.0, 0.5)):
        for n in (10, 20, 50, 100):
            truth, draws = rng.normal(size=(args.repeats, n, 1)), rng.normal(size=(args.repeats, n, DRAWS))
            ranks = (shift + spread * draws < truth).sum(-1)
            wrong = [r for r in ranks if uniformity_p(r, DRAWS) <= FALSE_ALARM_RATE]
            names = [describe_errors(draw_errors(r, DRAWS)).replace("probably ", "") for r in wrong]
            right = [name == f"the draws are {NAMES.get((spread, shift))}" for name in names]
            band = np.mean([p_value(r, DRAWS) <= FALSE_ALARM_RATE for r in ranks])
            named = f"{np.mean(right):.2f}" if right and (spread, shift) in NAMES else "-"
            report.add(
                f"spread {spread}, shift {shift}, {n} simulations: found {len(wrong) / args.repeats:.2f}, "
                f"named {named}, band {band:.2f}",
                spread=spread,
                shift=shift,
                simulations=n,
                found=len(wrong) / args.repeats,
                band=float(band),
            )
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    main(parser.parse_args())
