"""Where control sockets are, who may use them, and when names are free."""

import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ccw_actors.control import ControlSocket, is_name, machine_names, name_from
from ccw_actors.control._folder import folder_path
from ccw_actors.errors import ControlError, NameInUseError

OTHER = 65534


def claimed(name: str = "m", *, numbered: bool = False) -> str:
    """Claim a name and free it again; return it."""
    control = ControlSocket.claim(name, numbered=numbered)
    try:
        return control.name
    finally:
        control.close()


def refusal(name: str = "m") -> str:
    """Return why a name cannot be claimed."""
    with pytest.raises(ControlError) as caught:
        claimed(name)
    return str(caught.value)


def mode(path: Path) -> str:
    """Return the kind and the mode of a file."""
    return stat.filemode(path.lstat().st_mode)


def leave_dead(folder: Path, name: str = "m") -> Path:
    """Leave a socket behind, as a killed process does."""
    folder.mkdir(0o700, exist_ok=True)
    path = folder / f"{name}.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    return path


# -- the folder ------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_folder_and_socket_are_the_owner_s(runtime_folder: Path, umask: int) -> None:
    """Nobody else may enter the folder, or connect, whatever the umask is."""
    before = os.umask(umask)
    try:
        control = ControlSocket.claim("m")
    finally:
        os.umask(before)
    assert control.path == runtime_folder / "m.sock"
    assert mode(runtime_folder) == "drwx------"
    assert mode(control.path) == "srw-------"
    control.close()
    assert list(runtime_folder.iterdir()) == []
    control.close()


@pytest.mark.parametrize("given", [0o701, 0o710, 0o777, 0o1777])
def test_folder_of_everybody(runtime_folder: Path, given: int) -> None:
    """A folder that others may enter is neither used nor changed."""
    runtime_folder.mkdir()
    runtime_folder.chmod(given)
    assert refusal() == (
        f"{runtime_folder}: expected a folder that nobody else may enter (mode 0700),"
        f" but it has mode {given:04o}"
    )
    with pytest.raises(ControlError, match="may enter"):
        machine_names()
    assert stat.S_IMODE(runtime_folder.stat().st_mode) == given


def test_folder_that_is_a_link(runtime_folder: Path, tmp_path: Path) -> None:
    """No link is followed, even to the user's own folder."""
    (tmp_path / "mine").mkdir(0o700)
    runtime_folder.symlink_to(tmp_path / "mine")
    assert refusal() == f"{runtime_folder}: expected a folder that is not a link"
    assert list((tmp_path / "mine").iterdir()) == []


def test_folder_that_is_a_file(runtime_folder: Path) -> None:
    """A file in place of the folder stays."""
    runtime_folder.write_text("mine")
    assert refusal() == f"{runtime_folder}: expected a folder that is not a link"
    assert runtime_folder.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_another(runtime_folder: Path) -> None:
    """A folder of another user is not used, even by root."""
    runtime_folder.mkdir(0o700)
    os.chown(runtime_folder, OTHER, OTHER)
    assert refusal() == (
        f"{runtime_folder}: expected a folder of user 0, but it belongs to user {OTHER}"
    )


def test_folder_without_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that names a missing folder is an error, and nothing is made."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere/at/all")
    assert refusal() == "/nowhere/at/all/ccw-actors: cannot be made: no /nowhere/at/all"
    assert machine_names() == []


