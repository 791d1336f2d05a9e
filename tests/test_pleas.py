"""Pleas as people type them: whoever is forced, held, beaten, sold or threatened with pictures is sent to help."""

from __future__ import annotations

import pytest

from tests.near_pleas import NEAR_PLEAS
from threelines.people.advise import in_need, look
from threelines.vocabulary.terms import Vocabulary

PLEAS = {
    "en": """They force me to have sex with men, I cannot leave
I am forced into prostitution
They force me to work, please help me
He threatens to post my nude photos if I do not come
They took my passport and I can't leave. Help me
I'm in a scam compound and they won't let me go
they beat me if i don't reach the target
I owe them 3000 dollars and they say I must pay before I can leave
how do i get out of here
my boss locks the door at night and we can't go out
my sister went abroad for work and now she doesn't answer, I think she is held
my parents want to force me to marry a man I don't know
they make me beg on the street and take all the money
someone has my nude pictures and wants money
he says he will send my pictures to my family if I don't pay
I have to do video calls naked or they beat me
they make me do things on camera
my boyfriend makes me sleep with other men for money
is it normal that my employer keeps my passport?
is this normal? my boss doesn't pay me and I can't go out
I can't escape, guards are everywhere
they sold me to another company
my husband forces me to sleep with strangers for cash
the agent locked us in a flat and took our phones""",
    "fr": """Ils ont pris mon passeport et je ne peux pas partir. Aidez-moi
On m'oblige à coucher avec des hommes
ils me forcent à me prostituer
je suis forcée de travailler sans être payée
il menace de publier mes photos nues si je ne viens pas
mon patron garde mon passeport, est-ce normal ?
ils nous frappent si on ne travaille pas assez
on me force à faire la prostitution
ma patronne me tape et garde mes papiers""",
    "es": """Me obligan a tener sexo con hombres y no puedo irme
Me obligan a prostituirme
me quitaron el pasaporte y no puedo salir, ayuda
me amenaza con publicar mis fotos desnuda si no voy
me forzaron a trabajar para pagar la deuda
tienen a mi hermana encerrada y piden dinero
me pegan si no llego a la meta
me vendieron a un hombre
estoy en una casa y no me dejan salir, me obligan a estar con hombres""",
    "ar": """يجبروني على ممارسة الجنس
يجبرونني على الدعارة
أجبروني على العمل في الدعارة ساعدوني
أخذوا جواز سفري ولا أستطيع المغادرة
يهددني بنشر صوري العارية إذا لم آتِ
يضربونني إذا لم أعمل
أختي محتجزة ولا يسمحون لها بالخروج
صاحب العمل يضربني ولا يعطيني راتبي
زوجي يجبرني على النوم مع رجال""",
    "sw": """nilazimishwa kufanya ukahaba naomba msaada
wananilazimisha kufanya mapenzi na wanaume
wamechukua pasipoti yangu na siwezi kuondoka
anatishia kusambaza picha zangu za uchi nisipoenda
wananipiga nisipofanya kazi
dada yangu amefungiwa ndani Saudi Arabia
wazazi wangu wananilazimisha kuolewa
mume wangu ananilazimisha kulala na wanaume wengine
tumefungiwa kwenye jengo na walinzi""",
    "hi": """वे मुझे मर्दों के साथ सोने के लिए मजबूर करते हैं
मुझसे जबरन धंधा करवाते हैं
मुझे वेश्यावृत्ति में धकेला गया
उन्होंने मेरा पासपोर्ट ले लिया और मैं जा नहीं सकता
वह मेरी नंगी तस्वीरें वायरल करने की धमकी देता है
मुझे मारते हैं अगर टारगेट पूरा न हो
मेरी बहन को बंद करके रखा है
मेरा पति मुझे दूसरे मर्दों के साथ सोने को मजबूर करता है
एजेंट ने मुझे बेच दिया""",
    "vi": """Họ ép tôi quan hệ với đàn ông
Tôi bị ép bán dâm
họ ép tôi làm việc, cứu tôi với
họ lấy hộ chiếu của tôi và tôi không thể đi
anh ta dọa tung ảnh khỏa thân của tôi nếu tôi không đến
họ đánh tôi nếu không đạt chỉ tiêu
em gái tôi bị nhốt ở Campuchia
chồng tôi bắt tôi ngủ với đàn ông khác
chúng tôi bị nhốt trong công ty lừa đảo""",
    "id": """Mereka memaksa saya berhubungan seks dengan laki-laki
Saya dipaksa jadi pelacur
saya dipaksa bekerja, tolong saya
paspor saya diambil dan saya tidak bisa pergi
dia mengancam akan menyebarkan foto telanjang saya kalau saya tidak datang
kami dipukul kalau tidak capai target
adik saya disekap di Kamboja
suami saya memaksa saya tidur dengan laki-laki lain
kami dikurung di perusahaan scam""",
    "th": """เขาบังคับให้ฉันมีเพศสัมพันธ์กับผู้ชาย
ฉันถูกบังคับให้ขายบริการ
ฉันถูกบังคับค้าประเวณี
เขายึดพาสปอร์ตของฉันและฉันออกไปไหนไม่ได้
เขาขู่จะปล่อยรูปโป๊ของฉันถ้าฉันไม่ไป
เขาตีเราถ้าทำยอดไม่ถึง
น้องสาวถูกขังอยู่ที่กัมพูชา
แฟนบังคับให้ฉันไปนอนกับผู้ชาย
เราถูกขังอยู่ในตึก มีการ์ดเฝ้า""",
    "my": """သူတို့က ကျွန်မကို ယောက်ျားတွေနဲ့ အိပ်ခိုင်းတယ်
ကျွန်မကို ပြည့်တန်ဆာ အတင်းလုပ်ခိုင်းတယ်
ပတ်စပို့ သိမ်းထားပြီး ပြန်လို့မရဘူး ကူညီပါ
ကျွန်တော်တို့ကို ရိုက်နှက်တယ်
အခန်းထဲမှာ ပိတ်လှောင်ထားတယ်
ကျွန်တော့်ကို အွန်လိုင်းလိမ်ခိုင်းတယ်
ညီမလေးကို ရောင်းစားလိုက်တယ်
သူဌေးက ရိုက်တယ် လစာလည်း မပေးဘူး
ကျွန်တော်တို့ကို အဆောက်အဦးထဲမှာ ပိတ်ထားတယ်""",
    "km": """គេបង្ខំខ្ញុំឱ្យរួមភេទជាមួយប្រុសៗ
ខ្ញុំត្រូវគេបង្ខំឱ្យធ្វើពេស្យា
គេបង្ខំខ្ញុំឱ្យធ្វើការ ជួយខ្ញុំផង
គេដកហូតលិខិតឆ្លងដែនខ្ញុំ ខ្ញុំចេញមិនបាន
គេវាយខ្ញុំ
គេចាក់សោខ្ញុំក្នុងបន្ទប់
ប្អូនស្រីខ្ញុំត្រូវគេលក់
ថៅកែវាយខ្ញុំ ហើយមិនបើកប្រាក់ខែ
គេឃុំខ្ញុំនៅក្នុងអគារ""",
    "pt": """Me obrigam a fazer sexo com homens
Ele ameaça publicar minhas fotos""",
    "it": """Mi costringono a prostituirmi
Minaccia di pubblicare le mie foto""",
    "de": """Sie zwingen mich zur Prostitution
Er droht, meine Nacktfotos zu veröffentlichen""",
    "ru": """Меня заставляют заниматься проституцией
Он угрожает выложить мои фото""",
    "uk": """Мене змушують займатися проституцією
Він погрожує викласти мої фото""",
    "tr": """Beni fuhşa zorluyorlar
Fotoğraflarımı yayınlamakla tehdit ediyor""",
    "zh-Hans": """他们逼我卖淫
他威胁要公开我的裸照""",
    "ko": """성매매를 강요당하고 있어요
제 사진을 유포하겠다고 협박해요""",
}  # fmt: skip
EVERYDAY = {
    "en": """My boss forced me to work late on Friday, how annoying
They make me work hard but I love my team
I was forced to take the bus
He threatens to post spoilers if I don't come to the party
My mother makes me eat vegetables
Is it normal that the bus is late?
My parents want me to marry one day
My husband sells cars to his friends
I want to go home but it is raining
They made me an offer I cannot refuse
I can't leave the office before six today
They beat us with three goals and we went home
The film is about a woman who is forced into prostitution""",
    "fr": """On m'oblige à manger des légumes
Mon patron m'oblige à porter une cravate
Je veux rentrer chez moi mais il pleut
Il a publié mes photos de vacances""",
    "es": """Mi madre me obliga a comer verduras
Quiero volver a casa pero llueve
Va a mandar las fotos de la fiesta a mi familia""",
    "id": """Ibu menyuruh saya makan sayur
Saya mau pulang tapi hujan""",
    "vi": """Mẹ ép tôi ăn rau
Tôi muốn về nhà nhưng trời mưa""",
    "sw": "Nataka kurudi nyumbani lakini mvua inanyesha",
    "ar": """أمي تجبرني على أكل الخضار
كيف أخرج من هذه المجموعة""",
    "th": "แม่บังคับให้ฉันกินผัก",
}  # fmt: skip


