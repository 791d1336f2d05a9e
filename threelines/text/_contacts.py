"""Ways to reach somebody, in plain text: names of messengers, handles, links, e-mail addresses."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cache
from string import ascii_letters
from typing import NamedTuple

import ahocorasick_rs

from threelines.text._money import plain_word
from threelines.text.addresses import names_no_account


class Contact(NamedTuple):
    """A way to reach somebody."""

    kind: str
    start: int
    end: int
    value: str
    app: str = ""
    host: str = ""


# Names that can only be the messenger, in the scripts its users write.
_NAMES = {
    "telegram": "telegram телеграм телеграмм тэлеграм تلگرام تلغرام تيليجرام تليجرام تيلجرام टेलीग्राम टेलिग्राम টেলিগ্রাম เทเลแกรม เทเลเแกรม "
    "纸飞机 飞机号 テレグラム 텔레그램 텔레 טלגרם ቴሌግራም តេឡេក្រាម တယ်လီဂရမ်",
    "whatsapp": "whatsapp watsapp whatapp whatsap wattsapp whats_app wasap wassap вотсап ватсап вацап ватсапп واتساب واتس_اب واتس_آب واتسآب "
    "व्हाट्सएप व्हाट्सऐप व्हाट्सअप হোয়াটসঅ্যাপ வாட்ஸ்அப் วอทส์แอพ วอทส์แอป วอตส์แอป วอทแอพ 왓츠앱 ワッツアップ וואטסאפ ዋትስአፕ",
    "wechat": "wechat weixin we_chat 微信 薇信 徽信 威❤ v信 加v 加薇 +v 위챗 วีแชท вичат ウィーチャット",
    "line": "ไลน์ 加賴 加赖 加line ไอดีไลน์",
    "qq": "扣扣 企鹅号 qq号 qq群",
    "viber": "viber вайбер فايبر ဗိုင်ဘာ",
    "signal": "سيجنال",
    "zalo": "zalo",
    "kakaotalk": "kakaotalk kakao_talk kakao 카카오톡 카톡 까톡 오픈채팅 カカオトーク",
    "discord": "discord дискорд 디스코드 ディスコード",
    "snapchat": "snapchat سناب_شات سناب",
    "instagram": "instagram insta инстаграм انستقرام انستغرام انستجرام 인스타그램 인스타 インスタ इंस्टाग्राम আইজি ไอจี",
    "facebook": "facebook messenger fb_messenger фейсбук فيسبوك เฟสบุ๊ค เฟซบุ๊ก フェイスブック 페이스북",
    "skype": "skype скайп",
    "tiktok": "tiktok tik_tok 抖音 틱톡 ติ๊กต็อก",
    "botim": "botim",
}
# Ordinary words or letters that are a messenger only where an id follows or a word says "on".
_SHORT = {
    "telegram": "tg tele телега тг 电报 電報", "whatsapp": "wa wapp wsp wpp zap вп", "wechat": "wx vx 卫星 威信 v", "line": "line 라인 ライン 賴",
    "qq": "qq", "signal": "signal сигнал", "snapchat": "snap sc", "instagram": "ig инста", "facebook": "fb", "imo": "imo", "kik": "kik",
}  # fmt: skip

_BEFORE_SHORT = re.compile(
    r"(?<![a-z])(?:on|via|by|through|over|to|my|add|use|using|加|添加|联系|ทาง|แอด|di|lewat|melalui|por|en|no|qua|через|в|على|عبر|dm|chat|추가)\s{0,2}\Z"
)
_ID = re.compile(
    r"(?P<gap>(?:\s{0,2}(?:id|号码|号|號|账号|account|username|user|nick|name|no\.?|nomor|number|num|ไอดี|아이디|айди|ник|is|是|为|搜|咨询|客服|联系|同号|[:=\-→>(@~]|[.](?=\s)))"
    r"{0,4}\s{0,2})@?(?P<id>[a-z0-9_](?:[a-z0-9_.\-]{1,30}[a-z0-9_]))"
)
_MARKED = re.compile(r"id|号|號|user|nick|ไอดี|아이디|айди|ник|[:=@→~]")
_NAMED_ID = re.compile(r"(?:id|号|號|user|username|nick|ไอดี|아이디|айди|ник)\s{0,2}(?:[:=\->]|is|是)?\s{0,2}\Z|@\Z")
_GOES_ON = re.compile(r" ?[a-z]")
_AT = re.compile(r"(?<![\w.@/])@([a-z0-9_](?:[a-z0-9_.]{1,30}[a-z0-9_]))")
_EMAIL = re.compile(
    r"(?<![a-z0-9._%+\-])[a-z0-9][a-z0-9._%+\-]{0,63}@(?:[a-z0-9\-]{1,63}\.){1,6}[a-z]{2,24}(?![a-z0-9\-])"
)
_SPELT = re.compile(
    r"(?<![a-z0-9._%+\-])(?P<name>[a-z0-9][a-z0-9._%+\-]{0,63}) ?[\[(] ?at ?[\])] ?"
    r"(?P<host>(?:[a-z0-9\-]{1,63}(?:\.| ?[\[(] ?(?:dot|\.) ?[\])] ?)){1,6}[a-z]{2,24})(?![a-z0-9\-])"
)
"""`name [at] host [dot] tld`."""
_SPELT_AT = re.compile(r"[\[(] ?at ?[\])]")
_SPELT_DOT = re.compile(r" ?[\[(] ?(?:dot|\.) ?[\])] ?")

# Addresses of the messengers themselves: app, words one of which must occur, pattern of the account.
_DEEP = tuple(
    (app, tuple(needed.split()), re.compile(r"(?<![a-z0-9.\-])(?:https?://)?(?:www\.)?" + pattern))
    for app, needed, pattern in (
        ("telegram", "t.me/ m.me/ m.dog/", r"(?:t|telegram)\.(?:me|dog)/(?:s/|joinchat/)?[+@]?([a-z0-9_\-]{3,64})"),
        ("telegram", "tg://", r"tg://(?:resolve\?domain|join\?invite)=([a-z0-9_\-]{3,64})"),
        ("whatsapp", "wa.me/ wa.link/", r"(?:wa\.me|wa\.link)/(?:message/|c/|qr/)?\+?([a-z0-9]{3,40})"),
        ("whatsapp", "whatsapp.com/", r"(?:(?:api|web)\.)?whatsapp\.com/send/?\?(?:[!-~]{0,60}&)?phone=\+?([0-9]{6,15})"),
        ("whatsapp", "whatsapp.com/", r"chat\.whatsapp\.com/(?:invite/)?([a-z0-9]{8,40})"),
        ("whatsapp", "whatsapp.com/", r"whatsapp\.com/channel/([a-z0-9]{8,40})"),
        ("line", "line.me/", r"line\.me/(?:r/)?(?:ti|oa)/[pg]2?/[~@]?(?:%40)?([a-z0-9_.\-]{2,64})"),
        ("line", "lin.ee/", r"lin\.ee/([a-z0-9]{3,20})"),
        ("viber", "viber.", r"(?:viber\.me|chats\.viber\.com|invite\.viber\.com)/(?:\?g2?=)?([a-z0-9_%=\-]{3,60})"),
        ("signal", "signal.", r"signal\.(?:me|group)/#(?:p/|eu/)?\+?([a-z0-9_\-]{6,80})"),
        ("zalo", "zalo.me/", r"zalo\.me/(?:g/|s/)?([a-z0-9]{3,40})"),
        ("kakaotalk", "kakao.com/", r"(?:open\.kakao\.com/(?:o|me)/|pf\.kakao\.com/)([a-z0-9_]{3,40})"),
        ("discord", "discord.gg/ /invite/", r"(?:discord\.gg|discord(?:app)?\.com/invite)/([a-z0-9\-]{2,40})"),
        ("snapchat", "/add/", r"snapchat\.com/add/([a-z0-9_.\-]{3,40})"),
        ("instagram", "instagram.com/ instagr.am/ ig.me/", r"(?:instagram\.com|instagr\.am|ig\.me/m)/(?:stories/)?([a-z0-9_.]{2,40})"),
        ("facebook", "m.me/ fb. facebook.com/", r"(?:m\.me|fb\.me|fb\.com|facebook\.com)/(?:groups/|profile\.php\?id=)?([a-z0-9_.\-]{3,60})"),
        ("skype", "join.skype", r"join\.skype\.com/(?:invite/)?([a-z0-9]{6,40})"),
        ("tiktok", "tiktok.com/@", r"tiktok\.com/@([a-z0-9_.]{2,40})"),
        ("wechat", "wechat.com/ weixin.", r"(?:u\.wechat\.com|weixin\.qq\.com/[rg])/([a-z0-9_\-]{4,60})"),
        ("skype", "live:", r"(live:\.?[a-z0-9_.\-]{3,60})"),
    )
)  # fmt: skip

_BY_NUMBER = (
    "whatsapp",
    "viber",
    "signal",
)  # whose addresses hold the number with its country; t.me only behind a plus

_DOT = r"(?:\.|\[\.\]|\(\.\)|\{\.\}| ?\[dot\] ?| ?\(dot\) ?)"
_LINK = re.compile(
    r"(?<![a-z0-9@])(?:(?:https?|hxxps?|ftp)://(?P<host>(?:[a-z0-9\-]{1,63}"
    + _DOT
    + r"){1,8}[a-z]{2,24}|[\w.\-]{3,100}|\[[0-9a-f:]+\])"
    r"|(?P<www>www\.(?:[a-z0-9\-]{1,63}\.){1,6}[a-z]{2,24})"
    r"|(?<![.\-])(?P<bare>(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?" + _DOT + r"){1,6}(?P<tld>[a-z]{2,24})))"
    r"(?![a-z0-9\-])(?P<port>:\d{2,5})?(?P<path>[/?#][!#-&*-;=?-Z\\^-z~]*)?"
)
_LINK_HINT = re.compile(r"[a-z0-9)\]}]\.[a-z]|://|[\[({ ]\.[\])}]|[\[(]dot[\])]")
_COMMON = frozenset(
    [
        "com",
        "net",
        "org",
        "info",
        "biz",
        "xyz",
        "top",
        "site",
        "online",
        "shop",
        "store",
        "club",
        "vip",
        "live",
        "app",
        "dev",
        "io",
        "co",
        "ai",
        "cc",
        "tv",
        "link",
        "click",
        "icu",
        "work",
        "jobs",
        "job",
        "career",
        "careers",
        "agency",
        "company",
        "asia",
        "pro",
        "mobi",
        "world",
        "global",
        "group",
        "team",
        "today",
        "life",
        "space",
        "fun",
        "website",
        "tech",
        "cloud",
        "art",
        "blog",
        "news",
        "help",
        "support",
        "center",
        "services",
        "solutions",
        "digital",
        "media",
        "network",
        "email",
        "chat",
        "social",
        "bet",
        "casino",
        "win",
        "loan",
        "cash",
        "money",
        "finance",
        "fund",
        "bank",
        "trade",
        "market",
        "sale",
        "buzz",
        "cyou",
        "sbs",
        "lol",
        "pw",
        "ws",
        "su",
        "eu",
        "edu",
        "gov",
        "ink",
        "ltd",
        "wiki",
        "red",
        "cn",
        "hk",
        "tw",
        "jp",
        "kr",
        "th",
        "vn",
        "ph",
        "sg",
        "id",
        "mm",
        "kh",
        "la",
        "np",
        "bd",
        "pk",
        "lk",
        "ae",
        "sa",
        "qa",
        "kw",
        "om",
        "bh",
        "jo",
        "lb",
        "eg",
        "ma",
        "dz",
        "tn",
        "ng",
        "ke",
        "tz",
        "ug",
        "et",
        "gh",
        "za",
        "zm",
        "zw",
        "ru",
        "ua",
        "by",
        "kz",
        "uz",
        "kg",
        "tj",
        "ge",
        "az",
        "ro",
        "bg",
        "rs",
        "hr",
        "si",
        "sk",
        "cz",
        "pl",
        "hu",
        "gr",
        "tr",
        "cy",
        "mt",
        "pt",
        "es",
        "fr",
        "it",
        "de",
        "at",
        "ch",
        "nl",
        "uk",
        "ie",
        "se",
        "dk",
        "fi",
        "lt",
        "lv",
        "ee",
        "br",
        "ar",
        "cl",
        "pe",
        "ec",
        "bo",
        "py",
        "uy",
        "ve",
        "mx",
        "cr",
        "gt",
        "hn",
        "sv",
        "ni",
        "pa",
        "cu",
        "pr",
        "au",
        "nz",
        "ca",
        "us",
        "in",
        "my",
        "me",
        "to",
        "so",
        "gg",
        "gl",
        "ly",
        "be",
        "am",
        "fm",
        "im",
        "is",
        "mu",
        "mn",
        "mo",
        "sc",
        "st",
        "vc",
    ]
)
# Short words of English or of other languages, and endings of file names: a full stop without a space makes these.
_WORDY = frozenset(
    [
        "me",
        "to",
        "so",
        "is",
        "it",
        "in",
        "my",
        "at",
        "be",
        "am",
        "de",
        "la",
        "es",
        "by",
        "us",
        "id",
        "no",
        "in",
        "co",
        "work",
        "live",
        "help",
        "jobs",
        "job",
        "news",
        "today",
        "art",
        "life",
        "link",
        "click",
        "chat",
        "group",
        "team",
        "fun",
        "sale",
        "money",
        "cash",
        "support",
        "center",
        "app",
        "red",
        "info",
        "im",
        "st",
        "sc",
        "py",
        "rs",
        "pl",
        "sh",
        "md",
        "ps",
        "pro",
        "space",
        "world",
        "social",
        "market",
        "ai",
    ]
)
_TRAILING = ".,;:!?)]}'\"»”’*_~"


class _Name(NamedTuple):
    """A way in which a messenger's name is written."""

    text: str
    app: str
    short: bool
    joined_left: str
    """Letters after which it is a part of another word."""
    joined_right: str
    """Letters before which it is a part of another word."""


