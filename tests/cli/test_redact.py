"""`spanbridge redact`: the text without its secrets, or what would go and why."""

import json

import pytest
from click.testing import CliRunner

from spanbridge.cli.application import application

TEXT = '# settings\nAPI_KEY=a1b2c3d4e5f6a7b8c9d0\n{"headers": {"Authorization": "Bearer x1y2"}, "n": 1.0}\nuser=ana@example.com\n'


@pytest.fixture
def file(tmp_path):
    """A file with two secrets and an address."""
    path = tmp_path / "settings.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def test_the_text_comes_out_without_its_secrets(cli, file):
    """Everything else stays, byte for byte."""
    result = cli("redact", file)

    assert result.exit_code == 0
    assert result.output == TEXT.replace("a1b2c3d4e5f6a7b8c9d0", "[REDACTED]").replace("Bearer x1y2", "[REDACTED]")


def test_a_pipe_is_read_and_bytes_that_are_no_text_come_out_as_they_went_in():
    """Standard input is `-`."""
    result = CliRunner().invoke(application, ["redact", "-"], input=b"\xff\xfe password=hunter2x9 \x00 end\r\n")

    assert result.stdout_bytes == b"\xff\xfe password=[REDACTED] \x00 end\r\n"


def test_explain_tells_rule_and_place_and_never_the_value(cli, file):
    """For people as a table, for programs as JSON."""
    table = cli("redact", "--explain", file)
    found = json.loads(cli("redact", "--explain", "--json", file).output)

    assert [(row["rule"], row["line"]) for row in found] == [("assignment", 2), ("key_name", 3)]
    assert found[0]["column"] == 9
    assert found[1]["path"] == "headers.Authorization"
    assert "headers.Authorization" in table.output
    assert "a1b2c3d4" not in table.output
    assert cli("redact", "--explain", __file__.replace("test_redact.py", "conftest.py")).output == "nothing to redact\n"


def test_options_reach_the_filter(cli, file):
    """Personal data, names and patterns of one's own, allow-lists, styles."""
    assert "ana@example.com" not in cli("redact", "--pii", file).output
    assert "ana@example.com" in cli("redact", "--pii-kind", "phone", file).output
    assert 'n": 1.0' in cli("redact", "--extra-key", "user", file).output
    assert "[X]" in cli("redact", "--extra-pattern", "host=example[.]com", "--marker", "[X]", file).output
    assert "Bearer x1y2" in cli("redact", "--allow-path", "headers.*", file).output
    assert "[ASSIGNMENT_" in cli("redact", "--style", "indexed", file).output


def test_a_wrong_option_is_one_line_that_says_what_is_wrong(cli, file):
    """As everywhere on the command line."""
    result = cli("redact", "--extra-pattern", "nonsense", file)

    assert result.exit_code == 1
    assert "has no pattern; write RULE=REGEX" in result.output
    assert "--json goes with --explain" in cli("redact", "--json", file).output
    assert "can run away" in cli("redact", "--extra-pattern", "a=x(a+)+b", file).output


def test_our_own_lines_keep_their_counts(cli, tmp_path):
    """What was redacted in a span is counted by the names of the rules: the numbers are no secrets, and other values there are."""
    line = '{"name":"a","redactions":{"openai_api_key":18,"password":1234},"input":{"password":"[REDACTED]"}}\n'
    ours, others = tmp_path / "spans.jsonl", tmp_path / "others.jsonl"
    ours.write_text(line)
    others.write_text('{"redactions":{"password":"hunter2x9"},"limits":{"password":1234}}\n')

    assert cli("redact", str(ours)).output == line
    assert (
        cli("redact", str(others)).output
        == '{"redactions":{"password":"[REDACTED]"},"limits":{"password":"[REDACTED]"}}\n'
    )