def lines(said: dict[str, str]) -> list[tuple[str, str]]:
    """Return (language, sentence) of each line."""
    return [(code, line) for code, text in said.items() for line in text.splitlines()]


@pytest.mark.parametrize(("language", "plea"), lines(PLEAS))
def test_a_plea_is_somebody_in_need(vocabulary: Vocabulary, language: str, plea: str):
    """Help comes first, no steps for an offer, and who pleads is never ranked first."""
    judged = look(plea, vocabulary)

    assert in_need(judged, vocabulary)
    assert judged.support and judged.tier in ("none", "look")


@pytest.mark.parametrize(("language", "said"), lines(EVERYDAY))
def test_everyday_words_beside_them_are_none(vocabulary: Vocabulary, language: str, said: str):
    """To be made to eat vegetables or to work late is nobody's plea."""
    assert not in_need(look(said, vocabulary), vocabulary)


@pytest.mark.parametrize(
    "plea",
    [
        "He threatens to post my nude photos if I do not come",
        "il menace de publier mes photos nues si je ne viens pas",
        "يهددني بنشر صوري العارية إذا لم آتِ",
        "anatishia kusambaza picha zangu za uchi nisipoenda",
    ],
)
def test_a_threat_with_pictures_shows_its_sign(vocabulary: Vocabulary, plea: str):
    """Who is threatened tells it in the third person: the sign with what to do now stands beside the help."""
    assert "CTL-16" in {signal.indicator for signal in look(plea, vocabulary).signals}