_BEFORE_LATIN = ascii_letters + "0123456789" + "./@_-"
_AFTER_LATIN = ascii_letters + "_"


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


@cache
def _names() -> tuple[ahocorasick_rs.AhoCorasick, tuple[_Name, ...]]:
    entries: dict[str, _Name] = {}
    for short, table in ((True, _SHORT), (False, _NAMES)):
        for app, words in table.items():
            for word in words.split():
                name = plain_word(word.replace("_", " "))
                first, last = _is_latin(name[0]), _is_latin(name[-1])
                entries[name] = _Name(name, app, short, _BEFORE_LATIN if first else "", _AFTER_LATIN if last else "")
    listed = tuple(entries[name] for name in sorted(entries))
    automaton = ahocorasick_rs.AhoCorasick(
        [name.text for name in listed],
        matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
        implementation=ahocorasick_rs.Implementation.DFA,  # few names: 0.5 us a text less than the default
    )
    return automaton, listed


_LONGEST_NAME = 30
"""Letters of a messenger's name, at most."""
_THAI_LINE = plain_word("ไลน์")


class Named(NamedTuple):
    """A messenger's name in plain text."""

    start: int
    end: int
    app: str
    short: bool


def named(plain: str) -> list[Named]:
    """Return the names of messengers; short ones are doubtful alone."""
    automaton, listed = _names()
    found = []
    for index, start, end in automaton.find_matches_as_indexes(plain):
        text, app, short, joined_left, joined_right = listed[index]
        if (joined_left and start and plain[start - 1] in joined_left) or (
            joined_right and end < len(plain) and plain[end] in joined_right
        ):
            continue
        if text == _THAI_LINE and plain.endswith("ออน", 0, start):
            continue  # "online"
        found.append(Named(start, end, app, short))
    return found


