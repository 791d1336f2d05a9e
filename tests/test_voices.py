"""Whose voice it is: pleas, telling, courts and campaigns are routed to help in every language that has words of control."""

from __future__ import annotations

import pytest

from threelines.assess import UNTOLD, assess
from threelines.records import Assessment, Record, Thread
from threelines.vocabulary.terms import UNVERIFIED, Vocabulary

PLEAS = {
    "es": "Nos quitaron el pasaporte y no nos dejan salir. Ayúdenme por favor",
    "fr": "Ils nous ont pris nos passeports et nous ont enfermés. Aidez-moi",
    "de": "Sie haben uns die Pässe weggenommen und uns eingesperrt. Helft mir",
    "pt": "Tiraram o meu passaporte e nos trancaram. Me ajudem",
    "ru": "У нас забрали паспорта и нас заперли. Помогите",
    "ar": "أخذوا جواز سفري ولا يسمحون لنا بالخروج. ساعدوني",
    "hi": "मेरा पासपोर्ट ले लिया और मुझे बाहर जाने नहीं देते। मेरी मदद करो",
    "ko": "여권을 빼앗기고 감금되었어요. 도와주세요",
    "th": "เขายึดพาสปอร์ตของเราและกักขังเราไว้ ช่วยด้วย",
    "zh": "他们没收护照，限制人身自由，请帮帮我",
    "zh-Hant": "老闆拿走了我的護照，不讓我離開。救救我",
    "id": "Paspor saya ditahan dan kami dikurung. Tolong saya",
    "my": "ပတ်စပို့ သိမ်းထားပြီး အပြင်ထွက်ခွင့်မပေးဘူး။ ကယ်ပါ",
    "vi": "Họ lấy hộ chiếu của chúng tôi và nhốt chúng tôi. Cứu tôi",
    "tl": "Kinuha ang passport ko at ikinulong kami. Tulungan niyo kami",
    "sw": "Wamechukua pasipoti zetu na walifungiwa ndani. Tusaidieni",
    "am": "ፓስፖርቴን ወሰዱብኝ፣ መውጣት አይፈቀድልኝም። እርዱኝ",
}
RELATIVES = {
    "en": "My cousin's boss has her passport and does not pay. Whom can I call?",
    "es": "El jefe de mi prima tiene su pasaporte y no le paga. ¿A quién puedo llamar?",
    "fr": "Le patron de ma cousine garde son passeport et ne la paie pas. Qui puis-je appeler ?",
    "de": "Der Chef meiner Cousine hat ihren Pass und zahlt nicht. Wen kann ich anrufen?",
    "pt": "O patrão da minha prima tem o passaporte dela e não paga. Para quem posso ligar?",
    "ru": "Начальник моей двоюродной сестры держит её паспорт и не платит. Кому позвонить?",
    "ar": "صاحب العمل أختي أخذ جوازها ولا يدفع. بمن أتصل؟",
    "hi": "मेरी बहन के मालिक ने पासपोर्ट रख लिया। किसे फोन करूँ?",
    "bn": "আমার বোনের মালিক পাসপোর্ট রেখে দিয়েছে। কাকে ফোন করব?",
    "ko": "사촌의 사장이 여권을 가지고 있고 월급을 안 줘요. 어디에 전화해야 하나요?",
    "th": "นายจ้างของลูกพี่ลูกน้องยึดพาสปอร์ต ฉันโทรหาใครได้บ้าง",
    "zh": "我表妹的老板拿着她的护照，不给她工资。我可以打电话给谁？",
    "id": "Majikan sepupu saya menahan paspornya. Siapa yang bisa saya hubungi?",
    "vi": "Chủ của em họ tôi giữ hộ chiếu và không trả lương. Tôi có thể gọi ai?",
    "tl": "Hawak ng amo ng pinsan ko ang passport niya. Sino ang pwede kong tawagan?",
    "sw": "Bosi wa binamu yangu ana pasipoti yake na hamlipi. Nimpigie nani?",
    "am": "የእህቴ አሠሪ ፓስፖርቷን ይዟል። ለማን ልደውል?",
}
REPORTS = {
    "pt": "O tribunal condenou dois homens: confiscaram os passaportes.",
    "de": "Das Landgericht hat drei Männer verurteilt: Pässe weggenommen, Lohn vorenthalten",
    "th": "ศาลพิพากษาจำคุกนายจ้าง ยึดพาสปอร์ตและกักขังคนงาน",
    "ko": "법원은 여권을 빼앗고 감금한 업자에게 징역형을 선고했다",
    "sw": "Mahakama imemhukumu mtu: walifungiwa ndani.",
    "zh": "没收护照、限制人身自由都是犯罪，请拨打110",
    "en": "If your passport was taken and you are not allowed to leave the house, call us",
}
FIRST_PERSON = {
    "CTL-07": {
        "en": "Someone keeps my passport", "es": "Alguien guarda mi pasaporte", "fr": "Quelqu'un garde mon passeport",
        "de": "Jemand behält meinen Pass", "pt": "Alguém guarda o meu passaporte", "ru": "Кто-то держит мой паспорт",
        "tl": "May humahawak ng passport ko", "id": "Seseorang menahan paspor saya", "th": "มีคนเก็บพาสปอร์ตของฉัน",
        "zh": "有人扣着我的护照", "ko": "누군가 제 여권을 가지고 있어요", "sw": "Mtu anashikilia pasipoti yangu",
    },
    "CTL-05": {
        "en": "I owe them money and cannot leave", "es": "Les debo dinero y no puedo irme",
        "de": "Ich schulde ihnen Geld und kann nicht weg", "id": "Saya berutang kepada mereka dan tidak bisa pergi",
        "zh": "我欠他们钱，不能离开", "th": "ฉันเป็นหนี้พวกเขาและไปไหนไม่ได้", "fr": "Je leur dois de l'argent et je ne peux pas partir",
    },
    "CTL-14": {
        "en": "I work but am not paid", "es": "Trabajo pero no me pagan", "fr": "Je travaille mais je ne suis pas payée",
        "de": "Ich arbeite, aber werde nicht bezahlt", "pt": "Trabalho mas não me pagam", "ru": "Я работаю, но мне не платят",
        "id": "Saya bekerja tapi tidak dibayar", "vi": "Tôi làm việc nhưng không được trả lương", "th": "ฉันทำงานแต่ไม่ได้ค่าจ้าง",
    },
    "CTL-02": {
        "en": "They threaten my family", "es": "Amenazan a mi familia", "de": "Sie bedrohen meine Familie",
        "ru": "Они угрожают моей семье", "id": "Mereka mengancam keluarga saya", "zh": "他们威胁我的家人",
    },
}  # fmt: skip


