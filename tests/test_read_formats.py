"""Exports of platforms: one shape of each, what is kept and what is dropped."""

import json

import msgspec
import pytest

from threelines.platforms.read import ReadReport, read
from threelines.text.entities import entities

KEY = b"a key for the tests only"


def read_file(tmp_path, name, content, **options):
    """Write one file and read it, ids kept unless told otherwise."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = ReadReport()
    options = {"reveal": True} | options
    found = list(read([path], report=report, **options))
    return found, report


def telegram(*messages, **chat):
    """Return a chat export."""
    return {"name": "Jobs", "type": "private_group", "id": 4455, **chat, "messages": list(messages)}


SAID = {
    "id": 2,
    "type": "message",
    "date": "2024-05-01T10:01:00",
    "date_unixtime": "1714557660",
    "from": "Bob Planted",
    "from_id": "user2",
}
CREATED = {
    "id": 1, "type": "service", "date": "2024-05-01T10:00:00", "actor": "Alice Planted", "actor_id": "user1",
    "action": "create_group", "title": "Jobs", "members": ["Alice Planted", "Bob Planted"], "text": "",
}  # fmt: skip


def test_telegram_chat(tmp_path):
    """Text as words or as a list of entities; service messages are `system`; hidden link targets are kept."""
    rich = SAID | {
        "text": ["see ", {"type": "text_link", "text": "here", "href": "https://example.org/x"}, " now"],
        "photo": "photos/1.jpg",
    }
    found, report = read_file(tmp_path, "result.json", json.dumps(telegram(CREATED, SAID | {"text": "plain"}, rich)))

    assert report.formats == {"result.json": "telegram"}
    assert [(one.kind, one.id, one.author, one.text, one.conversation) for one in found] == [
        ("system", "1", "user1", "", "4455"),
        ("message", "2", "user2", "plain", "4455"),
        ("message", "2", "user2", "see here now", "4455"),
    ]
    assert found[2].extra["links"] == ["https://example.org/x"]
    assert found[2].attachments[0].name == "photos/1.jpg"
    assert found[1].time.isoformat() == "2024-05-01T10:01:00+00:00"


def test_telegram_account(tmp_path):
    """A full export keeps chats apart, in whatever order their keys stand."""
    chats = [telegram(SAID | {"text": "one"}, id=11), telegram(SAID | {"text": "two"}, id=12, type="saved_messages")]
    del chats[1]["name"]
    whole = {
        "about": "Here is the data you requested",
        "personal_information": {"user_id": 9, "id": 1},
        "chats": {"about": "", "list": chats},
    }
    found, _ = read_file(tmp_path, "result.json", json.dumps(whole))

    assert [(one.conversation, one.text, one.extra["chat_type"]) for one in found] == [
        ("11", "one", "private_group"),
        ("12", "two", "saved_messages"),
    ]


def test_telegram_polls_contacts_and_buttons_are_words(tmp_path):
    """What a message shows beside its text is part of its text, so that numbers and links in it are found."""
    poll = {
        "question": "Who wants to work in Spain?", "closed": False, "total_voters": 3,
        "answers": [{"text": "Me, call +34 612 345 678", "voters": 2, "chosen": False}, {"text": "No", "voters": 1, "chosen": True}],
    }  # fmt: skip
    contact = {"first_name": "Maria", "last_name": "", "phone_number": "+44 7700 900123"}
    buttons = [
        [{"type": "url", "text": "Apply", "data": "https://jobs.example.org/a"}, {"type": "request_phone"}],
        [{"type": "callback", "text": "More", "data": "page:2"}, {"type": "callback", "text": "Less", "dataBase64": "cA", "data": ""}],
    ]  # fmt: skip
    messages = [
        SAID | {"text": "", "poll": poll},
        SAID | {"text": "", "contact_information": contact, "contact_vcard": "contacts/contact_1.vcard"},
        SAID | {"text": "Cook wanted", "inline_bot_buttons": buttons},
    ]
    found, report = read_file(tmp_path, "result.json", json.dumps(telegram(*messages)), reveal=False, key=KEY)

    assert [one.text for one in found] == [
        "Who wants to work in Spain?\nMe, call +34 612 345 678\nNo",
        "Maria +44 7700 900123",
        "Cook wanted\nApply https://jobs.example.org/a\nMore\nLess",
    ]
    assert [[entity.kind for entity in entities(one.text)] for one in found] == [["phone"], ["phone"], ["link"]]
    assert (report.skipped, report.repaired) == (0, 0)


@pytest.mark.parametrize(
    "odd",
    [
        {"poll": ["x"]},
        {"poll": {"question": 7}},
        {"poll": {"question": "x", "answers": ["y"]}},
        {"contact_information": "Maria"},
        {"contact_information": {"phone_number": 447700900123}},
        {"inline_bot_buttons": [{"text": "x"}]},
        {"inline_bot_buttons": [["x"]]},
        {"inline_bot_buttons": [[{"text": ["x"]}]]},
    ],
)
def test_telegram_words_of_an_unknown_shape_are_counted(tmp_path, odd):
    """A poll, contact or button of another shape costs its words, not the message, and is a counted repair."""
    found, report = read_file(tmp_path, "result.json", json.dumps(telegram(SAID | {"text": "hello"} | odd)))

    assert [one.text for one in found] == ["hello"]
    assert (report.skipped, report.repaired) == (0, 1)


def test_discord_channel(tmp_path):
    """Mentions are the audience; joins are `system`; a reply keeps what it answers."""
    export = {
        "guild": {"id": "1", "name": "g"}, "channel": {"id": "77", "type": "DirectTextChat", "name": "alice-planted"},
        "messages": [
            {
                "id": "5", "type": "Reply", "timestamp": "2024-05-01T10:00:00+02:00", "content": "hi",
                "author": {"id": "u1", "name": "alice", "nickname": "Al", "isBot": False, "avatarUrl": "x/alice.png"},
                "attachments": [{"url": "a/b.png", "fileName": "b.png"}], "mentions": [{"id": "u2", "name": "bob"}],
                "reference": {"messageId": "4"},
            },
            {"id": "6", "type": "GuildMemberJoin", "timestamp": "2024-05-01T10:00:01Z", "content": "Joined.", "author": {"id": "u2"}},
        ],
    }  # fmt: skip
    found, report = read_file(tmp_path, "channel.json", json.dumps(export))

    assert report.formats == {"channel.json": "discord"}
    assert [(one.id, one.kind, one.author, one.audience, one.conversation) for one in found] == [
        ("5", "message", "u1", ("u2",), "77"),
        ("6", "system", "u2", (), "77"),
    ]
    assert found[0].extra == {"guild": "1", "reply_to": "4", "author_name": "Al", "channel_name": "alice-planted"}


def test_what_is_passed_on_in_discord_is_read_with_its_files(tmp_path):
    """The words and files of a forwarded message stand in a part of their own; they were lost without a word."""
    said = {
        "id": "6",
        "timestamp": "2024-05-01T10:00:00Z",
        "content": "look",
        "author": {"id": "u1"},
        "attachments": [],
    }
    passed_on = {
        "timestamp": "2024-04-01T10:00:00Z", "content": "Work in the city", "attachments": [{"url": "a/b.png", "fileName": "b.png"}],
        "embeds": [{"title": "Jobs", "url": "https://jobs.example"}],
    }  # fmt: skip
    export = {
        "guild": {"id": "1"}, "channel": {"id": "77"},
        "messages": [{**said, "reference": {"messageId": "4", "type": "Forward"}, "forwardedMessage": passed_on}],
    }  # fmt: skip
    found, report = read_file(tmp_path, "channel.json", json.dumps(export))

    assert found[0].text == "look\n\nWork in the city\n\nJobs\n\nhttps://jobs.example"
    assert [one.name for one in found[0].attachments] == ["b.png"]
    assert report.repaired == 0


def test_cards_of_a_bot_are_its_words_and_previews_of_links_are_not(tmp_path):
    """A webhook's advert stands in its card; the card below a person's link is Discord's, of the linked page."""
    card = {
        "title": "Cook wanted", "description": "Start now", "fields": [{"name": "Pay", "value": "good"}],
        "url": "https://a.example/1", "footer": {"text": "write us"},
    }  # fmt: skip
    export = {
        "guild": {"id": "1"}, "channel": {"id": "2"},
        "messages": [
            {"id": "5", "content": "", "author": {"id": "9", "isBot": True}, "embeds": [card, 5]},
            {"id": "6", "content": "", "author": {"id": "9"}, "embeds": [card]},
            {"id": "7", "content": "see https://a.example/1", "author": {"id": "8", "isBot": False}, "embeds": [card]},
        ],
    }  # fmt: skip
    found, report = read_file(tmp_path, "channel.json", json.dumps(export))

    words = "Cook wanted\n\nStart now\n\nPay\n\ngood\n\nwrite us\n\nhttps://a.example/1"
    assert [one.text for one in found] == [words, words, "see https://a.example/1"]
    assert report.repaired == 0


