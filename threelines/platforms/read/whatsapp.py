"""WhatsApp's "Export chat": the text file of Android and of iOS, in any region's dates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from threelines.platforms.read._source import (
    BROKEN_UTF8,
    LIMIT,
    TOO_LONG,
    TOO_LONG_REASON,
    Options,
    ReadError,
    Repair,
    Skip,
    Source,
    decoded,
    lines,
)  # fmt: skip
from threelines.platforms.read._stamps import MARKS, Orders, Stamp, stamp_of, time_of_stamp
from threelines.platforms.read._times import Order
from threelines.records import Attachment, Record

NAME = "whatsapp"
NAMED_FOR_A_PERSON = True
_SNIFFED_LINES = 40
_NO_MARKS = dict.fromkeys(map(ord, MARKS))

_AUTHOR = re.compile(r"([^:\n]{1,100}?)\s?:(?:\s|\Z)")
_OMITTED = re.compile(
    r"<(?:media omitted|multimedia omitido|archivo omitido|médias omis|médias? omis|medien ausgeschlossen|mídia oculta|ficheiro não revelado|"
    r"media tidak disertakan|media omessi|media weggelaten|media utelämnad|medya dahil edilmedi|pominięto multimedia|без медиафайлов|"
    r"файл не додано|ไม่รวมสื่อ|đã bỏ qua file phương tiện|bỏ qua phương tiện|省略多媒體檔案|已略去多媒體檔案|媒体文件已省略|省略媒体文件|"
    r"メディアは含まれていません|メディアなし|미디어 파일을 제외한 내용|미디어 파일 생략됨|تم استبعاد الوسائط|मीडिया छोड़ा गया|मीडिया शामिल नहीं है|"
    r"মিডিয়া বাদ দেয়া হয়েছে|hindi kasama ang media|midia imeachwa|الوسائط غير مدرجة)>", re.I
)  # fmt: skip
_OMITTED_IOS = re.compile(
    r"(?:image|video|audio|gif|sticker|document|contact card|imagen|imagem|bild|immagine|gambar|foto|vídeo|рисунок|изображение|图片|圖片|视频|影片|"
    r"画像|動画|사진|이미지|동영상|รูปภาพ|วิดีโอ|hình ảnh|صورة|فيديو)\s?(?:omitted|omitido|omitida|oculto|oculta|weggelassen|omesso|omessa|"
    r"tidak disertakan|пропущено|已省略|略去|已略去|は含まれていません|が省略されました|생략됨|생략|ไม่ได้แนบ|bị bỏ qua|đã bị bỏ qua|مستبعدة|مستبعد)\Z", re.I
)  # fmt: skip
_FILE = re.compile(
    r"(?:<[^<>:]{2,40}: (?P<ios>[^<>]{1,200}\.\w{2,5})>|(?P<android>[^\n<>]{1,200}\.\w{2,5}) \([^()\n]{4,40}\))\s*"
)  # fmt: skip
_MARKED_FILE = re.compile(r"\s?\u200e<[^<>:]{2,40}: ([^<>\n]{1,200}\.\w{2,5})>")
"""A file behind the words that it was sent with, as iOS writes it."""
_EDITED = re.compile(
    r"\s?\u200e?<(?:this message was edited|se editó este mensaje|mensagem editada|(?:esta )?mensagem foi editada|diese nachricht wurde bearbeitet|"
    r"ce message a été modifié|questo messaggio è stato modificato|pesan ini diedit|данное сообщение изменено|сообщение изменено)\.?>\s*\Z", re.I
)  # fmt: skip
_SECURITY_WORD = re.compile("secur|segur|[Ss]icher|sécur|sicur|keaman|безоп")
_SECURITY = re.compile(
    r"(?:your security code with .{1,60} (?:has )?changed|(?:tu|el|su) código de seguridad (?:con|de) .{1,60} (?:ha )?(?:cambió|cambiado)|"
    r"(?:se )?cambió (?:tu|el|su) código de seguridad (?:con|de) [^:]{1,40}(?:: \w{1,20})?|"
    r"(?:o )?seu código de segurança com .{1,60} mudou|(?:deine|die) sicherheitsnummer (?:für|von|mit) .{1,60} hat sich geändert|"
    r"votre code de sécurité avec .{1,60} a changé|il tuo codice di sicurezza con .{1,60} è cambiato|kode keamanan anda dengan .{1,60} berubah|"
    r"(?:ваш )?код безопасности с .{1,60} изменился)\.?(?: (?:tap to learn more|toca para obtener más información|toque para saber mais|"
    r"tippe,? um mehr zu erfahren|appuyez pour en savoir plus|tocca per saperne di più|ketuk untuk mempelajari selengkapnya)\.?)?", re.I
)  # fmt: skip
"""A whole line without an author that holds the name of a contact, which may have a colon (`Bo: Work`)."""
# WhatsApp's own words. Who writes such words into a message must not disappear from judgement by it, so
# they count only as whole short messages (_CONSTANT, _ENCRYPTED) or with iOS's mark and the author's name (_EVENT).
_ENCRYPTED = re.compile(
    r"end-to-end encrypted|cifrado de extremo a extremo|cifrados de extremo|criptografia de ponta|terenkripsi secara end-to-end|enkripsi end-to-end|"
    r"chiffrés? de bout en bout|ende-zu-ende-verschlüsselt|端到端加密|端對端加密|エンドツーエンド|종단간 암호화|เข้ารหัสจากต้นทาง|mã hóa đầu cuối|"
    r"مشفرة تمامًا|مشفّرة|сквозным шифрованием|सिरे से सिरे|uçtan uca", re.I
)  # fmt: skip
_CONSTANT = re.compile(
    r"(?:this message was deleted|you deleted this message|se eliminó este mensaje|eliminaste este mensaje|(?:esta )?mensagem apagada|"
    r"(?:anda menghapus pesan ini|pesan ini telah dihapus|pesan ini dihapus)|ce message a été supprimé|vous avez supprimé ce message|"
    r"diese nachricht wurde gelöscht|du hast diese nachricht gelöscht|此消息已被?删除|这条消息已删除|此訊息已刪除|このメッセージは削除されました|"
    r"삭제된 메시지입니다|ข้อความนี้ถูกลบ(?:แล้ว)?|tin nhắn này đã bị xóa|تم حذف هذه الرسالة|данное сообщение удалено)\.?"
    r"|(?:missed (?:group )?(?:voice|video) call|(?:voice|video) call|llamada (?:de voz |de vídeo )?perdida|(?:chamada de (?:voz|vídeo) perdida)|"
    r"panggilan (?:suara|video) tak terjawab|appel (?:vocal|vidéo) manqué|verpasster (?:sprach|video)anruf|未接(?:语音|視訊|视频|語音)(?:通话|通話)|"
    r"不在着信|부재중 (?:음성|영상) ?통화|สายที่ไม่ได้รับ|cuộc gọi (?:thoại|video) nhỡ)[^@/\n]{0,30}", re.I
)  # fmt: skip
_EVENT = re.compile(
    r"\b(?:created|added|removed|left|joined|changed|turned|pinned|invited|creó|añadió|salió|cambió|criou|adicionou|saiu|mudou|membuat|menambahkan|"
    r"keluar|mengubah|a créé|a ajouté|a quitté|hat|создал|добавил)\b|创建|添加|加入|退出|更改|สร้าง|เพิ่ม|ออกจาก|เปลี่ยน", re.I
)  # fmt: skip
_RENAMED = re.compile(
    r"(?:created|changed|creó|cambió|criou|mudou|membuat|mengubah|créé|changé|hat|создал|изменил|创建|更改|สร้าง|เปลี่ยน|변경|作成|変更)"
    r"[^\"“”«»「」]{0,60}[\"“”«»「」]", re.I
)  # fmt: skip
"""A line without an author that has a colon: `Ana changed the subject from "Jobs: here" …`."""

_REACHES_OUT = re.compile(r"\d{5}|@|//|\w\.\w+/")
_MOST_DOUBTFUL = 1000


class _Chat(NamedTuple):
    """What the first pass over a file found."""

    order: Order
    sure: bool
    authors: tuple[str, ...]
    """At most three: enough to know whether two people talk."""
    renamed: frozenset[str]
    """Authors whose names read like a notice, known by writing more than once."""


def sniff(path: Path, head: bytes) -> bool:
    """One of the first lines starts like a message."""
    if b"\0" in head:
        return False
    return any(stamp_of(line) for line in head.decode("utf-8", "replace").splitlines()[:_SNIFFED_LINES])


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per message; lines without a stamp go on with the message before.

    The file name is the only name of the chat and often a person's: it becomes a token like an account,
    unless revealed.
    """
    chat = _survey(source, options.dates)
    if not chat.sure:
        reading = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}[chat.order]
        told = "--dates dmy, mdy or ymd tells which is right"
        yield Repair(source.name, f"its dates can be read in more than one order; read as {reading} ({told})")
    name = source.name if options.reveal else options.token(source.name)
    for number, head, text in _messages(source):
        if isinstance(head, Skip):
            yield head
        else:
            yield from _record(chat, head, text, (source.at(number), f"{name}:{number}"), options)


