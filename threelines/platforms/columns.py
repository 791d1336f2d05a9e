"""What the columns of a table are called: those that name people, and those that hold the words of a text.

Names of columns are plain words of a header, here in the languages of the vocabulary. A word stands for itself, with `*` for
every word that begins so (`telefon*`: Telefonnummer); in scripts without spaces for every name that holds it. Case and
accents do not count, `phoneNumber` and `phone_number` are two words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

PERSONAL = {
    "en": "name names nick nickname username login handle realname fullname firstname lastname surname displayname "
    "screenname email* mail phone* telephone tel mobile cell msisdn whatsapp wa wechat weixin telegram viber zalo kakao* "
    "skype facebook fb instagram insta tiktok qq imo lineid contact contacts author user users sender recipient from to owner account "
    "poster member ip ipaddress address avatar avatarurl photo picture imei device deviceid cookie fingerprint passport "
    "ssn dob birth birthday birthdate iban card",
    "de": "absender* empfänger* vorname* nachname* familienname* benutzer* nutzer* anzeigename spitzname telefon* handy* mobil "
    "mobilnummer rufnummer* kontakt* ansprechpartner* autor verfasser* besitzer* konto kontoname adresse anschrift geburts*",
    "es": "nombre nombres apellido* apodo usuario* remitente* destinatario* telefono* celular movil correo* contacto* autor "
    "titular* cuenta direccion domicilio cedula",
    "fr": "nom prenom* pseudo pseudonyme surnom utilisateur expediteur* destinataire* portable courriel* auteur* compte "
    "adresse coordonnees proprietaire",
    "pt": "nome nomes sobrenome apelido usuario utilizador remetente* destinatario* telemovel celular contato* contacto* autor "
    "conta endereco morada",
    "it": "nome cognome* soprannome utente mittente* destinatario* cellulare recapito contatto contatti autore indirizzo "
    "proprietario",
    "ro": "nume prenume porecla utilizator* expeditor* destinatar* mobil contact* autor cont adresa posesor",
    "tr": "adi adsoyad soyad* isim kullanici* gonderen* gonderici alici telefon* cep gsm eposta iletisim yazar hesap adres* sahibi",
    "id": "nama pengguna pengirim* penerima* telepon* telpon* telp hp nohp nowa nomor kontak* surel penulis pemilik akun alamat",
    "ms": "nama pengguna penghantar penerima telefon* emel hubungi kenalan penulis pemilik akaun alamat",
    "tl": "pangalan palayaw apelyido nagpadala tatanggap telepono selpon kontak may-akda mayakda tirahan",
    "vi": "ten hoten tennguoidung nguoigui nguoinhan nguoidang dienthoai sodienthoai sdt dtdd didong lienhe tacgia taikhoan "
    "diachi thudientu",
    "sw": "jina majina mtumaji mpokeaji mtumiaji simu baruapepe mawasiliano mwandishi mmiliki akaunti anwani",
    "uz": "ism ismi familiya* foydalanuvchi* yuboruvchi* qabulqiluvchi telefon* aloqa muallif egasi hisob manzil*",
    "om": "maqaa maqa fayyadamaa ergaa-ergaa bilbila* imeelii qunnamtii barreessaa teessoo",
    "ru": "имя фио фамили* отчество ник никнейм логин пользовател* отправител* получател* телефон* тел моб мобильн* почта "
    "емейл емайл имейл контакт* автор* аккаунт* владел* адрес*",
    "uk": "ім'я імя ім прізвищ* піб нік логін користувач* відправник* одержувач* отримувач* телефон* тел моб пошта контакт* автор* "
    "акаунт* власник* адрес*",
    "bg": "име имена фамили* прякор потребител* подател* изпращач* получател* телефон* тел мобилен имейл* поща контакт* автор* "
    "акаунт* собственик адрес*",
    "ar": "اسم الاسم مرسل المرسل مستلم المستلم مستخدم المستخدم هاتف الهاتف جوال الجوال موبايل واتساب بريد البريد ايميل إيميل "
    "اتصال الاتصال كاتب الكاتب حساب الحساب عنوان العنوان",
    "ur": "نام فون موبائل ای-میل ایمیل رابطہ مصنف صارف پتہ بھیجنے اکاؤنٹ واٹس",
    "hi": "नाम उपनाम प्रेषक भेजने फोन फ़ोन दूरभाष मोबाइल ईमेल ई-मेल संपर्क सम्पर्क लेखक उपयोगकर्ता खाता पता व्हाट्सएप",
    "ne": "नाम थर प्रेषक पठाउने फोन मोबाइल इमेल सम्पर्क लेखक प्रयोगकर्ता खाता ठेगाना",
    "bn": "নাম প্রেরক ফোন মোবাইল ইমেইল ইমেল যোগাযোগ লেখক ব্যবহারকারী ঠিকানা অ্যাকাউন্ট",
    "si": "නම යවන්නා දුරකථන* ජංගම ඊමේල් විද්‍යුත් සම්බන්ධතා ලිපිනය පරිශීලක ගිණුම",
    "ta": "பெயர் அனுப்புநர் தொலைபேசி* கைபேசி* மொபைல் மின்னஞ்சல்* தொடர்பு முகவரி பயனர்* கணக்கு",
    "am": "ስም ላኪ ስልክ ሞባይል ኢሜይል ኢሜል አድራሻ ተጠቃሚ ደራሲ",
    "ti": "ስም ስልኪ ቴለፎን ኢመይል ኣድራሻ ተጠቃሚ ደራሲ",
    "zh-Hans": "姓名 名字 昵称 用户 账号 帐号 账户 发件人 发送者 发送人 收件人 寄件人 发布者 发布人 发帖人 作者 电话 手机 邮箱 电子邮件 微信 联系 "
    "地址 住址 身份证 护照号",
    "zh-Hant": "姓名 名字 暱稱 用戶 使用者 帳號 帳戶 寄件人 發件人 發送者 收件人 發布者 發文者 作者 電話 手機 信箱 郵箱 電子郵件 微信 聯絡 聯繫 地址 "
    "住址 身份證",
    "ja": "名前 氏名 お名前 ニックネーム ユーザー 送信者 差出人 受信者 投稿者 作者 著者 電話 携帯 Eメール メールアドレス メアド 連絡先 アカウント 住所",
    "ko": "이름 성명 성함 닉네임 별명 사용자 아이디 보낸 발신자 수신자 받는 작성자 게시자 글쓴이 전화 연락처 휴대폰 핸드폰 이메일 메일 카톡 "
    "카카오톡 계정 주소",
    "th": "ชื่อ นามสกุล ผู้ใช้ ผู้ส่ง ผู้รับ ผู้โพสต์ ผู้เขียน โทรศัพท์ เบอร์โทร เบอร์ติดต่อ มือถือ อีเมล ไลน์ไอดี ติดต่อ บัญชี ที่อยู่",
    "lo": "ຊື່ ນາມສະກຸນ ຜູ້ໃຊ້ ຜູ້ສົ່ງ ຜູ້ຮັບ ຜູ້ຂຽນ ໂທລະສັບ ເບີໂທ ມືຖື ອີເມວ ອີເມລ ຕິດຕໍ່ ບັນຊີ ທີ່ຢູ່",
    "km": "ឈ្មោះ អ្នកផ្ញើ អ្នកទទួល អ្នកប្រើ អ្នកនិពន្ធ ទូរស័ព្ទ ទូរសព្ទ លេខទូរ អ៊ីមែល អ៊ីម៉ែល ទំនាក់ទំនង គណនី អាសយដ្ឋាន",
    "my": "အမည် နာမည် ပေးပို့သူ လက်ခံသူ အသုံးပြုသူ ရေးသူ ဖုန်း အီးမေးလ် ဆက်သွယ် အကောင့် လိပ်စာ",
}
"""Language → names of columns that hold a person's name, account, number or address."""

