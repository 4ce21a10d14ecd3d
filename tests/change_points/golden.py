#!/usr/bin/env python3
"""Writes golden.json: series, and how ruptures segments them. Run once; tests read what it wrote.

    python3 -m venv venv && venv/bin/pip install ruptures==1.1.10
    venv/bin/python tests/change_points/golden.py

ruptures (Truong, Oudre and Vayatis, "Selective review of offline change point detection methods", 2020) is somebody else's PELT,
optimal partitioning and kernel segmentation. `mean` is its own cost l2; `line` is the cost of a straight line of bounded
slope, written here without sums that run along, so that it shares nothing with the code under test.
"""
import json
import os
import random

import numpy
import ruptures

HERE = os.path.dirname(os.path.abspath(__file__))


class BoundedLine(ruptures.base.BaseCost):
    """Squares about the best line whose slope is no steeper than `steepest`."""

    model = ""
    min_size = 1

    def __init__(self, steepest):
        self.steepest = steepest

    def fit(self, signal):
        self.signal = numpy.asarray(signal, dtype=float).reshape(-1)
        return self

    def error(self, start, end):
        y = self.signal[start:end]
        x = numpy.arange(start, end, dtype=float)
        if len(y) < 2:
            return 0.0
        x, y = x - x.mean(), y - y.mean()
        slope = max(-self.steepest, min(self.steepest, float(x @ y) / float(x @ x)))
        rest = y - slope * x
        return float(rest @ rest)


def series(kind, count, seed):
    draw = random.Random(seed)
    noise = [draw.gauss(0, 1) for _ in range(count)]
    if kind == "still":
        return noise
    if kind == "steps":
        level, values = 0.0, []
        for at in range(count):
            if draw.random() < 0.03:
                level += draw.choice([-1, 1]) * draw.uniform(2, 6)
            values.append(level + noise[at])
        return values
    if kind == "ramp":
        return [0.08 * at + noise[at] for at in range(count)]
    if kind == "ramp and step":
        return [0.05 * at + (6.0 if at >= count // 2 else 0.0) + noise[at] for at in range(count)]
    if kind == "outliers":
        return [value + (draw.choice([-12, 12]) if draw.random() < 0.05 else 0.0) for value in noise]
    raise ValueError(kind)


def starts(ends):
    """ruptures says where segments end, with the whole; forkbench says where they begin."""
    return [0, *(int(end) for end in ends[:-1])]


def main():
    cases = []
    seed = 0
    for kind in ("still", "steps", "ramp", "ramp and step", "outliers"):
        for count in (40, 120):
            for shortest in (1, 3):
                for penalty in (4.0, 12.0):
                    seed += 1
                    values = [round(value, 6) for value in series(kind, count, seed)]
                    signal = numpy.array(values)
                    for cost, steepest in (("mean", 0.0), ("line", 0.1)):
                        made = ruptures.costs.CostL2() if cost == "mean" else BoundedLine(steepest)
                        made.min_size = 1
                        pelt = ruptures.Pelt(custom_cost=made, min_size=shortest, jump=1).fit(signal).predict(pen=penalty)
                        dynp = ruptures.Dynp(custom_cost=made, min_size=shortest, jump=1).fit(signal)
                        case = {
                            "kind": kind, "cost": cost, "steepest": steepest, "shortest": shortest, "penalty": penalty,
                            "values": values, "pelt": starts(pelt),
                            "dynp": starts(dynp.predict(n_bkps=len(pelt) - 1)),
                        }
                        if cost == "mean":
                            kernel = ruptures.KernelCPD(kernel="linear", min_size=shortest, jump=1).fit(signal)
                            case["kernel"] = starts(kernel.predict(pen=penalty))
                        cases.append(case)
    with open(os.path.join(HERE, "golden.json"), "w", encoding="utf-8") as file:
        json.dump({"made_by": f"ruptures {ruptures.__version__}", "cases": cases}, file)
        file.write("\n")
    differing = sum(case["pelt"] != case["dynp"] for case in cases)
    kernels = sum(case["pelt"] != case.get("kernel", case["pelt"]) for case in cases)
    print(f"{len(cases)} cases; Pelt and Dynp differ in {differing}, Pelt and KernelCPD in {kernels}")


if __name__ == "__main__":
    main()
