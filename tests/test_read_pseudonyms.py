"""Account ids become tokens under a key that stays with the organisation."""

import json
import stat

import pytest

from threelines.platforms.columns import is_personal
from threelines.platforms.pseudonym import PseudonymError, conceal, load_key, pseudonyms
from threelines.platforms.read import read, shown_names
from threelines.records import Attachment, Record
from threelines.vocabulary.terms import load

KEY = b"a key for the tests only"


def test_tokens_depend_on_the_key_and_on_nothing_else():
    """The same id gives the same token in every run with one key, another with another key."""
    first, again, other = pseudonyms(KEY), pseudonyms(KEY), pseudonyms(KEY + b"!")

    assert first("ana") == again("ana")
    assert first("ana") != other("ana")
    assert first("ana") != first("Ana")
    assert first("") == ""


def test_a_token_is_short_readable_and_stays_itself():
    """A file made by `read` can be read again without new tokens."""
    token = pseudonyms(KEY)
    made = token("ana")

    assert made.startswith("acc_")
    assert len(made) == 20
    assert token(made) == made


def test_a_short_key_is_refused():
    """A key that can be guessed is no key."""
    with pytest.raises(PseudonymError, match="at least 16"):
        pseudonyms(b"secret")


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path):
    """First use makes 256 random bits with mode 0600; later uses read them."""
    path = tmp_path / "deep" / "key"
    made, new = load_key(path)
    read_again, newer = load_key(path)

    assert (new, newer) == (True, False)
    assert made == read_again
    assert len(made) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_that_cannot_be_kept_is_an_error(tmp_path):
    """A place that is no folder gives a message, not a traceback."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(PseudonymError):
        load_key(tmp_path / "file" / "key")


@pytest.mark.parametrize(
    "column",
    [
        "name",
        "userName",
        "display_name",
        "E-Mail",
        "phone_number",
        "ip_address",
        "avatarUrl",
        "from",
        "senderName",
        "PHONE",
    ],
)
def test_columns_that_name_people_are_known(column):
    """Names, addresses and numbers of people, in any spelling of the column."""
    assert is_personal(column)


@pytest.mark.parametrize(
    "column",
    [
        "city",
        "company_name",
        "fileName",
        "pay",
        "lang",
        "channel_name",
        "score",
        "tags",
        "surface",
        "pay_by",
        "by_hour",
    ],
)
def test_columns_that_name_nobody_are_kept(column):
    """Columns about things stay as they are."""
    assert not is_personal(column)


def test_extra_columns_are_concealed_at_any_depth():
    """Name columns, and any value that holds an id of the record's own accounts, become tokens."""
    token = pseudonyms(KEY)
    record = Record(
        author="ana77", audience=("bob88",),
        extra={
            "email": "ana@example.org", "profile": "https://example.org/ana77/x", "user": {"age": 31, "first": "Ana"}, "city": "Lyon",
            "friends": [{"name": "Carol"}], "reply_to": "bob88", "verified": True,
        },
        attachments=(Attachment(name="Ana.vcf"), Attachment(name="pay.pdf")),
    )  # fmt: skip
    hidden = conceal(record, token)

    assert hidden.author == token("ana77")
    assert hidden.audience == (token("bob88"),)
    assert hidden.extra == {
        "email": token("ana@example.org"), "profile": f"https://example.org/{token('ana77')}/x",
        "user": {"age": token("31"), "first": token("Ana")}, "city": "Lyon", "friends": [{"name": token("Carol")}],
        "reply_to": token("bob88"), "verified": True,
    }  # fmt: skip
    assert [one.name for one in hidden.attachments] == [token("Ana.vcf") + ".vcf", "pay.pdf"]


def test_record_and_conversation_ids_and_words_stay(tmp_path):
    """Only accounts change: ids of records and conversations and the text are as given."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "m1", "conversation": "c1", "author": "ana", "text": "ana here"}))
    (found,) = read([path], key=KEY)

    assert (found.id, found.conversation, found.text) == ("m1", "c1", "ana here")
    assert found.author == pseudonyms(KEY)("ana")


def test_ids_of_posts_show_the_token_of_their_account(tmp_path):
    """Where one line holds an account with its posts, the ids made from the account's are made from its token."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "maria.lopez", "posts": [{"text": "one"}, {"text": "two"}]}))
    token = pseudonyms(KEY)("maria.lopez")

    assert [one.id for one in read([path], key=KEY)] == [f"{token}:1", f"{token}:2"]
    assert [one.id for one in read([path], reveal=True)] == ["maria.lopez:1", "maria.lopez:2"]