@pytest.mark.parametrize("value", [None, "", "relative/path"])
def test_fallbacks(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a path in the variable: /run/user/UID if the user owns it, else /tmp."""
    uid = os.geteuid()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("ccw_actors.control._folder._RUN_USER", tmp_path / "user")
    if value is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert folder_path() == tmp_path / f"ccw-actors-{uid}"
    assert claimed() == "m"
    assert mode(tmp_path / f"ccw-actors-{uid}") == "drwx------"
    own = tmp_path / "user" / str(uid)
    own.mkdir(parents=True)
    assert folder_path() == own / "ccw-actors"
    if uid == 0:
        os.chown(own, OTHER, OTHER)
        assert folder_path() == tmp_path / f"ccw-actors-{uid}"


def test_long_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may be longer than a socket's address."""
    deep = tmp_path / ("x" * 120) / ("y" * 120)
    deep.mkdir(parents=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    control = ControlSocket.claim("n" * 64)
    assert machine_names() == ["n" * 64]
    with pytest.raises(NameInUseError):
        claimed("n" * 64)
    control.close()


# -- names -----------------------------------------------------------------------------


def test_name_of_a_living_machine(runtime_folder: Path) -> None:
    """A name is taken while its machine runs, and free afterwards."""
    control = ControlSocket.claim("m")
    with pytest.raises(NameInUseError) as caught:
        claimed()
    assert str(caught.value) == (
        f"a machine named m is running ({runtime_folder}/m.sock); choose another name"
    )
    assert claimed("other") == "other"
    control.close()
    assert claimed() == "m"


def test_name_that_nobody_asked_for() -> None:
    """A taken name gets the least free number."""
    first = ControlSocket.claim("m", numbered=True)
    second = ControlSocket.claim("m", numbered=True)
    assert (first.name, second.name) == ("m", "m-2")
    assert claimed(numbered=True) == "m-3"
    first.close()
    assert claimed(numbered=True) == "m"
    second.close()


def test_name_of_a_machine_with_a_full_backlog() -> None:
    """A machine that does not serve its clients is alive."""
    control = ControlSocket.claim("m")
    waiting = list[socket.socket]()
    try:
        while True:
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].settimeout(0)
            waiting[-1].connect(str(control.path))
    except BlockingIOError:
        assert refusal().startswith("a machine named m is running")
    for one in waiting:
        one.close()
    control.close()


def test_name_of_a_dead_machine(runtime_folder: Path) -> None:
    """The socket of a killed process is replaced."""
    leave_dead(runtime_folder)
    assert machine_names() == ["m"]
    assert claimed(numbered=True) == "m"
    assert machine_names() == []


def test_killed_machine(runtime_folder: Path) -> None:
    """A process that is killed while it listens leaves such a socket."""
    code = (
        "import os, signal; from ccw_actors.control import ControlSocket;"
        "control = ControlSocket.claim('m'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert [path.name for path in runtime_folder.iterdir()] == ["m.sock"]
    assert claimed() == "m"


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_no_socket_stays(runtime_folder: Path, kind: str) -> None:
    """Nothing but a socket is ever removed."""
    runtime_folder.mkdir(0o700)
    path = runtime_folder / "m.sock"
    if kind == "file":
        path.touch()
    elif kind == "link":
        path.symlink_to(leave_dead(runtime_folder, "target"))
    else:
        path.mkdir()
    before = path.lstat()
    assert refusal() == f"{path}: expected a socket, got another kind of file"
    assert path.lstat() == before


def test_socket_that_was_taken_away(runtime_folder: Path) -> None:
    """A machine that ends does not remove the socket of another with its name."""
    first = ControlSocket.claim("m")
    first.path.unlink()
    second = ControlSocket.claim("m")
    first.close()
    assert [path.name for path in runtime_folder.iterdir()] == ["m.sock"]
    assert refusal().startswith("a machine named m is running")
    second.close()
    assert list(runtime_folder.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".m", "a/b", "../m", "m\0", "m\n", "é", "a b", "n" * 65]
)
def test_name_that_is_none(name: str, runtime_folder: Path) -> None:
    """A name never leads out of the folder, and is a plain word."""
    assert not is_name(name)
    assert refusal(name).startswith("expected a machine's name (at most 64")
    assert not runtime_folder.exists()


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("machine", "machine"),
        ("two guests", "two-guests"),
        (".hidden", "hidden"),
        ("größe", "gr-e"),
        ("日本", "machine"),
        ("", "machine"),
        ("x" * 200, "x" * 56),
        ("a.b-c_d", "a.b-c_d"),
    ],
)
def test_name_from_a_file(stem: str, name: str) -> None:
    """Every file name gives a machine name, as similar as possible."""
    assert name_from(stem) == name
    assert is_name(f"{name}-999")


def test_other_files_are_no_machines(runtime_folder: Path) -> None:
    """A file that is not named like a socket is not listed."""
    runtime_folder.mkdir(0o700)
    for name in ("b.sock", "a.sock", ".c.sock", "d.lock", "e f.sock"):
        (runtime_folder / name).touch()
    assert machine_names() == ["a", "b"]


def test_claims_at_once() -> None:
    """Of many processes that claim a name at once, each gets its own."""
    code = (
        "import sys; from ccw_actors.control import ControlSocket;"
        "control = ControlSocket.claim('m', numbered=True);"
        "print(control.name, flush=True); sys.stdin.read(); control.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    names = set[str]()
    for one in processes:
        assert one.stdout is not None
        names.add(one.stdout.readline().strip())
    for one in processes:
        one.communicate()
    assert names == {"m", "m-2", "m-3", "m-4"}
    assert all(re.fullmatch(r"m(-\d)?", name) for name in names)
    assert machine_names() == []