IMPERSONAL = {
    "en": "company employer organisation organization channel group server guild file product job title city country domain "
    "subreddit kind type count verified lang language event",
    "de": "firma firmen* unternehmen* arbeitgeber* gruppe* kanal datei* produkt* stelle* stadt land art",
    "es": "empresa empleador organizacion canal grupo archivo producto puesto titulo ciudad pais tipo",
    "fr": "entreprise societe employeur organisation canal groupe fichier produit poste emploi titre ville pays type",
    "pt": "empresa empregador organizacao canal grupo arquivo ficheiro produto vaga cargo titulo cidade pais tipo",
    "it": "azienda ditta datore organizzazione canale gruppo prodotto lavoro titolo citta paese tipo",
    "ro": "companie firma angajator canal grup fisier produs post titlu oras tara tip",
    "tr": "sirket* firma* isveren kanal grup dosya urun pozisyon baslik sehir ulke tur",
    "id": "perusahaan organisasi saluran grup berkas produk pekerjaan jabatan posisi judul kota negara jenis",
    "ms": "syarikat majikan saluran kumpulan fail produk pekerjaan jawatan tajuk bandar negara jenis",
    "vi": "congty tencongty tencongviec tensanpham tentep tenkenh tennhom",
    "sw": "kampuni shirika kikundi faili bidhaa kazi mji nchi aina",
    "ru": "компани* фирм* работодател* организаци* канал* групп* файл* товар* продукт* ваканси* должност* город* стран* тип",
    "uk": "компані* фірм* роботодавц* організаці* канал* груп* файл* товар* продукт* ваканс* посад* міст* країн* тип",
    "bg": "компани* фирм* работодател* организаци* канал* груп* файл* продукт* длъжност град* държав* тип",
    "ar": "شركة الشركة منظمة قناة القناة مجموعة المجموعة ملف الملف منتج المنتج وظيفة الوظيفة مدينة المدينة بلد البلد",
    "hi": "कंपनी कम्पनी संगठन समूह चैनल फ़ाइल उत्पाद पद नौकरी शहर देश",
    "zh": "公司 企业 企業 单位名 雇主 频道 頻道 群组 群組 文件名 产品 產品 商品 职位 職位 岗位 標題 标题 城市 国家 國家",
    "ja": "会社 企業 組織 チャンネル グループ ファイル 商品 製品 職種 件名 都市",
    "ko": "회사 기업 업체 채널 그룹 파일 상품 제품 직종 제목 도시 국가",
    "th": "บริษัท องค์กร นายจ้าง ช่อง กลุ่ม ไฟล์ สินค้า ตำแหน่ง เมือง ประเทศ",
}
"""Names that say of a column that it is about a thing: the name of a company names nobody."""

