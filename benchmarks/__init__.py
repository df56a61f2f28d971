"""What tracing costs, in one run beside the OpenTelemetry SDK: `uv run python -m benchmarks [NAME ...] [--rounds N] [--quick]`.

    __main__.py      subjects and rounds in, the table out
    subject.py       a subject, its variants as data, and how rounds of figures become rows
    measure.py       one measurement: one variant of one subject in a process of its own
    workload.py      what is traced: agent turns of 8 spans
    peers.py         who traces it: nothing, the OpenTelemetry SDK, spanbridge in its variants
    sink.py          a collector on 127.0.0.1 that takes everything

and one file per subject: cpu.py, latency.py, paced.py, imports.py, memory.py, throughput.py, switched_off.py.
"""
