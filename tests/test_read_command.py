"""`threelines read`: any export as generic JSON lines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from threelines.cli.main import root
from threelines.platforms.pseudonym import pseudonyms
from threelines.platforms.read import ReadError, ReadReport, read

KEY = "a key for the tests only"


def run(*arguments, key=KEY):
    """Run the command line; return (exit code, stdout, stderr)."""
    result = CliRunner().invoke(
        root, ["read", *map(str, arguments)], env={"THREELINES_KEY": key}, catch_exceptions=True
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def adverts(tmp_path):
    """Return a small table with other column names."""
    path = tmp_path / "adverts.csv"
    path.write_text("no,poster,description\n1,ana,cook wanted\n2,ana\n3,bob,driver wanted\n")
    return path


def test_read_writes_generic_lines_and_counts_on_stderr(adverts):
    """Records go to stdout, counts and the first broken lines to stderr."""
    code, out, err = run(
        adverts, "--map", "text=description", "--map", "author=poster", "--map", "id=no", "--map", "kind:=advert"
    )

    assert code == 0
    assert [(row["id"], row["kind"], row["author"], row["text"]) for row in map(json.loads, out.splitlines())] == [
        ("1", "advert", pseudonyms(KEY.encode())("ana"), "cook wanted"),
        ("3", "advert", pseudonyms(KEY.encode())("bob"), "driver wanted"),
    ]
    assert "read 2 records (csv), skipped 1, repaired 0" in err
    assert "adverts.csv:3: 2 columns where the header has 3" in err


@pytest.mark.parametrize("name", ["map.json", "map.toml"])
def test_a_map_can_be_a_file(adverts, tmp_path, name):
    """The column map may live in a JSON or TOML file."""
    path = tmp_path / name
    path.write_text('{"text": "description"}' if name.endswith("json") else 'text = "description"\n')
    code, out, _ = run(adverts, "--map", path)

    assert code == 0
    assert json.loads(out.splitlines()[0])["text"] == "cook wanted"


def test_out_is_whole_or_absent(adverts, tmp_path):
    """A run that fails leaves no half-written file behind."""
    out = tmp_path / "records.jsonl"
    with pytest.raises(ReadError, match="adverts"):
        run(adverts, "--map", "text=description", "--strict", "--out", out)

    assert not out.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adverts.csv"]


def test_reveal_keeps_ids_and_needs_no_key(adverts):
    """`--reveal` is the one way to see account ids."""
    _, out, _ = run(adverts, "--map", "text=description", "--map", "author=poster", "--reveal", key="")

    assert json.loads(out.splitlines()[0])["author"] == "ana"


def test_first_use_makes_a_key_and_says_so(adverts, tmp_path):
    """Without THREELINES_KEY the key comes from the key file, made on first use."""
    path = tmp_path / "home" / "key"
    _, first, said = run(adverts, "--map", "text=description", "--map", "author=poster", "--key-file", path, key="")
    _, second, silent = run(adverts, "--map", "text=description", "--map", "author=poster", "--key-file", path, key="")

    assert "A key for account tokens was made" in said
    assert "A key" not in silent
    assert first == second
    assert "ana" not in first


def test_a_wrong_map_is_explained(adverts):
    """A pair without "=" that is no file is a usage error."""
    code, _, err = run(adverts, "--map", "description")

    assert code == 2
    assert "FIELD=COLUMN" in err


def test_samples_are_read_whole():
    """Every sample export is read without a skip, in the format meant."""
    from importlib.resources import files
    from pathlib import Path

    folder = Path(str(files("threelines") / "samples"))
    code, out, err = run(*sorted(path for path in folder.iterdir() if path.name != "README.md"))

    assert code == 0
    assert "(csv, jsonl, telegram, whatsapp), skipped 0, repaired 0" in err
    assert "Mina Sample" not in out
    assert "Sample Moderator" not in out


@pytest.mark.parametrize("command", ["read", "scan"])
def test_a_map_that_no_input_takes_is_refused(adverts, tmp_path, command):
    """Exports of platforms name their fields themselves: `--map` was passed over in silence; beside a table it is let be."""
    chat = tmp_path / "chat.txt"
    chat.write_text("[01/05/2024, 15:20:11] Ana: cook wanted\n[02/05/2024, 15:20:11] Bob: where?\n", encoding="utf-8")
    ran = CliRunner()
    for format_name in (["--format", "whatsapp"], []):
        for mapped in (["--map", "text=body"], ["--map", "kind:=advert"]):
            told = ran.invoke(root, [command, str(chat), *format_name, *mapped, "--key", KEY])
            assert isinstance(told.exception, ReadError)
            assert "(csv, json, jsonl, parquet), not for whatsapp" in str(told.exception)
    assert run(chat, adverts, "--map", "text=description")[0] == 0


def test_links_that_lead_out_of_a_folder_are_not_followed(tmp_path):
    """The record of another case came in under the name of the link; it is a counted skip, and --strict ends at it."""
    case, other = tmp_path / "case", tmp_path / "other"
    (case / "inside").mkdir(parents=True)
    other.mkdir()
    (case / "inside" / "a.jsonl").write_text('{"text": "ours"}\n')
    (other / "o.jsonl").write_text('{"text": "not ours"}\n')
    (case / "b.jsonl").symlink_to("../other/o.jsonl")
    (case / "c").symlink_to("../other")
    (case / "d.jsonl").symlink_to("inside/a.jsonl")
    (tmp_path / "way").symlink_to("case")
    report = ReadReport()

    assert [one.text for one in read([tmp_path / "way"], reveal=True, report=report)] == ["ours", "ours"]
    assert [(one.where, "leads out" in one.reason) for one in report.examples] == [("b.jsonl", True), ("c", True)]
    assert report.skipped == 2
    with pytest.raises(ReadError, match=r"b\.jsonl"):
        list(read([case], reveal=True, strict=True))
    assert [one.text for one in read([case / "b.jsonl"], reveal=True)] == ["not ours"]


@pytest.mark.parametrize("form", [(), ("--format", "csv")])
def test_a_table_that_is_piped_in_is_read_whole(tmp_path: Path, form: tuple[str, ...]):
    """A pipe is read once, and the format and the rows are both asked of it: none is lost."""
    table = "id,text,author\n" + "".join(f"{n},hello there,a\n" for n in range(5000))
    command = [sys.executable, "-m", "threelines", "read", "/dev/stdin", *form, "--out", str(tmp_path / "o.jsonl")]
    done = subprocess.run(command, input=table, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()) == 5000