OFFERS = {
    "es": "¿Es segura esta oferta? ¿Es real este trabajo en Camboya?", "fr": "Cette offre est-elle sérieuse ?",
    "de": "Ist dieses Angebot seriös?", "pt": "Esta vaga é confiável?", "hi": "क्या यह नौकरी असली है?",
    "tl": "Legit ba itong trabaho?", "id": "Apakah lowongan ini penipuan?", "vi": "Công việc này có thật không?",
    "th": "งานนี้ปลอดภัยไหม", "zh": "这个工作靠谱吗？", "ko": "이 회사 믿을 만한가요?", "sw": "Je, kazi hii ni salama?",
}  # fmt: skip


def judged(vocabulary: Vocabulary, *texts: str) -> Assessment:
    """Return what is said of a talk in which each text has another author."""
    records = tuple(Record(id=f"r{n}", author=f"a{n}", conversation="c", text=text) for n, text in enumerate(texts))
    return assess(Thread(kind="conversation", id="c", records=records), vocabulary)


@pytest.mark.parametrize("language", PLEAS)
def test_a_plea_is_help_and_never_first(vocabulary: Vocabulary, language: str):
    """Rule 7: who pleads beside words of control is support, at most something to look at, in every language."""
    found = judged(vocabulary, PLEAS[language])

    assert found.support
    assert found.tier in ("none", "look")