TEXT = {
    "en": "text body message msg content contents description desc title headline subject caption post tweet comment summary "
    "selftext fulltext announcement advertisement details bio about",
    "de": "nachricht* inhalt beschreibung* stellenbeschreibung titel stellentitel überschrift betreff beitrag kommentar anzeigentext",
    "es": "texto mensaje* contenido descripcion* titulo asunto comentario publicacion anuncio detalles",
    "fr": "texte message contenu descriptif titre intitule objet commentaire publication annonce details",
    "pt": "texto mensagem* conteudo descricao titulo assunto comentario publicacao anuncio detalhes",
    "it": "testo messaggio* contenuto descrizione titolo oggetto commento annuncio dettagli",
    "ro": "text* mesaj* continut descriere* titlu* subiect comentariu anunt* detalii",
    "tr": "metin* mesaj* icerik* aciklama* baslik* konu yorum gonderi ilan detay*",
    "id": "teks pesan isi konten deskripsi judul subjek komentar pengumuman rincian",
    "ms": "teks mesej kandungan penerangan keterangan tajuk subjek komen iklan butiran",
    "tl": "teksto mensahe nilalaman paglalarawan deskripsyon pamagat komento detalye",
    "vi": "vanban tinnhan noidung mota motacongviec tieude binhluan baidang chitiet",
    "sw": "maandishi ujumbe maudhui maelezo kichwa maoni tangazo",
    "uz": "matn* xabar* mazmun* tavsif* sarlavha* mavzu izoh*",
    "om": "barreeffama ergaa qabiyyee ibsa mataduree yaada",
    "ru": "текст* сообщени* содержани* содержимое описани* заголов* тема комментари* пост объявлени*",
    "uk": "текст* повідомленн* зміст вміст опис* заголов* тема коментар* допис пост оголошенн*",
    "bg": "текст* съобщени* съдържани* описани* заглави* тема коментар* пост обява",
    "ar": "نص النص رسالة الرسالة محتوى المحتوى وصف الوصف موضوع الموضوع تعليق التعليق منشور المنشور إعلان الإعلان",
    "ur": "متن پیغام مواد تفصیل موضوع تبصرہ اشتہار",
    "hi": "पाठ संदेश सन्देश सामग्री विवरण शीर्षक विषय टिप्पणी विज्ञापन",
    "ne": "पाठ सन्देश सामग्री विवरण शीर्षक विषय टिप्पणी विज्ञापन",
    "bn": "পাঠ্য বার্তা বিষয়বস্তু বিবরণ শিরোনাম বিষয় মন্তব্য বিজ্ঞাপন",
    "si": "පෙළ පණිවිඩය අන්තර්ගතය විස්තරය මාතෘකාව අදහස",
    "ta": "உரை செய்தி உள்ளடக்கம் விளக்கம் விவரம் தலைப்பு கருத்து",
    "am": "ጽሑፍ መልእክት መልዕክት ይዘት መግለጫ ርዕስ አስተያየት",
    "ti": "ጽሑፍ መልእኽቲ ትሕዝቶ መግለጺ ኣርእስቲ",
    "zh-Hans": "正文 文本 内容 消息 描述 详情 标题 评论 帖子 简介 说明",
    "zh-Hant": "正文 文本 內容 訊息 描述 詳情 標題 評論 貼文 簡介 說明",
    "ja": "本文 テキスト メッセージ 内容 説明 詳細 タイトル 件名 コメント 投稿内容",
    "ko": "본문 텍스트 메시지 내용 설명 상세 제목 댓글 게시글",
    "th": "ข้อความ เนื้อหา รายละเอียด คำอธิบาย หัวข้อ หัวเรื่อง ความคิดเห็น",
    "lo": "ຂໍ້ຄວາມ ເນື້ອຫາ ລາຍລະອຽດ ຄຳອະທິບາຍ ຫົວຂໍ້ ຄວາມຄິດເຫັນ",
    "km": "អត្ថបទ សារ ខ្លឹមសារ ការពិពណ៌នា បរិយាយ ចំណងជើង មតិ",
    "my": "စာသား မက်ဆေ့ အကြောင်းအရာ ဖော်ပြချက် ခေါင်းစဉ် မှတ်ချက်",
}
"""Language → names of columns that hold what somebody wrote."""

