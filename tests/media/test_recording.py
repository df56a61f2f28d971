"""From a message to a file beside the store: what leaves, what stays, and that nothing of it stops a span."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import spanbridge as sb
from media.samples import data_url, jpeg, png, text_of, wav
from recording import ScriptedExporter
from spanbridge.media.references import reference
from spanbridge.model.media import MediaContent
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType
from spanbridge.pipeline.delivery import Runner

MIB = 1024 * 1024
PNG, JPEG, WAV = png(), jpeg(), wav()


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def files(folder: Path) -> dict[str, bytes]:
    """All files below `folder`, by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def openai(image: bytes, audio: bytes) -> list[Any]:
    return [
        {"type": "image_url", "image_url": {"url": data_url(image, "image/png")}},
        {"type": "input_audio", "input_audio": {"data": text_of(audio), "format": "wav"}},
    ]


def anthropic(image: bytes, audio: bytes) -> list[Any]:
    return [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": text_of(image)}},
        {"type": "document", "source": {"type": "base64", "media_type": "audio/wav", "data": text_of(audio)}},
    ]


def gemini(image: bytes, audio: bytes) -> list[Any]:
    return [
        {"inline_data": {"mime_type": "image/png", "data": image}},
        {"inlineData": {"mimeType": "audio/wav", "data": text_of(audio)}},
    ]


@pytest.mark.parametrize("provider", [openai, anthropic, gemini])
def test_images_and_audio_leave_every_exit(tmp_path, provider):
    """References at every exit, the bytes at none; the content is beside the store."""
    screen, memory = io.StringIO(), sb.InMemoryExporter()
    address = f"sqlite:///{tmp_path}/traces.db"
    exporters = [sb.JsonLinesExporter(tmp_path / "spans.jsonl"), sb.ConsoleExporter(file=screen), memory]
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, *provider(PNG, WAV)]}]
    with sb.Observability(store=address, exporters=exporters) as observability:
        with observability.model_generation(model="m", input=messages) as generation:
            generation.event("retried", {"messages": messages})
            generation.set(output=provider(PNG, WAV), metadata={"messages": messages}, instructions=text_of(PNG))
        assert observability.flush()
        span = observability.store.get_span(generation.trace_id, generation.span_id)

        for data, media_type in ((PNG, "image/png"), (WAV, "audio/wav")):
            assert observability.store.get_media(digest(data)) == data
            for value in (span.input, span.output, span.metadata, span.events):
                assert json.dumps(reference(digest(data), media_type, len(data))) in json.dumps(value)
        assert span.attributes["instructions"] == reference(digest(PNG), "image/png", len(PNG))
        assert "what is it?" in json.dumps(span.input)
        assert memory.spans[0].input == span.input

    kept = files(tmp_path / "traces.db-media")
    assert kept == {
        f"{digest(PNG)[:2]}/{digest(PNG)}.png": PNG,
        f"{digest(WAV)[:2]}/{digest(WAV)}.wav": WAV,
    }
    exits = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    exits += screen.getvalue().encode() + memory.spans[0].document
    for data in (PNG, WAV):
        assert data[20:60] not in exits
        assert text_of(data)[32:72].encode() not in exits
    assert memory._records[0].media == ()


def test_files_are_private(tmp_path):
    """Whatever the umask: folders 0700, files 0600."""
    before = os.umask(0)
    try:
        with (
            sb.Observability(store=f"sqlite:///{tmp_path}/private/traces.db") as observability,
            observability.tool_call("t", input=PNG),
        ):
            pass
    finally:
        os.umask(before)

    folder = tmp_path / "private" / "traces.db-media"
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def _record(address: str, number: int) -> None:
    with sb.Observability(store=address) as observability, observability.tool_call(f"t{number}", input=[PNG, JPEG]):
        pass


