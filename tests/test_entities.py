"""Entities: found through disguise, with spans in the original, and absent from ordinary text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.text.entities import Entity, entities


def found(text, **options):
    """Return (kind, value, quote, app) of each entity."""
    return [(one.kind, one.value, text[one.start : one.end], one.app) for one in entities(text, **options)]


@pytest.mark.parametrize(
    ("text", "value", "quote", "app"),
    [
        ("Call +62 812-3456-7890 now", "+6281234567890", "+62 812-3456-7890", ""),
        ("WA 0812 3456 7890", "081234567890", "0812 3456 7890", "whatsapp"),
        ("微信同号电话13800138000联系", "+8613800138000", "13800138000", "wechat"),
        ("โทร ０９１２３４５６７８", "0912345678", "０９１２３４５６７８", ""),
        ("call 0\u200b8\u200b1\u200b-\u200b2345678", "0812345678", "0\u200b8\u200b1\u200b-\u200b2345678", ""),
        ("واتساب +٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "+966501234567", "+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "whatsapp"),
        ("tel +44 (0)20 7946 0958", "+442079460958", "+44 (0)20 7946 0958", ""),
        ("Contact number: 8189 1194  We", "81891194", "8189 1194", ""),
        ("086624511407 / 02612345", "086624511407", "086624511407", ""),
        ("https://wa.me/+6281234567890", "+6281234567890", "https://wa.me/+6281234567890", "whatsapp"),
        ("https://t.me/+380671234567", "+380671234567", "https://t.me/+380671234567", "telegram"),
        ("call +44_7700_900_123", "+447700900123", "+44_7700_900_123", ""),
        ("hp 0812 1530 2210", "081215302210", "0812 1530 2210", ""),
        ("hp 08_12_15_30_20", "0812153020", "08_12_15_30_20", ""),
        ("+44*7700*900*123", "+447700900123", "+44*7700*900*123", ""),
        ("+44 7700 9OO 123", "+447700900123", "+44 7700 9OO 123", ""),
        ("llama +34 612345678 o +34 698765432", "+34612345678", "+34 612345678", ""),
        ("0️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣ call", "0812345678", "0️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣", ""),
    ],
)
def test_phones(text, value, quote, app):
    """Numbers in any digits and through invisible marks, as E.164 where the country is known."""
    assert ("phone", value, quote, app) in found(text)


def test_a_region_reads_numbers_without_a_country():
    """With a region the national form becomes E.164, so the same number is the same value."""
    assert [one.value for one in entities("call 0812 3456 7890", region="ID")] == ["+6281234567890"]


@pytest.mark.parametrize(
    "text",
    [
        "meet 2024-05-01 10:00",
        "order 20240501123456",
        "from 01/05/2024 to 02/05/2024",
        "1234567",
        "3000-5000",
        "version 1.2.3.4567890",
        "99.5% of 1200000 people",
        "hours 08_00 20_00 12_00",
        "hours 08*00 20*00 12*00",
        "hours 08.00 20.00 12.00",
        "call 8_30-12_00 13_15-17_45",
    ],
)
def test_other_numbers_are_no_phones(text):
    """Dates, order numbers, ranges and counts are left alone."""
    assert "phone" not in [one.kind for one in entities(text)]


@pytest.mark.parametrize(
    ("text", "value", "app"),
    [
        ("Add me on Telegram @maria_jobs", "maria_jobs", "telegram"),
        ("Telegram: @Maria_Jobs", "maria_jobs", "telegram"),
        ("t.me/joinchat/AbC-d12", "abc-d12", "telegram"),
        ("телеграм: jobs_msk", "jobs_msk", "telegram"),
        ("加微信abc12345", "abc12345", "wechat"),
        ("微信：hr_888", "hr_888", "wechat"),
        ("微信咨询：SCIL-HR20", "scil-hr20", "wechat"),
        ("vx：abc1234", "abc1234", "wechat"),
        ("LINE ID: job-th88", "job-th88", "line"),
        ("ไลน์: @jobthai", "jobthai", "line"),
        ("https://lin.ee/xmdmGR6", "xmdmgr6", "line"),
        ("QQ 123456789", "123456789", "qq"),
        ("카톡 abc123", "abc123", "kakaotalk"),
        ("https://zalo.me/g/abcdef123", "abcdef123", "zalo"),
        ("discord.gg/AbCd12", "abcd12", "discord"),
        ("IG: hello_w", "hello_w", "instagram"),
        ("snapchat.com/add/some.one", "some.one", "snapchat"),
        ("skype live:.cid.123abc", "live:.cid.123abc", "skype"),
        ("signal.group/#CjQKIAbcdef", "cjqkiabcdef", "signal"),
        ("Ｔｅｌｅｇｒａｍ： ｊｏｂｓ＿１２３", "jobs_123", "telegram"),
        ("chat.whatsapp.com/AbCdEf12345", "abcdef12345", "whatsapp"),
        ("write to @some_body", "some_body", ""),
        ("https://www.instagram.com/stories/anna.k/123", "anna.k", "instagram"),
        ("facebook.com/groups/jobs.abroad", "jobs.abroad", "facebook"),
    ],
)
def test_handles(text, value, app):
    """Accounts and invitations of the messengers, in the scripts of their users."""
    assert ("handle", value, app) in [(one.kind, one.value, one.app) for one in entities(text)]


@pytest.mark.parametrize(
    "address",
    ["instagram.com/reel/C1abc", "instagram.com/explore/tags/jobs", "facebook.com/marketplace/item/12", "facebook.com/watch?v=12", "facebook.com/photo.php?fbid=1",
     "facebook.com/people/Anna-K/100", "t.me/share/url?url=https://shop.example.com", "t.me/addstickers/cats", "t.me/proxy?server=1.2.3.4", "t.me/boost/anna_jobs"],
)  # fmt: skip
def test_pages_of_a_platform_are_links(address):
    """What a platform names so for itself is nobody's handle: accounts that give such links share no account."""
    assert [(one.kind, one.value) for one in entities(f"see https://{address}")] == [("link", address.lower())]


