"""Uploads: kept by content, found again by name, and never a way out of their folder."""

from pathlib import Path

import pytest

from playground.config.run import DataSettings
from playground.data import uploads
from playground.data.loading import load_rows
from playground.errors import DataError


def test_an_upload_is_found_again_and_read(tmp_path: Path) -> None:
    brought = tmp_path / "rows.jsonl"
    brought.write_text('{"instruction": "a", "output": "b"}\n')
    source = uploads.keep(brought, "rows.jsonl")
    brought.unlink()
    assert source.startswith("upload:")
    assert source.endswith("/rows.jsonl")
    table = load_rows(DataSettings(source=source))
    assert table.rows == [{"instruction": "a", "output": "b"}]
    assert table.source == "rows.jsonl"


def test_the_same_content_is_kept_once_and_other_content_apart(tmp_path: Path) -> None:
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    first.write_text("[1]")
    second.write_text("[2]")
    assert uploads.keep(first, "rows.json") == uploads.keep(first, "rows.json")
    assert uploads.keep(first, "rows.json") != uploads.keep(second, "rows.json")


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a\\..\\b.json", "", "…/x y.json", "/abs/olute.json"])
def test_a_strange_name_stays_inside_the_folder(tmp_path: Path, own_home: Path, name: str) -> None:
    brought = tmp_path / "file"
    brought.write_text("[]")
    found = uploads.find(uploads.keep(brought, name))
    assert found is not None
    assert found.resolve().parent.parent == (own_home / "uploads").resolve()


@pytest.mark.parametrize(
    "source",
    [
        "upload:../../secret",
        "upload:0123456789abcdef/../../../etc/passwd",
        "upload:0123456789abcdef/..",
        "upload:0123456789abcdef/gone.json",
        "upload:",
    ],
)
def test_a_source_that_names_no_upload_is_an_error(own_home: Path, source: str) -> None:
    (own_home / "uploads" / "0123456789abcdef").mkdir(parents=True)
    with pytest.raises(DataError, match="upload it again"):
        uploads.find(source)


def test_other_sources_are_no_uploads() -> None:
    assert uploads.find("instructions") is None
    assert uploads.find("rows.json") is None


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 3)
    brought = tmp_path / "rows.json"
    brought.write_text("[1, 2]")
    with pytest.raises(DataError, match="at most"):
        uploads.keep(brought, "rows.json")