def test_everyday_sentences_near_to_pleas_are_none(vocabulary: Vocabulary):
    """Games, snow, school, weddings and vegetables: of the sentences written beside pleas none is taken for one."""
    assert not [said for said in NEAR_PLEAS if in_need(look(said, vocabulary), vocabulary)]


@pytest.mark.parametrize(
    "plea",
    [
        "they took away my passport", "my passport got taken by the agent", "the lady i work for has taken my passport",
        "They're forcing my little brother to scam people", "Szef zabrał mi paszport i nie płaci mi",
        "Šef mi vzal pas a nepustí mě domů", "A főnököm elvette az útlevelemet", "Poslodavac mi je uzeo pasoš",
        "De baas heeft mijn paspoort afgepakt", "Шефът ми взе паспорта и не ме пуска да си тръгна",
        "මගේ පාස්පෝට් එක ගත්තා", "என் பாஸ்போர்ட்டை எடுத்து வைத்துவிட்டார்", "Xo'jayin pasportimni olib qo'ydi",
        "mera passport chheen liya hai", "ここから出られません。", "他威胁要发我的裸照", "Saya dan dua orang tidak boleh keluar, saya dilarang keluar kompleks",
    ],
)  # fmt: skip
def test_pleas_that_were_missed(vocabulary: Vocabulary, plea: str):
    """Passports taken away, relatives forced, and pleas in languages that had no words are somebody in need."""
    assert in_need(look(plea, vocabulary), vocabulary)


@pytest.mark.parametrize(
    "plea",
    [
        "أخذوا جوازي",
        "أخـــذوا جوازي",
        "أخذوا جوازى",
        "نمی‌گذارند بیرون بروم",
        "نمي‌گذارند بيرون بروم",
        "نميگذارند بيرون بروم",
    ],
)
def test_a_plea_is_read_from_every_keyboard(vocabulary: Vocabulary, plea: str):
    """Arabic, Egyptian and Persian keyboards write yeh and kaf in their own way; the words are the same."""
    assert in_need(look(plea, vocabulary), vocabulary)
