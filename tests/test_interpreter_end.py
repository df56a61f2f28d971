"""How a process ends while threads are at work: with its own exit status, and by its deadline."""

import os
import subprocess
import sys
import textwrap

import pytest

LINGER = """
    import sys, threading, time

    class Linger:
        # Called when the interpreter has begun to end: threads that come back from native code meet that.
        def __del__(self, sleep=time.sleep):
            sleep(0.3)

    sys.linger = Linger()
"""

REDACTING = """
    import spanbridge as sb
    sensitive_data = sb.SensitiveDataFilter()
    sensitive_data.prepare()
    begun = threading.Semaphore(0)
    text = "hello world, what is the weather " * 2000

    def work():
        begun.release()
        while True:
            sensitive_data.redact(text)

    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
        begun.acquire()
"""
RECORDING = """
    import base64, os
    import spanbridge as sb
    begun = threading.Event()

    def begin(record):
        begun.set()
        return record

    sb.configure(store=False, exporters=["memory"], processors=[begin], exit_timeout_s=0.2)
    for _ in range(40):
        # What looks like chance takes re2 longest.
        with sb.tool_call("t", input=base64.b64encode(os.urandom(10_000)).decode()):
            pass
    begun.wait()
"""
LATE = (
    RECORDING
    + """
    sb.shutdown(0)
"""
)

MAKING = """
    import spanbridge as sb
    from spanbridge.processors.matcher import make_prefilter
    make_prefilter(sb.SensitiveDataFilter().probes).make_hyperscan()
"""


def run(code, **variables):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LINGER) + textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def hyperscan_cache(tmp_path_factory):
    """A cache folder with the automaton: making it takes seconds."""
    pytest.importorskip("hyperscan")
    folder = str(tmp_path_factory.mktemp("hyperscan"))
    run(MAKING, XDG_CACHE_HOME=folder)
    return folder


@pytest.mark.parametrize("code", [REDACTING, RECORDING, LATE], ids=["application", "pipeline", "late pipeline"])
@pytest.mark.parametrize("engine", ["re2", "hyperscan"])
def test_no_thread_is_in_native_code_when_the_interpreter_ends(request, engine, code):
    """A daemon thread that comes back from C++ then would abort the process."""
    pytest.importorskip(engine)
    made = {"XDG_CACHE_HOME": request.getfixturevalue("hyperscan_cache")} if engine == "hyperscan" else {}
    ended = run(code, **made)

    assert ended.returncode == 0, ended.stderr


def test_the_automaton_is_being_made_when_the_interpreter_ends():
    """The thread that makes it is in C++ for some tenths of a second."""
    pytest.importorskip("hyperscan")
    ended = run(
        """
        import spanbridge as sb
        from spanbridge.processors import hyperscan_search
        making = threading.Event()
        compile_all = hyperscan_search._make

        def make(*arguments):
            making.set()
            return compile_all(*arguments)

        hyperscan_search._make = make
        sb.SensitiveDataFilter().redact("hello world, what is the weather " * 2000)
        making.wait()
        """
    )

    assert ended.returncode == 0, ended.stderr


def test_redaction_after_the_last_deliveries():
    """What the application redacts in a handler of its own that runs last is redacted as ever, without re2."""
    pytest.importorskip("re2")
    ended = run(
        """
        import atexit

        def last():
            from spanbridge.processors.native_prefilter import NativePrefilter
            print(NativePrefilter.max_bytes, sensitive_data.redact({"password": "hunter2hunter2", "q": "x" * 100_000})["password"])

        atexit.register(last)
        import spanbridge as sb
        sensitive_data = sb.SensitiveDataFilter()
        print(sensitive_data.redact({"password": "hunter2hunter2"})["password"])
        """
    )

    assert ended.stdout.splitlines() == ["[REDACTED]", "-1 [REDACTED]"], ended.stderr
