"""Write test/fixtures/metrics.json: small random cases and what scikit-learn, scipy and seqeval say about them.

    python3.11 -m venv /tmp/metrics && /tmp/metrics/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 seqeval==1.2.2
    /tmp/metrics/bin/python bench/peers/make-fixtures/metrics.py

Numbers are few-digit fractions, so that ties occur and float32 holds the inputs exactly or rounds them in order.
"""

import json
import pathlib
import warnings

import numpy
import scipy
import seqeval.metrics
import sklearn
from sklearn import metrics
from sklearn.metrics.pairwise import cosine_similarity

TARGET = pathlib.Path(__file__).resolve().parents[3] / "test" / "fixtures" / "metrics.json"
draw = numpy.random.default_rng(22)
warnings.filterwarnings("ignore")  # classes without predictions, sentences without entities: wanted here


def classification():
    for n, classes, used in [(30, 2, 2), (40, 5, 5), (25, 6, 3), (12, 4, 4), (5, 3, 2)]:
        labels = draw.integers(0, used, n)
        labels[:used] = range(used)
        predicted = numpy.where(draw.random(n) < 0.45, labels, draw.integers(0, used, n))
        yield {
            "classes": classes,
            "labels": labels.tolist(),
            "predicted": predicted.tolist(),
            "accuracy": metrics.accuracy_score(labels, predicted),
            "macroF1": metrics.f1_score(labels, predicted, average="macro"),
            "matthews": metrics.matthews_corrcoef(labels, predicted),
        }


def auroc():
    for n, classes in [(20, 2), (30, 3), (40, 5)]:
        labels = draw.integers(0, classes, n)
        labels[:classes] = range(classes)
        weights = numpy.full((n, classes), 1.0)
        weights[range(n), labels] += 0.6
        scores = numpy.array([draw.multinomial(16, w / w.sum()) for w in weights]) / 16
        expected = (
            metrics.roc_auc_score(labels, scores[:, 1])
            if classes == 2
            else metrics.roc_auc_score(labels, scores, multi_class="ovr", average="macro")
        )
        yield {"classes": classes, "labels": labels.tolist(), "scores": scores.ravel().tolist(), "auroc": expected}


def multi_label():
    for n, classes, share in [(20, 3, 0.5), (25, 6, 0.2)]:
        targets = (draw.random((n, classes)) < share).astype(int)
        targets[0], targets[1] = 0, 1
        logits = numpy.round(draw.normal(size=(n, classes)) + 1.5 * targets - 0.7, 1)
        empty = numpy.zeros((n, 1))  # a class that is neither true nor predicted
        padded = (numpy.hstack([targets, empty]), numpy.hstack([logits > 0, empty]))
        yield {
            "classes": classes,
            "targets": targets.ravel().tolist(),
            "scores": logits.ravel().tolist(),
            "macroF1": metrics.f1_score(targets, logits > 0, average="macro"),
            "macroF1WithEmpty": metrics.f1_score(*padded, average="macro", zero_division=numpy.nan),
            "microF1": metrics.f1_score(targets, logits > 0, average="micro"),
            "auroc": metrics.roc_auc_score(targets, logits, average="macro"),
        }


def regression():
    for n, digits in [(25, 3), (30, 0), (2, 2)]:
        targets = numpy.round(3 * draw.normal(size=n), digits)
        predicted = numpy.round(targets + 2 * draw.normal(size=n), digits)
        yield {
            "targets": targets.tolist(),
            "predicted": predicted.tolist(),
            "pearson": scipy.stats.pearsonr(predicted, targets).statistic,
            "spearman": scipy.stats.spearmanr(predicted, targets).statistic,
            "ranks": scipy.stats.rankdata(predicted).tolist(),
            "quantiles": numpy.quantile(predicted, [0, 0.025, 0.3, 1]).tolist(),
            "meanAbsoluteError": metrics.mean_absolute_error(targets, predicted),
            "r2": metrics.r2_score(targets, predicted),
        }


def tokens():
    """Any mark may follow any other, so most tags break their scheme; `schemes` keep to theirs."""
    schemes = {"IOB": ["O", "B", "I"], "any": ["O", "B", "I", "E", "S"]}
    for name, marks in schemes.items():
        for types in [["PER"], ["PER", "A-B"]]:
            tags = ["O" if m == "O" else f"{m}-{t}" for t in types for m in marks]
            gold = [draw.choice(tags, draw.integers(1, 12)).tolist() for _ in range(12)]
            predicted = [[t if draw.random() < 0.75 else str(draw.choice(tags)) for t in s] for s in gold]
            yield {
                "name": name,
                "gold": [" ".join(s) for s in gold],
                "predicted": [" ".join(s) for s in predicted],
                "precision": seqeval.metrics.precision_score(gold, predicted),
                "recall": seqeval.metrics.recall_score(gold, predicted),
                "f1": seqeval.metrics.f1_score(gold, predicted),
                "accuracy": seqeval.metrics.accuracy_score(gold, predicted),
            }


def retrieval():
    for n, m, d in [(9, 12, 3), (8, 20, 4)]:
        candidates = numpy.round(2 * draw.normal(size=(m, d)), 1)
        relevant = draw.integers(0, m, n)
        queries = numpy.round(candidates[relevant] + 1.5 * draw.normal(size=(n, d)), 1)
        nearness = cosine_similarity(queries, candidates)
        truth = numpy.eye(m)[relevant]
        ranks = scipy.stats.rankdata(-nearness, axis=1)[range(n), relevant]
        yield {
            "d": d,
            "queries": queries.ravel().tolist(),
            "candidates": candidates.ravel().tolist(),
            "relevant": relevant.tolist(),
            "ranks": ranks.tolist(),
            "k": 5,
            "ndcg": metrics.ndcg_score(truth, nearness, k=5),
            "recall": metrics.top_k_accuracy_score(relevant, nearness, k=5, labels=range(m)),
            "mrr": metrics.label_ranking_average_precision_score(truth, nearness),  # no cut-off
        }


def intervals():
    x = numpy.round(draw.exponential(size=40), 2)
    y = numpy.round(x + draw.normal(size=40), 2)
    options = {"method": "percentile", "n_resamples": 40000, "rng": 7, "vectorized": False}
    for name, data, statistic, level in [
        ("mean", (x,), numpy.mean, 0.95),
        ("mean", (x,), numpy.mean, 0.8),
        ("pearson", (x, y), lambda a, b: scipy.stats.pearsonr(a, b).statistic, 0.9),
    ]:
        result = scipy.stats.bootstrap(data, statistic, paired=True, confidence_level=level, **options)
        interval = result.confidence_interval
        yield {
            "statistic": name,
            "level": level,
            "x": x.tolist(),
            "y": y.tolist(),
            "low": interval.low,
            "high": interval.high,
            "error": result.standard_error,
        }


families = [classification, auroc, multi_label, regression, tokens, retrieval, intervals]
cases = {"versions": {m.__name__: m.__version__ for m in (sklearn, scipy, numpy)} | {"seqeval": "1.2.2"}}
cases |= {family.__name__: list(family()) for family in families}
TARGET.write_text("{\n" + ",\n".join(
    f"{json.dumps(name)}: " + (json.dumps(value) if isinstance(value, dict) else
    "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in value) + "\n]")
    for name, value in cases.items()) + "\n}\n")
