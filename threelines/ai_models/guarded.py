"""A model with the guard in front: the same evaluation, with and without.

inspect eval threelines/misuse --model guarded/x -M inner=openai/gpt-4o
"""

from __future__ import annotations

from secrets import token_hex

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, get_model, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from threelines.ai_models.guard import Decision, Event, Guard
from threelines.ai_models.said import standing
from threelines.ai_models.scripted import ScriptError, with_usage
from threelines.ai_models.sessions import Memory


@modelapi(name="guarded")
class Guarded(ModelAPI):
    """Judges every message of the conversation so far; a blocked request never reaches the inner model."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        inner: str = "",
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        if not inner:
            raise ScriptError(f"guarded/{model_name}: no inner model; add -M inner=PROVIDER/MODEL")
        self._inner = get_model(inner)
        self._guard = Guard(state=Memory(most=1_000))

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 (the name is Inspect's)
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Refuse, add help, or pass on."""
        decision = judge(self._guard, input)
        asked = input[-1].text
        told = {"threelines": decision.action, "concern": decision.concern, "guard": decision.policy_version}
        if decision.action == "block":
            output = ModelOutput.from_content(self.model_name, decision.message, "content_filter")
            output.metadata = told
            return with_usage(output, asked)
        # the system's message stands in the input already; from the configuration it would be put there again
        bare = config.model_copy(update={"system_message": None})
        output = await self._inner.generate(input, tools=tools, tool_choice=tool_choice, config=bare)
        if decision.message:
            output.completion = f"{output.completion}\n\n{decision.message}"
        output.metadata = {**(output.metadata or {}), **told}
        return output if output.usage else with_usage(output, asked)


def judge(guard: Guard, messages: list[ChatMessage]) -> Decision:
    """Judge a conversation as one session of its own: all that stands before the model, the newest message last."""
    session = token_hex(8)
    asked = [message.text for message in messages if message.role == "user"] or [""]
    decisions = [guard.observe(Event(session=session, text=text, time=0.0)) for text in asked]
    stands = {*standing((message.role, (message.text,)) for message in messages).asked, asked[-1]}
    blocked = (one for one, text in zip(decisions, asked, strict=True) if one.action == "block" and text in stands)
    return next(blocked, decisions[-1])
