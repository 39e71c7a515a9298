"""The asynchronous client of OpenAI-compatible `/v1/completions` servers: our own vLLM child and external endpoints.

One event loop in one thread per client; any number of threads may iterate over `sample` at once and share its limit of
completions in progress. A per-request `seed` is never sent (it kills vLLM's CPU engine).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import queue
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tasks.domain.errors import EngineDied, UserError, one_sentence
from tasks.domain.schema import Completion, Sampling
from tasks.engines.sampling.engine import Drawn, DrawRequest, OnProgress
from tasks.engines.special_tokens import UNKNOWN, SpecialTokens

if TYPE_CHECKING:  # imported where requests are sent: commands that only read do not wait for it
    import httpx

RETRY_DELAY_S, RETRY_DELAY_MAX_S = 0.5, 30.0
CONNECT_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 4.0  # uvicorn closes idle connections after 5 s; a request sent at that moment would be lost
MODEL_GONE = (401, 403, 404)


class CompletionLimit:
    """Allows at most `limit` completions in progress, first come, first served. It belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit, self._free = limit, limit
        self._waiting: collections.deque[tuple[int, asyncio.Future[None]]] = collections.deque()

    @contextlib.asynccontextmanager
    async def __call__(self, completions: int) -> Any:
        share = min(completions, self._limit)
        await self._acquire(share)
        try:
            yield
        finally:
            self._free += share
            self._wake()

    async def _acquire(self, share: int) -> None:
        if not self._waiting and share <= self._free:
            self._free -= share
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((share, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._free += share
            self._waiting = collections.deque(item for item in self._waiting if item[1] is not place)
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            share, place = self._waiting.popleft()
            if not place.done():
                self._free -= share
                place.set_result(None)


@dataclass(frozen=True)
class Endpoints:
    """Servers, model and patience of the client: it tries `retries` more times after a lost connection, a 429 or a 5xx."""

    urls: tuple[str, ...]  # base URLs that end in /v1
    model: str
    timeout_s: float = 600.0
    retries: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    through_proxies: bool = False  # as the environment says; never between us and our own child


class CompletionsClient:
    """Draws completions from `endpoints`, `in_flight` at a time. Close it to end its thread and connections."""

    def __init__(self, endpoints: Endpoints, in_flight: int, special: SpecialTokens = UNKNOWN) -> None:
        import httpx

        self._endpoints, self._turns, self._special = endpoints, itertools.cycle(endpoints.urls), special
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="completions-client", daemon=True)
        self._thread.start()
        self._limit = CompletionLimit(in_flight)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(endpoints.timeout_s, connect=CONNECT_TIMEOUT_S, pool=None),
            limits=httpx.Limits(
                max_connections=in_flight, max_keepalive_connections=in_flight, keepalive_expiry=KEEP_ALIVE_S
            ),
            headers=dict(endpoints.headers),
            trust_env=endpoints.through_proxies,
        )

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        """Sample as `Engine.sample` says."""
        finished: queue.SimpleQueue[Drawn | BaseException] = queue.SimpleQueue()
        wanted = list(requests)
        work = self._submit(self._draw_all(wanted, sampling, finished))
        try:
            for _ in wanted:
                item = self._next(finished)
                if on_progress is not None:
                    on_progress(len(item[1]), sum(one.completion_tokens for one in item[1]))
                yield item
        finally:
            work.cancel()

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """Return the log-probability, in nats, of each token but the first of this prompt under the served policy."""
        body = {
            "model": self._endpoints.model, "prompt": list(token_ids), "max_tokens": 1, "temperature": 0,
            "prompt_logprobs": 0, "add_special_tokens": False,
        }  # fmt: skip
        choice = self.call("POST", "/completions", body)["choices"][0]
        entries = choice["prompt_logprobs"][1:]
        return [entry[str(token)]["logprob"] for token, entry in zip(token_ids[1:], entries, strict=True)]

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
        as_json: bool = True,
    ) -> Any:
        """One request beside the sampling, answered as JSON (None: empty body, or one that is not wanted `as_json`). `path` is below the base URL, or
        from the server's root when it begins with `//`. Raises EngineDied for anything but a success."""
        return self._submit(self._call(method, path, body, timeout_s, as_json)).result()

    def ask_for(self, model: str) -> None:
        """Ask for the model of this name from now on; nothing may be in flight."""
        self._endpoints = replace(self._endpoints, model=model)

    def close(self) -> None:
        """End the thread; what is in flight fails with EngineDied."""
        if self._loop.is_closed():
            return
        with contextlib.suppress(EngineDied, asyncio.CancelledError):
            self._submit(self._shut_down()).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _next(self, finished: queue.SimpleQueue[Drawn | BaseException]) -> Drawn:
        while True:
            try:
                item = finished.get(timeout=5)
            except queue.Empty:
                if not self._thread.is_alive():
                    raise EngineDied("the engine was closed while it was sampling") from None
            else:
                if isinstance(item, BaseException):
                    raise item
                return item

    def _submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:
            work.close()
            raise EngineDied("the engine was closed while it was in use") from error

    async def _shut_down(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._http.aclose()

    async def _draw_all(
        self, requests: list[DrawRequest], sampling: Sampling, finished: queue.SimpleQueue[Drawn | BaseException]
    ) -> None:
        async def draw(request: DrawRequest) -> None:
            finished.put((request, await self._draw(request, sampling)))

        try:
            async with asyncio.TaskGroup() as group:
                for request in requests:
                    group.create_task(draw(request))
        except BaseExceptionGroup as errors:
            finished.put(_weightiest(errors))
        except asyncio.CancelledError:
            finished.put(EngineDied("the engine was closed while it was sampling"))
            raise

    async def _draw(self, request: DrawRequest, sampling: Sampling) -> tuple[Completion, ...]:
        count = len(request.indices)
        asked = 1 if sampling.temperature == 0 else count  # vLLM refuses n > 1 when greedy: they would all be the same
        async with self._limit(asked):
            body = _body(self._endpoints.model, request, asked, sampling, self._special)
            answer = await self._post(body, request)
        choices = sorted(answer["choices"], key=lambda choice: choice["index"])
        if len(choices) != asked:
            raise EngineDied(
                f"the server answered {len(choices)} completions for {asked}: problem {request.problem_id}"
            )
        _check_not_cut(request, choices, answer["usage"], sampling.max_tokens)
        stops = self._special.stops(sampling.stop)
        return tuple(_completions(choices, answer["usage"], stops)) * (count // asked)

    async def _post(self, body: Mapping[str, Any], request: DrawRequest) -> Any:
        import httpx

        fault = ""
        for attempt in range(self._endpoints.retries + 1):
            if attempt:
                await asyncio.sleep(min(RETRY_DELAY_S * 2 ** (attempt - 1), RETRY_DELAY_MAX_S))
            url = next(self._turns)
            try:
                response = await self._http.post(f"{url}/completions", json=body)
            except httpx.ReadTimeout as error:
                late = f"{url} gave no answer within engine.request_timeout_s = {self._endpoints.timeout_s:g} s"
                raise EngineDied(f"{late} (problem {request.problem_id})") from error
            except httpx.TransportError as error:
                fault = f"{url} does not answer ({type(error).__name__})"
                continue
            if response.is_success:
                return response.json()
            _refuse(response, request, body)
            fault = f"{url} answers {response.status_code}: {_message(response)}"
        raise EngineDied(fault)

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float | None, as_json: bool
    ) -> Any:
        import httpx

        base = self._endpoints.urls[0]
        url = base.removesuffix("/v1") + path[1:] if path.startswith("//") else base + path
        timeout = self._endpoints.timeout_s if timeout_s is None else timeout_s
        try:
            response = await self._http.request(method, url, json=body, timeout=timeout)
            response.raise_for_status()
            return response.json() if response.content and as_json else None
        except httpx.HTTPStatusError as error:
            message = f"{url} answers {error.response.status_code}: {_message(error.response)}"
            raise EngineDied(message) from error
        except (httpx.TransportError, ValueError) as error:
            raise EngineDied(f"{url} does not answer ({type(error).__name__})") from error


def _body(model: str, request: DrawRequest, count: int, sampling: Sampling, special: SpecialTokens) -> dict[str, Any]:
    """Return the request body, which states every field that a generation_config could fill in, so that `sampling` alone decides."""
    greedy = sampling.temperature == 0
    stops = special.stops(sampling.stop)
    more: dict[str, Any] = {"stop_token_ids": sorted(stops)} if stops else {}
    more |= {"skip_special_tokens": False} if special.has_marks else {}
    more |= {"add_special_tokens": False} if request.complete else {}
    return more | {
        "model": model, "prompt": request.prompt, "n": count, "max_tokens": sampling.max_tokens, "stop": list(sampling.stop),
        "temperature": sampling.temperature, "top_k": 0 if greedy else sampling.top_k,
        "top_p": 1.0 if greedy else sampling.top_p, "min_p": 0.0, "repetition_penalty": 1.0,
        "presence_penalty": 0.0, "frequency_penalty": 0.0, "return_token_ids": True,
    }  # fmt: skip


def _check_not_cut(
    request: DrawRequest, choices: list[dict[str, Any]], usage: Mapping[str, Any], max_tokens: int
) -> None:
    """Refuse a completion that the server cut by its context: it silently shortens `max_tokens`, and that is no draw of this sampling."""
    for choice in choices:
        ids = choice.get("token_ids")
        if choice.get("finish_reason") == "length" and ids is not None and len(ids) < max_tokens:
            raise UserError(
                f"problem {request.problem_id}: its prompt has {usage['prompt_tokens']} tokens, and the server's context "
                f"ended its completion after {len(ids)} instead of max_tokens = {max_tokens}; lower max_tokens, shorten the "
                "prompt (model.shots), or raise engine.max_model_len if the model allows it"
            )


def _completions(
    choices: list[dict[str, Any]], usage: Mapping[str, Any], stops: Mapping[int, str]
) -> Iterator[Completion]:
    """Token counts are exact when the server returns token ids; else its total is shared out evenly."""
    total, count = int(usage["completion_tokens"]), len(choices)
    for number, choice in enumerate(choices):
        ids, reason = choice.get("token_ids"), choice.get("stop_reason")
        yield Completion(
            text=choice["text"],
            finish_reason=choice.get("finish_reason") or "abort",
            stop_reason=None if reason is None else stops.get(reason, str(reason)),
            prompt_tokens=int(usage["prompt_tokens"]),
            completion_tokens=len(ids) if ids is not None else total * (number + 1) // count - total * number // count,
            token_ids=None if ids is None else tuple(ids),
        )


def _refuse(response: httpx.Response, request: DrawRequest, body: Mapping[str, Any]) -> None:
    """UserError for an answer that another try would not change."""
    if response.status_code in MODEL_GONE:
        raise UserError(
            f"{response.request.url} refuses model {body['model']!r} ({response.status_code}: {_message(response)}); "
            "set engine.model to a name listed under /v1/models, or the key in OPENAI_API_KEY"
        )
    if 400 <= response.status_code < 500 and response.status_code not in (408, 409, 425, 429):
        raise UserError(
            f"problem {request.problem_id}: the server refuses its prompt of {len(request.prompt)} characters with "
            f"max_tokens {body['max_tokens']}: {_message(response)}; shorten the prompt (model.shots), lower max_tokens, "
            "or raise engine.max_model_len if the model allows it"
        )


def _message(response: httpx.Response) -> str:
    try:
        content = response.json()
        return one_sentence(content.get("error", content).get("message", content))
    except (ValueError, AttributeError):
        return one_sentence(response.text)


def _weightiest(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that says most: a mistake of the user's before deaths of the engine."""
    flat = list(_leaves(errors))
    return next((error for error in flat if isinstance(error, UserError)), flat[0])


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        yield from _leaves(error) if isinstance(error, BaseExceptionGroup) else (error,)