@pytest.mark.parametrize("language", OFFERS)
def test_who_asks_about_an_offer_is_sent_to_help(vocabulary: Vocabulary, language: str):
    """Whether a job is safe is asked in many languages; that is support by itself."""
    assert "SUP-01" in {signal.indicator for signal in judged(vocabulary, OFFERS[language]).signals}


@pytest.mark.parametrize("language", RELATIVES)
def test_a_relative_who_asks_is_sent_to_help(vocabulary: Vocabulary, language: str):
    """Someone who asks whom to call for a cousin or a sister is support."""
    found = judged(vocabulary, RELATIVES[language])

    assert found.support
    assert found.tier in ("none", "look")


@pytest.mark.parametrize("language", REPORTS)
def test_courts_and_campaigns_are_never_first(vocabulary: Vocabulary, language: str):
    """A court report or a poster that quotes control is at most something to look at."""
    assert judged(vocabulary, REPORTS[language]).tier in ("none", "look")


@pytest.mark.parametrize(("sign", "language"), [(sign, code) for sign, said in FIRST_PERSON.items() for code in said])
def test_first_person_words_show_their_sign_and_help(vocabulary: Vocabulary, sign: str, language: str):
    """Campaign sentences in the first person show the sign that they speak of, and are sent to help."""
    found = judged(vocabulary, FIRST_PERSON[sign][language])

    assert sign in {signal.indicator for signal in found.signals}
    assert found.support


def test_words_that_nobody_has_read_never_raise(vocabulary: Vocabulary):
    """Rule 8: unread words are shown without weight, say so, and add neither concern nor elements."""
    found = judged(vocabulary, "Alguien guarda mi pasaporte. Amenazan a mi familia. Trabajo pero no me pagan.")

    assert {signal.indicator for signal in found.signals} >= {"CTL-02", "CTL-07", "CTL-14", "SUP-03"}
    assert {signal.strength for signal in found.signals} == {"context"}
    assert all("no speaker has read" in signal.detail for signal in found.signals)
    assert (found.tier, found.concern, found.elements.means) == ("none", 0.0, ())
    assert all(entry.evidence == UNVERIFIED and not entry.counts for entry in vocabulary.unread)


def test_unread_words_of_another_do_not_lift_the_cap(vocabulary: Vocabulary):
    """Rule 8: what nobody has read, said by somebody else in the talk, does not raise who tells of their own need."""
    told = "They took my passport and they locked us in."

    assert judged(vocabulary, told, "Trabajo pero no me pagan").tier == judged(vocabulary, told).tier == "look"


@pytest.mark.parametrize(
    "text", ["¿Qué puedo hacer hoy?", "怎么办，作业太多", "Hilf mir beim Kochen", "Das Gericht tagt am Montag"]
)
def test_everyday_pleas_and_courts_say_nothing_alone(vocabulary: Vocabulary, text: str):
    """A bare plea or the name of a court counts only beside words of control."""
    assert not judged(vocabulary, text).support


def test_a_plea_of_one_does_not_cover_the_threat_of_another(vocabulary: Vocabulary):
    """Who pleads is helped; the words of control of another account in the same talk keep their rank."""
    found = judged(
        vocabulary,
        "You cannot leave until the debt is paid. We keep your passport: they took your passport.",
        "Ayúdenme",
    )

    assert found.tier == "priority"
    assert not found.support


def test_control_words_alone_say_that_the_voice_is_unknown(vocabulary: Vocabulary):
    """Where only words of control stand, the explanation says that whose voice it is could not be told."""
    assert UNTOLD in judged(vocabulary, "Pässe weggenommen, Lohn vorenthalten.").explanation
    assert UNTOLD not in judged(vocabulary, PLEAS["ko"]).explanation