def _survey(source: Source, told: Order | None) -> _Chat:
    """Read the stamps of the whole file once; what is kept of it does not grow with the file."""
    newest = date.fromtimestamp(source.path.stat().st_mtime) + timedelta(days=2)
    orders, authors, doubtful, found = Orders(newest), dict[str, None](), Counter[str](), False
    for _, line in lines(source):
        start = line[:400].decode("utf-8", "replace").rstrip("\r\n")
        stamp = stamp_of(start)
        if stamp is None:
            continue
        found = True
        orders.add(stamp)
        author, text = _split(start[stamp.end :])
        if author and _reads_like_notice(author):
            if len(doubtful) < _MOST_DOUBTFUL or author in doubtful:
                doubtful[author] += 1
        elif author and len(authors) < 3 and not _is_notice(author, text):
            authors[author] = None
    if not found:
        raise ReadError(f"{source.name}: no line starts like a WhatsApp message; name the format with --format")
    order, sure = (told, True) if told else orders.decide()
    return _Chat(order, sure, tuple(authors), frozenset(name for name, times in doubtful.items() if times > 1))


def _messages(source: Source) -> Iterator[tuple[int, Stamp | Skip, str]]:
    """Yield (line, stamp, rest of the message with its further lines)."""
    started, stamp, parts, size = 0, None, list[str](), 0
    for number, line in lines(source):
        if line == TOO_LONG:
            yield number, Skip(source.at(number), TOO_LONG_REASON), ""
            continue
        text, replaced = decoded(line)
        if replaced:
            yield number, Repair(source.at(number), BROKEN_UTF8), ""
        text = text.rstrip("\r\n")
        begins = stamp_of(text)
        if begins is not None:
            if stamp is not None:
                yield started, stamp, "\n".join(parts)
            started, stamp, parts, size = number, begins, [text[begins.end :]], len(text)
        elif stamp is not None and size < LIMIT:
            parts.append(text)
            size += len(text) + 1
        elif text.strip(MARKS + " "):
            reason = TOO_LONG_REASON if stamp is not None else "before the first message"
            yield number, Skip(source.at(number), reason), ""
    if stamp is not None:
        yield started, stamp, "\n".join(parts)


