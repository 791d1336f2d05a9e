"""Mails that were made to keep a reader busy, and the words and accounts that are still read of them."""

import email

import pytest

from tests.reading import file_of, records
from threelines.platforms.read._html import words_of

START = b"From a\nFrom: a@b.c\nSubject: Cook\n"


def test_the_standard_parser_is_given_only_the_start_of_a_long_header(tmp_path):
    """Its time grows with the square of a header, so the rest of one is cut, and that is a counted repair."""
    mail = START.replace(b"Cook", b"=?utf-8?q?a?= " * 20_000)
    found, report = records(file_of(tmp_path, "m.mbox", mail + b"\nWe look for a cook\n"))

    assert found[0].text.endswith("We look for a cook")
    assert len(found[0].text) < 8 * 1024
    assert (report.repaired, report.examples[0].reason[:18]) == (1, "the header subject")


def test_a_content_type_with_thousands_of_parameters_is_cut(tmp_path):
    """The body is read all the same."""
    kind = b"Content-Type: text/plain; " + b"; ".join(b"a%d=b" % number for number in range(4000))
    found, report = records(file_of(tmp_path, "m.mbox", START + kind + b"\n\nhello\n"))

    assert found[0].text == "Cook\n\nhello"
    assert (report.repaired, report.examples[0].reason[:23]) == (1, "the header content-type")


def test_addresses_do_not_go_through_the_standard_parser(tmp_path, monkeypatch):
    """A list of hundreds of recipients is whole; a comma in an encoded name parts no address."""
    asked = []
    factory = email.policy.default.header_factory
    monkeypatch.setattr(
        type(factory), "__call__", lambda self, name, value: asked.append(name.lower()) or self[name](name, value)
    )
    many = b", ".join(b"a%d@b.c" % number for number in range(900))
    mail = b"From a\nFrom: =?utf-8?q?Doe=2C_Jo?= <j@b.c>\nTo: " + many + b"\n\nhello\n"
    found, report = records(file_of(tmp_path, "m.mbox", mail))

    assert (found[0].author, found[0].extra["author_name"], len(found[0].audience)) == ("j@b.c", "Doe, Jo", 900)
    assert report.repaired == 0
    assert not {"from", "to", "cc", "references"} & set(asked)


@pytest.mark.parametrize("charset", [b"punycode", b"IDNA"])
def test_codecs_of_host_names_are_no_charsets(tmp_path, charset):
    """They are as unknown as any other: the words are read as UTF-8, and that is said."""
    mail = START + b"Content-Type: text/plain; charset=" + charset + b"\n\naaba-aaba\n"
    found, report = records(file_of(tmp_path, "m.mbox", mail))

    assert found[0].text == "Cook\n\naaba-aaba"
    assert report.repaired == 1


@pytest.mark.parametrize(
    "parts",
    [
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n\n" * 3000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(60)),
    ],
    ids=["many", "nested"],
)
def test_a_mail_of_too_many_parts_is_one_skip(tmp_path, parts):
    """Thousands of parts, or dozens inside each other, cost minutes; the next mail is read."""
    found, report = records(file_of(tmp_path, "m.mbox", START + parts + b"\n\n" + START + b"\nhello\n"))

    assert [one.text for one in found] == ["Cook\n\nhello"]
    assert (report.skipped, "more than" in report.examples[0].reason) == (1, True)


def html_mail(markup):
    """Return a mail whose body is that HTML."""
    return START + b"Content-Type: text/html; charset=utf-8\n\n" + markup.encode() + b"\n"


@pytest.mark.parametrize("odd", ['<!["a"]>', "<![>", "<![ if !mso]>", "<?>", "<!>", "<!-->", "</>", "<p title='a>b'>"])
def test_markup_that_breaks_the_rules_costs_no_words(tmp_path, odd):
    """The standard parser ended with an AssertionError there, and the run with it; the words around it are read."""
    found, report = records(file_of(tmp_path, "m.mbox", html_mail(f"<p>We look {odd}for a cook</p>")))

    assert found[0].text.split() == "Cook We look for a cook".split()
    assert (report.skipped, report.repaired) == (0, 0)


@pytest.mark.parametrize("opens", ["<!-- ", "<style>", "<script>", "<head><title>", "<a ", "<a href='", "<template>"])
def test_what_nobody_closes_hides_no_words(tmp_path, opens):
    """A comment, a style or a tag that is open to the end of a mail is read on from: words behind it are judged."""
    found, _ = records(file_of(tmp_path, "m.mbox", html_mail(f"<p>a</p>{opens}We keep the passports")))

    assert found[0].text.endswith("We keep the passports")


