"""AI-written text: three detectors at equal length, and why none of them ships

Human and AI texts of aitext_glimpse, cut to the same number of characters, pairs kept together in five folds. AUROC, and
the share of AI text found where 1% of human text is flagged. `holds 1%`: whether the upper bound (Wilson, 95%) of the
false alarms can be shown to be 1% at all with so few human texts. The second table takes the best detector, at the
threshold that holds 1% there, to human texts of other kinds.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from _sets import rows, words
from numpy.typing import NDArray

LENGTHS = (150, 300, 600)
_OTHER = (
    "jobads_en_emscad_fraud",
    "jobads_benign_jobstreet",
    "incidents_aiid_mit",
    "extortion_en_ransomchats",
    "benign_dialogues",
)
Scores = NDArray[np.float64]


def run(data: Path) -> list[dict[str, Any]]:
    """Return the rows of both tables."""
    texts = rows(data, "aitext_glimpse")
    if not texts:
        return [{"set": "aitext_glimpse", "note": f"absent from {data}"}]
    found = list(_by_language(texts))
    return found + list(_elsewhere(data, texts))


def _by_language(texts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from threelines.platforms.figures import area_under_roc

    for language in sorted({row["lang"] for row in texts}):
        for length in LENGTHS:
            cut = [row for row in texts if row["lang"] == language and len(row["text"]) >= length]
            made = np.asarray([row["label"] != "human" for row in cut])
            if min(made.sum(), (~made).sum()) < 30:
                continue
            pieces = [row["text"][:length] for row in cut]
            pairs = np.unique([row["pair"] for row in cut], return_inverse=True)[1]
            detectors = {
                "zlib": packed(pieces),
                "phrases (mean word length)": word_length(pieces),
                "characters": characters(pieces, made, pairs),
            }
            for name, scores in detectors.items():
                yield {
                    "language": language, "characters read": length, "detector": name, "human": int((~made).sum()),
                    "ai": int(made.sum()), "AUROC": area_under_roc(scores, made),
                    "TPR at 1% FPR": float((scores[made] > threshold(scores[~made])).mean()),
                    "holds 1%": "yes" if wilson_upper(int((~made).sum())) <= 0.01 else "cannot be shown",
                }  # fmt: skip


def _elsewhere(data: Path, texts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    length = LENGTHS[-1]
    cut = [row for row in texts if row["lang"] == "english" and len(row["text"]) >= length]
    made = np.asarray([row["label"] != "human" for row in cut])
    pieces = [row["text"][:length] for row in cut]
    pairs = np.unique([row["pair"] for row in cut], return_inverse=True)[1]
    limit = threshold(characters(pieces, made, pairs)[~made])
    reader = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=300).fit(reader.fit_transform(pieces), made)
    for name in _OTHER:
        human = [
            words(row)[:length] for row in rows(data, name) if row.get("lang") == "en" and len(words(row)) >= length
        ]
        if human:
            flagged = float((model.decision_function(reader.transform(human)) > limit).mean())
            yield {"human English texts of": name, "texts": len(human), "flagged as AI at the 1% threshold": flagged}


def packed(texts: list[str]) -> Scores:
    """Score by how well a text can be packed: AI text is said to be more regular."""
    raw = [text.encode() for text in texts]
    return -np.asarray([len(zlib.compress(text, 9)) / len(text) for text in raw])


def word_length(texts: list[str]) -> Scores:
    """Score by mean word length, the simplest mark of style."""
    return np.asarray([len(text) / max(1, len(text.split())) for text in texts])


def characters(texts: list[str], made: NDArray[np.bool_], pairs: NDArray[np.int64]) -> Scores:
    """Score by character n-grams and logistic regression, on held-out pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.zeros(len(texts))
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=1).split(texts, made, pairs):
        reader = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
        model = LogisticRegression(C=10, max_iter=300).fit(
            reader.fit_transform([texts[at] for at in train]), made[train]
        )
        scores[test] = model.decision_function(reader.transform([texts[at] for at in test]))
    return scores


def threshold(human: Scores) -> float:
    """Return the score that at most 1% of human texts exceed."""
    return float(np.sort(human)[::-1][int(0.01 * len(human))])


def wilson_upper(count: int, share: float = 0.0) -> float:
    """Return the upper end of Wilson's 95% interval for a share seen in `count` texts: at best, none flagged."""
    z = 1.96
    return (share + z * z / (2 * count) + z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))) / (
        1 + z * z / count
    )


if __name__ == "__main__":
    for line in run(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")):
        print(line)
