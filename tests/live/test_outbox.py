from pathlib import Path

from xenperf.live.outbox import Outbox
from xenperf.live.outputs import redirect


def _outbox(folder: Path, *args: str) -> Outbox:
    outbox = Outbox(folder / "out", redirect(args))
    outbox.empty()
    return outbox


def test_no_exit_code_is_no_answer(tmp_path: Path) -> None:
    outbox = _outbox(tmp_path)
    (outbox.folder / "stdout").write_text("half")
    (outbox.folder / "exit.new").write_text("0")
    assert outbox.answer() is None
    assert outbox.has_begun


def test_an_answer_is_code_words_and_the_files_that_were_written(tmp_path: Path) -> None:
    outbox = _outbox(tmp_path, "run", "-o", "x/a.json", "-o", "b.json")
    inside = outbox.command.args[2]
    (outbox.folder / "files/0/a.json").write_text("{}")
    (outbox.folder / "stdout").write_bytes(b"caf\xc3\xa9 \xff\n")
    (outbox.folder / "stderr").write_text(f"{inside}: written\n")
    (outbox.folder / "exit").write_text("1")
    answer = outbox.answer()
    assert answer is not None
    assert (answer.code, answer.out, answer.err) == (1, "café \ufffd\n", "x/a.json: written\n")
    assert answer.files == {"x/a.json": "{}"}


def test_nothing_of_one_boot_is_left_for_the_next(tmp_path: Path) -> None:
    outbox = _outbox(tmp_path, "run", "-o", "a.json")
    (outbox.folder / "stdout").write_text("from the boot before")
    (outbox.folder / "files/0/a.json").write_text("{}")
    outbox.empty()
    assert not outbox.has_begun
    assert list((outbox.folder / "files/0").iterdir()) == []


def test_last_words_are_the_end_of_what_was_said(tmp_path: Path) -> None:
    outbox = _outbox(tmp_path)
    assert outbox.last_words() == []
    (outbox.folder / "stdout").write_text("".join(f"{n}\n" for n in range(100)))
    (outbox.folder / "stderr").write_text("oh\n")
    assert [*filter(None, outbox.last_words())][-2:] == ["99", "oh"]