@pytest.mark.parametrize("choice", ["oneOf", "anyOf"])
def test_the_answers_of_a_mastodon_poll_are_words(tmp_path, choice):
    """A poll's answers are read like its question, whether one or several may be chosen."""
    note = {
        "id": "1",
        "type": "Question",
        "content": "<p>Which?</p>",
        choice: [{"name": "Cook abroad"}, {"name": "No"}, 1],
    }
    found, _ = read_file(tmp_path, "o.json", json.dumps({"orderedItems": [{"type": "Create", "object": note}]}))

    assert found[0].text == "Which?\n\nCook abroad\n\nNo"


def test_mastodon_outbox(tmp_path):
    """HTML becomes words, mentions the audience, content warnings are part of the text, boosts `system`."""
    note = {
        "id": "n1", "summary": "jobs", "content": "<p>Hello <a href='x'>@bob</a>&amp;co<br>two</p><p>three</p><script>no</script>",
        "to": ["https://www.w3.org/ns/activitystreams#Public"], "tag": [{"type": "Mention", "href": "https://m.example/users/bob"}],
        "contentMap": {"en": "x"}, "attachment": [{"url": "/m/1.png", "mediaType": "image/png"}], "inReplyTo": "n0",
    }  # fmt: skip
    outbox = {
        "@context": "https://www.w3.org/ns/activitystreams", "type": "OrderedCollection",
        "orderedItems": [
            {"id": "a1", "type": "Create", "actor": "https://m.example/users/alice", "published": "2024-05-01T10:00:00Z", "object": note},
            {"id": "a2", "type": "Announce", "actor": "https://m.example/users/alice", "object": "https://m.example/1"},
        ],
    }  # fmt: skip
    found, report = read_file(tmp_path, "outbox.json", json.dumps(outbox))

    assert report.formats == {"outbox.json": "mastodon"}
    assert found[0].text == "jobs\n\nHello @bob&co\ntwo\n\nthree"
    assert (found[0].kind, found[0].language, found[0].audience) == ("post", "en", ("https://m.example/users/bob",))
    assert found[0].extra == {"reply_to": "n0", "visibility": "public"}
    assert (found[1].kind, found[1].text) == ("system", "")


