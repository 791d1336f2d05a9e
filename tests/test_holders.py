"""Papers with who may hold them tell of no need by themselves; beside any doubt help is said."""

from __future__ import annotations

import pytest

from tests.test_guard_words import GUARDS
from threelines.ai_models.guard import Event
from threelines.assess import assess
from threelines.records import Record, Thread
from threelines.signals.holders import lawful
from threelines.vocabulary.terms import Vocabulary

LAWFUL = (
    "The embassy has my passport for the visa.", "The hotel took my passport at check-in.", "The visa office holds my passport until Friday.",
    "El hotel me quitó el pasaporte al registrarme.", "L'ambassade a pris mon passeport pour le visa.",
    "Die Botschaft hat meinen Pass für das Visum behalten.", "Die Polizei hat mir den Pass zur Prüfung abgenommen.",
    "O consulado está com o meu passaporte.", "L'hotel tiene il mio passaporto per la registrazione.",
    "Het hotel heeft mijn paspoort ingenomen bij het inchecken.", "Ambasada zabrała mój paszport do wizy.",
    "Ambasada mi-a luat pașaportul pentru viză.", "Полиция забрала мой паспорт для проверки.", "Готель забрав мій паспорт при заселенні.",
    "Büyükelçilik vize için pasaportumu aldı.", "الفندق أخذ جواز سفري عند الوصول.", "هتل پاسپورتم را گرفت.",
    "दूतावास ने वीज़ा के लिए मेरा पासपोर्ट ले लिया है।", "ہوٹل نے میرا پاسپورٹ لے لیا۔", "হোটেল আমার পাসপোর্ট নিয়ে নিয়েছে।",
    "दूतावासले भिसाको लागि मेरो राहदानी राखेको छ।", "Khách sạn giữ hộ chiếu của tôi khi nhận phòng.",
    "Hotel mengambil paspor saya saat check-in.", "Kedutaan ambil pasport saya untuk visa.", "Kinuha ng embahada ang pasaporte ko para sa visa.",
    "โรงแรมเก็บพาสปอร์ตของฉันตอนเช็คอิน", "ສະຖານທູດເອົາໜັງສືຜ່ານແດນຂອງຂ້ອຍໄປເຮັດວີຊາ", "ဟိုတယ်က ကျွန်မရဲ့ပတ်စပို့ကို ယူထားတယ်။",
    "ស្ថានទូតយកលិខិតឆ្លងដែនរបស់ខ្ញុំ", "大使馆拿走了我的护照办签证。", "飯店收走了我的護照登記。", "警察にパスポートを取られた。",
    "대사관이 비자 때문에 제 여권을 가져갔어요.", "Polisi wamechukua pasipoti yangu.", "ኤምባሲው ለቪዛ ፓስፖርቴን ወሰደ።",
    "හෝටලය මගේ පාස්පෝට් එක ගත්තා", "தூதரகம் என் பாஸ்போர்ட்டை எடுத்து வைத்துள்ளது", "Elchixona viza uchun pasportimni olib qo'ydi",
    "Хотелът ми взе паспорта", "Ambasáda mi vzala pas kvůli vízu", "A szálloda elvette az útlevelemet", "Hotel mi je uzeo pasoš",
)  # fmt: skip
DOUBTED = (
    "The hotel they took my passport", "The hotel took my passport. My boss has my passport, too.",
    "El hotel me quitó el pasaporte y no me lo devuelve.", "El hotel donde trabajo me quitó el pasaporte.", "En el hotel me quitaron el pasaporte.",
    "Das Hotel hat meinen Pass behalten und gibt ihn nicht zurück.", "Das Hotel hat meinen Pass einbehalten, ich schulde ihnen Geld.",
    "No hotel tiraram o meu passaporte.", "L'hotel dove lavoro tiene il mio passaporto.", "In hotel mi hanno preso il passaporto.",
    "Hotel zabrał mi paszport i nie chce oddać.", "W hotelu zabrali mi paszport.", "Hotelul unde lucrez mi-a luat pașaportul.",
    "Полиция забрала мой паспорт и отдала хозяину.", "Готель забрав мій паспорт і не віддає.", "Otelde pasaportumu aldılar.",
    "الفندق أخذ جواز سفري ولا يعيده.", "هتل پاسپورتم را گرفت و پس نمی‌دهد.", "होटल में मेरा पासपोर्ट ले लिया।",
    "होटल ने मेरा पासपोर्ट ले लिया, मालिक ने कहा था।", "ہوٹل نے میرا پاسپورٹ لے لیا اور واپس نہیں دیتا۔", "হোটেল আমার পাসপোর্ট নিয়ে নিয়েছে, ফেরত দেয়নি।",
    "होटलले मेरो पासपोर्ट लियो, काम गर भन्छ।", "Ông chủ giữ hộ chiếu của tôi, khách sạn này nợ lương tôi.", "Hotel ambil pasport saya dan tak pulangkan.",
    "Kinuha ng amo sa hotel ang pasaporte ko.", "Kinuha ng hotel ang pasaporte ko at hindi ibinabalik.", "โรงแรมยึดพาสปอร์ตฉันไว้ไม่คืน",
    "ໂຮງແຮມເອົາໜັງສືຜ່ານແດນຂອງຂ້ອຍໄປ ບໍ່ຄືນ", "ဟိုတယ်က ကျွန်မရဲ့ပတ်စပို့ကို ယူထားတယ်၊ ပြန်မပေးဘူး။", "酒店老板拿走了我的护照。", "他们在酒店拿走了我的护照。",
    "ホテルにパスポートを取り上げられて、返してもらえません。", "호텔 사장이 제 여권을 가져갔어요.", "Polisi wamechukua pasipoti yangu, bosi aliwaambia.",
    "ሆቴሉ ፓስፖርቴን ወሰደብኝ አልመለሰም።", "හෝටලය මගේ පාස්පෝට් එක ගත්තා, දෙන්නේ නෑ", "ஹோட்டல் என் பாஸ்போர்ட்டை வாங்கி வைத்தது, தரவில்லை",
    "Mehmonxona pasportimni olib qo'ydi, qaytarmayapti", "A szálloda elvette az útlevelemet és nem adja vissza",
)  # fmt: skip