def test_addresses_of_posts_show_the_token_of_their_account(tmp_path):
    """A post of a Mastodon archive lies under the address of its account."""
    author = "https://m.example/users/maria_lopez"
    note = {"id": f"{author}/statuses/1", "content": "hello", "tag": []}
    activity = {"id": f"{author}/statuses/1/activity", "type": "Create", "actor": author, "object": note}
    boost = {"id": f"{author}/statuses/2/activity", "type": "Announce", "actor": author, "object": "x"}
    path = tmp_path / "outbox.json"
    path.write_text(json.dumps({"orderedItems": [activity, boost]}))
    found = list(read([path], key=KEY))

    assert [one.id.partition("/")[2] for one in found] == ["statuses/1", "statuses/2/activity"]
    assert "maria" not in "".join(map(repr, found))


@pytest.mark.parametrize(
    ("name", "account", "shown"),
    [
        ("maria.lopez.jsonl:3", "maria.lopez", "{}.jsonl:3"),
        ("dm/anna/7", "anna", "dm/{}/7"),
        ("hannah-1", "anna", "hannah-1"),
        ("91042387", "1042", "91042387"),
        ("a:1", "a", "{}:1"),
        ("data/a-b:1", "a", "data/a-b:1"),
        ("1:12", "1", "{}:12"),
        ("anna:anna", "anna", "{}:{}"),
    ],
)
def test_an_id_gives_way_where_it_stands_apart(name, account, shown):
    """An account inside an id or a source becomes its token; a piece of a longer word, or a short one, does not."""
    token = pseudonyms(KEY)
    hidden = conceal(Record(id=name, author=account, source=name), token)
    again = conceal(Record(id=name, author="somebody", audience=(account,), source=name), token)
    expected = shown.replace("{}", token(account))

    assert (hidden.id, hidden.source) == (again.id, again.source) == (expected, expected)
    assert hidden == conceal(hidden, token)


def test_a_conversation_named_for_its_two_sides_stays_one():
    """Both sides give it the same name; where no audience is named it stays as it is, or it would fall in two."""
    token = pseudonyms(KEY)
    there = conceal(Record(author="anna", audience=("ben",), conversation="dm:anna:ben"), token)
    back = conceal(Record(author="ben", audience=("anna",), conversation="dm:anna:ben"), token)
    alone = conceal(Record(author="anna", conversation="dm:anna:ben"), token)

    assert there.conversation == back.conversation == f"dm:{token('anna')}:{token('ben')}"
    assert alone.conversation == "dm:anna:ben"


def test_a_file_named_for_a_person_is_called_by_its_token(tmp_path):
    """A report calls a WhatsApp file, and the folder that holds it, as `source` does; other files by their names."""
    folder = tmp_path / "WhatsApp Chat - Ann"
    folder.mkdir()
    chat = folder / "WhatsApp Chat with Ann.txt"
    chat.write_text("12/03/2024, 09:00 - Ann: hello\n12/03/2024, 09:01 - Bob: hi\n")
    table = tmp_path / "adverts.csv"
    table.write_text("text,pay\ncook wanted,900\n")
    (first, *_) = read([chat], key=KEY)

    assert shown_names([chat], key=KEY) == (first.source.rpartition(":")[0],)
    assert "Ann" not in "".join(shown_names([folder], key=KEY))
    assert shown_names([chat, folder], key=None) == (chat.name, folder.name)
    assert shown_names([table], key=KEY) == ("adverts.csv",)


def test_two_chats_of_one_file_name_have_two_tokens(tmp_path):
    """A report calls each of two `_chat.txt` as the records of its chat do, and neither by the folder's name."""
    chats = [tmp_path / f"WhatsApp Chat - {name}" / "_chat.txt" for name in ("Ann", "Eve")]
    for chat in chats:
        chat.parent.mkdir()
        chat.write_text("12/03/2024, 09:00 - Ben: hello\n")
    found = list(read(chats, key=KEY))
    shown = shown_names(chats, key=KEY)

    assert tuple(one.source.rpartition(":")[0] for one in found) == shown
    assert tuple(one.conversation for one in found) == shown
    assert len(set(shown)) == 2
    assert not any(name in repr(found) + repr(shown) for name in ("Ann", "Eve", "_chat"))