def deep_links(plain: str) -> Iterator[Contact]:
    """Yield accounts and invitations given as a messenger's own address."""
    if "/" not in plain and "live:" not in plain:
        return
    for app, needed, pattern in _DEEP:
        if any(word in plain for word in needed):
            for found in pattern.finditer(plain):
                value = found[1].rstrip(_TRAILING)
                if names_no_account(app, value):
                    continue  # a link like others
                by_number = app in _BY_NUMBER or plain[found.start(1) - 1] == "+"
                if by_number and value.isdigit() and 8 <= len(value) <= 15:
                    yield Contact("phone", found.start(), found.end(1), "+" + value, app)
                else:
                    yield Contact("handle", found.start(), found.end(1), value, app)


def emails(plain: str) -> Iterator[Contact]:
    """Yield e-mail addresses, also those whose signs are spelt out in brackets."""
    if "@" in plain:
        for found in _EMAIL.finditer(plain):
            yield Contact("email", found.start(), found.end(), found[0])
    if _SPELT_AT.search(plain):
        for found in _SPELT.finditer(plain):
            host = _SPELT_DOT.sub(".", found["host"])
            yield Contact("email", found.start(), found.end(), f"{found['name']}@{host}")


def links(plain: str, upper: str) -> Iterator[Contact]:
    """Yield links and bare domains; `upper` is the text with its capitals, letter by letter, where known."""
    if not _LINK_HINT.search(plain):
        return
    for found in _LINK.finditer(plain):
        host = re.sub(_DOT, ".", found["host"] or found["www"] or found["bare"])
        if found["bare"] and not _is_domain(found, host, upper):
            continue
        end = found.end()
        if found["path"]:
            end -= len(found["path"]) - len(found["path"].rstrip(_TRAILING))
        path = plain[found.start("path") : end] if found["path"] else ""
        yield Contact(
            "link", found.start(), end, host + (found["port"] or "") + path.rstrip("/"), host=host.removeprefix("www.")
        )