def in_need(said: str, vocabulary: Vocabulary) -> bool:
    """Whether the engine sends the message to help."""
    record = Record(id="r", author="a", conversation="c", text=said)
    return assess(Thread(kind="conversation", id="c", records=(record,)), vocabulary).support


def helped(said: str) -> bool:
    """Whether the guard says help."""
    return bool(GUARDS[False].observe(Event(text=said, time=0.0)).message)


@pytest.mark.parametrize("said", LAWFUL)
def test_papers_with_who_may_hold_them_are_no_need(vocabulary: Vocabulary, said: str):
    """An embassy, a hotel, the police: neither the engine nor the guard takes it for a plea, in any language."""
    assert not in_need(said, vocabulary) and not helped(said)


@pytest.mark.parametrize("said", DOUBTED)
def test_in_doubt_help_is_said(vocabulary: Vocabulary, said: str):
    """A boss, work, a debt, "won't give it back", or somebody else who took it at the hotel: that is told of need."""
    assert in_need(said, vocabulary) and helped(said)


def test_a_long_text_is_in_doubt():
    """Where much else is told, the words count."""
    said = "the embassy has my passport"

    assert lawful(said, 16, len(said), (), "en")
    assert not lawful(said + " and so on" * 20, 16, len(said), (), "en")


def test_a_holder_named_in_one_message_does_not_hide_control_in_another(vocabulary: Vocabulary):
    """Beside a sign of control anywhere in the talk, who says that the police took the passport is somebody in need."""
    records = (
        Record(id="1", author="a", conversation="c", text="Polisi wamechukua pasipoti yangu."),
        Record(id="2", author="b", conversation="c", text="You pay the debt or I hurt your family."),
    )

    assert assess(Thread(kind="conversation", id="c", records=records), vocabulary).support