@pytest.mark.parametrize(
    "column",
    [
        "Telefonnummer", "Absender", "nom", "contacto", "wa", "correo", "Имя отправителя", "电话号码", "posted_by", "phone-number",
        "Số điện thoại", "เบอร์โทร", "ชื่อผู้โพสต์", "नाम", "رقم الهاتف", "no_hp", "Kullanıcı adı", "ім'я", "이메일", "メールアドレス",
        "contact-person", "Téléphone", "ফোন", "தொலைபேசி எண்", "ስልክ", "លេខទូរស័ព្ទ", "ဖုန်းနံပါတ်",
    ],
)  # fmt: skip
def test_columns_that_name_people_are_known_in_the_languages_of_the_vocabulary(column):
    """A table whose header is not English hides its people all the same."""
    assert is_personal(column)


@pytest.mark.parametrize(
    "column",
    [
        "nombre_empresa",
        "公司名称",
        "ชื่อบริษัท",
        "Firmenname",
        "отель",
        "длительность",
        "время",
        "nom du poste",
        "ad_text",
        "邮件内容",
    ],
)
def test_things_are_no_people_in_other_languages(column):
    """The name of a company or job, and words that only hold the letters of another one, name nobody."""
    assert not is_personal(column)


def test_every_language_of_the_vocabulary_has_names_of_columns():
    """A language that gets words gets the names of its columns, too."""
    without = [code for code, one in load().languages.items() if not {"person", "text", "part"} <= set(one.columns)]

    assert without == []


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("+34 600 111 222", "T"), ("0034600111222", "T"), ("0812-3456-7890", "T"), ("(212) 555-0123", "T"), ("212-555-0123", "T"), (13800138000, "T"),
        ("138-1234-5678", "T"), ("0012125550123", "T"), ("001 212 555 - 0123", "T - 0123"), ("a@1.example.org", "T"), ("Maria <m2@x.org>", "Maria <T>"), ("https://wa.me/34600111444", "https://wa.me/T"), ("call +34600111222 now", "call T now"),
    ],
)  # fmt: skip
def test_contacts_in_any_extra_column_are_concealed(value, hidden):
    """A telephone number or e-mail address gives somebody away, whatever its column is called."""
    found = conceal(Record(extra={"x": value, "y": [{"z": value}]}), lambda _account: "T")

    assert found.extra == {"x": hidden, "y": [{"z": hidden}]}


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-01T10:00:00+07:00", "01/02/2024", "01.02.2024 10.30", "2024-05-01", 5000, "$5000 a month", "30,000,000", "1714557600", 1714557600000,
        "https://x.example/a/00123456789", "0000012345", "12:00", "+5%", "https://m.example/@maria", "C++20 2024 00", 0.5,
        "100 000 000", "v1.2.3", "v@1.2.3", "100-2024-0001", "0012345678",
    ],
)  # fmt: skip
def test_times_sums_and_links_are_no_contacts(value):
    """What is no number of a telephone stays as it is."""
    assert conceal(Record(extra={"x": value}), lambda _account: "T").extra == {"x": value}


@pytest.mark.parametrize("column", ["zip", "postalCode", "order_no", "reference", "ref", "SKU", "ean", "邮编"])
def test_digits_of_a_code_are_no_telephone(column):
    """A postal code or the number of an order may look like a number that is dialled; a number with a country's code stays hidden."""
    codes = ["02139-4307", "0034567890", 13912345678, "+34 600 111 222"]
    found = conceal(Record(extra={column: codes, "x": codes, "y": {column: "02139-4307"}}), lambda _account: "T")

    assert found.extra == {column: [*codes[:3], "T"], "x": ["T"] * 4, "y": {column: "02139-4307"}}


@pytest.mark.parametrize(
    "column", ["by", "postedBy", "written_by", "sent by", "reviewed_by", "order_phone", "ref_contact", "postal address"]
)
def test_who_did_something_and_whom_a_code_reaches_stay_hidden(column):
    """A participle with "by" names who did it, and a column of people does so whatever else its name holds."""
    assert is_personal(column)