@pytest.mark.parametrize(
    ("text", "apps"),
    [
        ("please write on whatsapp", ["whatsapp"]), ("تواصل واتساب", ["whatsapp"]), ("加微信聊", ["wechat"]), ("chat on signal please", ["signal"]),
        ("ทักไลน์ได้เลย", ["line"]), ("line up here, signal received", []), ("ธุรกิจออนไลน์", []), ("mkutano wa baraza", []), ("subject line: Sales Manager", []),
        ("WeChat: Scan QR code", ["wechat"]),
    ],
)  # fmt: skip
def test_names_of_messengers(text, apps):
    """A bare name counts; a word that only looks like one does not."""
    assert [one.app for one in entities(text)] == apps
    assert all(one.kind == "messenger" for one in entities(text))


@pytest.mark.parametrize(
    ("text", "value", "quote"),
    [
        ("visit www.Example.com/jobs.", "www.example.com/jobs", "www.Example.com/jobs"),
        ("example.co.th/abc) ok", "example.co.th/abc", "example.co.th/abc"),
        ("见 https://yunda.cn/verify（链接）", "yunda.cn/verify", "https://yunda.cn/verify"),
        ("[a](http://www.x.com/y?z=1)", "www.x.com/y?z=1", "http://www.x.com/y?z=1"),
        ("hxxps://bad[.]example[.]com/x", "bad.example.com/x", "hxxps://bad[.]example[.]com/x"),
        ("看shop-123.xyz吧", "shop-123.xyz", "shop-123.xyz"),
    ],
)
def test_links(text, value, quote):
    """Links with and without a scheme, defanged ones too; what follows in another script stays outside."""
    assert [(one.kind, one.value, text[one.start : one.end]) for one in entities(text)] == [("link", value, quote)]
    assert entities(text)[0].host == value.partition("/")[0].removeprefix("www.")


@pytest.mark.parametrize(
    "text",
    ["we are done.In the morning", "etc.It is so", "file.pdf and a.txt", "e.g. this", "work.in progress", "3.5 of 4.0"],
)
def test_full_stops_are_no_links(text):
    """A missing space after a sentence makes no domain."""
    assert entities(text) == ()


def test_email():
    """Addresses are in lower case and are no handles."""
    assert found("mail A.b@Example.org!") == [("email", "a.b@example.org", "A.b@Example.org", "")]


@pytest.mark.parametrize(
    "written", ["a.b [at] mail [dot] example [dot] org", "A.b(at)mail.example.org", "a.b( at )mail(.)example.org"]
)
def test_email_with_its_signs_spelt_out(written):
    """Brackets around "at" and "dot" hide no address."""
    assert found(f"mail {written}!") == [("email", "a.b@mail.example.org", written, "")]
    assert [one.kind for one in entities("see you (at) home. Then")] == []