PARTS = {
    "en": "salary pay wage wages compensation remuneration stipend income earnings location workplace destination requirement "
    "requirements qualification qualifications skills experience benefit benefits perks responsibility responsibilities duty "
    "duties visa sponsorship travel transport ticket housing accommodation lodging meals contract conditions terms offer "
    "apply application fee fees deposit",
    "de": "gehalt* lohn vergütung* verdienst arbeitsort einsatzort anforderung* voraussetzung* qualifikation* erfahrung aufgaben* "
    "visum leistungen unterkunft vertrag bedingungen angebot bewerbung",
    "es": "salario* sueldo* ubicacion lugar requisito* experiencia responsabilidades funciones visado beneficios alojamiento "
    "contrato condiciones oferta",
    "fr": "salaire* remuneration lieu exigences prerequis competences experience missions avantages logement hebergement contrat "
    "conditions offre",
    "pt": "salario* localizacao local requisito* experiencia responsabilidades beneficios visto alojamento contrato condicoes oferta",
    "it": "stipendio* retribuzione sede luogo requisiti esperienza mansioni visto vantaggi alloggio contratto condizioni offerta",
    "ro": "salariu* locatie cerinte experienta responsabilitati viza beneficii cazare contract conditii oferta",
    "tr": "maas* ucret* konum yer gereksinim* nitelik* deneyim gorev* vize avantaj* konaklama sozlesme kosul*",
    "id": "gaji upah lokasi penempatan persyaratan syarat kualifikasi pengalaman tanggungjawab tugas fasilitas tunjangan kontrak",
    "ms": "gaji upah lokasi syarat kelayakan pengalaman tanggungjawab tugas faedah penginapan kontrak",
    "tl": "sahod suweldo lokasyon kinakailangan kwalipikasyon karanasan tungkulin benepisyo kontrata",
    "vi": "luong mucluong diadiem noilamviec yeucau kinhnghiem trachnhiem quyenloi phucloi thithuc hopdong",
    "sw": "mshahara malipo eneo mahitaji sifa uzoefu majukumu viza faida malazi mkataba",
    "uz": "maosh* oylik joylashuv talab* tajriba vazifa* viza imtiyoz* shartnoma sharoit*",
    "om": "mindaa bakka ulaagaa muuxannoo viizaa",
    "ru": "зарплат* оклад оплата локаци* место требовани* опыт обязанност* виза условия льготы проживание жилье договор",
    "uk": "зарплат* оклад оплата локаці* місце вимог* досвід обов'язки обовязки віза умови пільги проживання житло договір",
    "bg": "заплат* заплащане локаци* място изисквани* опит задължени* виза условия придобивки настаняване договор",
    "ar": "راتب الراتب أجر الأجر موقع الموقع مكان المكان متطلبات المتطلبات شروط الشروط خبرة الخبرة مهام المهام تأشيرة التأشيرة مزايا "
    "المزايا سكن السكن عقد العقد",
    "ur": "تنخواہ مقام شرائط تجربہ ذمہ ویزا مراعات رہائش",
    "hi": "वेतन स्थान आवश्यकताएं आवश्यकता योग्यता अनुभव जिम्मेदारियां वीज़ा वीजा लाभ आवास अनुबंध",
    "ne": "तलब स्थान आवश्यकता योग्यता अनुभव जिम्मेवारी भिसा सुविधा आवास सम्झौता",
    "bn": "বেতন অবস্থান স্থান যোগ্যতা অভিজ্ঞতা দায়িত্ব ভিসা সুবিধা আবাসন চুক্তি",
    "si": "වැටුප ස්ථානය සුදුසුකම් පළපුරුද්ද වගකීම් වීසා ප්‍රතිලාභ",
    "ta": "சம்பளம் ஊதியம் இடம் தகுதி தகுதிகள் அனுபவம் பொறுப்புகள் விசா சலுகைகள்",
    "am": "ደመወዝ ደሞዝ ቦታ መስፈርት ልምድ ቪዛ",
    "ti": "ደሞዝ ቦታ ረቛሒታት ተመክሮ ቪዛ",
    "zh-Hans": "薪资 工资 薪酬 待遇 地点 要求 条件 经验 职责 签证 福利 包吃住 食宿 合同",
    "zh-Hant": "薪資 工資 薪酬 待遇 地點 要求 條件 經驗 職責 簽證 福利 食宿 合約",
    "ja": "給与 給料 時給 月給 勤務地 応募資格 必要条件 待遇 業務 ビザ 福利厚生 条件",
    "ko": "급여 연봉 월급 근무지 지역 자격 요건 경력 업무 비자 복리후생 조건 숙소",
    "th": "เงินเดือน ค่าจ้าง รายได้ สถานที่ คุณสมบัติ ประสบการณ์ หน้าที่ วีซ่า สวัสดิการ ที่พัก สัญญา เงื่อนไข",
    "lo": "ເງິນເດືອນ ຄ່າຈ້າງ ສະຖານທີ່ ຄຸນສົມບັດ ປະສົບການ ໜ້າທີ່ ວີຊາ ສະຫວັດດີການ",
    "km": "ប្រាក់ខែ ប្រាក់បៀវត្សរ៍ ទីតាំង លក្ខខណ្ឌ បទពិសោធន៍ តួនាទី ទិដ្ឋាការ វីសា",
    "my": "လစာ တည်နေရာ လိုအပ်ချက် အရည်အချင်း အတွေ့အကြုံ တာဝန် ဗီဇာ",
}
"""Language → names of columns of an advert beside its description: each holds some of the words."""