def _record(chat: _Chat, stamp: Stamp, rest: str, at: tuple[str, str], options: Options) -> Iterator[Record | Skip]:
    where, identity = at
    moment = time_of_stamp(stamp, chat.order)
    if moment is None:
        yield Repair(where, "no such date under the order of this file; the time was left out")
    elif not stamp.known_half:
        yield Repair(where, f"{stamp.half!r} is no known half of the day; read as a 24-hour clock")
    author, text = _split(rest)
    if _reads_like_notice(author) and author not in chat.renamed:
        author, text = "", rest
    system = not author or _is_notice(author, text)
    if author and _ENCRYPTED.search(text) and system:
        author = ""  # iOS puts the name of the chat here
    attachments, text = ((), text) if system else _attachments(text.lstrip(MARKS).rstrip("\n"))
    others = tuple(one for one in chat.authors if one != author) if len(chat.authors) == 2 and not system else ()
    yield Record(
        id=identity, kind="system" if system else "message", author=author, audience=others,
        conversation=identity.rpartition(":")[0], time=moment, text="" if system and not options.reveal else text,
        attachments=attachments, source=identity,
    )  # fmt: skip


def _split(rest: str) -> tuple[str, str]:
    """Return (author, text); a line of WhatsApp itself has no author."""
    found = _AUTHOR.match(rest)
    if found and " " in found[1] and _SECURITY_WORD.search(found[1]) and _is_security_notice(rest):
        return "", rest.strip(MARKS)
    author = found[1].translate(_NO_MARKS).strip(" \u202f\u00a0~") if found else ""
    if not found or not author:
        return "", rest.strip(MARKS)
    return author, rest[found.end() :]


def _is_security_notice(rest: str) -> bool:
    bare = rest[:200].translate(_NO_MARKS).strip()
    return _SECURITY.fullmatch(bare) is not None and not _REACHES_OUT.search(bare)


def _reads_like_notice(author: str) -> bool:
    return any(quote in author for quote in '"“”«»「」') and _RENAMED.search(author) is not None


def _is_notice(author: str, text: str) -> bool:
    """Tell WhatsApp's own words from an author's."""
    bare = text.translate(_NO_MARKS).strip()
    if len(bare) > 300 or "\n" in bare:
        return False
    if _CONSTANT.fullmatch(bare):
        return True
    if text[:1] not in MARKS or _REACHES_OUT.search(bare):  # iOS marks its words; Android gives them no author
        return False
    event = len(bare) < 150 and bare.startswith(author) and _EVENT.search(bare)
    return bool(event or (len(bare) < 200 and _ENCRYPTED.search(bare)))


def _attachments(text: str) -> tuple[tuple[Attachment, ...], str]:
    """Return what was attached and the words that remain, without WhatsApp's own."""
    if text.endswith(">"):
        text = _EDITED.sub("", text)
    if "\u200e<" in text and (names := _MARKED_FILE.findall(text)):
        files = tuple(Attachment(name=name.strip(MARKS + " ")) for name in names)
        return files, _MARKED_FILE.sub("", text).strip(MARKS + " \n")
    bare = text.strip(MARKS + " ")
    if len(bare) < 60 and (_OMITTED.fullmatch(bare) if bare[:1] == "<" else _OMITTED_IOS.match(bare)):
        return (Attachment(name="omitted"),), ""
    found = _FILE.match(bare) if bare[:1] == "<" or ("." in bare[:210] and " (" in bare[:210]) else None
    if not found:
        return (), text
    name = (found["ios"] or found["android"]).strip(MARKS + " ")
    return (Attachment(name=name),), bare[found.end() :].lstrip(MARKS)
