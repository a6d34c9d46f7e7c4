"""`python -m tests.simulation --seed N [--mutant NAME] [--shrink]`: one course again, told as a log."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from tests.simulation.driver import run
from tests.simulation.mutants import MUTANTS
from tests.simulation.schedules import course
from tests.simulation.shrink import shrunk, story


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--mutant", choices=[mutant.name for mutant in MUTANTS])
    parser.add_argument("--shrink", action="store_true", help="leave out faults as long as it still fails")
    given = parser.parse_args()
    mutant = next((mutant for mutant in MUTANTS if mutant.name == given.mutant), None)
    chosen = course(given.seed)
    with mutant.at_work() if mutant is not None else nullcontext():
        ran = shrunk(chosen)[1] if given.shrink else run(chosen)
    print(story(chosen, ran))
    print(f"{sum(ran.actions.values())} actions, {sum(ran.faults.values())} faults, {len(ran.violations)} violations")
    return 1 if ran.violations else 0


if __name__ == "__main__":
    sys.exit(main())
