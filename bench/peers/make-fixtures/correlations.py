"""Write test/fixtures/correlations.json: what scipy says of two matrices over the same states.

    /tmp/metrics/bin/python bench/peers/make-fixtures/correlations.py   (the environment of metrics.py)

`exact` is Mantel's p over every order of the states, none left out; `low` and `high` are the jackknife over states.
"""

import itertools
import json
import math
import pathlib

import numpy
from scipy.stats import norm, spearmanr, t

TARGET = pathlib.Path(__file__).resolve().parents[3] / "test" / "fixtures" / "correlations.json"
N = 6


def rho(a, b):
    return spearmanr(a.ravel(), b.ravel()).statistic


def case(seed, share):
    draw = numpy.random.default_rng(seed)
    a = numpy.round(draw.random((N, N)), 2)
    b = numpy.round(share * a + (1 - share) * draw.random((N, N)), 2)
    value = rho(a, b)
    orders = [list(order) for order in itertools.permutations(range(N))]
    as_high = sum(rho(a, b[numpy.ix_(order, order)]) >= value - 1e-12 for order in orders)
    pseudo = []
    for left_out in range(N):
        kept = [k for k in range(N) if k != left_out]
        part = numpy.ix_(kept, kept)
        pseudo.append(N * math.atanh(value) - (N - 1) * math.atanh(rho(a[part], b[part])))
    half = t.ppf(0.975, N - 1) * numpy.std(pseudo, ddof=1) / math.sqrt(N)
    wide = norm.ppf(0.975) * math.sqrt((1 + value**2 / 2) / (N * N - 3))
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "spearman": value,
        "exact": as_high / len(orders),
        "low": math.tanh(numpy.mean(pseudo) - half),
        "high": math.tanh(numpy.mean(pseudo) + half),
        "independent": [math.tanh(math.atanh(value) - wide), math.tanh(math.atanh(value) + wide)],
    }


TARGET.write_text(json.dumps([case(5, 0.15), case(6, 0.3), case(7, 0)]) + "\n")