def test_one_file_per_content(tmp_path):
    """Two spans and two processes that record the same content write it once."""
    address = f"sqlite:///{tmp_path}/traces.db"
    _record(address, 0)
    _record(address, 1)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_record, args=(address, number)) for number in (2, 3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    with sb.open_store(address) as store:
        spans = [store.get_trace(row.trace_id).root for row in store.list_traces()]
    assert [process.exitcode for process in processes] == [0, 0]
    assert {span.name for span in spans} == {"t0", "t1", "t2", "t3"}
    assert all(span.input[0] == reference(digest(PNG), "image/png", len(PNG)) for span in spans)
    assert sorted(files(tmp_path / "traces.db-media").values()) == sorted([PNG, JPEG])


def test_running_spans(tmp_path):
    """A span that is written as running has its media kept then; what comes later is kept at the end, and what was there stays."""
    with sb.Observability(store=f"sqlite:///{tmp_path}/traces.db") as observability:
        span = observability.start_span("tool_call", "t", input={"image": PNG})
        assert observability.flush()
        running = observability.store.get_span(span.trace_id, span.span_id)
        kept_running = observability.store.get_media(digest(PNG))
        for path in (tmp_path / "traces.db-media").rglob("*.png"):
            path.unlink()  # as if what was written as running had not arrived
        span.set(output=WAV)
        assert observability.flush()
        span.end()
        assert observability.flush()

        ended = observability.store.get_span(span.trace_id, span.span_id)
        assert (running.status, ended.status) == ("running", "ok")
        assert kept_running == PNG
        assert running.input == ended.input == {"image": reference(digest(PNG), "image/png", len(PNG))}
        assert ended.output == reference(digest(WAV), "audio/wav", len(WAV))
        assert observability.store.get_media(digest(PNG)) == PNG
        assert observability.store.get_media(digest(WAV)) == WAV


@pytest.mark.parametrize(
    ("settings", "omitted"),
    [({"store": False}, "store_off"), ({"media": False}, "disabled"), ({"media": False, "store": False}, "disabled")],
)
def test_content_that_is_not_kept(tmp_path, settings, omitted):
    """The reference says why, and nothing is written."""
    memory = sb.InMemoryExporter()
    address = f"sqlite:///{tmp_path}/traces.db"
    with sb.Observability(exporters=[memory], **{"store": address, **settings}) as observability:
        with observability.tool_call("t", input=[PNG, "kept", b"\xff" * 99]):
            pass
        observability.flush()

    expected = reference(digest(PNG), "image/png", len(PNG), omitted=omitted)
    assert memory.spans[0].input == [expected, "kept", {"bytes": 99}]
    assert memory._records[0].media == ()
    assert not (tmp_path / "traces.db-media").exists()


def test_too_large(tmp_path):
    """Of a content over the limit the reference is kept, of the others beside it the content."""
    large = png(pixels=64)
    with sb.Observability(store=f"sqlite:///{tmp_path}/traces.db", max_media_bytes=1024) as observability:
        with observability.tool_call("t", input=[large, PNG]) as span:
            pass
        observability.flush()
        value = observability.store.get_span(span.trace_id, span.span_id).input

        assert value[0] == reference(digest(large), "image/png", len(large), omitted="too_large")
        assert value[1] == reference(digest(PNG), "image/png", len(PNG))
        assert observability.store.get_media(digest(large)) is None
        assert observability.store.get_media(digest(PNG)) == PNG


def test_an_image_above_the_payload_limit_leaves_its_message(tmp_path):
    """A message with a 20 MB image keeps its text, and its smaller image."""
    with sb.Observability(store=f"sqlite:///{tmp_path}/traces.db") as observability:
        message = {"text": "what is it?", "images": [b"\x89PNG\r\n\x1a\n" + bytes(20_000_000), text_of(PNG)]}
        with observability.model_generation(model="m", input=[message]) as span:
            pass
        observability.flush()
        value = observability.store.get_span(span.trace_id, span.span_id).input

    assert value == [
        {
            "text": "what is it?",
            "images": [{"truncated": {"bytes": 20_000_008}}, reference(digest(PNG), "image/png", len(PNG))],
        }
    ]


def test_processors_see_the_payload_and_the_filter_does_not(tmp_path):
    """Media leave after the application's processors and before the redaction, which leaves references alone."""
    seen: list[Any] = []

    def look(record: sb.SpanRecord) -> sb.SpanRecord:
        seen.append(record.input["image"])
        record.metadata["copy"] = record.input["image"]
        return record

    with sb.Observability(store=f"sqlite:///{tmp_path}/traces.db", processors=[look]) as observability:
        with observability.tool_call("t", input={"image": text_of(PNG), "api_key": "sk-" + "a1B2" * 12}) as span:
            pass
        observability.flush()
        stored = observability.store.get_span(span.trace_id, span.span_id)

    assert seen == [text_of(PNG)]
    assert stored.input == {"image": reference(digest(PNG), "image/png", len(PNG)), "api_key": "[REDACTED]"}
    assert stored.metadata["copy"] == stored.input["image"]


def test_withheld_content_is_not_kept(tmp_path, contained_places):
    """Where the filter fails, the media of the span are withheld with all else."""

    class Broken:
        name = "broken"

        def process(self, record: sb.SpanRecord) -> sb.SpanRecord:
            raise RuntimeError

        def prescan(self, records: list[sb.SpanRecord]) -> list[sb.SpanRecord]:
            """Leaves all to `process`."""
            return records

    address = f"sqlite:///{tmp_path}/traces.db"
    with (
        sb.Observability(store=address, sensitive_data=Broken()) as observability,
        observability.tool_call("t", input=PNG),
    ):
        pass

    assert files(tmp_path / "traces.db-media") == {}
    assert contained_places() == {"processor broken"}


def test_a_folder_that_cannot_be_written_stops_no_span(tmp_path, caplog):
    """The row is stored; each content is counted, the reason told once, with the path."""
    (tmp_path / "traces.db-media").write_text("in the way")
    with sb.Observability(store=f"sqlite:///{tmp_path}/traces.db") as observability:
        for number in range(3):
            with observability.tool_call("t", input=[png(number), WAV]) as span:
                pass
            assert observability.flush()

        assert observability.store.get_span(span.trace_id, span.span_id).input[1]["media"]["sha256"] == digest(WAV)
        assert observability.stats()["spans"]["stored"] == 3
        assert observability.stats()["ignored"] == {"media_not_kept": 6}
        assert observability.store.get_media(digest(WAV)) is None
    told = [record for record in caplog.records if "media" in record.message and record.levelname == "WARNING"]
    assert len(told) == 1
    assert f"cannot keep media in {tmp_path}/traces.db-media" in told[0].message


FULL_DISK = """
import resource, sys
import spanbridge as sb
from media.samples import png

with sb.Observability(store=sys.argv[1]) as observability:
    with observability.tool_call("before"):
        pass
    observability.flush()
    # No file may grow beyond 2 MB: as a disk that is full for a large one.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    with observability.tool_call("during", input=[png(pixels=1000), png()]):
        pass
    print(observability.flush(), observability.stats()["ignored"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of file sizes")
def test_a_full_disk(tmp_path):
    """What does not fit is not kept, not even a part of it; the span and the smaller content are."""
    address = f"sqlite:///{tmp_path}/traces.db"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, address], capture_output=True, text=True, env=environment, timeout=60
    )

    with sb.open_store(address) as store:
        span = next(store.get_trace(row.trace_id).root for row in store.list_traces() if row.name == "during")
    assert result.stdout == "True {'media_not_kept': 1}\n", result.stderr
    assert [item["media"]["bytes"] for item in span.input] == [len(png(pixels=1000)), len(PNG)]
    assert list(files(tmp_path / "traces.db-media").values()) == [PNG]


class Remembering:
    """A store of an application, with media of its own."""

    def __init__(self, media: Any) -> None:
        self.media = media
        self.written: list[Any] = []

    def write(self, batch: Any) -> None:
        self.written += batch

    def close(self) -> None:
        """Nothing is open."""


class RememberingMedia:
    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.kept: dict[str, bytes] = {}

    def put(self, sha256: str, extension: str, data: bytes) -> None:
        if self.errors:
            raise self.errors.pop()
        self.kept[f"{sha256}.{extension}"] = data


def test_stores_of_others(contained_places):
    """A store with a `media` part gets the contents, whatever it raises; one without gets references that say so."""
    media = RememberingMedia(RuntimeError("no"))
    for store in (Remembering(media), Remembering(None)):
        with sb.Observability(store=store) as observability:
            with observability.tool_call("t", input=[JPEG, PNG]):
                pass
            observability.flush()
        omitted = None if store.media else "store_off"
        assert store.written[0].input == [
            reference(digest(JPEG), "image/jpeg", len(JPEG), omitted=omitted),
            reference(digest(PNG), "image/png", len(PNG), omitted=omitted),
        ]

    assert media.kept == {f"{digest(PNG)}.png": PNG}
    assert contained_places() == {"keeping media"}


@pytest.mark.parametrize(("keeps_media", "rejected"), [(True, {"queue_overflow": 2}), (False, {})])
def test_media_count_in_the_queue(keeps_media, rejected):
    """Contents that wait for the store take room in its queue, so that memory is bounded; other exits hold none."""
    exporter = ScriptedExporter()
    exporter.keeps_media = keeps_media
    runner = Runner(exporter, "exit", max_bytes=2 * MIB)

    for number in range(4):
        record = SpanRecord("1" * 32, f"{number}" * 16, SpanType.GENERIC, 1, {"name": f"s{number}"})
        record.media = (MediaContent(digest(PNG), "png", bytes(MIB - 2000)),)
        record.encode_document()
        runner.offer([record])

    assert runner.account.rejected == rejected
    assert runner.shutdown(time.monotonic() + 5)
    assert exporter.delivered == (["s0", "s1"] if keeps_media else ["s0", "s1", "s2", "s3"])


def test_a_backlog_of_images(tmp_path):
    """Many spans that wait together: each has its references, the content is there once."""
    with sb.Observability(store=f"sqlite:///{tmp_path}/traces.db") as observability:
        with observability.agent_run("agent") as run:
            for number in range(600):
                with observability.tool_call("t", input=[number, JPEG, text_of(PNG)]):
                    pass
        assert observability.flush(timeout=30)
        spans = observability.store.get_trace(run.trace_id).spans[1:]

        expected = [reference(digest(JPEG), "image/jpeg", len(JPEG)), reference(digest(PNG), "image/png", len(PNG))]
        assert [span.input for span in spans] == [[number, *expected] for number in range(600)]
    assert len(files(tmp_path / "traces.db-media")) == 2
