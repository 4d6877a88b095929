"""Apply the rules of a request to its answer, and count their hits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from mock_heidi.base.error_table import BY_NAME, reason_phrase, render
from mock_heidi.base.errors import ExpiredTokenError, InvalidTokenError
from mock_heidi.base.json_text import to_json
from mock_heidi.base.slices import Work
from mock_heidi.faults.active_faults import ActiveFault
from mock_heidi.faults.delivery import Delivery, Ending, of_body
from mock_heidi.faults.effects import ANSWERS
from mock_heidi.faults.effects.plan import Chosen, acting, choose, plan, sent_otherwise
from mock_heidi.faults.fields import RetryAfter
from mock_heidi.faults.rule import TEXT_FAULTS
from mock_heidi.state.clock import http_date
from mock_heidi.web.player import Player
from mock_heidi.web.request import Request
from mock_heidi.web.response import SANDBOX, Answer, is_inert

_ENDINGS = {"stall": Ending.STALL, "rst": Ending.RESET, "close": Ending.CLOSE}
UNDOCUMENTED = "injected, not documented"


class Shaping:
    """One answer and the rules that shape it."""

    def __init__(self, request: Request, rules: Sequence[ActiveFault]) -> None:
        self.request = request
        self.rules = rules
        self._answering = next((rule for rule in rules if rule.fault.given(ANSWERS)), None)
        chance = request.namespace.ids.chance
        self._chosen = [choose(rule, rule.fault.effects, chance) for rule in rules]
        self._always = set[ActiveFault]()
        """The rules that are hit without a comparison of answers."""
        self.worked = False
        """True once the operation was carried out although a rule gives the answer."""
        self._plain = self._made = Delivery(None)
        """The answer without the effects of the rules, and with them."""
        self._acting: list[Chosen[ActiveFault]] = []
        self._provenance = "injected"
        request.text_faults = tuple(name for name in TEXT_FAULTS if any(name in one.effects for one in self._chosen))

    # Before the work.

    def draw_delay(self) -> float | None:
        """Seconds to wait before the work, or None without a delay. Counts the rules that delay as hit."""
        delayed = [one for one in self._chosen if "delay" in one.effects]
        self._always.update(one.rule for one in delayed)
        return sum(one.effects["delay"][0] for one in delayed) if delayed else None

    @property
    def works(self) -> bool:
        """True if the operation is carried out, even if its answer is lost."""
        return self._answering is None or bool(self._answering.fault.carried_out)

    # The answer.

    def instead(self) -> Delivery | None:
        """The answer that replaces the operation's answer, or None."""
        if self._answering is None:
            return None
        fault = self._answering.fault
        for effect, ending in _ENDINGS.items():
            if fault.given([effect]):
                return Delivery(None, ending=ending)
        if fault.error or fault.ends_token:
            dead = ExpiredTokenError if fault.expire_token else InvalidTokenError
            error, provenance = BY_NAME[fault.error or dead.__name__]
            self._provenance = f"injected, {provenance}"
            if isinstance(error.status, str):
                self.request.meet(error.status)
            return self._refuse(*render(error, self.request.assumptions))
        self._provenance = UNDOCUMENTED
        code = int(fault.status or HTTPStatus.TOO_MANY_REQUESTS)
        detail = reason_phrase(code) if fault.detail is None else fault.detail
        return self._refuse(code, to_json({"detail": detail}), self._retry(self._answering))

    def _retry(self, rule: ActiveFault) -> dict[str, str]:
        """The ``Retry-After`` header, if the rule has one. The vendor documents no rate limit."""
        now, wait = self.request.namespace.clock.now(), rule.fault.retry_after
        if rule.fault.quota is not None:
            wait = RetryAfter(math.ceil(rule.frees_in(rule.fault.quota, now)))
        if wait is None:
            return {}
        until = now + round(wait.seconds * 1000)
        if wait.dated:
            until -= until % 1000  # a date has whole seconds
        self.request.journaled().retry_at = until
        return {"retry-after": http_date(until) if wait.dated else str(math.ceil(wait.seconds))}

    def _refuse(self, status: int, body: bytes, headers: Mapping[str, str]) -> Delivery:
        answer = Answer(body, status, headers)
        return of_body(status, answer.raw_headers, body)

    def shaping(self, answer: Delivery) -> Work[Delivery]:
        """The answer with the effects of the rules. A header names the rules that act."""
        # The first rule with each effect. Only this rule is hit if the effect changed the text.
        first = {name: one.rule for one in reversed(self._chosen) for name in one.effects}
        self._always.update(first[name] for name in self.request.distorted)
        self._plain = answer
        self._made, self._acting = yield from acting(answer, self._chosen)
        named = {one.rule for one in self._acting} | self._always | {self._answering}
        ids = ", ".join(rule.id for rule in self.rules if rule in named)
        if not ids:
            return self._made
        self.request.provenance = self._provenance
        made = self._made.with_header(b"x-mock-fault", ids.encode())
        return made if is_inert(made.headers) else made.with_header(*SANDBOX)

    # After the answer.

    def settle(self, player: Player) -> None:
        """Take back the hits of rules that changed nothing in the sent answer, and journal the other rules."""
        hit = {one.rule for one in self._acting if player.ended or self._changed_sent(one, player)} | self._always
        if self._answering is not None and (self.worked or player.ended or player.entry.status is not None):
            hit.add(self._answering)
        for rule in self.rules:
            if rule not in hit:
                rule.hits -= 1
        entry = player.entry
        entry.fault = tuple(rule.id for rule in self.rules if rule in hit)
        if hit:
            entry.provenance = self._provenance

    def _changed_sent(self, one: Chosen[ActiveFault], player: Player) -> bool:
        """True if this rule changed the part of an interrupted answer that was sent."""
        begun = player.entry.status is not None
        if one.pauses:
            # Judge by the pauses: a new plan without each of many rules would take longer than the answer.
            return "slow_first_byte" in one.effects or (begun and ("delay_body" in one.effects or player.parts > 0))
        if not begun:
            return False
        other = plan(self._plain, [kept for kept in self._acting if kept is not one])
        return sent_otherwise(self._made, other, player.parts)