def _is_domain(found: re.Match[str], host: str, upper: str) -> bool:
    tld = found["tld"]
    if tld not in _COMMON:
        return False
    written = upper[found.start("tld") : found.end("tld")]
    if (
        written != written.lower()
        and upper[found.start("bare") : found.end("bare")] != upper[found.start("bare") : found.end("bare")].upper()
    ):
        return False  # "done.In the morning": a new sentence
    return (
        tld not in _WORDY
        or bool(found["path"])
        or host.count(".") > 1
        or any(mark.isdigit() or mark == "-" for mark in host)
    )


def handles(plain: str, messengers: list[Named]) -> Iterator[Contact]:
    """Yield ids that stand after a messenger's name, and `@name` anywhere."""
    for name in messengers:
        found = _ID.match(plain, name.end)
        if not found or not _is_id(plain, found, name):
            continue
        start = name.start
        yield Contact("handle", start, found.end("id"), found["id"], name.app)
    if "@" in plain:
        for found in _AT.finditer(plain):
            beside = around(messengers, found.start(), 30 + len(found[0]))
            near = min(
                (name for name in beside if -30 <= name.end - found.start() <= 0 or 0 <= name.start - found.end() <= 20),
                key=lambda name: abs(name.end - found.start()), default=None,
            )  # fmt: skip
            yield Contact("handle", found.start(), found.end(), found[1], near.app if near else "")


