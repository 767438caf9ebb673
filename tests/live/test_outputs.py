import pytest

from xenperf.live import guest_init
from xenperf.live.outputs import redirect

HERE = f"{guest_init.OUT}/files"


@pytest.mark.parametrize(
    ("args", "inside", "paths"),
    [
        (["run", "-o", "a/b.json"], ["run", "-o", f"{HERE}/0/b.json"], ["a/b.json"]),
        (["run", "-oa.json", "-x"], ["run", f"-o{HERE}/0/a.json", "-x"], ["a.json"]),
        (["run", "--output", "/a.txt"], ["run", "--output", f"{HERE}/0/a.txt"], ["/a.txt"]),
        (["run", "--output=a.txt"], ["run", f"--output={HERE}/0/a.txt"], ["a.txt"]),
        (["-o", "a", "-o", "a"], ["-o", f"{HERE}/0/a", "-o", f"{HERE}/1/a"], ["a", "a"]),
        (["run", "-o", "-"], ["run", "-o", "-"], []),
        (["run", "-o", ""], ["run", "-o", ""], []),
        (["run", "-o"], ["run", "-o"], []),
        (["run", "--", "-o", "a"], ["run", "--", "-o", "a"], []),
        (["cases", "--only", "x-o"], ["cases", "--only", "x-o"], []),
        (["cases", "--output-format"], ["cases", "--output-format"], []),
        (["-o", ".."], ["-o", f"{HERE}/0/file"], [".."]),
    ],
)
def test_files_are_written_aside(args: list[str], inside: list[str], paths: list[str]) -> None:
    found = redirect(args)
    assert (list(found.args), list(found.paths)) == (inside, paths)
    assert [path for _, path in found.places()] == paths


def test_messages_name_the_file_that_the_user_gave() -> None:
    command = redirect(["run", "-o", "here/a.json"])
    assert command.as_wanted(f"{command.args[2]}: written") == "here/a.json: written"