_NO_TEXT = (
    "id ids uid uuid guid url urls uri link links href slug hash sha md5 time date datetime day month year at on created updated "
    "timestamp count counts number num no nr code codes type category categories lang language locale score rank rating "
    "length size status state flag is has min max currency key index image images img media video audio file path format "
    "version label labels class tag tags source channel group chat page site forum board server quoted quote reply replied "
    "parent translation translated moderator moderation reviewer reviewed analyst reason verdict html_url "
    "datum fecha data tanggal дата 日期 时间 時間 编号 編號 链接 連結 날짜 วันที่"
)  # fmt: skip
"""Words that say of a column that it holds no words, or another one's: `title_url`, `message_id`, `quoted_text`."""

_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_APART = re.compile(
    r"[^\w'’\u0300-\u036f\u0600-\u1fff\u200c\u200d]|[\d_]|(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
)
_SIGNS = str.maketrans(
    {"ı": "i", "ł": "l", "đ": "d", "ø": "o", "ß": "ss", "’": None, "'": None, "-": None, "\u200c": None, "\u200d": None}
)
_LATIN_MARKS = re.compile("[\u0300-\u036f]")


class _Names(NamedTuple):
    """Names of columns, ready to be compared."""

    words: frozenset[str]
    starts: tuple[str, ...]
    parts: tuple[str, ...]

    def hold(self, words: frozenset[str], joined: str) -> bool:
        """Tell whether one of the words, or all of them joined, is such a name."""
        if joined in self.words or not words.isdisjoint(self.words):
            return True
        return (
            joined.startswith(self.starts)
            or any(word.startswith(self.starts) for word in words)
            or any(part in joined for part in self.parts)
        )


