"""An executor that keeps results in a folder, so that a run can be resumed."""

import hashlib
import inspect
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, get_type_hints

import msgspec

from ccw_actors.cluster._package import package_name

__all__ = ["KeptExecutor"]

P = ParamSpec("P")
T = TypeVar("T")

_RESULTS: Final = msgspec.msgpack.Encoder(order="deterministic")


class KeptExecutor(Executor):
    """Hands calls to another executor, unless their results are in a folder.

    A result is found again by the version and the source of this package, the function
    and its arguments, all of which msgspec has to be able to encode. Its file is
    msgpack of the type that the function is annotated to return. A file that is damaged
    is written again. A result is kept if `is_kept` says so, and as soon as it is there,
    so a run that is interrupted loses only the calls in progress.

    Raises `OSError` if the folder cannot be made or written.
    """

    def __init__(
        self,
        executor: Executor,
        folder: Path,
        is_kept: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.executor = executor
        self.found = 0
        self._folder = folder
        self._is_kept = is_kept

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Return the result in the folder, or make the call."""
        file = self._file(fn, args, kwargs)
        future: Future[T] = Future()
        try:
            # msgspec checks that the bytes are of this type, whichever it is.
            data = file.read_bytes()
            future.set_result(msgspec.msgpack.decode(data, type=_result_type(fn)))
            self.found += 1
        except (FileNotFoundError, msgspec.MsgspecError):
            call = self.executor.submit(fn, *args, **kwargs)
            future.add_done_callback(lambda done: done.cancelled() and call.cancel())
            call.add_done_callback(partial(self._settle, file, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as `Executor` has it
        """Shut the other executor down."""
        self.executor.shutdown(wait, cancel_futures=cancel_futures)

    def _file(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Path:
        name = f"{fn.__module__}.{fn.__qualname__}"
        key = _RESULTS.encode([package_name(), name, args, kwargs])
        return self._folder / f"{hashlib.sha256(key).hexdigest()[:32]}.msgpack"

    def _settle(self, file: Path, future: Future[Any], call: Future[Any]) -> None:
        """Keep the result of a call, and then hand it over."""
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = call.result()
            if self._is_kept(result):
                _write(file, _RESULTS.encode(result))
            future.set_result(result)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is asked for
            future.set_exception(error)


def _write(file: Path, data: bytes) -> None:
    """Write a file in one step: a reader finds all of it, or nothing."""
    number, name = tempfile.mkstemp(dir=file.parent, prefix=".")
    with os.fdopen(number, "wb") as partly:
        partly.write(data)
    Path(name).replace(file)


def _result_type(fn: Callable[..., T]) -> type[T]:
    """Return what a function is annotated to return."""
    found: type[T] = get_type_hints(inspect.unwrap(fn))["return"]
    return found