@pytest.mark.parametrize(
    ("text", "low", "high", "currency", "period"),
    [
        ("salary USD 1,000 - USD 2,000 per month", 1000, 2000, "USD", "month"),
        ("$1000 a week", 1000, 1000, "USD", "week"),
        ("$30-50k", 30000, 50000, "USD", ""),
        ("€1.500/mo", 1500, 1500, "EUR", "month"),
        ("£12.50 per hour", 12.5, 12.5, "GBP", "hour"),
        ("R$ 2.500,00 por mês", 2500, 2500, "BRL", "month"),
        ("1.350 euros al mes", 1350, 1350, "EUR", "month"),
        ("500 pesos diario", 500, 500, "", "day"),
        ("月薪15000-30000元", 15000, 30000, "CNY", "month"),
        ("月薪1.5万-3万", 15000, 30000, "", "month"),
        ("1-2万元", 10000, 20000, "CNY", ""),
        ("3000-5000元/月", 3000, 5000, "CNY", "month"),
        ("日薪1000~3000元", 1000, 3000, "CNY", "day"),
        ("時給1,200円", 1200, 1200, "JPY", "hour"),
        ("월급 300만원", 3_000_000, 3_000_000, "KRW", "month"),
        ("เงินเดือน 15,000-30,000 บาทต่อเดือน", 15000, 30000, "THB", "month"),
        ("เดือนละ ๓๐,๐๐๐ บาท", 30000, 30000, "THB", "month"),
        ("الراتب ٣٠٠٠ ريال شهريا", 3000, 3000, "SAR", "month"),
        ("Gaji 5jt per bulan", 5_000_000, 5_000_000, "IDR", "month"),
        ("8-10 juta/bln", 8_000_000, 10_000_000, "IDR", "month"),
        ("900 ribu", 900_000, 900_000, "IDR", ""),
        ("lương 20-30 triệu/tháng", 20_000_000, 30_000_000, "VND", "month"),
        ("1,50,000 rupees yearly", 150_000, 150_000, "INR", "year"),
        ("KES 18,000 kwa mwezi", 18000, 18000, "KES", "month"),
        ("зарплата 60 000 руб в месяц", 60000, 60000, "RUB", "month"),
        ("ksh 500 per task", 500, 500, "KES", "task"),
        ("S$420 billion", 420e9, 420e9, "SGD", ""),
        ("1️⃣5️⃣0️⃣0️⃣ USD", 1500, 1500, "USD", ""),
        ("１５，０００円", 15000, 15000, "JPY", ""),
        ("0.005 USD", 0.005, 0.005, "USD", ""),
        ("0'534 USD", 534, 534, "USD", ""),
    ],
)
def test_money(text, low, high, currency, period):
    """Amounts and ranges, with currency and period, as people of many countries write them."""
    (sum_,) = [one for one in entities(text) if one.kind == "money"]

    assert (sum_.amount_low, sum_.amount_high, sum_.currency, sum_.period) == (low, high, currency, period)


@pytest.mark.parametrize(
    "text",
    [
        "2024年5月1日",
        "room 500, 300 people",
        "每月有260个小时",
        "wo b3 te",
        "1800an",
        "5 years and 300 days",
        "100% sure",
        "V sad 1 u",
    ],
)
def test_other_numbers_are_no_money(text):
    """Dates, counts, hours and digits used as letters are no sums."""
    assert "money" not in [one.kind for one in entities(text)]


PIECES = st.sampled_from(
    ["+62 812-3456-7890", "telegram", "@abc_d1", "t.me/", "微信", "abc123", "15,000", "元", "$", "/月", "http://x.com/a", "a@b.org", "\u200b", "０９１", "ｘ",
     "é", "1️⃣", "İ", "ß", "ﬁ", " ", "\n", "line id", ":", "wa.me/6281234567890", "x.com", "-", "万", "บาท", "٣٠٠", "\ud7b0", "😀", "①", "½", "㎏"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=14).map("".join)))
def test_spans_always_lie_in_the_original(text):
    """Each entity is a non-empty slice of the text; they stand in order and never overlap."""
    last = 0
    for one in entities(text):
        assert isinstance(one, Entity)
        assert last <= one.start < one.end <= len(text)
        assert one.value
        assert one.amount_low <= one.amount_high
        last = one.end


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=10).map("".join), st.sampled_from(("\u200b", "\u2060", "\u00ad")))
def test_invisible_marks_change_no_value(text, mark):
    """A mark between all letters hides nothing."""
    assert [(one.kind, one.value) for one in entities(mark.join(text))] == [
        (one.kind, one.value) for one in entities(text)
    ]


def test_ordinary_text_is_cheap():
    """Text without any entity is passed in microseconds (a loose bound: shared machines are slow)."""
    texts = [
        "Are you coming to the market on Sunday? I finish the shift at noon.",
        "到学校了吗？记得吃饭。周末回家，想吃饺子。",
    ] * 500
    best = min(_seconds(texts) for _ in range(3))

    assert not any(map(entities, texts))
    assert len(texts) / best > 10_000


def _seconds(texts):
    start = time.process_time()
    for text in texts:
        entities(text)
    return time.process_time() - start


def test_a_long_text_of_contacts_is_read_in_time_that_grows_with_it():
    """Handles, numbers and names of messengers by the thousand: each is still tied to the app beside it."""
    text = "call +66 812345678 or @anna77 on telegram, "
    found = entities(text * 3_000)

    assert [entity.kind for entity in found[:3]] == [entity.kind for entity in entities(text)]
    assert len(found) == 3_000 * len(entities(text))
    assert {entity.app for entity in found if entity.kind == "handle"} == {"telegram"}
