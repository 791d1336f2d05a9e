"""Papers in the hands of an office, of a school or of the own family, copies, an early Friday and a bill: nobody is bound there."""

from __future__ import annotations

import pytest

from tests.test_bound import PAPERS
from tests.test_guard_tellings import helped
from threelines.signals.bound import binds

EVERYDAY = {
    "en": ("The madam at the embassy has my passport.", "My agent has a copy of my passport.", "My boss says I can leave early if I pay for lunch.",
           "My broker has my documents, when will the mortgage be approved?", "My boss says we can go home when the client has paid."),
    "es": ("El señor del hotel tiene mi pasaporte.", "La señora de la embajada tiene mi pasaporte.", "Mi agente tiene una copia de mi pasaporte.", "El agente tiene una foto de mi pasaporte.",
           "Mi jefe dice que puedo irme cuando pague la cuenta.", "El señor de la notaría tiene mis papeles.", "Mi agente tiene mis documentos para la hipoteca.", "Mi señora tiene mi pasaporte."),
    "fr": ("La dame de la préfecture a gardé mon passeport.", "Le monsieur de l'hôtel a mon passeport.", "Mon patron a une copie de mon passeport.", "Mon chef dit que je peux partir quand le client a payé.",
           "Mon chef dit que je peux partir plus tôt si je paie le café.", "La dame de l'université a mes papiers pour l'inscription."),
    "de": ("Die Madame von der Botschaft hat meinen Pass.", "Mein Vermittler von der Bank hat meine Papiere.", "Mein Chef hat eine Kopie, meinen Pass habe ich.", "Mein Chef sagt, ich darf gehen, wenn die Rechnung bezahlt ist.",
           "Mein Vermittler hat meine Papiere für die Hypothek.", "Meine Chefin sagt, wir dürfen früher nach Hause, wenn das Mittagessen bezahlt ist."),
    "pt": ("A senhora da embaixada tem o meu passaporte.", "O senhor do hotel ficou com o meu passaporte.", "Meu patrão tem uma cópia do meu passaporte.", "O chefe diz que posso sair quando pagar o almoço.", "O agente tem os meus documentos para a matrícula."),
    "it": ("La signora dell'ambasciata ha il mio passaporto.", "Il signore dell'hotel ha il mio passaporto.", "Il mio capo ha una copia del mio passaporto.", "Il capo dice che posso uscire quando ho pagato il pranzo.", "L'agente ha i miei documenti per il mutuo.", "La mia signora ha il mio passaporto."),
    "nl": ("Meneer van het hotel heeft mijn paspoort.", "Mevrouw van de ambassade heeft mijn paspoort.", "Mijn baas heeft een kopie van mijn paspoort.", "De baas zegt dat ik weg mag als de rekening betaald is.", "De bemiddelaar heeft mijn papieren voor de hypotheek."),
    "pl": ("Pośrednik z banku ma moje dokumenty.", "Pośrednik nieruchomości ma moje dokumenty.", "Szef mówi, że mogę wrócić do domu, jak zapłacę rachunek.", "Pośrednik ma moje dokumenty do kredytu.", "Szefowa mówi, że mogę odejść wcześniej, gdy zapłacę za kawę."),
    "cs": ("Agent realitky má moje doklady.", "Zprostředkovatel z banky má moje doklady.", "Šéf říká, že můžu domů, až zaplatím oběd.", "Agent má moje doklady kvůli hypotéce, prý na zápis."),
    "hu": ("A közvetítő a bankban elvette az útlevelemet.", "A főnök mondja, hogy hazamehetek, ha kifizetem az ebédet.", "A közvetítő őrzi az irataimat a beiratkozáshoz.", "A főnök szerint korábban hazamehetek, ha kifizetem a kávét."),
    "ro": ("Doamna de la ambasadă are pașaportul meu.", "Doamna de la primărie are actele mele.", "Șeful are o copie după pașaportul meu.", "Șeful spune că pot pleca acasă când plătesc nota de plată.", "Agentul are actele mele pentru credit.", "Doamna mea are pașaportul meu."),
    "uk": ("Посередник з банку взяв мої документи для іпотеки.", "Начальник каже, що я можу піти додому, коли заплачу рахунок.", "Начальник взяв копію, мій паспорт у мене.", "Мадам з посольства взяла мій паспорт для візи."),
    "ru": ("Госпожа из посольства взяла мой паспорт.", "Посредник из банка взял мои документы для ипотеки.", "Начальник сказал, что я могу уйти, когда заплачу за обед.", "Начальник говорит, что уйду домой раньше, если клиент заплатит, я верну деньги.", "Посредник взял мои документы для поступления."),
    "bg": ("Мадам от посолството взе паспорта ми.", "Шефът има копие на паспорта ми.", "Шефът казва, че мога да си тръгна, когато платя обяда.", "Посредникът взе документите ми за записването."),
    "sr": ("Madam iz ambasade drži moj pasoš.", "Šef kaže da mogu kući kad platim ručak.", "Posrednik ima moja dokumenta za upis.", "Шеф каже да могу кући кад платим рачун."),
    "tr": ("Elçilikteki hanımefendi pasaportumu aldı.", "Bankadaki aracı belgelerimi aldı.", "Patron hesabı ödeyince eve gidebilirsin diyor, ben de öderim.", "Aracı belgelerimi aldı, ipotek ne zaman çıkar?", "Patron öğle yemeği parasını öde, erken eve gidebilirsin dedi bana."),
    "ar": ("مدام السفارة أخذت جوازي", "الوكيل في البنك عنده أوراقي", "مديري لديه نسخة من جوازي", "مديري يقول إني أخرج مبكرا إذا دفعت الفاتورة", "الوكيل أخذ أوراقي للمدرسة"),
    "ar-Latn": ("madam el sefara khadet gawazi", "wakil el bank 3ando wara2i", "modiri 3ando noskha gawazi", "el modir 2alli arawa7 badri law dafa3t el ghada", "el wakil khad wara2i 3ashan el madrasa"),
    "fa": ("دلال بانک مدارکم را گرفته", "کارفرما کپی پاسپورتم را گرفته", "کارفرما می‌گوید اگر ناهار را پرداخت کنم می‌توانم زودتر به خانه بروم، من هم قبول کردم", "دلال مدارکم را برای وام گرفته"),
    "ps": ("د سفارت مېرمن زما پاسپورټ اخیستی", "مېرمن د ښوونځي زما اسناد ساتلی", "کارفرما زما اسناد د پوهنتون لپاره اخیستي", "زما مېرمن زما پاسپورټ ساتلی"),
    "hi": ("दूतावास की मैडम के पास मेरा पासपोर्ट है।", "स्कूल की मैडम के पास मेरे दस्तावेज़ हैं।", "बॉस के पास मेरे पासपोर्ट की कॉपी है।", "बॉस ने कहा कि लंच के पैसे दो तो मैं जल्दी घर जा सकता हूँ।", "एजेंट के पास मेरे कागज़ हैं, होम लोन कब मिलेगा?"),
    "hi-Latn": ("madam ke paas mere documents hai, school admission ke liye", "embassy ki madam ke paas mera passport hai", "boss ke paas mere passport ki copy hai", "boss bola lunch ke paise de do to main jaldi ghar ja sakta hoon", "agent ke paas mere papers hai, home loan kab milega"),
    "ur": ("سفارت خانے کی میڈم کے پاس میرا پاسپورٹ ہے", "باس کے پاس میرے پاسپورٹ کی کاپی ہے", "باس نے کہا لنچ کے پیسے دو تو میں جلدی گھر جا سکتا ہوں", "ایجنٹ کے پاس میرے کاغذات ہیں داخلے کے لیے"),
    "bn": ("দূতাবাসের ম্যাডামের কাছে আমার পাসপোর্ট আছে।", "এজেন্টের কাছে আমার পাসপোর্ট কপি আছে।", "বস বলেছে লাঞ্চের টাকা দিলে আমি তাড়াতাড়ি বাড়ি যেতে পারব।", "দালালের কাছে আমার কাগজপত্র আছে, স্কুলের জন্য।"),
    "bn-Latn": ("embassyr madamer kache amar passport", "bosser kache amar passport copy ache", "boss bolse lunch er taka dile ami taratari bari jete parbo", "agenter kache amar kagoj ache bhortir jonno"),
    "ne": ("दूतावासको म्याडमले मेरो राहदानी राखेको छ।", "साहुसँग मेरो राहदानीको फोटोकपी छ।", "साहुले खाजाको पैसा तिरे म चाँडै घर जान पाउँछु भने।", "एजेन्टसँग मेरा कागजात छ, भर्नाको लागि।"),
    "si": ("තානාපති කාර්යාලයේ නෝනා ළඟ මගේ පාස්පෝට් එක", "බොස් ළඟ මගේ පාස්පෝට් කොපියක්", "මගේ නෝනා ළඟ මගේ පාස්පෝට් එක", "බොස් කිව්වා දවල් කෑම ගෙව්වාම මට කලින් ගෙදර යන්න පුළුවන්"),
    "ta": ("தூதரக மேடமிடம் என் பாஸ்போர்ட் உள்ளது", "முதலாளியிடம் என் பாஸ்போர்ட் நகல் உள்ளது", "முதலாளி என் பாஸ்போர்ட் நகலை வைத்திருக்கிறார்", "முதலாளி சொன்னார் மதிய உணவு பணத்தை கட்டினால் நான் சீக்கிரம் வீட்டுக்கு போகலாம்"),
    "vi": ("Môi giới nhà đất giữ giấy tờ của tôi.", "Sếp giữ bản sao hộ chiếu của tôi.", "Sếp nói tôi được về sớm nếu trả đủ tiền cơm trưa.", "Môi giới giữ giấy tờ của tôi để vay mua nhà."),
    "id": ("Nyonya di kedutaan pegang paspor saya.", "Agen properti pegang dokumen saya.", "Bos saya simpan fotokopi paspor saya.", "Bos bilang saya boleh pulang lebih awal kalau bayar makan siang.", "Mami saya simpan paspor saya.", "Agen pegang dokumen saya untuk KPR."),
    "ms": ("Puan di kedutaan simpan pasport saya.", "Bos simpan salinan pasport saya.", "Bos kata saya boleh balik awal kalau bayar makan tengah hari.", "Ejen simpan dokumen saya untuk pinjaman rumah."),
    "tl": ("Hawak ng madam sa embahada ang passport ko.", "Hawak ng boss ko ang photocopy ng passport ko.", "Sabi ng boss makakauwi ako nang maaga kapag nabayaran ko ang lunch.", "Hawak ng ahente ang mga papeles ko para sa mortgage."),
    "sw": ("Bibi yangu ameshika kitambulisho changu.", "Madam wa ubalozi ana pasipoti yangu.", "Bosi ana nakala ya pasipoti yangu.", "Bosi anasema naweza kuondoka mapema nikilipa chakula cha mchana.", "Wakala ana hati zangu kwa ajili ya shule."),
    "am": ("የኤምባሲው ሴትዮዋ ፓስፖርቴን ወስዳለች።", "አለቃዬ የፓስፖርቴን ኮፒ ወስዷል።", "ደላላው ሰነዶቼን ወስዷል ለቤት ብድር።", "አለቃዬ ምሳውን ስከፍል ቀደም ብዬ ወደ ቤት መሄድ እችላለሁ አለኝ።"),
    "uz": ("Elchixonadagi vositachi pasportimni oldi.", "Boshliq pasportim nusxasini oldi.", "Boshliq tushlik pulini to'lasang, ertaroq uyga ketasan dedi menga.", "Vositachi hujjatlarimni oldi, ipoteka qachon chiqadi?"),
    "th": ("มาดามที่สถานทูตเก็บพาสปอร์ตของฉัน", "เจ้านายเก็บสำเนาพาสปอร์ตของฉัน", "เจ้านายบอกว่าจ่ายครบค่าข้าวกลางวันแล้วฉันกลับบ้านก่อนได้", "นายหน้าเก็บเอกสารของฉันไปกู้บ้าน"),
    "lo": ("ມາດາມສະຖານທູດເກັບໜັງສືຜ່ານແດນຂອງຂ້ອຍ", "ເຈົ້ານາຍເກັບສຳເນົາໜັງສືຜ່ານແດນຂອງຂ້ອຍ", "ນາຍໜ້າເກັບເອກະສານຂອງຂ້ອຍໄປສະໝັກຮຽນ"),
    "km": ("លោកស្រីស្ថានទូតរក្សាទុកលិខិតឆ្លងដែនរបស់ខ្ញុំ", "ថៅកែកាន់ច្បាប់ចម្លងលិខិតឆ្លងដែនរបស់ខ្ញុំ", "ថៅកែកាន់ឯកសាររបស់ខ្ញុំចុះឈ្មោះចូលរៀន"),
    "my": ("ပွဲစားက ကျွန်မရဲ့ ပတ်စပို့မိတ္တူ ယူထားတယ်", "သံရုံးမဒမ်က ကျွန်မရဲ့ ပတ်စပို့ သိမ်းထားတယ်", "သူဌေးက ကျွန်မရဲ့ မှတ်ပုံတင် ကျောင်းအပ်ဖို့ ယူထားတယ်"),
    "zh": ("我太太拿着我的护照。", "大使馆的太太拿着我的护照。", "老板拿着我的护照复印件。", "老板说付清午饭钱我就自由了，可以早点回家。", "中介拿着我的证件去办房贷。", "银行中介拿了我的身份证。"),
    "zh-Hant": ("我太太拿著我的護照。", "大使館的太太拿著我的護照。", "老闆拿著我的護照影本。", "老闆說付清午飯錢我就自由了，可以早點回家。", "仲介拿著我的證件去辦房貸。", "我的居留證影本在老闆那裡。"),
    "ja": ("仲介業者が私の通帳のコピーを持っています。", "大使館のマダムが私のパスポートを持っています。", "社長は昼食代を払い終えたら私は早く帰れると言いました。", "不動産の仲介業者が私の身分証を持っています。", "仲介業者が住宅ローンの審査で私の身分証を持っています。"),
    "ko": ("대사관 사모님이 제 여권을 갖고 있어요.", "사장님이 제 여권 사본을 갖고 있어요.", "사장님이 제가 점심값을 갚으면 일찍 집에 보내 준대요.", "브로커가 제 통장을 담보대출 때문에 갖고 있어요."),
}  # fmt: skip
NONE = (
    "El señor del hotel tiene mi pasaporte.", "Meneer van het hotel heeft mijn paspoort.", "La señora de la embajada tiene mi pasaporte.", "La dame de la préfecture a gardé mon passeport.",
    "madam ke paas mere documents hai, school admission ke liye", "仲介業者が私の通帳のコピーを持っています。", "我太太拿着我的护照。", "Bibi yangu ameshika kitambulisho changu.",
    "Die Dame vom Hotel hat meinen Pass.", "A senhora da embaixada tem o meu passaporte.", "Doamna de la ambasadă are pașaportul meu.", "Elçilikteki hanımefendi pasaportumu aldı.", "Сотрудница отеля забрала мой паспорт.",
    "दूतावासको म्याडमले मेरो राहदानी राखेको छ।", "Puan di kedutaan simpan pasport saya.", "Hawak ng madam sa embahada ang passport ko.", "มาดามที่สถานทูตเก็บพาสปอร์ตของฉัน", "ມາດາມສະຖານທູດເກັບໜັງສືຜ່ານແດນຂອງຂ້ອຍ",
    "သံရုံးမဒမ်က ကျွန်မရဲ့ ပတ်စပို့ သိမ်းထားတယ်", "대사관 사모님이 제 여권을 갖고 있어요.",
    "My boss says I can leave early if I pay for lunch.", "Mon chef dit que je peux partir quand le client a payé.", "My broker has my documents, when will the mortgage be approved?",
)  # fmt: skip
WORK = (
    "I work for the madam at the hotel, she keeps my passport.", "Trabajo para la señora del hotel y la señora tiene mi pasaporte.", "My boss at the school keeps my passport.",
    "Madam took my passport to the bank safe.", "Madam keeps my passport and I may not call the police.", "The agent took my passport, the embassy does not answer.",
    "La señora se quedó con mi pasaporte y no me deja ir a la escuela.", "Хозяйка отеля забрала мой паспорт.", "太太拿走了我的护照，不让我去大使馆。", "Madam says I go home early only when the debt for the food and the coffee is paid.", "La patrona dice que podré irme cuando pague la deuda del pasaje y la cuenta.", "Madam says I go free when I have paid off the debt.",
)  # fmt: skip


@pytest.mark.parametrize("code", PAPERS)
def test_offices_copies_and_early_leave_are_no_need_in_any_language(code: str):
    """A title beside an office employs nobody; a lunch, a bill or a client that is paid sets nobody free."""
    assert [said for said in EVERYDAY[code] if binds(said)] == []


@pytest.mark.parametrize("said", NONE)
def test_nobody_is_given_help_for_them(said: str):
    """By the guard, whose other phrases know most of them too."""
    assert not helped(said)


@pytest.mark.parametrize("said", WORK)
def test_an_office_elsewhere_in_the_sentence_takes_nothing_away(said: str):
    """Who says that they work there, names the office apart from who holds the papers, or owes a debt beside the bill is bound all the same."""
    assert binds(said)


@pytest.mark.parametrize(
    "said",
    [
        "A senhora da embaixada ficou com o meu passaporte e não o devolve, não posso sair.",
        "Elçilikteki hanımefendi pasaportumu aldı, geri vermiyor.",
    ],
)
def test_somebody_of_an_office_who_gives_nothing_back_is_told_of(said: str):
    """When in doubt, the words count."""
    assert helped(said)