@pytest.mark.parametrize(
    "again", ["<a ", "<a", "<!--", "<a x='>'", "<a =\"'", "<style>", "<", "<!", "</", "&#" + "9" * 5000]
)
def test_html_is_read_in_one_pass(again):
    """Half a megabyte of openings without an end is read at once, where each was looked for to the end of the text."""
    assert isinstance(words_of(again * (500_000 // len(again))), str)


def parts(kind, *inside):
    """Return a multipart of that kind as bytes, without the head of a mail."""
    edge = kind[:3].encode()
    body = b"".join(b"--" + edge + b"\n" + part + b"\n" for part in inside)
    return b"Content-Type: multipart/" + kind.encode() + b"; boundary=" + edge + b"\n\n" + body + b"--" + edge + b"--\n"


PICTURE = b"Content-Type: image/jpeg\nContent-Disposition: inline; filename=a.jpg\n\nx"
NOTE = b"Content-Type: text/plain\nContent-Disposition: attachment; filename=n.txt\n\nnot shown"


def text(words, kind="plain"):
    """Return a part with words."""
    return f"Content-Type: text/{kind}\n\n{words}".encode()


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        (parts("mixed", text("before"), PICTURE, text("<p>behind</p>", "html"), NOTE), ["before", "behind"]),
        (parts("alternative", text("plain"), parts("related", text("<p>html</p>", "html"), PICTURE)), ["plain"]),
        (parts("alternative", text(" "), text("<p>html</p>", "html")), ["html"]),
        (parts("mixed", parts("alternative", text("<b>h</b>", "html"), text("plain")), text("foot")), ["plain", "foot"]),
        (parts("related", text("<p>root</p>", "html"), text("beside", "html")), ["root"]),
        (parts("mixed", text("see"), b"Content-Type: message/rfc822\n\nSubject: Job\n\ninside"), ["see", "Job", "inside"]),
        (parts("mixed", b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\nSubject: Job\n\nin"), ["Job", "in"]),
    ],
    ids=["around a picture", "alternatives", "an empty alternative", "a foot", "related", "passed on", "attached mail"],
)  # fmt: skip
def test_all_words_that_a_mail_shows_are_read(tmp_path, mail, words):
    """Text around a picture and in a mail that is passed on is read, in its order; of alternatives one, and no attachment."""
    found, report = records(file_of(tmp_path, "m.mbox", START + mail))

    assert found[0].text == "\n\n".join(["Cook", *words])
    assert (report.skipped, report.repaired) == (0, 0)


@pytest.mark.parametrize(
    ("charset", "codec", "words"),
    [
        ("windows-874", "cp874", "งานในเมือง"),
        ("x-sjis", "cp932", "仕事①"),
        ("iso-8859-8-i", "iso-8859-8", "עבודה"),
        ("gb2312", "gb18030", "朱镕基"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("us-ascii", "ascii", "job"),
    ],
)
def test_charsets_are_known_under_the_names_that_mail_programs_give_them(tmp_path, charset, codec, words):
    """Thai Outlook writes windows-874, which Python does not know by that name: no letter is lost."""
    mail = START + b"Content-Type: text/plain; charset=" + charset.encode() + b"\n\n" + words.encode(codec) + b"\n"
    found, report = records(file_of(tmp_path, "m.mbox", mail))

    assert (found[0].text, report.repaired) == (f"Cook\n\n{words}", 0)


@pytest.mark.parametrize(
    ("charset", "raw", "words", "reason"),
    [
        ("x-nobody", "é".encode(), "é", "'x-nobody' is not known"),
        ("us-ascii", "é".encode(), "é", "it was read as UTF-8"),
        ("koi8-u", b"\xf2\xc1\xc2", "Раб", ""),
        ("gb2312", "工作".encode("gbk") + b"\xff", "工作\ufffd", "bytes that are not gb2312"),
    ],
)
def test_a_charset_that_does_not_fit_is_told_as_it_is(tmp_path, charset, raw, words, reason):
    """An unknown name, another encoding and a broken letter are three things; only what is broken is replaced."""
    mail = START + b"Content-Type: text/plain; charset=" + charset.encode() + b"\n\n" + raw + b"\n"
    found, report = records(file_of(tmp_path, "m.mbox", mail))

    assert found[0].text == f"Cook\n\n{words}"
    assert [reason in one.reason for one in report.examples] == [True] * bool(reason)
