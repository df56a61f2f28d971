"""Token counts as providers report them, read into `Usage`: one table.

Sources: the API references of OpenAI (chat completions `usage`, responses `usage`), Anthropic (messages `usage`), Google Gemini
(`usageMetadata`), Amazon Bedrock (converse `TokenUsage`; the bodies of Llama and Titan), Ollama (chat), Cohere (chat and embed), DeepSeek,
xAI, and those of LangChain (`UsageMetadata`), LiteLLM, Pydantic AI and the AI SDK.
"""

# Reports of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

from spanbridge.model.usage import Usage

# Where each count may stand; the first that is there counts.
_INPUT_IN_ALL = ("prompt_tokens", "promptTokens")
_INPUT = (
    *_INPUT_IN_ALL,
    "input_tokens",
    "prompt_token_count",
    "promptTokenCount",
    "inputTokens",
    "inputTokens.total",
    "inputTextTokenCount",
    "prompt_eval_count",
    "tokens.input_tokens",
    "billed_units.input_tokens",
)
_OUTPUT = (
    "completion_tokens",
    "completionTokens",
    "output_tokens",
    "candidates_token_count",
    "candidatesTokenCount",
    "outputTokens",
    "outputTokens.total",
    "generation_token_count",
    "totalOutputTextTokenCount",
    "eval_count",
    "tokens.output_tokens",
    "billed_units.output_tokens",
)
_CACHE_READ_INSIDE = (
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "input_token_details.cache_read",
    "input_token_details.cached_tokens",
    "inputTokenDetails.cacheReadTokens",
    "inputTokens.cacheRead",
    "cached_content_token_count",
    "cachedContentTokenCount",
    "cachedInputTokens",
    "cache_read_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
)
_CACHE_WRITE_INSIDE = (
    "prompt_tokens_details.cache_write_tokens",
    "input_tokens_details.cache_write_tokens",
    "input_token_details.cache_creation",
    "inputTokenDetails.cacheWriteTokens",
    "inputTokens.cacheWrite",
    "cache_write_tokens",
)
# Anthropic and Bedrock count cached tokens beside the input, not in it; who repeats their words beside OpenAI's, as LiteLLM, in it.
_CACHE_READ_BESIDE = ("cache_read_input_tokens", "cacheReadInputTokens")
_CACHE_WRITE_BESIDE = ("cache_creation_input_tokens", "cacheWriteInputTokens")
_CACHE_WRITE_5M = ("cache_creation.ephemeral_5m_input_tokens",)
_CACHE_WRITE_1H = ("cache_creation.ephemeral_1h_input_tokens",)
_INPUT_AUDIO = (
    "prompt_tokens_details.audio_tokens",
    "input_token_details.audio",
    "input_token_details.audio_tokens",
    "input_audio_tokens",
)
_OUTPUT_AUDIO = (
    "completion_tokens_details.audio_tokens",
    "output_token_details.audio",
    "output_token_details.audio_tokens",
    "output_audio_tokens",
)
_REASONING_INSIDE = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "output_token_details.reasoning",
    "outputTokenDetails.reasoningTokens",
    "outputTokens.reasoning",
    "reasoningTokens",
    "details.reasoning_tokens",
)
_TOTAL = ("total_tokens", "totalTokens")
# Gemini counts thoughts beside the candidates, and what tools put into the prompt beside the prompt.
_REASONING_BESIDE = ("thoughts_token_count", "thoughtsTokenCount")
_INPUT_BESIDE = ("tool_use_prompt_token_count", "toolUsePromptTokenCount")


def read_usage(*reports: Any) -> Usage | None:
    """The usage that `reports` (mappings or objects, later ones complete and correct earlier ones) state; None where they state none."""
    reports = tuple(report for report in reports if report is not None)

    def count(paths: tuple[str, ...]) -> int | None:
        for report in reversed(reports):
            for path in paths:
                value = _at(report, path)
                if type(value) is float and value.is_integer():  # Cohere's client
                    value = int(value)
                if type(value) is int and value >= 0:
                    return value
        return None

    if len(reports) == 1 and isinstance(reports[0], Usage):
        return reports[0]
    read, written = count(_CACHE_READ_BESIDE), count(_CACHE_WRITE_BESIDE)
    thoughts, reasoning = count(_REASONING_BESIDE), count(_REASONING_INSIDE)
    cached = () if count(_INPUT_IN_ALL) is not None else (read, written)
    input_tokens = _sum(count(_INPUT), *cached, count(_INPUT_BESIDE))
    output_tokens = _sum(count(_OUTPUT), thoughts)
    if reasoning and count(_TOTAL) == _sum(
        input_tokens, output_tokens, reasoning
    ):  # xAI counts it beside, and only the total tells
        output_tokens = _sum(output_tokens, reasoning)
    if input_tokens is None and output_tokens is None:
        return None
    input_details = {
        "cache_read": _first(read, count(_CACHE_READ_INSIDE)),
        "cache_write": _first(written, count(_CACHE_WRITE_INSIDE)),
        "cache_write_5m": count(_CACHE_WRITE_5M),
        "cache_write_1h": count(_CACHE_WRITE_1H),
        "audio": count(_INPUT_AUDIO),
    }
    output_details = {"reasoning": _first(thoughts, reasoning), "audio": count(_OUTPUT_AUDIO)}
    return Usage(
        input_tokens,
        output_tokens,
        {name: value for name, value in input_details.items() if value} or None,  # pyright: ignore[reportArgumentType] - built by its keys
        {name: value for name, value in output_details.items() if value} or None,  # pyright: ignore[reportArgumentType]
    )


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        if value is None:
            return None
    return value


def _sum(*counts: int | None) -> int | None:
    given = [count for count in counts if count is not None]
    return sum(given) if given else None


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)
