"""A SQLite file that is deleted or replaced under the store, who may read it, and copies of it."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.stores import NOW, entry, opening
from triage.errors import InputError, ReplacedFileError, SchemaError, SettingsError, StoreError
from triage.store import Recorded, Store
from triage.store.copying import back_up, restore
from triage.store.database import Database
from triage.store.session import Session

REPLY = Recorded("回复", sender="oAlice")


def _delete(file: Path) -> None:
    for part in file.parent.glob("triage.db*"):
        part.unlink()


def _move_away(file: Path) -> None:
    file.rename(file.with_name("moved.db"))


def _replace(file: Path) -> None:
    other = file.with_name("other.db")
    Store.open(f"sqlite:///{other}", upgrade=True).close()
    other.replace(file)


def _keys(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [key for (key,) in connection.execute("SELECT message_id FROM messages ORDER BY 1")]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can be neither deleted nor replaced there")
class TestGone:
    @pytest.mark.parametrize("happen", [_delete, _move_away, _replace])
    def test_nothing_is_read_or_written_once_the_file_is_another(
        self, happen: Callable[[Path], None], file: Path
    ) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1"))
            happen(file)
            asks: tuple[Callable[[], object], ...] = (
                lambda: store.record(entry("2")),
                lambda: store.reply_to(entry("1").message.key),
                store.require_file,
                store.check,
            )
            for ask in asks:
                with pytest.raises(ReplacedFileError, match=r"deleted or replaced.*restart"):
                    ask()

    def test_a_new_file_is_not_made_where_the_old_one_was(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            _delete(file)
            with pytest.raises(ReplacedFileError):
                store.record(entry("1"))
            assert not file.exists()

    def test_a_file_that_is_put_back_is_gone_on_with(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1"))
            _move_away(file)
            with pytest.raises(ReplacedFileError):
                store.record(entry("2"))
            file.with_name("moved.db").rename(file)
            assert store.reply_to(entry("1").message.key) == REPLY
            assert store.record(entry("2")).is_new
        assert _keys(file) == ["1", "2"]

    def test_a_relative_name_stays_that_of_the_folder_it_was_opened_in(
        self, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        with closing(Store.open(f"sqlite:///{file.name}")) as store:
            monkeypatch.chdir(tmp_path / "elsewhere")
            assert store.record(entry("1")).is_new

    def test_a_file_that_is_named_by_a_uri_is_noticed_too(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///file:{file}?uri=true")) as store:
            store.record(entry("1"))
            _delete(file)
            with pytest.raises(ReplacedFileError):
                store.record(entry("2"))


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can be neither deleted nor replaced there")
class TestLogGone:
    @pytest.mark.parametrize(
        "happen", [Path.unlink, lambda log: log.rename(log.with_name("moved")), lambda log: _remake(log)],
        ids=["deleted", "moved", "made again"],
    )  # fmt: skip
    def test_nothing_is_read_or_written_once_the_log_is_another(
        self, happen: Callable[[Path], object], file: Path
    ) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1"))
            happen(_log(file))
            asks: tuple[Callable[[], object], ...] = (
                lambda: store.record(entry("2")),
                lambda: store.reply_to(entry("1").message.key),
                store.require_file,
                store.check,
            )
            for ask in asks:
                with pytest.raises(ReplacedFileError, match="stop triage normally") as raised:
                    ask()
                assert raised.value.is_log

    def test_a_normal_stop_moves_what_the_log_held_into_the_file(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            for key in "123":
                store.record(entry(key))
            _log(file).unlink()
            with pytest.raises(ReplacedFileError):
                store.record(entry("4"))
        assert _keys(file) == ["1", "2", "3"]
        with closing(Store.open(f"sqlite:///{file}")) as again:
            assert again.record(entry("4")).is_new

    def test_a_log_that_is_put_back_is_gone_on_with(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1"))
            aside = _log(file).rename(file.with_name("moved"))
            with pytest.raises(ReplacedFileError):
                store.record(entry("2"))
            aside.rename(_log(file))
            assert store.record(entry("2")).is_new

    def test_a_log_that_was_moved_and_begun_anew_is_the_same(self, file: Path) -> None:
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1"))
            with closing(sqlite3.connect(file)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert store.record(entry("2")).is_new

    def test_a_log_that_sqlite_makes_again_after_the_last_connection_is_no_other(self, file: Path) -> None:
        with closing(Database(f"sqlite:///{file}")) as database:
            database.read(lambda session: session.command("SELECT 1"))
            database.require_file()
            with pytest.raises(ZeroDivisionError):
                database.read(_break)
            assert not _log(file).exists(), "its only connection is closed"
            database.read(lambda session: session.command("SELECT 1"))
            database.require_file()
            assert _log(file).exists()


def _remake(log: Path) -> None:
    log.unlink()
    log.touch()


def _break(session: Session) -> None:
    session.connection.invalidate()
    raise ZeroDivisionError


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX knows them")
class TestRights:
    def _rights(self, folder: Path) -> set[int]:
        return {stat.S_IMODE(part.stat().st_mode) for part in folder.glob("triage.db*")}

    @pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
    def test_a_new_file_and_what_is_beside_it_are_their_owners_alone(self, url: str, tmp_path: Path) -> None:
        with closing(Store.open(url.format(tmp_path / "triage.db"), upgrade=True)) as store:
            store.record(entry("1"))
            assert len(list(tmp_path.glob("triage.db*"))) == 3
            assert self._rights(tmp_path) == {0o600}

    def test_a_file_that_others_could_read_is_closed_to_them_with_the_next_upgrade(self, file: Path) -> None:
        url = f"sqlite:///{file}"
        with closing(Store.open(url)) as in_use:
            in_use.record(entry("1"))
            for part in file.parent.glob("triage.db*"):
                part.chmod(0o644)
            Store.open(url, upgrade=True).close()
            assert self._rights(file.parent) == {0o600}

    def test_a_copy_is_its_owners_alone(self, file: Path) -> None:
        back_up(f"sqlite:///{file}", file.with_name("triage.db.copy"))
        assert self._rights(file.parent) == {0o600}


class TestCopies:
    def test_a_copy_holds_what_stands_in_the_log_too_and_the_store_goes_on(
        self, file: Path, tmp_path: Path
    ) -> None:
        copy = tmp_path / "backup" / "copy.db"
        copy.parent.mkdir()
        with closing(Store.open(f"sqlite:///{file}")) as store:
            store.record(entry("1", opening()))
            back_up(f"sqlite:///{file}", copy)
            assert store.record(entry("2")).is_new
        assert [part.name for part in copy.parent.iterdir()] == ["copy.db"]
        assert _keys(copy) == ["1"]

    def test_a_copy_is_made_while_another_one_writes(self, file: Path, tmp_path: Path) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM alembic_version")
            back_up(f"sqlite:///{file}", tmp_path / "copy.db")
        Store.open(f"sqlite:///{tmp_path}/copy.db").close()

    def test_what_was_there_is_kept_and_the_copy_takes_its_place(self, file: Path, tmp_path: Path) -> None:
        url, copy = f"sqlite:///{file}", tmp_path / "copy.db"
        with closing(Store.open(url)) as store:
            store.record(entry("1"))
            back_up(url, copy)
            store.record(entry("2"))
            aside = restore(url, copy, NOW)
            with pytest.raises(ReplacedFileError):
                store.record(entry("3"))
        assert aside == file.with_name("triage.db.before-20260512-103107")
        assert (_keys(file), _keys(aside), _keys(copy)) == (["1"], ["1", "2"], ["1"])

    def test_a_copy_is_put_where_nothing_is(self, file: Path, tmp_path: Path) -> None:
        new = tmp_path / "new.db"
        assert restore(f"sqlite:///{new}", file, NOW) is None
        with closing(Store.open(f"sqlite:///{new}")) as store:
            assert store.record(entry("1")).is_new

    def test_a_damaged_database_can_be_replaced(self, file: Path, tmp_path: Path) -> None:
        copy = tmp_path / "copy.db"
        back_up(f"sqlite:///{file}", copy)
        file.write_bytes(b"no database any more" * 1000)
        restore(f"sqlite:///{file}", copy, NOW)
        Store.open(f"sqlite:///{file}").close()

    @pytest.mark.parametrize(
        ("spoil", "error", "message"),
        [
            (lambda copy: copy.unlink(), InputError, "there is no file"),
            (lambda copy: copy.write_bytes(b""), InputError, "no database of triage"),
            (lambda copy: copy.write_bytes(b"x" * 9000), InputError, "not a database"),
            (lambda copy: _spoil_page(copy, "messages"), StoreError, "damaged"),
            (
                lambda copy: copy.write_bytes(copy.read_bytes()[:-1024] + b"\xff" * 1024),
                StoreError,
                "damaged",
            ),
            (lambda copy: _run(copy, "DROP TABLE alembic_version"), InputError, "no database of triage"),
            (
                lambda copy: _run(copy, "UPDATE alembic_version SET version_num = '9999'"),
                SchemaError,
                "newer",
            ),
        ],
        ids=[
            "missing",
            "empty",
            "no database",
            "a damaged table",
            "damaged in the end",
            "another program's",
            "a newer program's",
        ],
    )
    def test_what_cannot_be_used_is_refused_and_changes_nothing(
        self,
        spoil: Callable[[Path], object],
        error: type[Exception],
        message: str,
        file: Path,
        tmp_path: Path,
    ) -> None:
        copy = tmp_path / "copy.db"
        back_up(f"sqlite:///{file}", copy)
        spoil(copy)
        before = file.read_bytes()
        with pytest.raises(error, match=message):
            restore(f"sqlite:///{file}", copy, NOW)
        assert file.read_bytes() == before
        assert {part.name for part in tmp_path.iterdir()} <= {"triage.db", "copy.db"}

    def test_a_file_that_is_there_is_not_overwritten(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "copy.db").write_text("mine")
        with pytest.raises(InputError, match="is there already"):
            back_up(f"sqlite:///{file}", tmp_path / "copy.db")
        assert (tmp_path / "copy.db").read_text() == "mine"

    def test_a_folder_that_is_not_there_is_told(self, file: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"copy\.db"):
            back_up(f"sqlite:///{file}", tmp_path / "none" / "copy.db")

    def test_a_database_that_is_not_there_is_not_made_by_a_backup(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="no database"):
            back_up(f"sqlite:///{tmp_path}/none.db", tmp_path / "copy.db")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("url", "tool"),
        [
            ("postgresql://u:secret@h/x", "pg_dump"),
            ("mysql://u:secret@h/x", "mysqldump"),
            ("sqlite://", "memory"),
        ],
    )
    def test_what_is_no_file_has_a_tool_of_its_own(self, url: str, tool: str, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=tool) as raised:
            back_up(url, tmp_path / "copy.db")
        assert "secret" not in str(raised.value)


def _spoil_page(copy: Path, of: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(copy)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (of,)).fetchone()
    content = bytearray(copy.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    copy.write_bytes(content)


def _run(copy: Path, statement: str) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(statement)