def test_reddit_listing_with_replies(tmp_path):
    """A post is title and text; answers are followed to any depth; deleted words are `system`."""
    answer = {"kind": "t1", "data": {"name": "t1_3", "body": "[removed]", "author": "[deleted]", "link_id": "t3_1"}}
    comment = {
        "name": "t1_2", "body": "B", "author": "bo", "link_id": "t3_1", "created_utc": 1714557600,
        "replies": {"kind": "Listing", "data": {"children": [answer, {"kind": "more", "data": {}}]}},
    }  # fmt: skip
    post = {
        "name": "t3_1",
        "title": "T",
        "selftext": "S",
        "author": "al",
        "created_utc": 1714557600.0,
        "subreddit": "s",
        "is_self": True,
    }
    listing = {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": post}, {"kind": "t1", "data": comment}]}}
    wanted = [
        ("t3_1", "post", "T\n\nS", "al", "t3_1"),
        ("t1_2", "message", "B", "bo", "t3_1"),
        ("t1_3", "system", "[removed]", "", "t3_1"),
    ]

    for content in (listing, [listing]):
        found, report = read_file(tmp_path, "r.json", json.dumps(content))
        assert report.formats == {"r.json": "reddit"}
        assert [(one.id, one.kind, one.text, one.author, one.conversation) for one in found] == wanted


def test_reddit_dump(tmp_path):
    """Dumps with one object per line are read like listings; a broken line is one skip."""
    found, report = read_file(
        tmp_path,
        "RC.jsonl",
        '{"subreddit":"x","body":"hi","author":"q","name":"t1_z","created_utc":"1714557600"}\n{"subreddit":\n',
    )

    assert [(one.id, one.text) for one in found] == [("t1_z", "hi")]
    assert report.skipped == 1


def test_a_reddit_title_outlives_its_deleted_text(tmp_path):
    """Moderators remove a post's text while its title stays and is judged; with neither left it is `system`."""
    rows = [
        {"name": "t3_1", "subreddit": "x", "title": "Cook wanted", "selftext": "[removed]"},
        {"name": "t3_2", "subreddit": "x", "title": "[deleted by user]", "selftext": "[deleted]"},
        {"name": "t1_3", "subreddit": "x", "body": "[deleted]"},
    ]
    found, _ = read_file(tmp_path, "RS.jsonl", "\n".join(map(json.dumps, rows)))

    assert [(one.kind, one.text) for one in found[:1]] == [("post", "Cook wanted")]
    assert [one.kind for one in found[1:]] == ["system", "system"]


def test_a_reddit_post_and_its_comments_are_one_thread_without_names(tmp_path):
    """Dumps that hold only the `id` still name a post `t3_` and a comment `t1_`, as the comments of a post do."""
    rows = [
        {"id": "abc", "subreddit": "x", "title": "A", "selftext": "B"},
        {"id": "d", "subreddit": "x", "body": "hi", "link_id": "t3_abc"},
        {"id": "t1_e", "subreddit": "x", "body": "ho", "link_id": "abc"},
    ]
    found, _ = read_file(tmp_path, "RC.jsonl", "\n".join(map(json.dumps, rows)))

    assert [(one.id, one.conversation) for one in found] == [
        ("t3_abc", "t3_abc"),
        ("t1_d", "t3_abc"),
        ("t1_e", "t3_abc"),
    ]


MAIL = b"""From alice@ex.org Wed May  1 10:00:00 2024
From: =?utf-8?q?Al=C3=ADce_Planted?= <Alice@Ex.org>
To: bob@ex.org, "Planted, C" <cd@ex.org>
Subject: =?utf-8?b?Sm9i?=
Message-ID: <1@ex>
Date: Wed, 01 May 2024 10:00:00 +0200
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: multipart/alternative; boundary=y

--y
Content-Type: text/html; charset=utf-8

<p>Hello<br>you</p>
--y
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
>From the shop
--y--
--x
Content-Type: image/png
Content-Disposition: attachment; filename="a.png"

AAAA
--x--

From bob@ex.org Wed May  1 11:00:00 2024
From: bob@ex.org
In-Reply-To: <1@ex>
Subject: Re: Job
Content-Type: text/plain; charset=unknown-8bit

ok \xff
"""


def test_mbox(tmp_path):
    """Plain text first; a subject opens a thread; addresses are accounts; attachments are named."""
    found, report = read_file(tmp_path, "m.mbox", MAIL)
    first, second = found

    assert report.formats == {"m.mbox": "mbox"}
    assert first.text == "Job\n\nGrüße\nFrom the shop"
    assert (first.author, first.audience) == ("alice@ex.org", ("bob@ex.org", "cd@ex.org"))
    assert [(one.name, one.media_type) for one in first.attachments] == [("a.png", "image/png")]
    assert (second.text, second.conversation) == ("ok \ufffd", "1@ex")
    assert report.repaired == 1


def test_mbox_html_only(tmp_path):
    """Where a mail has no plain text, the words of its HTML are read."""
    found, _ = read_file(
        tmp_path,
        "m.mbox",
        b"From x\nFrom: a@b.org\nContent-Type: text/html\n\n<style>p{}</style><p>Hi&nbsp;there</p>\n",
    )

    assert found[0].text == "Hi there"


@pytest.mark.parametrize("name", ["telegram", "discord", "mbox", "whatsapp", "mastodon"])
def test_planted_names_never_come_out_without_reveal(tmp_path, name):
    """With a key, no display name, address or id of an account is in any field of a record."""
    planted = {
        "telegram": json.dumps(
            telegram(
                CREATED, SAID | {"text": "hi", "forwarded_from": "Carol Planted", "via_bot": "planted_bot"}, name="Chat with Planted"
            )
        ),
        "discord": json.dumps(
            {
                "guild": {"id": "1", "name": "Planted"}, "channel": {"id": "77", "name": "planted"},
                "messages": [{
                    "id": "5", "type": "Default", "timestamp": "2024-05-01T10:00:00Z", "content": "hi", "mentions": [{"id": "planted7", "name": "Planted"}],
                    "author": {"id": "planted9", "name": "planted", "nickname": "Planted", "avatarUrl": "planted.png"},
                }],
            }
        ),
        "mbox": b"From planted@ex.org x\nFrom: Planted <planted@ex.org>\nTo: Other Planted <planted2@ex.org>\nMessage-ID: <1@x>\n\nhi\n",
        "whatsapp": "01/05/2024, 10:00 - Planted One added Planted Two\n01/05/2024, 10:01 - Planted One: hi\n"
        "01/05/2024, 10:02 - ~\u202fPlanted Two: Planted.vcf (file attached)\n01/05/2024, 10:03 - Planted Two left\n",
        "mastodon": json.dumps({"orderedItems": [{
            "id": "a1", "type": "Create", "actor": "https://m.example/users/planted", "published": "2024-05-01T10:00:00Z",
            "object": {"id": "n1", "content": "<p>hi</p>", "tag": [{"type": "Mention", "href": "https://m.example/users/planted2", "name": "@planted2"}]},
        }]}),
    }[name]  # fmt: skip
    file_name = {"whatsapp": "WhatsApp Chat with Planted One.txt"}.get(name, "export")
    found, report = read_file(tmp_path, file_name, planted, reveal=False, key=KEY)
    written = b"\n".join(map(msgspec.json.encode, found)).decode().lower()

    assert report.formats == {file_name: name}
    assert found
    assert "planted" not in written
    assert "acc_" in written


def test_names_come_out_with_reveal(tmp_path):
    """`reveal` keeps ids and puts display names beside them."""
    found, _ = read_file(tmp_path, "result.json", json.dumps(telegram(SAID | {"text": "hi"})))

    assert found[0].author == "user2"
    assert found[0].extra["author_name"] == "Bob Planted"


def test_one_path_is_read_as_a_list_of_one(tmp_path):
    """A name given alone, as words or as a path, is one file, and not a file for each of its letters."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "cook wanted"}\n')

    assert list(read(str(path), key=KEY)) == list(read(path, key=KEY)) == list(read([path], key=KEY))