def _names(lists: Iterable[str]) -> _Names:
    given = [folded for one in lists for word in one.split() if (folded := _folded(word))]
    starts = tuple(word[:-1] for word in given if word[-1] == "*")
    parts = tuple(word for word in given if _SPACELESS.search(word))
    return _Names(frozenset(word for word in given if word[-1] != "*" and word not in parts), starts, parts)


def _folded(word: str) -> str:
    """Return a word without case and accents; vowel signs of other scripts are letters and stay."""
    apart = unicodedata.normalize("NFD", word.casefold())
    return unicodedata.normalize("NFC", _LATIN_MARKS.sub("", apart)).translate(_SIGNS)


_DONE = frozenset("sent written made given taken paid held brought shown".split())
"""Participles that do not end in "ed": `sent_by` names who sent, `pay_by` and `by_hour` name nobody."""

_CODES = (
    "zip zipcode postcode postal postalcode plz postleitzahl* cap cep kodepos order orders orderid orderno ordernumber "
    "reference ref refno sku ean gtin upc isbn bestellnummer* pedido commande codepostal 邮编 邮政编码 郵遞區號 郵便番号 우편번호 "
    "订单 訂單 注文 주문 индекс заказ"
)
"""Words that say of a column that its digits are a postal code, an order or a thing's number."""

_PERSONAL, _IMPERSONAL = _names(PERSONAL.values()), _names(IMPERSONAL.values())
_TEXT, _PARTS, _WITHOUT = _names(TEXT.values()), _names(PARTS.values()), _names([_NO_TEXT])
_CODED = _names([_CODES])


def _read(column: str) -> tuple[frozenset[str], str]:
    """Return the words of a column's name, and all of them joined."""
    words = [word for piece in _APART.split(unicodedata.normalize("NFC", column)) if (word := _folded(piece))]
    return frozenset(words), "".join(words)


@lru_cache(maxsize=4096)
def is_personal(column: str) -> bool:
    """Tell whether a column looks as if it held a person's name, address or number (when in doubt, yes)."""
    words, joined = _read(column)
    return (_PERSONAL.hold(words, joined) or _names_who(words)) and not _IMPERSONAL.hold(words, joined)


def _names_who(words: frozenset[str]) -> bool:
    """Tell whether a name is that of who did something: `by`, `posted_by`."""
    return "by" in words and (len(words) == 1 or any(word.endswith("ed") or word in _DONE for word in words))


@lru_cache(maxsize=4096)
def is_code(column: str) -> bool:
    """Tell whether a column is called as one of postal codes, orders or numbers of things, whose digits dial nobody."""
    return not is_personal(column) and _CODED.hold(*_read(column))


@lru_cache(maxsize=4096)
def kind_of(column: str) -> Literal["text", "part", ""]:
    """Tell whether a column is called as one that holds a text, or a part of an advert; empty for any other name."""
    words, joined = _read(column)
    if _WITHOUT.hold(words, joined) or is_personal(column):
        return ""
    return "text" if _TEXT.hold(words, joined) else "part" if _PARTS.hold(words, joined) else ""