def around(messengers: list[Named], at: int, reach: int) -> list[Named]:
    """Return the names that end or begin within `reach` of a place, and perhaps some more beside them."""
    if len(messengers) < 8:
        return messengers
    low = bisect_left(messengers, at - reach - _LONGEST_NAME, key=_start)
    return messengers[low : bisect_right(messengers, at + reach, key=_start)]


def _start(name: Named) -> int:
    return name.start


def _is_id(plain: str, found: re.Match[str], name: Named) -> bool:
    """Tell an id from an ordinary word that comes next: ids carry digits or a mark, or stand at the end."""
    identity, gap = found["id"], found["gap"]
    digits = sum(letter.isdigit() for letter in identity)
    if not identity.strip("0123456789.-"):
        return name.app == "qq" and 5 <= len(identity) == digits <= 11
    odd = digits > 0 or "_" in identity
    if _NAMED_ID.search(found[0][: found.start("id") - found.start()]):
        return len(identity) >= 3
    if name.short:
        return odd and _MARKED.search(gap) is not None and len(identity) >= 3
    if odd:
        return len(identity) >= (3 if _MARKED.search(gap) else 5)
    return _MARKED.search(gap) is not None and len(identity) >= 4 and not _GOES_ON.match(plain, found.end())


def mentions(plain: str, messengers: list[Named]) -> Iterator[Contact]:
    """Yield the bare names of messengers; a short one only after a word such as "on" or "add"."""
    for name in messengers:
        if not name.short or _BEFORE_SHORT.search(plain, max(0, name.start - 12), name.start):
            if name.short and name.end - name.start < 2:
                continue
            yield Contact("messenger", name.start, name.end, name.app, name.app)
